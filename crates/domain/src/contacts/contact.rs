//! A contact's content: what people and programs write, apart from what the system keeps about it.
//!
//! Values are kept as they are stored (an E.164 number, a country code), because a contact read from the
//! base must not pay for parsing again; the only way for new values in is [`super::patch`], which
//! checks them.

use chrono::NaiveDate;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::fold::fold;

/// State of the business relation (CON-10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Nothing was agreed yet; every new contact begins here.
    #[default]
    Prospect,
    /// Buys.
    Customer,
    /// Works with us.
    Partner,
}

impl State {
    /// All states, in the order of a growing relation.
    pub const ALL: &'static [Self] = &[Self::Prospect, Self::Customer, Self::Partner];

    /// The word in the database and in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prospect => "prospect",
            Self::Customer => "customer",
            Self::Partner => "partner",
        }
    }

    /// The state with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.as_str() == word)
    }
}

/// How a contact came into the base (CON-17).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A person made it.
    Manual,
    /// An import made it.
    Import,
    /// An integration made it.
    Api,
    /// A booking made it.
    Booking,
    /// It wrote to us.
    Inbox,
    /// It was found in the business register.
    Ares,
}

impl Origin {
    /// All origins.
    pub const ALL: &'static [Self] =
        &[Self::Manual, Self::Import, Self::Api, Self::Booking, Self::Inbox, Self::Ares];

    /// The word in the database and in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Import => "import",
            Self::Api => "api",
            Self::Booking => "booking",
            Self::Inbox => "inbox",
            Self::Ares => "ares",
        }
    }

    /// The origin with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|origin| origin.as_str() == word)
    }
}

/// The content of a contact. Tags, consents and flags hang on it elsewhere.
///
/// `Debug` names the fields that are set and shows none of them: a contact in a log is a leak.
#[derive(Clone, Default, PartialEq)]
pub struct Contact {
    /// Name of the contact in another system.
    pub external_id: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Titles before the name.
    pub title_before: Option<String>,
    /// Titles after the name.
    pub title_after: Option<String>,
    /// Company the person works for, or the company itself.
    pub company_name: Option<String>,
    /// Position.
    pub job_title: Option<String>,
    /// E-mail address as it was spelt.
    pub email: Option<String>,
    /// What two spellings of one address share.
    pub email_key: Option<String>,
    /// Phone number in E.164.
    pub phone: Option<String>,
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
    /// Region, state or county.
    pub region: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// ISO 639-1.
    pub language: Option<String>,
    /// Name in the IANA time zone database.
    pub time_zone: Option<String>,
    /// State of the business relation.
    pub state: State,
    /// Its type (CON-7).
    pub type_id: Option<Uuid>,
    /// Points.
    pub score: i64,
    /// Named values of any kind (CON-9).
    pub details: Map<String, Value>,
    /// Formal salutation, when somebody wrote one (CMP-6).
    pub salutation_formal: Option<String>,
    /// Familiar salutation, when somebody wrote one.
    pub salutation_familiar: Option<String>,
}

impl std::fmt::Debug for Contact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Contact({})", self.changed(&Self::default()).join(", "))
    }
}

impl Contact {
    /// Whether it has one of name, e-mail, phone, company name and external id: without any nobody could
    /// find or reach it.
    #[must_use]
    pub fn identifies(&self) -> bool {
        self.first_name.is_some()
            || self.last_name.is_some()
            || self.email.is_some()
            || self.phone.is_some()
            || self.company_name.is_some()
            || self.external_id.is_some()
    }

    /// What to call it on a screen; see [`display_name`].
    #[must_use]
    pub fn name(&self) -> Option<String> {
        display_name(
            self.first_name.as_deref(),
            self.last_name.as_deref(),
            self.company_name.as_deref(),
            self.email.as_deref(),
        )
    }

    /// What the search looks into; see [`search_text`].
    #[must_use]
    pub fn search(&self) -> String {
        search_text([
            self.first_name.as_deref(),
            self.last_name.as_deref(),
            self.email.as_deref(),
            self.phone.as_deref(),
            self.company_name.as_deref(),
        ])
    }

    /// Whether the two match by different keys, so that an import plan made before no longer holds.
    #[must_use]
    pub fn matches_like(&self, other: &Self) -> bool {
        self.email_key == other.email_key
            && self.phone == other.phone
            && self.external_id == other.external_id
            && self.details == other.details
    }

    /// Names of the fields that differ from `before`, as the API calls them.
    #[must_use]
    pub fn changed(&self, before: &Self) -> Vec<String> {
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
            email_key: _,
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
            type_id,
            score,
            details,
            salutation_formal,
            salutation_familiar,
        } = self;
        let readdressed = *salutation_formal != before.salutation_formal
            || *salutation_familiar != before.salutation_familiar;
        let mut names: Vec<String> = [
            ("external_id", *external_id != before.external_id),
            ("first_name", *first_name != before.first_name),
            ("last_name", *last_name != before.last_name),
            ("title_before", *title_before != before.title_before),
            ("title_after", *title_after != before.title_after),
            ("company_name", *company_name != before.company_name),
            ("job_title", *job_title != before.job_title),
            ("email", *email != before.email),
            ("phone", *phone != before.phone),
            ("birth_date", *birth_date != before.birth_date),
            ("gender", *gender != before.gender),
            ("address.street", *street != before.street),
            ("address.city", *city != before.city),
            ("address.postal_code", *postal_code != before.postal_code),
            ("address.region", *region != before.region),
            ("address.country", *country != before.country),
            ("language", *language != before.language),
            ("time_zone", *time_zone != before.time_zone),
            ("state", *state != before.state),
            ("type_id", *type_id != before.type_id),
            ("score", *score != before.score),
            ("salutations", readdressed),
        ]
        .into_iter()
        .filter(|(_, differs)| *differs)
        .map(|(name, _)| name.to_owned())
        .collect();
        let gone = before.details.keys().filter(|name| !details.contains_key(*name));
        let new = details.iter().filter(|(name, value)| before.details.get(*name) != Some(value));
        names.extend(gone.chain(new.map(|(name, _)| name)).map(|name| format!("details.{name}")));
        names
    }
}

/// First and last name; without both the company; without that the e-mail address.
#[must_use]
pub fn display_name(
    first_name: Option<&str>,
    last_name: Option<&str>,
    company_name: Option<&str>,
    email: Option<&str>,
) -> Option<String> {
    match (first_name, last_name) {
        (Some(first), Some(last)) => Some(format!("{first} {last}")),
        (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
        (None, None) => company_name.or(email).map(str::to_owned),
    }
}

/// The text the search looks into (CON-4): first name, last name, e-mail, phone and company in this order,
/// one blank between them, folded. The SQL function `contact_search` makes the same of the same.
#[must_use]
pub fn search_text(parts: [Option<&str>; 5]) -> String {
    let mut text = String::new();
    for part in parts.into_iter().flatten() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(part);
    }
    fold(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CON-1
    #[test]
    fn one_of_six_fields_identifies_a_contact() {
        let some = || Some("x".to_owned());
        for contact in [
            Contact { first_name: some(), ..Contact::default() },
            Contact { last_name: some(), ..Contact::default() },
            Contact { email: some(), ..Contact::default() },
            Contact { phone: some(), ..Contact::default() },
            Contact { company_name: some(), ..Contact::default() },
            Contact { external_id: some(), ..Contact::default() },
        ] {
            assert!(contact.identifies(), "{contact:?}");
        }
        assert!(!Contact::default().identifies());
        assert!(!Contact { city: some(), job_title: some(), ..Contact::default() }.identifies());
    }

    #[test]
    fn the_name_falls_back_to_company_and_email() {
        for (first, last, company, email, name) in [
            (Some("Jana"), Some("Nováková"), Some("X"), Some("a@b.cz"), Some("Jana Nováková")),
            (None, Some("Nováková"), Some("X"), None, Some("Nováková")),
            (Some("Jana"), None, None, None, Some("Jana")),
            (None, None, Some("X s.r.o."), Some("a@b.cz"), Some("X s.r.o.")),
            (None, None, None, Some("a@b.cz"), Some("a@b.cz")),
            (None, None, None, None, None),
        ] {
            assert_eq!(display_name(first, last, company, email).as_deref(), name);
        }
    }

    /// CON-4
    #[test]
    fn the_search_text_is_folded_and_in_order() {
        let text = search_text([
            Some("Žofie"),
            None,
            Some("Zofie@Kůň.cz"),
            Some("+420601123456"),
            Some("ČEZ"),
        ]);
        assert_eq!(text, "zofie zofie@kun.cz +420601123456 cez");
        assert_eq!(search_text([None; 5]), "");
    }

    #[test]
    fn changes_are_named_as_the_api_names_them() {
        let mut before = Contact { city: Some("Brno".into()), ..Contact::default() };
        before.details.insert("old".into(), Value::from(1));
        before.details.insert("same".into(), Value::from(1));
        let mut after = Contact { score: 5, ..Contact::default() };
        after.details.insert("same".into(), Value::from(1));
        after.details.insert("new".into(), Value::from("x"));
        assert_eq!(after.changed(&before), ["address.city", "score", "details.old", "details.new"]);
        assert!(after.changed(&after).is_empty());
    }

    #[test]
    fn debug_shows_no_personal_data() {
        let contact = Contact { email: Some("jana@example.cz".into()), ..Contact::default() };
        assert_eq!(format!("{contact:?}"), "Contact(email)");
    }
}
