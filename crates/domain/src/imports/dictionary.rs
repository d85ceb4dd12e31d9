//! What the names of columns mean, in the languages and exports lists come from (IMP-5).

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A header without what spelling varies in: case, diacritics, punctuation, `camelCase`.
///
/// `E-mail 1 - Value` is `e mail 1 value`, `firstName` is `first name`, `PŘÍJMENÍ` is `prijmeni`.
#[must_use]
pub fn fold_header(header: &str) -> String {
    let mut folded = String::with_capacity(header.len());
    let mut before = ' ';
    for c in header.nfd().filter(|c| !is_combining_mark(*c)) {
        if c.is_uppercase() && before.is_lowercase() {
            folded.push(' ');
        }
        match c {
            'ł' | 'Ł' => folded.push('l'),
            'đ' | 'Đ' => folded.push('d'),
            'ß' => folded.push_str("ss"),
            c if c.is_alphanumeric() => folded.extend(c.to_lowercase()),
            _ if folded.ends_with(' ') => {}
            _ => folded.push(' '),
        }
        before = c;
    }
    let words: Vec<&str> = folded.split_whitespace().collect();
    words.join(" ")
}

/// Whether the text is a name of a column that is known here.
#[must_use]
pub fn is_known(header: &str) -> bool {
    let folded = fold_header(header);
    matches!(
        folded.as_str(),
        "nazev"
            | "adresa"
            | "email"
            | "e mail"
            | "prijmeni"
            | "jmeno"
            | "imie"
            | "nazwisko"
            | "first name"
            | "last name"
            | "name"
            | "telefon"
            | "phone"
    )
}
