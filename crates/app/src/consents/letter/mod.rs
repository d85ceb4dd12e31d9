//! The message that asks for a consent.
//!
//! It says nothing that somebody else may have written about the contact, its name neither: whoever can make contacts
//! could have Kartoteka carry words to strangers.

use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use serde::Serialize;

use kartoteka_domain::consents::words::{Tongue, Words, fill};

use crate::templates::{TemplateError, Templates};

/// Characters of the sender's name in a subject.
const SENDER_CHARS: usize = 80;

/// What the message says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    /// In which language.
    pub tongue: Tongue,
    /// Who asks: the workspace.
    pub sender: &'a str,
    /// What people see of the purpose.
    pub title: &'a str,
    /// The wording.
    pub wording: &'a str,
    /// The link.
    pub link: &'a str,
    /// When it ends.
    pub until: DateTime<Utc>,
    /// Where the contact lives.
    pub time_zone: &'a str,
}

/// The written message.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub subject: String,
    pub text: String,
    pub html: String,
}

#[derive(Serialize)]
struct Values<'a> {
    w: &'a Words,
    lang: &'static str,
    subject: &'a str,
    sender: &'a str,
    asked: &'a str,
    title: &'a str,
    wording: &'a str,
    link: &'a str,
    until: &'a str,
}

fn templates() -> Result<&'static Templates, TemplateError> {
    static TEMPLATES: OnceLock<Templates> = OnceLock::new();
    if let Some(templates) = TEMPLATES.get() {
        return Ok(templates);
    }
    let templates = Templates::of(&[
        ("confirm.txt", include_str!("confirm.txt")),
        ("confirm.html", include_str!("confirm.html")),
    ])?;
    Ok(TEMPLATES.get_or_init(|| templates))
}

/// Writes the message.
///
/// # Errors
/// The texts are too long.
pub(super) fn write(question: &Question<'_>) -> Result<Written, TemplateError> {
    let Question { tongue, title, wording, link, .. } = *question;
    let w = tongue.words();
    let sender: String = in_one_line(question.sender).chars().take(SENDER_CHARS).collect();
    let subject = fill(w.letter_subject, &[("sender", &sender)]);
    let until = tongue.instant(question.until, question.time_zone);
    let values = Values {
        w,
        lang: tongue.as_str(),
        subject: &subject,
        sender: &sender,
        asked: &fill(w.asked, &[("sender", &sender)]),
        title: &in_one_line(title),
        wording,
        link,
        until: &fill(w.letter_until, &[("until", &until)]),
    };
    let text = templates()?.fill("confirm.txt", &values)?;
    let html = templates()?.fill("confirm.html", &values)?;
    Ok(Written { text, html, subject })
}

/// Names may hold line ends; a header may not.
fn in_one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_control() || c.is_whitespace());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(tongue: Tongue) -> Question<'static> {
        Question {
            tongue,
            sender: "Pekárna\r\nBcc: x@y.cz",
            title: "Novinky <b>",
            wording: "Souhlasím & \"chci\" <script>.",
            link: "https://x.cz/links/confirm/abc?lang=cs",
            until: "2026-05-08T10:00:00Z".parse().unwrap(),
            time_zone: "Europe/Prague",
        }
    }

    /// CNS-6
    #[test]
    fn the_message_is_written_in_every_language() {
        for tongue in Tongue::ALL {
            let Written { subject, text, html } = write(&question(*tongue)).unwrap();
            assert!(subject.starts_with("Pekárna Bcc: x@y.cz: "), "{subject}");
            assert!(!subject.contains(['\r', '\n']));
            for part in ["https://x.cz/links/confirm/abc?lang=cs", "2026"] {
                assert!(text.contains(part), "{text}");
            }
            assert!(text.contains("Souhlasím & \"chci\" <script>."), "{text}");
            assert!(html.contains(&format!("<html lang=\"{}\">", tongue.as_str())), "{html}");
            assert!(!html.contains("<script>") && !html.contains("<b>"), "{html}");
            let greeting = tongue.words().letter_greeting;
            assert!(html.contains(greeting) && text.starts_with(greeting), "{text}");
            assert!(!html.contains('{') && !text.contains('{'), "a placeholder is left: {text}");
        }
    }
}
