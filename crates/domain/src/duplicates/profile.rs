//! A contact made ready to be compared: folded, taken apart, without what says nothing.

use chrono::{Datelike, NaiveDate};

use crate::contacts::fold::fold;

use super::nicknames;
use super::text::words_only;

/// What is compared of a contact, as it is kept. Values that are missing say nothing, for or against.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Titles behind the name: `ml.`, `Jr.` tell father and son apart.
    pub title_after: Option<String>,
    /// The company, or whom a person works for.
    pub company_name: Option<String>,
    /// What two spellings of one address share.
    pub email_key: Option<String>,
    /// E.164.
    pub phone: Option<String>,
    /// Name in another system.
    pub external_id: Option<String>,
    /// Day of birth.
    pub birth_date: Option<NaiveDate>,
    /// `female`, `male` or `other`.
    pub gender: Option<String>,
    /// Street and number.
    pub street: Option<String>,
    /// Town.
    pub city: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
}

/// Shows nothing: a contact in a log is a leak.
impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Record").finish_non_exhaustive()
    }
}

/// Which of two people with one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Generation {
    Younger,
    Elder,
}

/// A [`Record`] made ready.
#[derive(Clone)]
pub struct Profile {
    pub(super) given: String,
    pub(super) family: String,
    pub(super) generation: Option<Generation>,
    pub(super) female: Option<bool>,
    pub(super) birth: Option<NaiveDate>,
    pub(super) local: String,
    /// Without what stands behind a `+`.
    pub(super) plain: String,
    pub(super) domain: String,
    /// A mailbox of an office, not of a person.
    pub(super) role: bool,
    pub(super) phone: String,
    pub(super) external: String,
    /// Street without the number.
    pub(super) street: String,
    pub(super) number: String,
    pub(super) city: String,
    pub(super) postal: String,
    pub(super) company: String,
}

impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Profile").finish_non_exhaustive()
    }
}

/// Mailboxes that belong to an office.
const ROLES: &str = "info|office|kontakt|contact|contacts|mail|email|posta|podatelna|obchod|prodej|sales|\
    sekretariat|recepce|reception|recepcja|biuro|iroda|titkarsag|sklep|shop|eshop|objednavky|orders|\
    order|fakturace|faktury|faktura|invoice|invoices|billing|ucetni|ucetnictvi|accounting|uctarna|\
    ksiegowosc|podpora|support|help|helpdesk|servis|service|hr|jobs|kariera|admin|administrator|\
    webmaster|postmaster|hostmaster|abuse|marketing|media|press|tym|team|firma|company|noreply|\
    no-reply|newsletter|rezervace|reservation|booking|hotel|skola|ordinace|vedeni|reditel|studio";

/// Forms of companies, which say nothing about which one it is.
const FORMS: &str = "sro|as|spol|s r o|a s|z s|zs|ops|vos|ks|akciova|spolecnost|druzstvo|sp z o o|sp|zoo|sa|kft|zrt|\
    nyrt|bt|gmbh|ag|kg|ltd|limited|inc|llc|co|corp|plc|se|spa|srl|bv|nv|oy|ab|company|spolka|z|o|s|r|a";

fn is_in(list: &str, word: &str) -> bool {
    list.split('|').any(|one| one == word)
}

fn folded(text: Option<&String>) -> String {
    text.map(|text| words_only(&fold(text))).unwrap_or_default()
}

impl From<&Record> for Profile {
    fn from(record: &Record) -> Self {
        let mut generation = record.title_after.as_deref().and_then(generation_in);
        let given = folded(record.first_name.as_ref());
        let mut family = folded(record.last_name.as_ref());
        if generation.is_none()
            && let Some((rest, last)) = family.rsplit_once(' ')
            && let Some(found) = generation_of(last)
        {
            generation = Some(found);
            family = rest.to_owned();
        }
        let email = record.email_key.as_deref().map(fold).unwrap_or_default();
        let (local, domain) = email.rsplit_once('@').unwrap_or((email.as_str(), ""));
        let plain = match local.split_once('+') {
            Some((plain, _)) if !plain.is_empty() => plain,
            _ => local,
        };
        let (street, number) = street_and_number(&folded(record.street.as_ref()));
        let without_forms = |name: String| {
            let words: Vec<&str> = name.split(' ').filter(|word| !is_in(FORMS, word)).collect();
            if words.is_empty() { name.clone() } else { words.join(" ") }
        };
        Self {
            given,
            family,
            generation,
            female: match record.gender.as_deref() {
                Some("female") => Some(true),
                Some("male") => Some(false),
                _ => None,
            },
            birth: record.birth_date,
            role: is_in(ROLES, plain),
            plain: plain.to_owned(),
            local: local.to_owned(),
            domain: domain.to_owned(),
            phone: record
                .phone
                .as_deref()
                .unwrap_or_default()
                .chars()
                .filter(char::is_ascii_digit)
                .collect(),
            external: record.external_id.as_deref().map(fold).unwrap_or_default(),
            street,
            number,
            city: folded(record.city.as_ref()),
            postal: folded(record.postal_code.as_ref()).replace(' ', ""),
            company: without_forms(folded(record.company_name.as_ref())),
        }
    }
}

impl Profile {
    /// Whether it names a person.
    pub(super) fn is_person(&self) -> bool {
        !self.given.is_empty() || !self.family.is_empty()
    }

    /// Year, and day and month in their order of size: the same for dates whose day and month were taken for
    /// each other.
    pub(super) fn birth_parts(&self) -> Option<(i32, u32, u32)> {
        self.birth
            .map(|date| (date.year(), date.day().min(date.month()), date.day().max(date.month())))
    }

    /// The given name, or the form all its familiar forms share.
    pub(super) fn given_root(&self) -> &str {
        nicknames::root(first_word(&self.given))
    }

    /// The family name as men and women share it: `novak` of `novakova`.
    pub(super) fn family_stem(&self) -> &str {
        family_stem(&self.family)
    }
}

pub(super) fn first_word(words: &str) -> &str {
    words.split(' ').next().unwrap_or_default()
}

/// Takes the ending off that the family names of women have in Slavic languages.
pub(super) fn family_stem(name: &str) -> &str {
    for ending in ["ova", "ska", "cka"] {
        if let Some(stem) = name.strip_suffix(ending)
            && stem.chars().count() >= 3
        {
            // `kowalska` and `kowalski` share `kowalsk`
            return if ending == "ova" { stem } else { name.strip_suffix('a').unwrap_or(stem) };
        }
    }
    for (ending, last) in [("sky", 'y'), ("ski", 'i'), ("cky", 'y'), ("cki", 'i')] {
        if name.ends_with(ending) && name.chars().count() > 4 {
            return name.strip_suffix(last).unwrap_or(name);
        }
    }
    name
}

fn generation_in(titles: &str) -> Option<Generation> {
    words_only(&fold(titles)).split(' ').find_map(generation_of)
}

fn generation_of(word: &str) -> Option<Generation> {
    match word {
        "ml" | "mladsi" | "jr" | "jun" | "junior" | "ifj" | "ii" | "iii" => {
            Some(Generation::Younger)
        }
        "st" | "starsi" | "sr" | "sen" | "senior" | "id" => Some(Generation::Elder),
        _ => None,
    }
}

/// `lidicka 12 3` becomes `lidicka` and `12 3`.
fn street_and_number(street: &str) -> (String, String) {
    let has_digit = |word: &&str| word.chars().any(|c| c.is_ascii_digit());
    let words: Vec<&str> = street.split(' ').filter(|word| !word.is_empty()).collect();
    let join = |words: Vec<&str>| words.join(" ");
    let name: Vec<&str> = words.iter().copied().filter(|word| !has_digit(word)).collect();
    let number: Vec<&str> = words.iter().copied().filter(has_digit).collect();
    (join(name), join(number))
}
