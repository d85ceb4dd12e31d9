//! How a contact is addressed (CMP-6): a formal and a familiar text, in the contact's language.
//!
//! They are proposed from name, titles, gender and language whenever the contact is read, so they follow what is
//! written of it and cost an import nothing. What somebody wrote in their place is kept and not touched.
//!
//! | language | formal | familiar | when the gender is not known |
//! |---|---|---|---|
//! | Czech | `Vážený pane inženýre Nováku`, `Vážená paní Nováková` | `Milý Petře`, `Milá Jano` | `Dobrý den` |
//! | Slovak, which has no vocative | `Vážený pán Novák`, `Vážená pani Nováková` | `Milý Peter`, `Milá Jana` | `Dobrý deň` |
//! | Polish, which leaves out the surname | `Szanowny Panie`, `Szanowna Pani Profesor` | `Drogi Piotrze`, `Droga Anno` | `Szanowni Państwo`, `Dzień dobry` |
//! | Hungarian | `Tisztelt Kovács Úr`, `Tisztelt Kovács Asszony` | `Kedves János` | `Tisztelt Kovács Andrea` |
//! | German | `Sehr geehrter Herr Dr. Müller`, `Sehr geehrte Frau Müller` | `Lieber Hans`, `Liebe Eva` | `Guten Tag Kim Müller`, `Hallo Kim` |
//! | English, and all others | `Dear Mr Smith`, `Dear Dr Smith` | `Dear John` | `Dear Kim Smith` |
//!
//! Names the rules of a language do not speak about stay as they are, and [`Source::Uninflected`] says so.

mod czech;
mod forms;
mod names;
mod polish;
mod word;

use super::contact::Contact;
use super::gender::Gender;
use super::gender::guess::{Guess, NameCountry, PersonName, guess};
use super::name::NameOrder;
use forms::Addressed;

/// Characters of a salutation that somebody writes.
pub const MAX_SALUTATION_CHARS: usize = 200;

/// How formal a text is. The order is that of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Formality {
    /// `Vážená paní Nováková`
    Formal,
    /// `Milá Jano`
    Familiar,
}

/// Where a text comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Somebody wrote it.
    Written,
    /// The rules of the language made it.
    Proposed,
    /// As [`Source::Proposed`], with a name that is foreign to the rules and stands as it is kept.
    Uninflected,
    /// It fits everybody, because the gender is not known, or no name is.
    Neutral,
}

impl Source {
    /// All of them.
    pub const ALL: &'static [Self] =
        &[Self::Written, Self::Proposed, Self::Uninflected, Self::Neutral];

    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Proposed => "proposed",
            Self::Uninflected => "uninflected",
            Self::Neutral => "neutral",
        }
    }
}

/// A text that addresses a contact, without what stands behind it in a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Salutation {
    /// The text; never empty.
    pub text: String,
    /// Where it comes from.
    pub source: Source,
}

/// What holds where a contact says nothing: the workspace's own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Home<'a> {
    /// ISO 639-1.
    pub language: &'a str,
    /// ISO 3166-1 alpha-2.
    pub country: &'a str,
}

/// A language that salutations are made in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Czech,
    Slovak,
    Polish,
    Hungarian,
    German,
    English,
}

impl Language {
    /// What the contact says, else the country of its address, else that of its phone, else the workspace.
    fn of(contact: &Contact, home: Home<'_>) -> Self {
        let said = contact.language.as_deref().map(Self::of_code);
        let lives = || contact.country.as_deref().map(Self::of_country);
        let called = || contact.phone.as_deref().and_then(phone_country).map(Self::of_country);
        said.or_else(lives).or_else(called).unwrap_or_else(|| Self::of_code(home.language))
    }

    fn of_code(code: &str) -> Self {
        match code {
            "cs" => Self::Czech,
            "sk" => Self::Slovak,
            "pl" => Self::Polish,
            "hu" => Self::Hungarian,
            "de" => Self::German,
            _ => Self::English,
        }
    }

    fn of_country(code: &str) -> Self {
        match code {
            "CZ" => Self::Czech,
            "SK" => Self::Slovak,
            "PL" => Self::Polish,
            "HU" => Self::Hungarian,
            "DE" | "AT" | "LI" => Self::German,
            _ => Self::English,
        }
    }
}

/// The neighbours by the start of a number in E.164; of others nothing is said.
fn phone_country(phone: &str) -> Option<&'static str> {
    [("+420", "CZ"), ("+421", "SK"), ("+48", "PL"), ("+36", "HU"), ("+49", "DE"), ("+43", "AT")]
        .into_iter()
        .find(|(code, _)| phone.starts_with(code))
        .map(|(_, country)| country)
}

/// Whose names a contact has: those of its language, else of the country it lives in, else of that of its phone, else
/// of the workspace's country. People take their names along when they move.
#[must_use]
pub fn name_country(contact: &Contact, home: Home<'_>) -> Option<NameCountry> {
    let speaks = contact.language.as_deref();
    if let Some(found) = speaks.and_then(NameCountry::of_language) {
        return Some(found);
    }
    let called = || contact.phone.as_deref().and_then(phone_country);
    match contact.country.as_deref().or_else(called) {
        Some(country) => NameCountry::of_country(country),
        None if speaks.is_some() => None,
        None => NameCountry::of_country(home.country),
    }
}

/// What the name of a contact says about its gender; see [`guess`].
#[must_use]
pub fn guess_gender(contact: &Contact, order: NameOrder, country: Option<NameCountry>) -> Guess {
    let name = PersonName {
        title_before: contact.title_before.as_deref(),
        first_name: contact.first_name.as_deref(),
        last_name: contact.last_name.as_deref(),
    };
    guess(name, order, country)
}

/// The two texts, the formal one first: what somebody wrote, else what is proposed.
#[must_use]
pub fn salutations(contact: &Contact, home: Home<'_>) -> [Salutation; 2] {
    let written = [&contact.salutation_formal, &contact.salutation_familiar];
    if let [Some(formal), Some(familiar)] = written {
        return [formal, familiar].map(|text| as_written(text));
    }
    let [formal, familiar] = propose(contact, home);
    let [over_formal, over_familiar] = written.map(|text| text.as_deref().map(as_written));
    [over_formal.unwrap_or(formal), over_familiar.unwrap_or(familiar)]
}

fn as_written(text: &str) -> Salutation {
    Salutation { text: text.to_owned(), source: Source::Written }
}

/// What is proposed, whatever somebody wrote.
#[must_use]
pub fn propose(contact: &Contact, home: Home<'_>) -> [Salutation; 2] {
    let language = Language::of(contact, home);
    let person = Addressed {
        first_name: contact.first_name.as_deref().and_then(names::given),
        last_name: contact.last_name.as_deref().and_then(names::family),
        degree: forms::Degree::of(contact.title_before.as_deref(), contact.title_after.as_deref()),
        gender: known_gender(contact, language, home),
    };
    [Formality::Formal, Formality::Familiar].map(|formality| person.address(language, formality))
}

/// A man or a woman, as somebody said, else as the name says.
fn known_gender(contact: &Contact, language: Language, home: Home<'_>) -> Option<Gender> {
    match contact.gender.as_deref() {
        Some("female") => Some(Gender::Female),
        Some("male") => Some(Gender::Male),
        // somebody who is neither is not addressed as either
        Some(_) => None,
        None => {
            let order = if language == Language::Hungarian {
                NameOrder::LastFirst
            } else {
                NameOrder::FirstLast
            };
            guess_gender(contact, order, name_country(contact, home)).gender
        }
    }
}

#[cfg(test)]
mod tests;
