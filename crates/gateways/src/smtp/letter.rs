//! A message in its form on the wire (RFC 5322, RFC 2045), with a text and an HTML part.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};

/// Who messages come from: `Piekarnia <news@piekarnia.example>`.
#[derive(Clone, PartialEq, Eq)]
pub struct Sender(Mailbox);

impl Sender {
    pub(super) fn address(&self) -> &Address {
        &self.0.email
    }

    /// The domain of the address, in which Message-IDs are made.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.email.domain()
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sender(at {})", self.domain())
    }
}

impl FromStr for Sender {
    type Err = Unfit;

    fn from_str(text: &str) -> Result<Self, Unfit> {
        one_line(text)?;
        let mailbox: Mailbox = text.trim().parse().map_err(|_unsaid| Unfit::Address)?;
        if !mailbox.email.to_string().is_ascii() {
            return Err(Unfit::Address);
        }
        Ok(Self(mailbox))
    }
}

/// Something that cannot be part of a message; never repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// CR, LF or NUL in a header: what follows would be a header, or a recipient, of somebody else's making.
    #[error("a header holds a line end or NUL")]
    LineEnd,
    /// No address, or one that needs SMTPUTF8 (RFC 6531), which many servers do not speak.
    #[error("an address is none that every mail server takes")]
    Address,
    /// A header's name or the whole cannot be written.
    #[error("the message cannot be written")]
    Form,
}

/// A message to one person.
#[derive(Clone, Debug)]
pub struct Letter<'a> {
    /// Who it comes from.
    pub from: &'a Sender,
    /// Who gets it: an address in ASCII.
    pub to: &'a str,
    /// Its subject.
    pub subject: &'a str,
    /// `<…@…>`, the same for every attempt to hand it over.
    pub message_id: &'a str,
    /// When it was written.
    pub date: SystemTime,
    /// The text part.
    pub text: &'a str,
    /// The HTML part.
    pub html: &'a str,
    /// More headers: `List-Unsubscribe`.
    pub headers: &'a [(&'a str, &'a str)],
}

impl Letter<'_> {
    /// The message as it goes over the wire, in ASCII.
    ///
    /// # Errors
    /// [`Unfit`].
    pub fn content(&self) -> Result<Vec<u8>, Unfit> {
        for value in [self.subject, self.message_id, self.to] {
            one_line(value)?;
        }
        if !self.to.is_ascii() {
            return Err(Unfit::Address);
        }
        let to = self.to.parse().map_err(|_unsaid| Unfit::Address)?;
        let mut builder = Message::builder()
            .from(self.from.0.clone())
            .to(Mailbox::new(None, to))
            .subject(self.subject)
            .message_id(Some(self.message_id.to_owned()))
            .date(self.date);
        for (name, value) in self.headers {
            one_line(value)?;
            let name =
                HeaderName::new_from_ascii((*name).to_owned()).map_err(|_unsaid| Unfit::Form)?;
            builder = builder.raw_header(HeaderValue::new(name, (*value).to_owned()));
        }
        let parts = MultiPart::alternative_plain_html(self.text.to_owned(), self.html.to_owned());
        let message = builder.multipart(parts).map_err(|_unsaid| Unfit::Form)?;
        Ok(message.formatted())
    }
}

/// Refuses what would end a header's line.
fn one_line(value: &str) -> Result<(), Unfit> {
    if value.contains(['\r', '\n', '\0']) { Err(Unfit::LineEnd) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender() -> Sender {
        "Piekarnia Łąkowa <news@piekarnia.example>".parse().unwrap()
    }

    fn letter<'a>(from: &'a Sender, subject: &'a str, to: &'a str) -> Letter<'a> {
        Letter {
            from,
            to,
            subject,
            message_id: "<1.1@piekarnia.example>",
            date: SystemTime::UNIX_EPOCH,
            text: "Dzień dobry\n.\n",
            html: "<p>Dzień dobry</p>",
            headers: &[("Auto-Submitted", "auto-generated")],
        }
    }

    #[test]
    fn a_letter_is_ascii_and_has_its_headers() {
        let sender = sender();
        let content = letter(&sender, "Zażółć gęślą jaźń", "jana@x.cz").content().unwrap();
        assert!(content.is_ascii());
        let text = String::from_utf8(content).unwrap();
        for line in [
            "To: jana@x.cz\r\n",
            "Message-ID: <1.1@piekarnia.example>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n",
            "multipart/alternative",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }

    /// Ground rules, "Security": CR, LF and NUL in headers are refused.
    #[test]
    fn nothing_can_be_smuggled_into_the_headers() {
        let sender = sender();
        for bad in ["a\r\nBcc: b@x.cz", "a\nb", "a\rb", "a\0b"] {
            assert_eq!(letter(&sender, bad, "jana@x.cz").content(), Err(Unfit::LineEnd));
            assert_eq!(letter(&sender, "a", bad).content(), Err(Unfit::LineEnd));
            let mut with = letter(&sender, "a", "jana@x.cz");
            let headers = [("List-Unsubscribe", bad)];
            with.headers = &headers;
            assert_eq!(with.content(), Err(Unfit::LineEnd));
            assert_eq!(format!("{bad} <a@x.cz>").parse::<Sender>(), Err(Unfit::LineEnd));
        }
        assert_eq!(letter(&sender, "a", "nonsense").content(), Err(Unfit::Address));
        assert_eq!(letter(&sender, "a", "čeněk@x.cz").content(), Err(Unfit::Address));
        assert_eq!("nobody".parse::<Sender>(), Err(Unfit::Address));
    }
}
