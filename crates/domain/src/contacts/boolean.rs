//! Yes and no, in the words of files: consents, subscriptions, and details that are flags.

use super::cell::{Words, visible};
use super::fold::fold;

static YES: Words = Words::new(
    "1|1.0|x|y|yes|true|t|on|ok|a|ano|tak|j|ja|jo|i|igen|igaz|hai|si|oui|da|\
    pravda|prawda|wahr|zutreffend|✓|✔|☑|+|✅|\
    odebira|odebirat|prihlasen|prihlasena|prihlaseny|prihlasit|prihlaseno|souhlasi|souhlas|souhlasim|\
    suhlasi|suhlas|suhlasim|odobera|aktivni|aktivny|povoleno|povolene|udelen|udelena|udeleno|\
    zapisany|zapisana|subskrybuje|zgoda|wyrazam zgode|wyrazil zgode|wyrazila zgode|aktywny|aktywna|\
    feliratkozott|feliratkozva|hozzajarul|hozzajarult|elfogadom|elfogadta|aktiv|\
    angemeldet|abonniert|zugestimmt|einverstanden|erteilt|\
    subscribed|subscribe|active|enabled|granted|given|agreed|accepted|consented|confirmed|\
    opt-in|optin|opt in|opted-in|opted in|opted_in|opt_in|double opt-in|single opt-in",
);

static NO: Words = Words::new(
    "0|0.0|n|no|false|f|off|ne|nie|nem|nein|hamis|nepravda|falsz|falsch|✗|✘|☐|❌|-|\
    neodebira|odhlasen|odhlasena|odhlaseny|odhlaseno|odhlasit|nesouhlasi|nesouhlas|nesouhlasim|\
    nesuhlasi|nesuhlas|nesuhlasim|neodobera|neaktivni|neaktivny|zakazano|neudelen|neudelena|neudeleno|odvolan|odvolany|\
    wypisany|wypisana|brak zgody|nie wyrazam zgody|cofnieta|wycofana|nieaktywny|nieaktywna|\
    leiratkozott|leiratkozva|nem jarul hozza|visszavont|inaktiv|\
    abgemeldet|abbestellt|nicht zugestimmt|widerrufen|inaktiv|\
    unsubscribed|unsubscribe|inactive|disabled|withdrawn|revoked|refused|rejected|declined|denied|\
    non-subscribed|nonsubscribed|not subscribed|never subscribed|cleaned|bounced|\
    opt-out|optout|opt out|opted-out|opted out|opted_out|opt_out",
);

/// Whether a cell says yes (`Some(true)`), no (`Some(false)`), or neither.
///
/// Case and diacritics do not matter. An empty cell is neither.
#[must_use]
pub fn parse_bool(raw: &str) -> Option<bool> {
    let text = visible(raw);
    if text.is_empty() || text.len() > 48 {
        return None;
    }
    let word = fold(text.trim_matches(['"', '\'', '.', '!', '[', ']', '(', ')']));
    if YES.has(&word) {
        return Some(true);
    }
    NO.has(&word).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// IMP-5: consents, subscription.
    #[test]
    fn yes_and_no_in_the_words_of_files() {
        for raw in [
            "1",
            "x",
            "X",
            "ano",
            "ANO",
            " Ano ",
            "tak",
            "igen",
            "ja",
            "Ja",
            "yes",
            "Y",
            "TRUE",
            "true",
            "on",
            "odebírá",
            "přihlášen",
            "Souhlasím",
            "subscribed",
            "opt-in",
            "Opted In",
            "feliratkozott",
            "zgoda",
            "angemeldet",
            "✓",
            "\u{A0}ano\u{200B}",
            "\"true\"",
        ] {
            assert_eq!(parse_bool(raw), Some(true), "{raw:?}");
        }
        for raw in [
            "0",
            "ne",
            "NE",
            "nie",
            "nem",
            "nein",
            "no",
            "N",
            "FALSE",
            "off",
            "odhlášen",
            "neodebírá",
            "Nesouhlasím",
            "unsubscribed",
            "opt-out",
            "leiratkozott",
            "wypisany",
            "abgemeldet",
            "-",
            "cleaned",
        ] {
            assert_eq!(parse_bool(raw), Some(false), "{raw:?}");
        }
        for raw in ["", " ", "možná", "2", "Jan", "a@x.cz", "n/a", "pending"] {
            assert_eq!(parse_bool(raw), None, "{raw:?}");
        }
    }

    /// IMP-12: no word is both.
    #[test]
    fn no_word_says_both() {
        for word in YES.iter() {
            assert!(!NO.has(word), "{word}");
        }
        for word in YES.iter().chain(NO.iter()) {
            assert_eq!(fold(word), word, "the lists are folded");
        }
    }

    proptest! {
        /// IMP-20
        #[test]
        fn no_text_panics(raw in any::<String>()) {
            let _ = parse_bool(&raw);
        }
    }
}
