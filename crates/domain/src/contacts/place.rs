//! Where a contact is at home: country, language, time zone.
//!
//! Stored as codes (ISO 3166-1, ISO 639-1, the IANA time zone database), read from the codes and
//! from the names people write: in Czech, Slovak, Polish, Hungarian, German, English, and in the
//! country's own language.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use chrono_tz::{TZ_VARIANTS, Tz};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::cell::visible;
use super::fold::fold;
use super::phone::Region;

/// A cell longer than this names no place.
const MAX_RAW_BYTES: usize = 128;

/// A country: ISO 3166-1 alpha-2, in capitals; `XK` for Kosovo, as the European Union has it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country(&'static str);

/// A language: ISO 639-1, in lower case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Language(&'static str);

/// A time zone of the IANA database.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeZone(Tz);

/// Neither the code nor a known name of a country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("not the code or the name of a country")]
pub struct UnknownCountry;

/// Neither the code nor a known name of a language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("not the code or the name of a language")]
pub struct UnknownLanguage;

/// Not a name of the IANA time zone database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("not the name of a time zone, such as Europe/Prague")]
pub struct UnknownTimeZone;

/// From codes (as they are) and names (normalised) to the code.
#[derive(Default)]
struct Names {
    codes: HashMap<&'static str, &'static str>,
    names: HashMap<String, &'static str>,
}

impl Names {
    /// Reads lines of tab-separated fields: the code, other codes, names separated by `|`.
    fn read(table: &'static str) -> Self {
        let mut all = Self::default();
        for line in table.lines().filter(|line| !line.starts_with('#')) {
            let mut fields: Vec<&'static str> = line.split('\t').collect();
            let names = fields.pop().unwrap_or_default();
            let Some(&code) = fields.first() else { continue };
            all.codes.extend(fields.into_iter().map(|field| (field, code)));
            for name in names.split('|') {
                all.names.entry(normal(name)).or_insert(code);
            }
        }
        all
    }
}

fn countries() -> &'static Names {
    static COUNTRIES: LazyLock<Names> =
        LazyLock::new(|| Names::read(include_str!("place/countries.tsv")));
    &COUNTRIES
}

fn languages() -> &'static Names {
    static LANGUAGES: LazyLock<Names> =
        LazyLock::new(|| Names::read(include_str!("place/languages.tsv")));
    &LANGUAGES
}

/// Folded, with letters and digits only.
fn normal(name: &str) -> String {
    let folded = fold(name);
    let words = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

impl Country {
    /// Reads `CZ`, `cze`, `Česká republika`, `Polska`, `Magyarország`, `USA`. A code goes before a
    /// name, and only without diacritics: `CR` is Costa Rica, `ČR` is Czechia.
    ///
    /// # Errors
    /// [`UnknownCountry`].
    pub fn parse(raw: &str) -> Result<Self, UnknownCountry> {
        let text = visible(raw);
        if text.is_empty() || text.len() > MAX_RAW_BYTES {
            return Err(UnknownCountry);
        }
        let Names { codes, names } = countries();
        let code = codes.get(text.to_ascii_uppercase().as_str());
        code.or_else(|| names.get(&normal(&text))).map(|code| Self(code)).ok_or(UnknownCountry)
    }

    /// The two letters, in capitals.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// The country's numbering plan.
    #[must_use]
    pub fn region(self) -> Option<Region> {
        Region::parse(self.0).ok()
    }
}

impl Language {
    /// Reads `cs`, `cs-CZ`, `cs_CZ.UTF-8`, `ces`, `Czech`, `čeština`, `polski`, `magyar`.
    ///
    /// # Errors
    /// [`UnknownLanguage`].
    pub fn parse(raw: &str) -> Result<Self, UnknownLanguage> {
        let text = visible(raw);
        if text.is_empty() || text.len() > MAX_RAW_BYTES {
            return Err(UnknownLanguage);
        }
        let Names { codes, names } = languages();
        let primary = text.split(['-', '_', '.', '@']).next().unwrap_or_default();
        let find = |text: &str| {
            let code = codes.get(text.to_ascii_lowercase().as_str());
            code.or_else(|| names.get(&normal(text)))
        };
        let is_tag = primary.len() < text.len() && (2..=3).contains(&primary.len());
        let code = find(&text).or_else(|| find(primary).filter(|_| is_tag));
        code.map(|code| Self(code)).ok_or(UnknownLanguage)
    }

    /// The two letters, in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl TimeZone {
    /// Reads a name of the IANA database in any case, or the name Windows has for the time of
    /// Central Europe.
    ///
    /// # Errors
    /// [`UnknownTimeZone`].
    pub fn parse(raw: &str) -> Result<Self, UnknownTimeZone> {
        let text = visible(raw);
        if let Ok(zone) = text.parse() {
            return Ok(Self(zone));
        }
        let same = |zone: &&Tz| zone.name().eq_ignore_ascii_case(&text);
        if let Some(zone) = TZ_VARIANTS.iter().find(same) {
            return Ok(Self(*zone));
        }
        match text.to_ascii_lowercase().as_str() {
            "central europe standard time" => Ok(Self(Tz::Europe__Budapest)),
            "central european standard time" => Ok(Self(Tz::Europe__Warsaw)),
            "w. europe standard time" => Ok(Self(Tz::Europe__Berlin)),
            "gmt standard time" => Ok(Self(Tz::Europe__London)),
            _ => Err(UnknownTimeZone),
        }
    }

    /// The name in the IANA database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0.name()
    }

    /// The zone, to calculate with.
    #[must_use]
    pub const fn tz(self) -> Tz {
        self.0
    }
}

macro_rules! written_as_text {
    ($($kind:ident),*) => {$(
        impl fmt::Debug for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($kind), "({})"), self.as_str())
            }
        }

        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $kind {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
            }
        }
    )*};
}

written_as_text!(Country, Language, TimeZone);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// IMP-5, IMP-20
    #[test]
    fn countries_are_read_from_codes_and_names() {
        for (code, names) in [
            (
                "CZ",
                "CZ|cz|CZE|Česko|česká republika|CESKA REPUBLIKA|Czechia|Czech Republic|Czech Rep.|ČR|\
              Czechy|Republika Czeska|Csehország|Tschechien| Česko\u{A0}",
            ),
            ("SK", "SK|svk|Slovensko|Slovakia|Słowacja|Szlovákia|Slowakei|Slovenská republika"),
            ("PL", "PL|POL|Polsko|Polska|Poland|Lengyelország|Polen|Poľsko"),
            ("HU", "HU|HUN|Maďarsko|Węgry|Magyarország|Ungarn|Hungary"),
            ("DE", "DE|DEU|Německo|Niemcy|Németország|Deutschland|Germany"),
            ("AT", "Rakousko|Austria|Ausztria|Österreich|Rakúsko"),
            ("GB", "GB|UK|GBR|Velká Británie|Wielka Brytania|Great Britain|United Kingdom|Anglia"),
            ("US", "USA|US|U.S.A.|United States|Spojené státy americké|Stany Zjednoczone"),
            ("UA", "Ukrajina|Ukraina|Ukrajna|Ukraine|Україна"),
            ("HR", "Chorvatsko|Chorwacja|Horvátország|Kroatien|Hrvatska"),
            ("CH", "Švýcarsko|Szwajcaria|Svájc|Schweiz|Suisse|Switzerland"),
            ("NL", "Nizozemsko|Holandsko|The Netherlands|Nederland|Holandia"),
            ("CR", "CR|Kostarika|Costa Rica"),
            ("XK", "Kosovo"),
            ("VN", "Vietnam|Việt Nam"),
        ] {
            for name in names.split('|') {
                assert_eq!(Country::parse(name).map(Country::as_str), Ok(code), "{name}");
            }
        }
        for raw in ["", " ", "XX", "Praha", "n/a", "?", "C"] {
            assert_eq!(Country::parse(raw), Err(UnknownCountry), "{raw}");
        }
    }

    /// IMP-5
    #[test]
    fn the_tables_are_whole() {
        let countries = countries();
        assert_eq!(countries.codes.len(), 2 * 250);
        assert!(countries.codes.keys().all(|code| (2..=3).contains(&code.len())));
        let languages = languages();
        assert!(languages.codes.len() > 180);
        assert!(languages.codes.keys().all(|code| code.len() == 2));
        for code in countries.codes.values() {
            assert_eq!(Country::parse(code).map(Country::as_str), Ok(*code));
        }
    }

    /// IMP-5
    #[test]
    fn languages_are_read_from_tags_and_names() {
        for (code, names) in [
            (
                "cs",
                "cs|CS|cs-CZ|cs_CZ|cs_CZ.UTF-8|ces|cze|cz|Czech|čeština|česky|Cestina|czeski|cseh|Tschechisch",
            ),
            ("sk", "sk|sk-SK|slk|Slovak|slovenčina|slovenština|słowacki|szlovák"),
            ("pl", "pl|pl-PL|Polish|polski|Polština|lengyel|Polnisch"),
            ("hu", "hu|hu-HU|hun|Hungarian|magyar|maďarština|węgierski"),
            ("de", "de|de-AT|German|Deutsch|němčina|niemiecki|német"),
            ("en", "en|en-GB|en-US|eng|English|angličtina|angielski|angol"),
            ("uk", "uk|ua|Ukrainian|українська"),
        ] {
            for name in names.split('|') {
                assert_eq!(Language::parse(name).map(Language::as_str), Ok(code), "{name}");
            }
        }
        for raw in ["", "xx", "xx-CZ", "Klingon?", "-", "1"] {
            assert_eq!(Language::parse(raw), Err(UnknownLanguage), "{raw}");
        }
    }

    /// CON-1
    #[test]
    fn time_zones_have_iana_names() {
        assert_eq!(TimeZone::parse(" Europe/Prague").map(TimeZone::as_str), Ok("Europe/Prague"));
        assert_eq!(TimeZone::parse("europe/warsaw").map(TimeZone::as_str), Ok("Europe/Warsaw"));
        assert_eq!(TimeZone::parse("UTC").map(TimeZone::as_str), Ok("UTC"));
        for raw in ["", "Praha", "+02:00", "Europe"] {
            assert_eq!(TimeZone::parse(raw), Err(UnknownTimeZone), "{raw}");
        }
    }

    /// CON-1
    #[test]
    fn json_is_the_code() {
        let country: Country = serde_json::from_str("\"cz\"").unwrap();
        assert_eq!(serde_json::to_string(&country).unwrap(), "\"CZ\"");
        assert_eq!(country.region().map(|region| region.to_string()).as_deref(), Some("CZ"));
        assert!(serde_json::from_str::<Language>("\"xx\"").is_err());
    }

    proptest! {
        /// IMP-20
        #[test]
        fn no_text_panics(raw in any::<String>()) {
            let _ = Country::parse(&raw);
            let _ = Language::parse(&raw);
            let _ = TimeZone::parse(&raw);
        }
    }
}
