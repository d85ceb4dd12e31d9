//! What a person means by the words in the search box (CON-4).
//!
//! Every word must occur somewhere in the contact's search text, in any order and as any part of a
//! word there. Digits are an exception: people group a phone number as they like (`601 123`,
//! `+420 601-123`), so neighbouring words of digits also match as the one number they may be.

use super::fold::fold;

/// Characters of a search.
pub const MAX_SEARCH_CHARS: usize = 200;
/// Words of a search.
pub const MAX_SEARCH_WORDS: usize = 12;
/// Fewer digits are not looked for as a part of a number.
const MIN_DIGITS: usize = 3;

/// A condition every found contact meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// The text holds this word.
    Word(String),
    /// The text holds all the words, or the digits in one piece.
    Number {
        /// The words as they were written, folded.
        words: Vec<String>,
        /// All their digits.
        digits: String,
    },
}

/// Reads a search into the terms that must all hold. Nothing but white space gives no term.
#[must_use]
pub fn terms(search: &str) -> Vec<Term> {
    let folded = fold(search);
    let mut terms = Vec::new();
    let mut number: Vec<String> = Vec::new();
    for word in folded.split(' ').filter(|word| !word.is_empty()) {
        if is_digits(word) {
            number.push(word.to_owned());
            continue;
        }
        close(&mut number, &mut terms);
        terms.push(Term::Word(word.to_owned()));
    }
    close(&mut number, &mut terms);
    terms
}

fn close(number: &mut Vec<String>, terms: &mut Vec<Term>) {
    let words = std::mem::take(number);
    let digits: String =
        words.iter().flat_map(|word| word.chars()).filter(char::is_ascii_digit).collect();
    // 00 in front of a country code is how some countries dial the plus
    let digits = digits.strip_prefix("00").map_or(digits.clone(), str::to_owned);
    match words.as_slice() {
        [] => {}
        [one] if *one == digits => terms.push(Term::Word(digits)),
        _ if digits.len() < MIN_DIGITS => terms.extend(words.into_iter().map(Term::Word)),
        _ => terms.push(Term::Number { words, digits }),
    }
}

/// Digits with what people put between them.
fn is_digits(word: &str) -> bool {
    word.contains(|c: char| c.is_ascii_digit())
        && word.chars().all(|c| c.is_ascii_digit() || "+-()./".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(word: &str) -> Term {
        Term::Word(word.to_owned())
    }

    fn number(words: &[&str], digits: &str) -> Term {
        let words = words.iter().map(|&word| word.to_owned()).collect();
        Term::Number { words, digits: digits.to_owned() }
    }

    /// CON-4
    #[test]
    fn words_are_folded_and_digits_join() {
        for (search, expected) in [
            ("", vec![]),
            ("  ", vec![]),
            (" NOVÁK  jana ", vec![word("novak"), word("jana")]),
            ("601 123", vec![number(&["601", "123"], "601123")]),
            ("601123", vec![word("601123")]),
            ("+420 601-123", vec![number(&["+420", "601-123"], "420601123")]),
            ("00420601", vec![number(&["00420601"], "420601")]),
            (
                "novak 601 123 brno 7",
                vec![word("novak"), number(&["601", "123"], "601123"), word("brno"), word("7")],
            ),
            ("1 2", vec![word("1"), word("2")]),
            ("a@b.cz", vec![word("a@b.cz")]),
            ("- +", vec![word("-"), word("+")]),
        ] {
            assert_eq!(terms(search), expected, "{search:?}");
        }
    }
}
