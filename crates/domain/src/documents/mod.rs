//! Documents: files that Kartoteka made.

pub mod links;

use chrono::{DateTime, Utc};

use crate::codes::Code;
use crate::contacts::cell::is_invisible;
use crate::faults::Fault;

/// Longest name of a document, in characters.
pub const MAX_NAME_CHARS: usize = 200;

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A link for each of some contacts (MGR-M).
    Links,
}

impl Kind {
    /// The word in the API and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Links => "links",
        }
    }

    /// The media type of its bytes.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Links => "text/csv; charset=utf-8",
        }
    }

    /// The kind with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        (word == Self::Links.as_str()).then_some(Self::Links)
    }

    /// The name of a document that is made now; whoever it belongs to may give it another one.
    #[must_use]
    pub fn file_name(self, now: DateTime<Utc>) -> String {
        match self {
            Self::Links => format!("links-{}.csv", now.format("%Y-%m-%d-%H%M%S")),
        }
    }
}

/// Reads a name: the name of a file, without a folder. What nobody sees is refused, for it makes a name look like another
/// one, and what ends a line, for the name goes into a header.
///
/// # Errors
/// What is wrong with it, at `pointer`.
pub fn read_name(text: &str, pointer: &str) -> Result<String, Fault> {
    let name = text.trim();
    if name.is_empty() {
        return Err(Fault::new(pointer, Code::TooShort, "Give it a name."));
    }
    if name.chars().count() > MAX_NAME_CHARS {
        let detail = format!("At most {MAX_NAME_CHARS} characters.");
        return Err(Fault::new(pointer, Code::TooLong, detail));
    }
    let stray = |c: char| matches!(c, '/' | '\\') || c.is_control() || is_invisible(c);
    if name.chars().any(stray) || matches!(name, "." | "..") {
        let detail = "The name of a file has no slashes, line ends or invisible characters.";
        return Err(Fault::new(pointer, Code::InvalidValue, detail));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_name_of_a_file() {
        assert_eq!(read_name(" Žluťoučký kůň.csv ", "#/name").unwrap(), "Žluťoučký kůň.csv");
        assert_eq!(read_name(&"ž".repeat(200), "#/name").unwrap().chars().count(), 200);
        for (bad, code) in [
            ("", Code::TooShort),
            ("  ", Code::TooShort),
            (&*"x".repeat(201), Code::TooLong),
            ("../secret", Code::InvalidValue),
            ("a\\b", Code::InvalidValue),
            ("..", Code::InvalidValue),
            ("a\r\nSet-Cookie: b", Code::InvalidValue),
            ("a\u{202E}vsc.exe", Code::InvalidValue),
            ("a\0b", Code::InvalidValue),
        ] {
            let fault = read_name(bad, "#/name").unwrap_err();
            assert_eq!((fault.code, fault.pointer.as_str()), (code, "#/name"), "{bad:?}");
        }
    }

    #[test]
    fn a_kind_is_found_by_its_word() {
        assert_eq!(Kind::from_word("links"), Some(Kind::Links));
        assert_eq!(Kind::from_word("pdf"), None);
        let now = "2026-11-22T17:45:03Z".parse().unwrap();
        assert_eq!(Kind::Links.file_name(now), "links-2026-11-22-174503.csv");
    }
}
