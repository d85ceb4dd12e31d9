//! Which rows are whose, and what is done with each class of them (IMP-6..11).

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::mapping::{Field, Mapping, Target};
use crate::codes::Code;
use crate::contacts::patch::MAX_DETAIL_NAME_CHARS;
use crate::faults::Fault;
use crate::tags::TagName;

/// The value that rows and contacts are compared by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MatchKey {
    /// Normalised e-mail.
    Email,
    /// E.164.
    Phone,
    /// As it is.
    ExternalId,
    /// A detail, as text without blanks around it; case and blanks inside count, and a number is its digits.
    Detail(String),
}

impl MatchKey {
    /// Whether a column of the mapping fills it.
    #[must_use]
    pub fn is_mapped(&self, mapping: &Mapping) -> bool {
        let wanted = match self {
            Self::Email => Target::Field(Field::Email),
            Self::Phone => Target::Field(Field::Phone),
            Self::ExternalId => Target::Field(Field::ExternalId),
            Self::Detail(name) => Target::Detail(name.clone()),
        };
        mapping.columns.iter().any(|column| column.target.as_ref() == Some(&wanted))
    }
}

impl FromStr for MatchKey {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "email" => Ok(Self::Email),
            "phone" => Ok(Self::Phone),
            "external_id" => Ok(Self::ExternalId),
            _ => match word.strip_prefix("detail:").map(str::trim) {
                Some(name) if !name.is_empty() && name.chars().count() <= MAX_DETAIL_NAME_CHARS => {
                    Ok(Self::Detail(name.to_owned()))
                }
                _ => Err(()),
            },
        }
    }
}

impl std::fmt::Display for MatchKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Email => f.write_str("email"),
            Self::Phone => f.write_str("phone"),
            Self::ExternalId => f.write_str("external_id"),
            Self::Detail(name) => write!(f, "detail:{name}"),
        }
    }
}

impl Serialize for MatchKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MatchKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(|()| serde::de::Error::custom("unknown key"))
    }
}

/// Several rows with one key inside the file (IMP-11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InFile {
    /// One contact of all of them; a later value that is not empty wins.
    #[default]
    Merge,
    /// The first row counts.
    First,
    /// The last row counts.
    Last,
    /// Each row for itself.
    All,
}

/// What a class of rows finds in the base (IMP-8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Nobody.
    None,
    /// One living contact.
    One,
    /// Several living contacts.
    Many,
    /// Only contacts in the trash.
    InTrash,
}

impl Class {
    /// All classes.
    pub const ALL: [Self; 4] = [Self::None, Self::One, Self::Many, Self::InTrash];

    /// The word in the API and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::One => "one",
            Self::Many => "many",
            Self::InTrash => "in_trash",
        }
    }

    /// What may be done with it (IMP-9).
    #[must_use]
    pub fn actions(self) -> &'static [Action] {
        match self {
            Self::None => &[Action::Import, Action::Skip],
            Self::One => &[Action::Import, Action::Update, Action::Skip],
            Self::Many => {
                &[Action::Import, Action::UpdateLastAdded, Action::UpdateFirstAdded, Action::Skip]
            }
            Self::InTrash => &[Action::Import, Action::RestoreAndUpdate, Action::Skip],
        }
    }

    /// What is done when nothing is said: nobody is doubled, nothing comes back from the trash unasked.
    #[must_use]
    pub fn default_action(self) -> Action {
        match self {
            Self::None => Action::Import,
            Self::One => Action::Update,
            Self::Many => Action::UpdateLastAdded,
            Self::InTrash => Action::Skip,
        }
    }
}

/// What is done with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A new contact.
    Import,
    /// The one contact found.
    Update,
    /// The youngest of those found.
    UpdateLastAdded,
    /// The oldest of those found.
    UpdateFirstAdded,
    /// Out of the trash, then updated; the youngest of those found.
    RestoreAndUpdate,
    /// Nothing.
    Skip,
}

impl Action {
    /// The word in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Update => "update",
            Self::UpdateLastAdded => "update_last_added",
            Self::UpdateFirstAdded => "update_first_added",
            Self::RestoreAndUpdate => "restore_and_update",
            Self::Skip => "skip",
        }
    }

    /// Outcome of the row in the plan.
    #[must_use]
    pub fn outcome(self) -> &'static str {
        match self {
            Self::Import => "create",
            Self::Update | Self::UpdateLastAdded | Self::UpdateFirstAdded => "update",
            Self::RestoreAndUpdate => "restore",
            Self::Skip => "skip",
        }
    }
}

/// A consent declared for every row of a class (CNS-4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredConsent {
    /// Name of the purpose.
    pub purpose: String,
    /// Legal basis, GDPR art. 6.
    pub legal_basis: String,
}

/// What is done with one class (IMP-9, IMP-10).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassPolicy {
    /// With the contact.
    pub action: Action,
    /// Tags for it; made when missing.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Consents for it.
    #[serde(default)]
    pub consents: Vec<DeclaredConsent>,
}

impl ClassPolicy {
    fn only(action: Action) -> Self {
        Self { action, tags: Vec::new(), consents: Vec::new() }
    }
}

/// What happens when the contacts would be more than the workspace may hold (TRS-3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnLimit {
    /// The commit is refused.
    #[default]
    Refuse,
    /// The first rows that fit are taken.
    Fill,
}

/// How rows are matched and what is done with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matching {
    /// `None`: matching is off, every row becomes a contact.
    pub key: Option<MatchKey>,
    /// Several rows with one key.
    pub in_file: InFile,
    /// Nobody found, or matching off.
    pub none: ClassPolicy,
    /// One found.
    pub one: ClassPolicy,
    /// Several found.
    pub many: ClassPolicy,
    /// Only in the trash.
    pub in_trash: ClassPolicy,
    /// Over the contact limit.
    pub on_limit: OnLimit,
}

impl Matching {
    /// Matching off: every row becomes a contact.
    #[must_use]
    pub fn off(all: ClassPolicy, on_limit: OnLimit) -> Self {
        Self {
            key: None,
            in_file: InFile::All,
            none: all,
            one: ClassPolicy::only(Action::Skip),
            many: ClassPolicy::only(Action::Skip),
            in_trash: ClassPolicy::only(Action::Skip),
            on_limit,
        }
    }

    /// Matching by `key`; a class that is not named gets its default.
    #[must_use]
    pub fn by(
        key: MatchKey,
        in_file: InFile,
        policies: [Option<ClassPolicy>; 4],
        on_limit: OnLimit,
    ) -> Self {
        let [none, one, many, in_trash] = policies;
        let or_default = |policy: Option<ClassPolicy>, class: Class| {
            policy.unwrap_or_else(|| ClassPolicy::only(class.default_action()))
        };
        Self {
            key: Some(key),
            in_file,
            none: or_default(none, Class::None),
            one: or_default(one, Class::One),
            many: or_default(many, Class::Many),
            in_trash: or_default(in_trash, Class::InTrash),
            on_limit,
        }
    }

    /// The policy of a class.
    #[must_use]
    pub fn policy(&self, class: Class) -> &ClassPolicy {
        match class {
            Class::None => &self.none,
            Class::One => &self.one,
            Class::Many => &self.many,
            Class::InTrash => &self.in_trash,
        }
    }

    /// Checks it against the mapping and the workspace; `purposes` are the names that exist.
    #[must_use]
    pub fn faults(&self, mapping: &Mapping, purposes: &[String]) -> Vec<Fault> {
        let mut faults = Vec::new();
        if let Some(key) = &self.key
            && !key.is_mapped(mapping)
        {
            let detail = format!("no column is mapped to {key}");
            faults.push(Fault::new("#/key", Code::KeyNotMapped, detail));
        }
        for class in Class::ALL {
            let policy = self.policy(class);
            let place = if self.key.is_none() { "all" } else { class.as_str() };
            if !class.actions().contains(&policy.action) {
                let known: Vec<_> = class.actions().iter().map(|action| action.as_str()).collect();
                let detail = format!("the class {} knows {}", class.as_str(), known.join(", "));
                faults.push(Fault::new(
                    format!("#/outcomes/{place}/action"),
                    Code::InvalidOutcome,
                    detail,
                ));
            }
            for (at, tag) in policy.tags.iter().enumerate() {
                if let Err(error) = TagName::parse(tag) {
                    let pointer = format!("#/outcomes/{place}/tags/{at}");
                    faults.push(Fault::new(pointer, Code::InvalidTag, error.to_string()));
                }
            }
            for (at, consent) in policy.consents.iter().enumerate() {
                let pointer = format!("#/outcomes/{place}/consents/{at}/purpose");
                let earlier = policy.consents.iter().take(at);
                if earlier.into_iter().any(|other| other.purpose == consent.purpose) {
                    let detail = format!("{} is declared twice", consent.purpose);
                    faults.push(Fault::new(pointer, Code::InvalidValue, detail));
                } else if !purposes.contains(&consent.purpose) {
                    let detail = format!("the workspace has no purpose {}", consent.purpose);
                    faults.push(Fault::new(pointer, Code::UnknownPurpose, detail));
                }
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// IMP-9
    #[test]
    fn each_class_takes_its_own_actions_by_default_too() {
        for class in Class::ALL {
            assert!(class.actions().contains(&class.default_action()));
            assert!(class.actions().contains(&Action::Import));
            assert!(class.actions().contains(&Action::Skip));
        }
        assert!(!Class::None.actions().contains(&Action::Update));
        assert!(!Class::InTrash.actions().contains(&Action::Update));
    }

    /// IMP-7
    #[test]
    fn keys_come_back_as_they_were_written() {
        for word in ["email", "phone", "external_id", "detail:číslo karty"] {
            assert_eq!(word.parse::<MatchKey>().unwrap().to_string(), word);
        }
        assert!("name".parse::<MatchKey>().is_err());
        assert!("detail:".parse::<MatchKey>().is_err());
    }
}
