//! How a request changes a contact: a merge patch (RFC 7396) whose fields have three states.
//!
//! The body is read from raw JSON, because a reader that stops at the first fault cannot tell all of
//! them. What a request may not write is refused by name, so that nobody believes it was stored.

use chrono::{Datelike, Days, NaiveDate};
use serde_json::{Map, Number, Value};
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

use super::cell::visible;
use super::contact::{Contact, State};
use super::email::Email;
use super::gender::Gender;
use super::phone::{Phone, PhoneError, Region};
use super::place::{Country, Language, TimeZone};
use super::salutation::MAX_SALUTATION_CHARS;
use crate::classes::MAX_GROUPS_PER_CONTACT;
use crate::codes::Code;
use crate::faults::{Fault, pointer_token, sentence};
use crate::tags::{TagSet, read_score, read_tags};

/// Characters of first and last name, job title, city, region and external id.
pub const MAX_NAME_CHARS: usize = 200;
/// Characters of the titles before and after a name.
pub const MAX_TITLE_CHARS: usize = 100;
/// Characters of company name and street.
pub const MAX_LINE_CHARS: usize = 300;
/// Characters of a postal code.
pub const MAX_POSTAL_CODE_CHARS: usize = 20;
/// Details of one contact.
pub const MAX_DETAILS: usize = 200;
/// Characters of the name of a detail.
pub const MAX_DETAIL_NAME_CHARS: usize = 100;
/// Characters of a detail that is text.
pub const MAX_DETAIL_CHARS: usize = 10_000;
/// Nobody alive was born before.
const FIRST_BIRTH_YEAR: i32 = 1850;

/// Fields of an answer that no request writes: the system keeps them, or another endpoint does.
const READ_ONLY: &[(&str, &str)] = &[
    ("id", "The id is given by the system."),
    ("name", "The name is made of first and last name."),
    ("communication", "Consents, subscription and mute have endpoints of their own."),
    ("salutation_sources", "Where the salutations come from is told by the system."),
    ("origin", "The origin says how the contact came in."),
    ("funnel_stages", "Stages cannot be written here."),
    ("owners", "Owners cannot be written here."),
    ("created_at", "Times are kept by the system."),
    ("updated_at", "Times are kept by the system."),
    ("trashed_at", "Delete and restore have endpoints of their own."),
];

/// What a request says about one field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Nothing.
    #[default]
    Absent,
    /// It is to be empty.
    Clear,
    /// It is to be this.
    Set(T),
}

impl<T> Patch<T> {
    /// Does it to `field`.
    pub fn apply_to(self, field: &mut Option<T>) {
        match self {
            Self::Absent => {}
            Self::Clear => *field = None,
            Self::Set(value) => *field = Some(value),
        }
    }

    /// Whether the request says nothing.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    fn map<U>(self, change: impl FnOnce(T) -> U) -> Patch<U> {
        match self {
            Self::Absent => Patch::Absent,
            Self::Clear => Patch::Clear,
            Self::Set(value) => Patch::Set(change(value)),
        }
    }
}

/// With what a body is read.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Region of national phone numbers, unless the body names another.
    pub phone_region: Option<Region>,
    /// A birth date may not lie behind it.
    pub today: NaiveDate,
}

/// A checked merge patch. A new contact is one too, laid over nothing.
#[derive(Clone, Default, PartialEq)]
pub struct ContactPatch {
    /// Name of the contact in another system.
    pub external_id: Patch<String>,
    /// Given name.
    pub first_name: Patch<String>,
    /// Family name.
    pub last_name: Patch<String>,
    /// Titles before the name.
    pub title_before: Patch<String>,
    /// Titles after the name.
    pub title_after: Patch<String>,
    /// Company.
    pub company_name: Patch<String>,
    /// Position.
    pub job_title: Patch<String>,
    /// E-mail address.
    pub email: Patch<Email>,
    /// Phone number.
    pub phone: Patch<Phone>,
    /// Day of birth.
    pub birth_date: Patch<NaiveDate>,
    /// `female`, `male` or `other`.
    pub gender: Patch<String>,
    /// Street and number.
    pub street: Patch<String>,
    /// Town.
    pub city: Patch<String>,
    /// Postal code.
    pub postal_code: Patch<String>,
    /// Region, state or county.
    pub region: Patch<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Patch<String>,
    /// ISO 639-1.
    pub language: Patch<String>,
    /// Name in the IANA time zone database.
    pub time_zone: Patch<String>,
    /// `Clear` goes back to the state every contact begins in.
    pub state: Patch<State>,
    /// `Clear` goes back to 0.
    pub score: Patch<i64>,
    /// `Clear` removes all details; inside, `None` removes one.
    pub details: Patch<Vec<(String, Option<Value>)>>,
    /// The formal salutation; `Clear` goes back to the proposed one (CMP-6).
    pub salutation_formal: Patch<String>,
    /// As [`ContactPatch::salutation_formal`], the familiar one.
    pub salutation_familiar: Patch<String>,
    /// The whole set of tags; `Clear` removes all.
    pub tags: Patch<Vec<TagSet>>,
    /// Its type.
    pub type_id: Patch<Uuid>,
    /// The whole set of groups; `Clear` takes it out of all.
    pub group_ids: Patch<Vec<Uuid>>,
    /// What must exist for it to make sense.
    pub references: Vec<Reference>,
}

/// Something a body refers to that only the database knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Where.
    pub pointer: String,
    /// To what.
    pub target: Target,
}

/// What a reference points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A group.
    Group(Uuid),
    /// A contact type.
    ContactType(Uuid),
    /// The definition of the detail with this name, if there is one: its value must fit.
    Detail(String),
}

impl Reference {
    /// The fault of referring to nothing; a detail may go without a definition.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        let detail = match self.target {
            Target::Group(_) => "There is no such group.",
            Target::ContactType(_) => "There is no such contact type.",
            Target::Detail(_) => return None,
        };
        Some(Fault::new(self.pointer.clone(), Code::UnknownReference, detail))
    }
}

impl std::fmt::Debug for ContactPatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContactPatch").finish_non_exhaustive()
    }
}

impl ContactPatch {
    /// Reads the body of a request. `at` is the pointer of `body` itself (`#` for a whole body).
    ///
    /// # Errors
    /// All faults at once.
    pub fn read(body: &Map<String, Value>, at: &str, reading: Reading) -> Result<Self, Vec<Fault>> {
        let (patch, faults) = Self::read_all(body, at, reading);
        if faults.is_empty() { Ok(patch) } else { Err(faults) }
    }

    /// As [`ContactPatch::read`], with the faults beside what could be read, so that those of its
    /// [`references`](Self::references) can be told with them.
    #[must_use]
    pub fn read_all(body: &Map<String, Value>, at: &str, reading: Reading) -> (Self, Vec<Fault>) {
        let mut reader = Reader { at: at.to_owned(), reading, faults: Vec::new() };
        reader.phone_region(body);
        let mut patch = Self::default();
        for (field, value) in body {
            reader.field(&mut patch, field, value);
        }
        (patch, reader.faults)
    }

    /// The value it sets a detail to.
    #[must_use]
    pub fn detail(&self, name: &str) -> Option<&Value> {
        let Patch::Set(details) = &self.details else { return None };
        // of two spellings of one name the last one counts
        let (_, value) = details.iter().rev().find(|(known, _)| known == name)?;
        value.as_ref()
    }

    /// Lays the patch over a contact; tags and groups are not part of its content and are left to the caller.
    /// Doing it twice is doing it once.
    ///
    /// # Errors
    /// The contact that would come of it has nothing that identifies it, or too many details.
    pub fn apply(&self, contact: &mut Contact, at: &str) -> Result<(), Vec<Fault>> {
        let mut after = contact.clone();
        self.lay_over(&mut after);
        let mut faults = Vec::new();
        if !after.identifies() {
            faults.push(Fault::new(at, Code::NothingIdentifies, Code::NothingIdentifies.title()));
        }
        if after.details.len() > MAX_DETAILS {
            let detail = format!("A contact has at most {MAX_DETAILS} details.");
            faults.push(Fault::new(format!("{at}/details"), Code::TooMany, detail));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        *contact = after;
        Ok(())
    }

    fn lay_over(&self, contact: &mut Contact) {
        // destructured, so that a new field cannot be forgotten here
        let Self {
            external_id,
            first_name,
            last_name,
            title_before,
            title_after,
            company_name,
            job_title,
            email,
            phone,
            birth_date,
            gender,
            street,
            city,
            postal_code,
            region,
            country,
            language,
            time_zone,
            state,
            score,
            details,
            type_id,
            salutation_formal,
            salutation_familiar,
            tags: _,
            group_ids: _,
            references: _,
        } = self.clone();
        external_id.apply_to(&mut contact.external_id);
        first_name.apply_to(&mut contact.first_name);
        last_name.apply_to(&mut contact.last_name);
        title_before.apply_to(&mut contact.title_before);
        title_after.apply_to(&mut contact.title_after);
        company_name.apply_to(&mut contact.company_name);
        job_title.apply_to(&mut contact.job_title);
        let key = email.clone().map(|email| email.key().to_owned());
        key.apply_to(&mut contact.email_key);
        email.map(|email| email.as_str().to_owned()).apply_to(&mut contact.email);
        phone.map(|phone| phone.as_str().to_owned()).apply_to(&mut contact.phone);
        birth_date.apply_to(&mut contact.birth_date);
        gender.apply_to(&mut contact.gender);
        street.apply_to(&mut contact.street);
        city.apply_to(&mut contact.city);
        postal_code.apply_to(&mut contact.postal_code);
        region.apply_to(&mut contact.region);
        country.apply_to(&mut contact.country);
        language.apply_to(&mut contact.language);
        time_zone.apply_to(&mut contact.time_zone);
        type_id.apply_to(&mut contact.type_id);
        salutation_formal.apply_to(&mut contact.salutation_formal);
        salutation_familiar.apply_to(&mut contact.salutation_familiar);
        match state {
            Patch::Absent => {}
            Patch::Clear => contact.state = State::default(),
            Patch::Set(state) => contact.state = state,
        }
        match score {
            Patch::Absent => {}
            Patch::Clear => contact.score = 0,
            Patch::Set(score) => contact.score = score,
        }
        match details {
            Patch::Absent => {}
            Patch::Clear => contact.details.clear(),
            Patch::Set(details) => {
                for (name, value) in details {
                    match value {
                        Some(value) => drop(contact.details.insert(name, value)),
                        None => drop(contact.details.shift_remove(&name)),
                    }
                }
            }
        }
    }

    /// Whether it may change by what other contacts, imports and integrations find this one.
    #[must_use]
    pub fn touches_keys(&self) -> bool {
        !(self.email.is_absent()
            && self.phone.is_absent()
            && self.external_id.is_absent()
            && self.details.is_absent())
    }
}

/// Reads one body and collects its faults.
struct Reader {
    at: String,
    reading: Reading,
    faults: Vec<Fault>,
}

impl Reader {
    fn fault(&mut self, field: &str, code: Code, detail: impl Into<String>) {
        let pointer = format!("{}/{}", self.at, pointer_token(field));
        self.faults.push(Fault::new(pointer, code, detail));
    }

    /// Comes first, whatever place it has in the body: the phone is read with it.
    fn phone_region(&mut self, body: &Map<String, Value>) {
        match body.get("phone_region") {
            None | Some(Value::Null) => {}
            Some(Value::String(code)) => match Region::parse(code) {
                Ok(region) => self.reading.phone_region = Some(region),
                Err(_unknown) => {
                    let detail = "A region is the two-letter code of a country (ISO 3166-1).";
                    self.fault("phone_region", Code::InvalidCountry, detail);
                }
            },
            Some(_) => self.fault("phone_region", Code::InvalidType, "A region is text."),
        }
    }

    fn field(&mut self, patch: &mut ContactPatch, field: &str, value: &Value) {
        match field {
            "phone_region" => {}
            "external_id" => patch.external_id = self.line(field, value, MAX_NAME_CHARS),
            "first_name" => patch.first_name = self.line(field, value, MAX_NAME_CHARS),
            "last_name" => patch.last_name = self.line(field, value, MAX_NAME_CHARS),
            "title_before" => patch.title_before = self.line(field, value, MAX_TITLE_CHARS),
            "title_after" => patch.title_after = self.line(field, value, MAX_TITLE_CHARS),
            "company_name" => patch.company_name = self.line(field, value, MAX_LINE_CHARS),
            "job_title" => patch.job_title = self.line(field, value, MAX_NAME_CHARS),
            "email" => patch.email = self.email(value),
            "phone" => patch.phone = self.phone(value),
            "birth_date" => patch.birth_date = self.birth_date(value),
            "gender" => patch.gender = self.gender(value),
            "address" => self.address(patch, value),
            "language" => patch.language = self.language(value),
            "time_zone" => patch.time_zone = self.time_zone(value),
            "state" => patch.state = self.state(value),
            "score" => patch.score = self.score(value),
            "details" => self.details(patch, value),
            "salutations" => self.salutations(patch, value),
            "type_id" => self.type_id(patch, value),
            "group_ids" => self.group_ids(patch, value),
            "tags" => {
                let at = format!("{}/tags", self.at);
                patch.tags = match value {
                    Value::Null => Patch::Clear,
                    tags => Patch::Set(read_tags(tags, &at, &mut self.faults)),
                };
            }
            _ => match READ_ONLY.iter().find(|(name, _)| *name == field) {
                Some((_, why)) => self.fault(field, Code::ReadOnlyField, *why),
                None => self.fault(field, Code::UnknownField, "A contact has no such field."),
            },
        }
    }

    /// Text, without what nobody sees around it. Empty text is no value.
    fn text(&mut self, field: &str, value: &Value) -> Patch<String> {
        match value {
            Value::Null => Patch::Clear,
            Value::String(text) if text.contains('\0') => {
                self.fault(field, Code::NulCharacter, Code::NulCharacter.title());
                Patch::Absent
            }
            Value::String(text) => match visible(text) {
                text if text.is_empty() => Patch::Clear,
                text => Patch::Set(text.into_owned()),
            },
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                self.fault(field, Code::InvalidType, "This field is text.");
                Patch::Absent
            }
        }
    }

    /// Text of one line: control characters and runs of white space become one blank, NFC.
    fn line(&mut self, field: &str, value: &Value, max_chars: usize) -> Patch<String> {
        match self.text(field, value).map(|text| one_line(&text)) {
            Patch::Set(text) if text.is_empty() => Patch::Clear,
            Patch::Set(text) if text.chars().count() > max_chars => {
                self.fault(field, Code::TooLong, format!("At most {max_chars} characters."));
                Patch::Absent
            }
            read => read,
        }
    }

    fn email(&mut self, value: &Value) -> Patch<Email> {
        self.parsed("email", value, Code::InvalidEmail, |text| {
            Email::parse(text).map_err(|error| sentence(&error))
        })
    }

    fn phone(&mut self, value: &Value) -> Patch<Phone> {
        let region = self.reading.phone_region;
        self.parsed("phone", value, Code::InvalidPhone, |text| {
            Phone::parse(text, region).map_err(|error| match error {
                PhoneError::NotInPlan => {
                    "The numbering plan has no such number; write it with its country code, or name its phone_region.".to_owned()
                }
                error => sentence(&error),
            })
        })
    }

    fn birth_date(&mut self, value: &Value) -> Patch<NaiveDate> {
        let read = self.parsed("birth_date", value, Code::InvalidDate, |text| {
            // chrono would take 1990-5-1 too; RFC 3339 does not
            (text.len() == 10)
                .then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())
                .flatten()
                .ok_or_else(|| "A date is written YYYY-MM-DD.".to_owned())
        });
        // somewhere it is tomorrow already
        let last = self.reading.today.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
        match read {
            Patch::Set(date) if date > last || date.year() < FIRST_BIRTH_YEAR => {
                let detail = format!("A birth date lies between {FIRST_BIRTH_YEAR} and today.");
                self.fault("birth_date", Code::OutOfRange, detail);
                Patch::Absent
            }
            read => read,
        }
    }

    fn gender(&mut self, value: &Value) -> Patch<String> {
        self.parsed("gender", value, Code::InvalidGender, |text| {
            [Gender::Female, Gender::Male, Gender::Other]
                .into_iter()
                .find(|gender| gender.as_str() == text)
                .map(|gender| gender.as_str().to_owned())
                .ok_or_else(|| "A gender is female, male or other.".to_owned())
        })
    }

    fn language(&mut self, value: &Value) -> Patch<String> {
        self.parsed("language", value, Code::InvalidLanguage, |text| {
            two_letters(text)
                .and_then(|code| Language::parse(code).ok())
                .map(|language| language.as_str().to_owned())
                .ok_or_else(|| "A language is a two-letter code (ISO 639-1).".to_owned())
        })
    }

    fn time_zone(&mut self, value: &Value) -> Patch<String> {
        self.parsed("time_zone", value, Code::InvalidTimeZone, |text| {
            TimeZone::parse(text)
                .map(|zone| zone.as_str().to_owned())
                .map_err(|_unknown| "A time zone is a name such as Europe/Prague.".to_owned())
        })
    }

    fn state(&mut self, value: &Value) -> Patch<State> {
        self.parsed("state", value, Code::InvalidState, |text| {
            State::from_word(text)
                .ok_or_else(|| "A state is prospect, customer or partner.".to_owned())
        })
    }

    fn score(&mut self, value: &Value) -> Patch<i64> {
        let at = format!("{}/score", self.at);
        match value {
            Value::Null => Patch::Clear,
            score => read_score(score, &at, &mut self.faults).map_or(Patch::Absent, Patch::Set),
        }
    }

    fn type_id(&mut self, patch: &mut ContactPatch, value: &Value) {
        let pointer = format!("{}/type_id", self.at);
        patch.type_id = match value {
            Value::Null => Patch::Clear,
            value => self.id(value, &pointer).map_or(Patch::Absent, Patch::Set),
        };
        if let Patch::Set(id) = patch.type_id {
            patch.references.push(Reference { pointer, target: Target::ContactType(id) });
        }
    }

    fn group_ids(&mut self, patch: &mut ContactPatch, value: &Value) {
        let items = match value {
            Value::Null => {
                patch.group_ids = Patch::Clear;
                return;
            }
            Value::Array(items) if items.len() > MAX_GROUPS_PER_CONTACT => {
                let detail = format!("At most {MAX_GROUPS_PER_CONTACT} groups.");
                return self.fault("group_ids", Code::TooMany, detail);
            }
            Value::Array(items) => items,
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                return self.fault("group_ids", Code::InvalidType, "Groups are a list of ids.");
            }
        };
        let mut ids = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let pointer = format!("{}/group_ids/{index}", self.at);
            let Some(id) = self.id(item, &pointer) else { continue };
            patch.references.push(Reference { pointer, target: Target::Group(id) });
            ids.push(id);
        }
        patch.group_ids = Patch::Set(ids);
    }

    fn id(&mut self, value: &Value, pointer: &str) -> Option<Uuid> {
        let Value::String(text) = value else {
            self.faults.push(Fault::new(pointer, Code::InvalidType, "An id is text."));
            return None;
        };
        let id = Uuid::parse_str(text).ok();
        if id.is_none() {
            let code = if text.contains('\0') { Code::NulCharacter } else { Code::InvalidValue };
            self.faults.push(Fault::new(pointer, code, "This is not an id."));
        }
        id
    }

    fn address(&mut self, patch: &mut ContactPatch, value: &Value) {
        let parts = match value {
            Value::Null => {
                patch.street = Patch::Clear;
                patch.city = Patch::Clear;
                patch.postal_code = Patch::Clear;
                patch.region = Patch::Clear;
                patch.country = Patch::Clear;
                return;
            }
            Value::Object(parts) => parts,
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                return self.fault("address", Code::InvalidType, "An address is an object.");
            }
        };
        // one level down the same reader goes on with a longer pointer
        let inner = format!("{}/address", self.at);
        let outer = std::mem::replace(&mut self.at, inner);
        for (part, value) in parts {
            match part.as_str() {
                "street" => patch.street = self.line(part, value, MAX_LINE_CHARS),
                "city" => patch.city = self.line(part, value, MAX_NAME_CHARS),
                "postal_code" => patch.postal_code = self.line(part, value, MAX_POSTAL_CODE_CHARS),
                "region" => patch.region = self.line(part, value, MAX_NAME_CHARS),
                "country" => patch.country = self.country(value),
                _ => self.fault(part, Code::UnknownField, "An address has no such field."),
            }
        }
        self.at = outer;
    }

    /// The formal text and the familiar one; `null` in the place of either goes back to the proposed one.
    fn salutations(&mut self, patch: &mut ContactPatch, value: &Value) {
        let (formal, familiar) = match value {
            Value::Null => (&Value::Null, &Value::Null),
            Value::Array(texts) => match texts.as_slice() {
                [formal, familiar] => (formal, familiar),
                _ => {
                    let detail = "Salutations are two: the formal one and the familiar one.";
                    return self.fault("salutations", Code::InvalidValue, detail);
                }
            },
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                let detail = "Salutations are a list of two texts.";
                return self.fault("salutations", Code::InvalidType, detail);
            }
        };
        let inner = format!("{}/salutations", self.at);
        let outer = std::mem::replace(&mut self.at, inner);
        patch.salutation_formal = self.line("0", formal, MAX_SALUTATION_CHARS);
        patch.salutation_familiar = self.line("1", familiar, MAX_SALUTATION_CHARS);
        self.at = outer;
    }

    fn country(&mut self, value: &Value) -> Patch<String> {
        self.parsed("country", value, Code::InvalidCountry, |text| {
            two_letters(text)
                .and_then(|code| Country::parse(code).ok())
                .map(|country| country.as_str().to_owned())
                .ok_or_else(|| "A country is a two-letter code (ISO 3166-1).".to_owned())
        })
    }

    fn details(&mut self, patch: &mut ContactPatch, value: &Value) {
        let entries = match value {
            Value::Null => {
                patch.details = Patch::Clear;
                return;
            }
            Value::Object(entries) => entries,
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                self.fault(
                    "details",
                    Code::InvalidType,
                    "Details are an object of names and values.",
                );
                return;
            }
        };
        // a patch may remove as many as it sets
        if entries.len() > 2 * MAX_DETAILS {
            let detail = format!("A contact has at most {MAX_DETAILS} details.");
            self.fault("details", Code::TooMany, detail);
            return;
        }
        let inner = format!("{}/details", self.at);
        let outer = std::mem::replace(&mut self.at, inner);
        let mut details = Vec::with_capacity(entries.len());
        for (name, value) in entries {
            let Some((key, value)) = self.detail(name, value) else { continue };
            if value.is_some() {
                let pointer = format!("{}/{}", self.at, pointer_token(name));
                let target = Target::Detail(key.clone());
                patch.references.push(Reference { pointer, target });
            }
            details.push((key, value));
        }
        self.at = outer;
        patch.details = Patch::Set(details);
    }

    fn detail(&mut self, name: &str, value: &Value) -> Option<(String, Option<Value>)> {
        let key = one_line(&visible(name));
        if name.contains('\0') {
            self.fault(name, Code::NulCharacter, Code::NulCharacter.title());
            return None;
        }
        if key.is_empty() {
            self.fault(name, Code::TooShort, "A detail has a name.");
            return None;
        }
        if key.chars().count() > MAX_DETAIL_NAME_CHARS {
            let detail =
                format!("The name of a detail has at most {MAX_DETAIL_NAME_CHARS} characters.");
            self.fault(name, Code::TooLong, detail);
            return None;
        }
        let value = match value {
            Value::Null => None,
            Value::Bool(_) => Some(value.clone()),
            Value::Number(number) => Some(Value::Number(as_kept(number))),
            Value::String(text) if text.contains('\0') => {
                self.fault(name, Code::NulCharacter, Code::NulCharacter.title());
                return None;
            }
            Value::String(text) if text.chars().count() > MAX_DETAIL_CHARS => {
                self.fault(name, Code::TooLong, format!("At most {MAX_DETAIL_CHARS} characters."));
                return None;
            }
            Value::String(_) => Some(value.clone()),
            Value::Array(_) | Value::Object(_) => {
                let detail = "The value of a detail is text, a number, true, false or null.";
                self.fault(name, Code::InvalidType, detail);
                return None;
            }
        };
        Some((key, value))
    }

    /// A text field with a meaning of its own.
    fn parsed<T>(
        &mut self,
        field: &str,
        value: &Value,
        code: Code,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Patch<T> {
        match self.text(field, value) {
            Patch::Absent => Patch::Absent,
            Patch::Clear => Patch::Clear,
            Patch::Set(text) => match parse(&text) {
                Ok(value) => Patch::Set(value),
                Err(detail) => {
                    self.fault(field, code, detail);
                    Patch::Absent
                }
            },
        }
    }
}

/// A number as the database gives it back: `1e16` is the whole number it is, so that writing it again
/// changes nothing.
fn as_kept(number: &Number) -> Number {
    let text = number.as_f64().filter(|_| number.is_f64()).map(|value| format!("{value}"));
    // Rust writes floats without an exponent; a fraction or a size beyond 64 bits stays a float
    text.filter(|text| text.len() > 15)
        .and_then(|text| {
            text.parse::<i64>()
                .map(Number::from)
                .or_else(|_| text.parse::<u64>().map(Number::from))
                .ok()
        })
        .unwrap_or_else(|| number.clone())
}

/// A program writes the code; names of countries and languages are for imported lists.
fn two_letters(text: &str) -> Option<&str> {
    (text.len() == 2).then_some(text)
}

pub(crate) fn one_line(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ").nfc().collect()
}

/// Whether a patch does nothing but take off what contacts are classed by: its type, all groups, all tags,
/// details. That works in the trash too, or else nothing that a trashed contact has could ever be
/// deleted (CON-8).
#[must_use]
pub fn only_detaches(body: &Map<String, Value>) -> bool {
    let takes_off = |(name, value): (&String, &Value)| match name.as_str() {
        "type_id" => value.is_null(),
        "group_ids" | "tags" => value.is_null() || value.as_array().is_some_and(Vec::is_empty),
        "details" => {
            let all_cleared = |details: &Map<String, Value>| details.values().all(Value::is_null);
            value.is_null() || value.as_object().is_some_and(all_cleared)
        }
        _ => false,
    };
    !body.is_empty() && body.iter().all(takes_off)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn reading() -> Reading {
        Reading {
            phone_region: Some(Region::parse("CZ").unwrap()),
            today: NaiveDate::from_ymd_opt(2026, 11, 21).unwrap(),
        }
    }

    fn read(body: Value) -> Result<ContactPatch, Vec<(String, Code)>> {
        let Value::Object(body) = body else { panic!("a body is an object") };
        ContactPatch::read(&body, "#", reading())
            .map_err(|faults| faults.into_iter().map(|f| (f.pointer, f.code)).collect())
    }

    fn contact(body: Value) -> Contact {
        let mut contact = Contact::default();
        read(body).unwrap().apply(&mut contact, "#").unwrap();
        contact
    }

    /// CON-1
    #[test]
    fn every_field_of_a_contact_is_read_and_normalised() {
        let contact = contact(json!({
            "external_id": " A-17 ", "first_name": "  Jana\tMarie ", "last_name": "Nova\u{301}kova\u{301}",
            "title_before": "Ing.", "title_after": "Ph.D.", "company_name": "Kůň s.r.o.", "job_title": "CEO",
            "email": "Jana@Example.cz", "phone": "601 123 456", "birth_date": "1990-05-01", "gender": "female",
            "address": {"street": "Lipová 1", "city": "Brno", "postal_code": "602 00", "region": "JM", "country": "cz"},
            "language": "cs", "time_zone": "Europe/Prague", "state": "customer", "score": -3,
            "details": {"rozmiar buta": "43", "n": 1.5, "yes": true, "nothing": null}
        }));
        assert_eq!(contact.external_id.as_deref(), Some("A-17"));
        assert_eq!(contact.first_name.as_deref(), Some("Jana Marie"));
        assert_eq!(contact.last_name.as_deref(), Some("Nováková"));
        assert_eq!(contact.email.as_deref(), Some("Jana@Example.cz"));
        assert_eq!(contact.email_key.as_deref(), Some("jana@example.cz"));
        assert_eq!(contact.phone.as_deref(), Some("+420601123456"));
        assert_eq!(contact.birth_date, NaiveDate::from_ymd_opt(1990, 5, 1));
        assert_eq!(contact.country.as_deref(), Some("CZ"));
        assert_eq!(contact.language.as_deref(), Some("cs"));
        assert_eq!((contact.state, contact.score), (State::Customer, -3));
        assert_eq!(
            Value::Object(contact.details),
            json!({"rozmiar buta": "43", "n": 1.5, "yes": true})
        );
    }

    #[test]
    fn the_body_may_name_the_region_of_its_number() {
        for body in [
            json!({"phone": "512 345 678", "phone_region": "PL"}),
            json!({"phone_region": "pl", "phone": "512 345 678"}),
        ] {
            assert_eq!(contact(body).phone.as_deref(), Some("+48512345678"));
        }
        let faults = read(json!({"phone_region": "XX"})).unwrap_err();
        assert_eq!(faults, [("#/phone_region".to_owned(), Code::InvalidCountry)]);
    }

    /// PLT-3: all faults at once, each with its place.
    #[test]
    fn all_faults_are_told_at_once() {
        let faults = read(json!({
            "first_name": 5, "last_name": "x".repeat(201), "email": "nonsense", "phone": "12",
            "birth_date": "1990-5-1", "gender": "f", "address": {"country": "Czechia", "planet": "Earth", "city": "a\0"},
            "language": "czech", "time_zone": "Brno", "state": "friend", "score": 1.5,
            "details": {"a": [], "b": "\0", "": 1, "c/d": {}}, "tags": "vip",
            "salutations": [1, "x".repeat(201)],
            "id": "x", "communication": {}, "shoe_size": 43
        }))
        .unwrap_err();
        let expected = [
            ("#/first_name", Code::InvalidType),
            ("#/last_name", Code::TooLong),
            ("#/email", Code::InvalidEmail),
            ("#/phone", Code::InvalidPhone),
            ("#/birth_date", Code::InvalidDate),
            ("#/gender", Code::InvalidGender),
            ("#/address/country", Code::InvalidCountry),
            ("#/address/planet", Code::UnknownField),
            ("#/address/city", Code::NulCharacter),
            ("#/language", Code::InvalidLanguage),
            ("#/time_zone", Code::InvalidTimeZone),
            ("#/state", Code::InvalidState),
            ("#/score", Code::InvalidType),
            ("#/details/a", Code::InvalidType),
            ("#/details/b", Code::NulCharacter),
            ("#/details/", Code::TooShort),
            ("#/details/c~1d", Code::InvalidType),
            ("#/tags", Code::InvalidType),
            ("#/salutations/0", Code::InvalidType),
            ("#/salutations/1", Code::TooLong),
            ("#/id", Code::ReadOnlyField),
            ("#/communication", Code::ReadOnlyField),
            ("#/shoe_size", Code::UnknownField),
        ];
        assert_eq!(faults, expected.map(|(pointer, code)| (pointer.to_owned(), code)));
    }

    #[test]
    fn birth_dates_lie_in_a_life() {
        for (date, code) in [
            ("2026-11-22", None),
            ("2026-11-23", Some(Code::OutOfRange)),
            ("1849-12-31", Some(Code::OutOfRange)),
            ("1990-02-30", Some(Code::InvalidDate)),
            ("1.5.1990", Some(Code::InvalidDate)),
        ] {
            let found = read(json!({"birth_date": date})).err().map(|faults| faults[0].1);
            assert_eq!(found, code, "{date}");
        }
    }

    /// CON-3
    #[test]
    fn null_and_blank_clear_and_absence_leaves() {
        let mut jana = contact(json!({"first_name": "Jana", "last_name": "Nováková", "score": 5,
            "state": "partner", "address": {"city": "Brno", "street": "Lipová"}, "details": {"a": 1, "b": 2}}));
        let patch = read(json!({"first_name": null, "score": null, "state": null,
            "address": {"street": "  "}, "details": {"a": null, "c": 3}}))
        .unwrap();
        patch.apply(&mut jana, "#").unwrap();
        assert_eq!(
            jana,
            contact(
                json!({"last_name": "Nováková", "address": {"city": "Brno"}, "details": {"b": 2, "c": 3}})
            )
        );
        read(json!({"address": null, "details": null})).unwrap().apply(&mut jana, "#").unwrap();
        assert_eq!(jana, contact(json!({"last_name": "Nováková"})));
    }

    /// CON-1
    #[test]
    fn a_patch_may_not_take_away_the_last_thing_that_identifies() {
        let mut jana = contact(json!({"first_name": "Jana"}));
        let before = jana.clone();
        let faults = read(json!({"first_name": null, "address": {"city": "Brno"}}))
            .unwrap()
            .apply(&mut jana, "#")
            .unwrap_err();
        assert_eq!(faults[0].code, Code::NothingIdentifies);
        assert_eq!(jana, before, "a refused patch changes nothing");
    }

    /// CMP-6
    #[test]
    fn salutations_are_written_by_pairs_and_cleared_one_by_one() {
        let mut jana =
            contact(json!({"first_name": "Jana", "salutations": [" Dear\tJana ", null]}));
        assert_eq!(jana.salutation_formal.as_deref(), Some("Dear Jana"));
        assert_eq!(jana.salutation_familiar, None);
        read(json!({"salutations": [null, "Ahoj Jani"]})).unwrap().apply(&mut jana, "#").unwrap();
        assert_eq!(
            (jana.salutation_formal.as_deref(), jana.salutation_familiar.as_deref()),
            (None, Some("Ahoj Jani"))
        );
        read(json!({"last_name": "Nováková"})).unwrap().apply(&mut jana, "#").unwrap();
        assert_eq!(jana.salutation_familiar.as_deref(), Some("Ahoj Jani"));
        let before = jana.clone();
        read(json!({"salutations": null})).unwrap().apply(&mut jana, "#").unwrap();
        assert_eq!(jana.salutation_familiar, None);
        assert_eq!(jana.changed(&before), ["salutations"]);
        for (body, code) in [
            (json!([]), Code::InvalidValue),
            (json!(["one"]), Code::InvalidValue),
            (json!(["a", "b", "c"]), Code::InvalidValue),
            (json!("Dear"), Code::InvalidType),
            (json!({"formal": "Dear"}), Code::InvalidType),
        ] {
            let faults = read(json!({"salutations": body})).unwrap_err();
            assert_eq!(faults, [("#/salutations".to_owned(), code)]);
        }
    }

    /// CON-9
    #[test]
    fn numbers_are_kept_as_the_database_gives_them_back() {
        for (written, kept) in [
            ("1e16", "10000000000000000"),
            ("-2e17", "-200000000000000000"),
            ("1e19", "10000000000000000000"),
            ("1e20", "1e+20"),
            ("5.0", "5.0"),
            ("0.1", "0.1"),
            ("43", "43"),
        ] {
            let number: Number = serde_json::from_str(written).unwrap();
            assert_eq!(as_kept(&number).to_string(), kept);
        }
    }

    /// CON-9
    #[test]
    fn details_have_a_limit_that_counts_what_is_removed() {
        let many = |from: usize, to: usize| -> Map<String, Value> {
            (from..to).map(|n| (format!("d{n}"), json!(n))).collect()
        };
        let mut jana = contact(json!({"first_name": "Jana", "details": many(0, 200)}));
        let over = read(json!({"details": {"one more": 1}})).unwrap();
        assert_eq!(over.apply(&mut jana, "#").unwrap_err()[0].code, Code::TooMany);
        read(json!({"details": {"one more": 1, "d0": null}}))
            .unwrap()
            .apply(&mut jana, "#")
            .unwrap();
        assert_eq!(jana.details.len(), 200);
    }

    fn body() -> impl Strategy<Value = Map<String, Value>> {
        let text = || prop_oneof![Just(Value::Null), "[a-zž ]{0,6}".prop_map(Value::from)];
        let field = prop_oneof![
            ("first_name|last_name|company_name|external_id|title_after", text()),
            (
                "email",
                prop_oneof![
                    Just(Value::Null),
                    "[a-zA-Z]{1,5}@[a-z]{1,5}\\.cz".prop_map(Value::from)
                ]
            ),
            ("score", prop_oneof![Just(Value::Null), any::<i32>().prop_map(Value::from)]),
            (
                "address",
                proptest::collection::btree_map("city|street|region", text(), 0..3)
                    .prop_map(|map| Value::Object(map.into_iter().collect()))
            ),
            (
                "details",
                proptest::collection::btree_map(
                    "[a-c]",
                    prop_oneof![text(), any::<bool>().prop_map(Value::from)],
                    0..4
                )
                .prop_map(|map| Value::Object(map.into_iter().collect()))
            ),
        ];
        proptest::collection::vec(field, 0..8).prop_map(|fields| fields.into_iter().collect())
    }

    proptest! {
        /// A merge patch laid twice is laid once, and what it changed is what differs.
        #[test]
        fn patches_are_idempotent(first in body(), second in body()) {
            let mut once = Contact { phone: Some("+420601123456".into()), ..Contact::default() };
            ContactPatch::read(&first, "#", reading()).unwrap().apply(&mut once, "#").unwrap();
            let patch = ContactPatch::read(&second, "#", reading()).unwrap();
            let before = once.clone();
            patch.apply(&mut once, "#").unwrap();
            let mut twice = once.clone();
            patch.apply(&mut twice, "#").unwrap();
            prop_assert_eq!(&once, &twice);
            prop_assert_eq!(once.changed(&before).is_empty(), once == before);
        }

        /// No body makes the reader panic.
        #[test]
        fn any_text_in_any_field_is_read_or_refused(field in "email|phone|birth_date|language|time_zone|gender|state|tags|details|address", text in ".{0,40}") {
            let body = Map::from_iter([(field, Value::from(text))]);
            let _ = ContactPatch::read(&body, "#", reading());
        }
    }

    /// CON-8
    #[test]
    fn taking_off_is_told_from_putting_on() {
        let detaches = |body: Value| only_detaches(body.as_object().unwrap());
        for body in [
            serde_json::json!({"type_id": null}),
            serde_json::json!({"group_ids": [], "tags": null}),
            serde_json::json!({"details": {"a": null, "b": null}}),
            serde_json::json!({"details": null, "tags": []}),
        ] {
            assert!(detaches(body.clone()), "{body}");
        }
        for body in [
            serde_json::json!({}),
            serde_json::json!({"first_name": null}),
            serde_json::json!({"type_id": null, "score": 1}),
            serde_json::json!({"tags": ["vip"]}),
            serde_json::json!({"details": {"a": null, "b": 1}}),
        ] {
            assert!(!detaches(body.clone()), "{body}");
        }
    }
}
