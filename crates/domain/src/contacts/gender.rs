//! Gender as a field says it; [`guess`] is about what a name says.

mod exceptions;
pub mod guess;

use serde::{Deserialize, Serialize};

use super::cell::{Words, visible};
use super::fold::fold;

/// What a contact's gender is, when it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gender {
    /// A woman.
    Female,
    /// A man.
    Male,
    /// Neither, or not to be said.
    Other,
}

/// The words of the field in Czech, Slovak, Polish, Hungarian, German and English, folded; forms of
/// address; the codes of ISO/IEC 5218.
static FEMALE: Words = Words::new(
    "f|w|k|z|n|2|female|woman|girl|lady|she|she/her|mrs|ms|miss|madam|\
    zena|zenske|zensky|zenska|pani|slecna|divka|holka|\
    kobieta|kob|zenski|zenska|plec zenska|pani|panna|dziewczyna|\
    no|noi|nonemu|lany|asszony|holgy|\
    frau|weiblich|weibl|fr|madchen|dame|femme|femenino|femminile|♀",
);
static MALE: Words = Words::new(
    "m|h|1|male|man|boy|gentleman|he|he/him|mr|sir|\
    muz|muzske|muzsky|muzska|muzsky|pan|chlapec|hoch|\
    mezczyzna|mez|meski|meska|plec meska|chlopak|\
    ferfi|ffi|fiu|ur|herr|hr|mann|mannlich|mannl|junge|homme|masculino|maschile|♂",
);
static OTHER: Words = Words::new(
    "o|x|d|9|other|others|another|diverse|divers|nonbinary|non-binary|non binary|nb|\
    jine|jiny|jina|ine|iny|ina|inne|inna|inny|egyeb|mas|andere|anderes|sonstige|keine angabe|\
    neuvedeno|nechci uvest|nie podano|prefer not to say|they|they/them|neutral|unspecified",
);

impl Gender {
    /// Reads a cell: `žena`, `M`, `K`, `férfi`, `weiblich`, `Mrs`, `2`. Case and diacritics do not
    /// matter. `M` is a man; `F` is a woman, unless the column is Hungarian: see [`f_is_a_man`].
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let text = visible(raw);
        if text.is_empty() || text.len() > 32 {
            return None;
        }
        let word = fold(&text);
        let word = word.trim_matches(['.', '"', '\'', '(', ')']);
        if FEMALE.has(word) {
            Some(Self::Female)
        } else if MALE.has(word) {
            Some(Self::Male)
        } else {
            OTHER.has(word).then_some(Self::Other)
        }
    }

    /// As [`Gender::parse`], in a column of which [`f_is_a_man`] was asked.
    #[must_use]
    pub fn parse_in_column(raw: &str, f_is_a_man: bool) -> Option<Self> {
        match Self::parse(raw) {
            Some(Self::Female) if f_is_a_man && initial(raw) == Some('f') => Some(Self::Male),
            gender => gender,
        }
    }

    /// The word used in the API and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Female => "female",
            Self::Male => "male",
            Self::Other => "other",
        }
    }
}

/// Whether `F` in a column means `férfi`: it does when `N` (`nő`) is the other letter, and no letter
/// for a man or for a woman in another language occurs.
pub fn f_is_a_man<'a>(samples: impl Iterator<Item = &'a str>) -> bool {
    let (mut woman, mut foreign) = (false, false);
    for letter in samples.filter_map(initial) {
        woman |= letter == 'n';
        foreign |= matches!(letter, 'm' | 'k' | 'z' | 'w' | 'h');
    }
    woman && !foreign
}

/// The letter, folded, of a cell that holds nothing else.
fn initial(raw: &str) -> Option<char> {
    let word = fold(visible(raw).trim_end_matches('.'));
    let mut letters = word.chars();
    letters.next().filter(|_| letters.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// CON-1, IMP-5
    #[test]
    fn words_of_five_languages_are_known() {
        for (gender, words) in [
            (
                Gender::Female,
                "female F žena Žena ŽENA ženské Ž Z K kobieta nő Nő weiblich w Frau paní Mrs 2 Kobieta żeńska",
            ),
            (
                Gender::Male,
                "male M m muž MUŽ mužské mężczyzna Mężczyzna férfi männlich Herr pan Mr. 1 męska chlapec",
            ),
            (Gender::Other, "other jiné inne egyéb divers X non-binary"),
        ] {
            for word in words.split(' ') {
                assert_eq!(Gender::parse(word), Some(gender), "{word}");
            }
            assert_eq!(Gender::parse(&format!("\u{A0}{} ", gender.as_str())), Some(gender));
        }
        for word in ["", " ", "Jan", "0", "n/a", "neznámé", "?", "žžž"] {
            assert_eq!(Gender::parse(word), None, "{word}");
        }
    }

    /// CON-1
    #[test]
    fn no_word_is_two_genders() {
        for word in FEMALE.iter() {
            assert!(!MALE.has(word) && !OTHER.has(word), "{word}");
            assert_eq!(fold(word), word);
        }
        for word in MALE.iter() {
            assert!(!OTHER.has(word), "{word}");
            assert_eq!(fold(word), word);
        }
    }

    /// IMP-5
    #[test]
    fn in_a_hungarian_column_f_is_a_man() {
        assert!(f_is_a_man(["F", "N", "", "n"].into_iter()));
        for column in [["F", "M"], ["F", "K"], ["F", ""], ["N", "M"]] {
            assert!(!f_is_a_man(column.into_iter()), "{column:?}");
        }
        assert_eq!(Gender::parse_in_column("F", true), Some(Gender::Male));
        assert_eq!(Gender::parse_in_column("f.", true), Some(Gender::Male));
        assert_eq!(Gender::parse_in_column("N", true), Some(Gender::Female));
        assert_eq!(Gender::parse_in_column("female", true), Some(Gender::Female));
        assert_eq!(Gender::parse_in_column("F", false), Some(Gender::Female));
    }

    proptest! {
        /// IMP-20
        #[test]
        fn no_text_panics(raw in any::<String>()) {
            let _ = Gender::parse(&raw);
        }
    }
}
