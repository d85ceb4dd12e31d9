//! What every cell suffers before its meaning is read: blanks and marks nobody sees, and words that
//! say "nothing here".
//!
//! Text that was copied out of web pages, mails and spreadsheets carries no-break spaces, zero-width
//! characters and byte order marks. They are never part of an address, a number or a date, so all
//! readers of values drop them in this one way.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::OnceLock;

/// Whether `c` takes no room and says nothing: zero-width, soft hyphen, byte order mark, and the
/// marks of writing direction.
#[must_use]
pub const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206F}'
        | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}')
}

/// The cell without invisible characters and without white space (of any kind) around it.
///
/// Borrows when there is nothing to remove inside.
#[must_use]
pub fn visible(raw: &str) -> Cow<'_, str> {
    if raw.is_ascii() {
        return Cow::Borrowed(raw.trim());
    }
    let trimmed = raw.trim_matches(|c: char| c.is_whitespace() || is_invisible(c));
    if trimmed.chars().any(is_invisible) {
        Cow::Owned(trimmed.chars().filter(|c| !is_invisible(*c)).collect())
    } else {
        Cow::Borrowed(trimmed)
    }
}

/// Whether the cell says in words that there is nothing: `n/a`, `-`, `nemá`, `brak`, `nincs` …
///
/// People fill a column that must not be empty in this way. White space and case do not matter. An
/// empty cell is not a placeholder.
#[must_use]
pub fn is_placeholder(raw: &str) -> bool {
    static WORDS: Words = Words::new(
        "n/a|#n/a|n.a.|na|none|null|nil|nan|undefined|unknown|unspecified|not specified|empty|(none)|[none]|<null>|\
        #value!|#ref!|#name?|not available|nic|nemá|nema|není|neni|neuvedeno|neznámý|\
        neznámé|neznamy|nezname|bez|brak|nie ma|nie dotyczy|nieznany|nd|n.d.|nincs|\
        nincs adat|ismeretlen|keine|kein|unbekannt|k.a.|k. a.",
    );
    let text = visible(raw);
    // no such word has a digit or an @, and most cells that are asked about have
    let says_something = |byte: u8| byte.is_ascii_digit() || byte == b'@';
    if text.is_empty() || text.len() > 24 || text.bytes().any(says_something) {
        return false;
    }
    if text.chars().all(|c| matches!(c, '-' | '–' | '—' | '?' | '.' | '/' | '_' | '*')) {
        return true;
    }
    WORDS.has(&text.to_lowercase())
}

/// Whether `word` is one of the words of `list`, which `|` separates.
pub(super) fn is_one_of(word: &str, list: &str) -> bool {
    list.split('|').any(|known| known == word)
}

/// Words that cells are compared with, written with `|` between them. Most cells of a column are compared with
/// all of them, so they are looked up, not gone through.
#[derive(Debug)]
pub(super) struct Words {
    list: &'static str,
    set: OnceLock<HashSet<&'static str>>,
}

impl Words {
    /// The words of a list.
    pub(super) const fn new(list: &'static str) -> Self {
        Self { list, set: OnceLock::new() }
    }

    /// Whether it is one of them.
    pub(super) fn has(&self, word: &str) -> bool {
        self.set.get_or_init(|| self.iter().collect()).contains(word)
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &'static str> {
        self.list.split('|')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// IMP-20
    #[test]
    fn invisible_characters_go_and_the_rest_stays() {
        for (raw, expected) in [
            ("", ""),
            ("  a b ", "a b"),
            ("\u{FEFF}a\u{200B}b\u{A0}", "ab"),
            ("\u{A0}\u{200B}\t x \u{2009}\r\n", "x"),
            ("Novák", "Novák"),
            ("\u{200B}\u{FEFF}", ""),
        ] {
            assert_eq!(visible(raw), expected, "{raw:?}");
        }
    }

    /// IMP-20
    #[test]
    fn placeholders_are_words_that_say_nothing() {
        for raw in ["n/a", " N/A ", "-", "---", "—", "Nemá", "brak", "NINCS", "null", "?"] {
            assert!(is_placeholder(raw), "{raw:?}");
        }
        for raw in ["", " ", "a@x.cz", "Nan Goldin", "x", "0", "ne"] {
            assert!(!is_placeholder(raw), "{raw:?}");
        }
    }
}
