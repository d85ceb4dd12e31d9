//! An e-mail address: what one is, how it is read from a cell, and when two are the same.
//!
//! Two addresses are the same when their [`Email::key`]s are: local part in lower case, domain in
//! the ASCII form of IDNA. The spelling a person used is kept for display. Nothing cleverer is done:
//! dots and `+tag` of Gmail stay, because they may tell two people apart.

use std::borrow::Cow;
use std::fmt;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::cell::{is_placeholder, visible};

/// Octets of a local part (RFC 5321, 4.5.3.1.1).
pub const MAX_LOCAL_BYTES: usize = 64;
/// Octets of an address (RFC 5321, 4.5.3.1.3: a path of 256 with its angle brackets).
pub const MAX_EMAIL_BYTES: usize = 254;
/// Octets of one label of a domain (RFC 1035, 2.3.4).
const MAX_LABEL_BYTES: usize = 63;
/// A cell longer than this is not searched for an address.
const MAX_RAW_BYTES: usize = 4096;

/// An address mail can be sent to.
///
/// Invariant: dot-atom local part (RFC 5322, with the UTF-8 of RFC 6531), domain of two or more
/// labels, NFC, within the lengths of RFC 5321. `==` compares the spelling; compare [`Email::key`]
/// to learn whether two are the same address.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email {
    text: Box<str>,
    /// `None` when the key is the text itself, which most addresses are.
    key: Option<Box<str>>,
}

/// Why a cell is not an address. The words of [`EmailError::reason`] are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum EmailError {
    /// Nothing is written, or only white space.
    #[error("no address is given")]
    Empty,
    /// A word that stands for nothing: `n/a`, `-`.
    #[error("a placeholder stands where an address belongs")]
    Placeholder,
    /// More than one address in one cell.
    #[error("several addresses stand in one place")]
    Several,
    /// There is no `@`.
    #[error("an address has an @")]
    NoAt,
    /// A second `@` that does not begin a second address.
    #[error("an address has only one @")]
    ManyAts,
    /// White space in the middle.
    #[error("an address has no white space in it")]
    Space,
    /// NUL or another control character.
    #[error("an address has no control characters")]
    Control,
    /// The part before the `@` is empty, begins or ends with a dot, or has a character no address
    /// may have.
    #[error("the part before the @ is not allowed")]
    Local,
    /// The part after the `@` is not the name of a domain.
    #[error("the part after the @ is not a domain")]
    Domain,
    /// The domain is one label: `localhost`.
    #[error("the domain has no dot")]
    DomainWithoutDot,
    /// The domain ends in a number: an IP address.
    #[error("the domain does not end in a top-level domain")]
    TopLevel,
    /// Longer than RFC 5321 allows (64 octets before the `@`, 254 in all).
    #[error("the address is too long")]
    TooLong,
}

impl EmailError {
    /// A stable word for programs.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Placeholder => "placeholder",
            Self::Several => "several",
            Self::NoAt => "no_at",
            Self::ManyAts => "many_ats",
            Self::Space => "space",
            Self::Control => "control_character",
            Self::Local => "local_part",
            Self::Domain => "domain",
            Self::DomainWithoutDot => "domain_without_dot",
            Self::TopLevel => "top_level_domain",
            Self::TooLong => "too_long",
        }
    }
}

impl Email {
    /// Reads an address as people and programs write it: with blanks (no-break and zero-width too),
    /// `mailto:`, a display name (`Jan <jan@x.cz>`), quotes, or a comma, semicolon or dot behind it.
    ///
    /// # Errors
    /// When what is left is not one address; see [`EmailError`].
    pub fn parse(raw: &str) -> Result<Self, EmailError> {
        let text = visible(raw);
        if let Some(email) = Self::plain(&text) {
            return Ok(email);
        }
        if text.is_empty() {
            return Err(EmailError::Empty);
        }
        if text.len() > MAX_RAW_BYTES {
            return Err(EmailError::TooLong);
        }
        if text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
            return Err(EmailError::Control);
        }
        if !text.contains('@') && !text.contains('%') {
            return Err(if is_placeholder(&text) {
                EmailError::Placeholder
            } else {
                EmailError::NoAt
            });
        }
        Self::strict(&unwrap(&text)?)
    }

    /// The address as it was spelt, cleaned and in NFC.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The form two spellings of one address share: local part in lower case, domain in ASCII
    /// (UTS 46) and lower case.
    #[must_use]
    pub fn key(&self) -> &str {
        self.key.as_deref().unwrap_or(&self.text)
    }

    /// The domain in its ASCII form.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.key().rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// The address, when it is ASCII and nothing needs to be unwrapped: one pass, no tables.
    fn plain(text: &str) -> Option<Self> {
        if !text.is_ascii() || text.len() > MAX_EMAIL_BYTES {
            return None;
        }
        let (local, domain) = text.split_once('@')?;
        if local.len() > MAX_LOCAL_BYTES || !local.bytes().all(|b| is_atext(b) || b == b'.') {
            return None;
        }
        if check_dots(local).is_err() || check_ascii_domain(domain).is_err() || has_punycode(domain)
        {
            return None;
        }
        // `'jan@x.cz` and `mailto.…` are legal local parts, and almost always a leftover.
        if local.starts_with('\'') || local.starts_with('`') {
            return None;
        }
        let key = text
            .bytes()
            .any(|b| b.is_ascii_uppercase())
            .then(|| text.to_ascii_lowercase().into_boxed_str());
        Some(Self { text: text.into(), key })
    }

    fn strict(bare: &str) -> Result<Self, EmailError> {
        let text: Cow<'_, str> =
            if is_nfc(bare) { Cow::Borrowed(bare) } else { Cow::Owned(bare.nfc().collect()) };
        let (local, domain) = text.split_once('@').ok_or(EmailError::NoAt)?;
        if domain.contains('@') {
            return Err(if is_list(&text) { EmailError::Several } else { EmailError::ManyAts });
        }
        if text.chars().any(char::is_whitespace) {
            return Err(EmailError::Space);
        }
        if local.len() > MAX_LOCAL_BYTES || text.len() > MAX_EMAIL_BYTES {
            return Err(EmailError::TooLong);
        }
        if !local.chars().all(is_local_char) {
            return Err(EmailError::Local);
        }
        check_dots(local)?;
        let domain_key = ascii_domain(domain)?;
        let local_key: String = local.to_lowercase().nfc().collect();
        let key = format!("{local_key}@{domain_key}");
        if key.len() > MAX_EMAIL_BYTES {
            return Err(EmailError::TooLong);
        }
        let key = (key != *text).then(|| key.into_boxed_str());
        Ok(Self { text: text.into_owned().into_boxed_str(), key })
    }
}

/// Takes the address out of what stands around it.
fn unwrap(text: &str) -> Result<Cow<'_, str>, EmailError> {
    let mut rest = trim_wrapping(text);
    if let Some((before, inside)) = rest.split_once('<') {
        let (inside, after) = inside.split_once('>').unwrap_or((inside, ""));
        let listed = before.trim_end().ends_with([',', ';']);
        if after.contains('@') || listed && before.contains('@') {
            return Err(EmailError::Several);
        }
        rest = trim_wrapping(inside);
    } else if let Some((before, comment)) = rest.split_once('(') {
        let comment = comment.trim_end_matches(')');
        rest = match (before.contains('@'), comment.contains('@')) {
            (true, true) => return Err(EmailError::Several),
            (false, true) => trim_wrapping(comment),
            (true, false) => trim_wrapping(before),
            (false, false) => rest,
        };
    }
    let Some(mailto) = strip_scheme(rest) else { return Ok(Cow::Borrowed(rest)) };
    let address = mailto.split_once('?').map_or(mailto, |(address, _)| address);
    let decoded = decode_percent(address);
    if decoded.chars().any(char::is_control) {
        return Err(EmailError::Control);
    }
    Ok(match decoded {
        Cow::Borrowed(address) => Cow::Borrowed(trim_wrapping(address)),
        Cow::Owned(address) => Cow::Owned(trim_wrapping(&address).to_owned()),
    })
}

/// Removes blanks, quotes and the punctuation of lists and sentences around an address.
fn trim_wrapping(text: &str) -> &str {
    const QUOTES: [char; 15] =
        ['"', '\'', '`', '´', '“', '”', '„', '‟', '’', '‘', '‚', '«', '»', '‹', '›'];
    let front = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '[') || QUOTES.contains(&c);
    let back = |c: char| {
        c.is_whitespace() || matches!(c, ',' | ';' | '.' | ']' | '>') || QUOTES.contains(&c)
    };
    text.trim_start_matches(front).trim_end_matches(back)
}

fn strip_scheme(text: &str) -> Option<&str> {
    ["mailto:", "email:", "e-mail:", "smtp:"].iter().find_map(|scheme| {
        let head = text.get(..scheme.len())?;
        head.eq_ignore_ascii_case(scheme)
            .then(|| text.get(scheme.len()..).unwrap_or("").trim_start())
    })
}

/// Decodes the `%xx` of a `mailto:` link (RFC 6068). What is not UTF-8 then stays as it was.
fn decode_percent(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        if let (b'%', Some(decoded)) = (byte, hex_pair(&mut ahead)) {
            out.push(decoded);
            bytes = ahead;
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).map_or(Cow::Borrowed(text), Cow::Owned)
}

fn hex_pair(bytes: &mut std::str::Bytes<'_>) -> Option<u8> {
    let mut digit = || char::from(bytes.next()?).to_digit(16).and_then(|d| u8::try_from(d).ok());
    Some(digit()? << 4 | digit()?)
}

/// Whether the text is two or more addresses with something between them.
fn is_list(text: &str) -> bool {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '/' | '|' | '\\'))
        .filter(|part| part.split_once('@').is_some_and(|(l, d)| !l.is_empty() && !d.is_empty()))
        .count()
        > 1
}

/// `atext` of RFC 5322, 3.2.3.
const fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'/'
                | b'='
                | b'?'
                | b'^'
                | b'_'
                | b'`'
                | b'{'
                | b'|'
                | b'}'
                | b'~'
        )
}

/// `atext` widened by RFC 6531. U+FFFD is refused: it says that the file was decoded wrongly.
fn is_local_char(c: char) -> bool {
    match u8::try_from(c) {
        Ok(byte) if byte.is_ascii() => is_atext(byte) || byte == b'.',
        _ => !c.is_control() && !c.is_whitespace() && c != '\u{FFFD}',
    }
}

fn check_dots(local: &str) -> Result<(), EmailError> {
    if local.is_empty() || local.starts_with('.') || local.ends_with('.') || local.contains("..") {
        return Err(EmailError::Local);
    }
    Ok(())
}

fn ascii_domain(domain: &str) -> Result<Cow<'_, str>, EmailError> {
    if domain.is_empty() || domain.starts_with('[') {
        return Err(EmailError::Domain);
    }
    if domain.is_ascii() && !has_punycode(domain) {
        check_ascii_domain(domain)?;
        return Ok(Cow::Owned(domain.to_ascii_lowercase()));
    }
    let Ok(ascii) = Uts46::new().to_ascii(
        domain.as_bytes(),
        AsciiDenyList::STD3,
        Hyphens::CheckFirstLast,
        DnsLength::Verify,
    ) else {
        return Err(EmailError::Domain);
    };
    check_ascii_domain(&ascii)?;
    Ok(ascii)
}

/// Labels that begin with `xn--` are checked by IDNA, however ASCII they look.
fn has_punycode(domain: &str) -> bool {
    domain
        .split('.')
        .any(|label| label.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("xn--")))
}

fn check_ascii_domain(domain: &str) -> Result<(), EmailError> {
    let mut labels = 0_usize;
    let mut last = "";
    for label in domain.split('.') {
        let plain = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let hyphens = label.starts_with('-') || label.ends_with('-');
        if label.is_empty() || label.len() > MAX_LABEL_BYTES || !plain || hyphens {
            return Err(EmailError::Domain);
        }
        labels += 1;
        last = label;
    }
    if labels < 2 {
        return Err(EmailError::DomainWithoutDot);
    }
    if last.len() < 2 || last.bytes().all(|b| b.is_ascii_digit()) {
        return Err(EmailError::TopLevel);
    }
    Ok(())
}

impl fmt::Debug for Email {
    /// Masked, because it ends up in logs: the first letter and the top-level domain.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.text.chars().next().unwrap_or('*');
        let top = self.key().rsplit('.').next().unwrap_or("");
        write!(f, "Email({first}***@***.{top})")
    }
}

impl Serialize for Email {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&raw).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(raw: &str) -> (String, String) {
        let email = Email::parse(raw).unwrap_or_else(|e| panic!("{raw:?}: {e}"));
        (email.as_str().to_owned(), email.key().to_owned())
    }

    /// CON-1, IMP-7
    #[test]
    fn spelling_is_kept_and_the_key_is_normal() {
        for (raw, text, key) in [
            ("jana@example.cz", "jana@example.cz", "jana@example.cz"),
            ("Jana@Example.CZ", "Jana@Example.CZ", "jana@example.cz"),
            ("Jana.Nov+akova@gmail.com", "Jana.Nov+akova@gmail.com", "jana.nov+akova@gmail.com"),
            ("Řehoř@Háčky.cz", "Řehoř@Háčky.cz", "řehoř@xn--hky-ela4t.cz"),
            ("r\u{30C}ehor\u{30C}@x.cz", "\u{159}eho\u{159}@x.cz", "\u{159}eho\u{159}@x.cz"),
            ("a@XN--HKY-ELA4T.CZ", "a@XN--HKY-ELA4T.CZ", "a@xn--hky-ela4t.cz"),
            ("o'brien@x.ie", "o'brien@x.ie", "o'brien@x.ie"),
            ("a/b=c@x.co.uk", "a/b=c@x.co.uk", "a/b=c@x.co.uk"),
            ("1@2.cz", "1@2.cz", "1@2.cz"),
            ("ŁUKASZ@firma.pl", "ŁUKASZ@firma.pl", "łukasz@firma.pl"),
            ("a@r3---sn.cz", "a@r3---sn.cz", "a@r3---sn.cz"),
        ] {
            assert_eq!(read(raw), (text.to_owned(), key.to_owned()), "{raw:?}");
        }
    }

    /// IMP-20
    #[test]
    fn what_stands_around_an_address_is_removed() {
        for raw in [
            " a@x.cz ",
            "\u{200B}a@x.cz\u{A0}",
            "\u{FEFF}a@x.cz",
            "a@x\u{200B}.cz",
            "mailto:a@x.cz",
            "MAILTO:a@x.cz?subject=Ahoj",
            "mailto:%61@x.cz",
            "Jan <a@x.cz>",
            "<a@x.cz>",
            "\"a@x.cz\"",
            "'a@x.cz'",
            "'a@x.cz",
            "„a@x.cz“",
            "\"Novák, Jan\" <a@x.cz>",
            "jan@jinde.cz <a@x.cz>",
            "a@x.cz,",
            "a@x.cz;",
            "a@x.cz.",
            "a@x.cz ;",
            ";a@x.cz",
            "Jan Novák <mailto:a@x.cz>;",
            "a@x.cz (práce)",
            "Jan Novák (a@x.cz)",
            "[a@x.cz]",
            "<a@x.cz",
            "a@x.cz>",
            "e-mail: a@x.cz",
            "\ta@x.cz\r\n",
        ] {
            assert_eq!(read(raw).0, "a@x.cz", "{raw:?}");
        }
        assert_eq!(read("mailto:a%2Bb@x.cz").0, "a+b@x.cz");
    }

    /// IMP-16, IMP-20
    #[test]
    fn what_is_not_one_address_says_why() {
        let long_local = format!("{}@x.cz", "a".repeat(65));
        let long = format!("a@{}.cz", vec!["b".repeat(50); 6].join("."));
        let label = format!("a@{}.cz", "b".repeat(64));
        let huge = "a".repeat(2_000_000);
        for (raw, error) in [
            ("", EmailError::Empty),
            (" \u{200B}", EmailError::Empty),
            ("n/a", EmailError::Placeholder),
            ("-", EmailError::Placeholder),
            ("nemá", EmailError::Placeholder),
            ("...", EmailError::Placeholder),
            ("jan", EmailError::NoAt),
            ("jan.x.cz", EmailError::NoAt),
            ("jan(at)x.cz", EmailError::NoAt),
            ("a@x.cz; b@y.cz", EmailError::Several),
            ("a@x.cz,b@y.cz", EmailError::Several),
            ("a@x.cz b@y.cz", EmailError::Several),
            ("a@x.cz / b@y.cz", EmailError::Several),
            ("a@x.cz\nb@y.cz", EmailError::Several),
            ("A <a@x.cz>, B <b@y.cz>", EmailError::Several),
            ("b@y.cz, <a@x.cz>", EmailError::Several),
            ("a@b@x.cz", EmailError::ManyAts),
            ("a@@x.cz", EmailError::ManyAts),
            ("jan novak@x.cz", EmailError::Space),
            ("jan @x.cz", EmailError::Space),
            ("jan@x .cz", EmailError::Space),
            ("a\u{0}b@x.cz", EmailError::Control),
            ("a@x.cz\u{0}", EmailError::Control),
            ("mailto:a%00b@x.cz", EmailError::Control),
            ("@x.cz", EmailError::Local),
            (".a@x.cz", EmailError::Local),
            ("a.@x.cz", EmailError::Local),
            ("a..b@x.cz", EmailError::Local),
            ("a,b@x.cz", EmailError::Local),
            ("nov\u{FFFD}k@x.cz", EmailError::Local),
            ("\"a b\"@x.cz", EmailError::Space),
            ("\"a\"@x.cz", EmailError::Local),
            ("a@", EmailError::Domain),
            ("a@-x.cz", EmailError::Domain),
            ("a@x-.cz", EmailError::Domain),
            ("a@x..cz", EmailError::Domain),
            ("a@.cz", EmailError::Domain),
            ("a@x_y.cz", EmailError::Domain),
            ("a@xn--a.cz", EmailError::Domain),
            ("a@x,cz", EmailError::Domain),
            ("a@[1.2.3.4]", EmailError::Domain),
            ("a@localhost", EmailError::DomainWithoutDot),
            ("a@1.2.3.4", EmailError::TopLevel),
            ("a@x.c", EmailError::TopLevel),
            (label.as_str(), EmailError::Domain),
            (long_local.as_str(), EmailError::TooLong),
            (long.as_str(), EmailError::TooLong),
            (huge.as_str(), EmailError::TooLong),
        ] {
            assert_eq!(Email::parse(raw).map(|e| e.as_str().to_owned()), Err(error), "{raw:.80}");
        }
    }

    /// PLT-3: nothing personal in logs.
    #[test]
    fn debug_is_masked() {
        let email = Email::parse("Jana.Novakova@firma.cz").unwrap();
        assert_eq!(format!("{email:?}"), "Email(J***@***.cz)");
    }

    /// CON-1
    #[test]
    fn json_is_a_string() {
        let email: Email = serde_json::from_str("\" Jana@X.cz \"").unwrap();
        assert_eq!(serde_json::to_string(&email).unwrap(), "\"Jana@X.cz\"");
        assert!(serde_json::from_str::<Email>("\"jana\"").is_err());
    }

    proptest! {
        /// IMP-20
        #[test]
        fn no_text_panics(raw in any::<String>()) {
            let _ = Email::parse(&raw);
        }

        /// IMP-20
        #[test]
        fn nothing_address_like_panics_and_reading_is_idempotent(
            raw in "[ -~áŁß\u{0}\u{A0}\u{200B}\u{130}]{0,12}[@<>(;%. ]{0,2}[a-zA-ZÁß0-9.@-]{0,20}[.,;> ]?[a-z]{0,3}"
        ) {
            if let Ok(email) = Email::parse(&raw) {
                let again = Email::parse(email.as_str());
                prop_assert_eq!(again.as_ref(), Ok(&email));
                let by_key = Email::parse(email.key());
                prop_assert_eq!(by_key.as_ref().map(Email::key), Ok(email.key()));
            }
        }

        /// IMP-7: the quick way and the thorough way agree.
        #[test]
        fn both_ways_agree(raw in "[a-zA-Z0-9.+_'-]{1,10}@[a-zA-Z0-9.-]{1,14}\\.[a-zA-Z]{1,4}") {
            if let Some(plain) = Email::plain(&raw) {
                let strict = Email::strict(&raw);
                prop_assert_eq!(strict.as_ref(), Ok(&plain));
            }
        }
    }
}
