//! How long what need not be kept for ever is kept (TRS-5): a number of days for each kind, or no end.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Most days of a rule: a hundred years.
pub const MAX_DAYS: i64 = 36_500;

macro_rules! kinds {
    ($($name:ident = $wire:literal, $default:expr, $means:literal;)+) => {
        /// What there is a rule for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $(#[doc = $means] $name,)+ }

        impl Kind {
            /// All kinds, in the order a run looks after them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The word in the API and the database.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $wire),+ }
            }

            /// Days where a workspace says nothing; `None` is kept for ever.
            #[must_use]
            pub fn default_days(self) -> Option<i64> {
                match self { $(Self::$name => $default),+ }
            }
        }
    };
}

kinds! {
    ImportRows = "import_rows", Some(1), "Staged rows of imports that have ended: nothing reads them any more.";
    ImportFiles = "import_files", Some(30), "Uploaded files of imports that have ended, with their samples.";
    ImportsOpen = "imports_open", Some(90), "Imports on which no step was taken: they are cancelled and their files go.";
    JobContacts = "job_contacts", Some(90), "Lists of the contacts of jobs that have ended, with what became of each.";
    Documents = "documents", Some(30), "Documents, such as lists of links.";
    Jobs = "jobs", None, "Jobs that have ended and that no import names.";
    Runs = "runs", None, "Runs of rules and scenarios that have ended, but of those whose limits count them.";
    Trash = "trash", None, "Contacts in the trash: they are purged.";
    ConsentEvidence = "consent_evidence", None, "What proves entries of the consent ledger: IP address, user agent, evidence.";
}

/// The rules of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules(BTreeMap<Kind, Option<i64>>);

impl Default for Rules {
    fn default() -> Self {
        Self(Kind::ALL.iter().map(|kind| (*kind, kind.default_days())).collect())
    }
}

impl Rules {
    /// The rules as they are kept. What is not there, or cannot be read, has its default.
    #[must_use]
    pub fn read(kept: &Value) -> Self {
        let mut rules = Self::default();
        for kind in Kind::ALL {
            match kept.get(kind.as_str()) {
                Some(Value::Null) => rules.set(*kind, None),
                Some(days) => {
                    let days = days.as_i64().filter(|days| (1..=MAX_DAYS).contains(days));
                    rules.set(*kind, days.or(kind.default_days()));
                }
                None => {}
            }
        }
        rules
    }

    /// Keeps a kind for so many days, or for ever.
    pub fn set(&mut self, kind: Kind, days: Option<i64>) {
        self.0.insert(kind, days);
    }

    /// Days of a kind.
    #[must_use]
    pub fn days(&self, kind: Kind) -> Option<i64> {
        self.0.get(&kind).copied().flatten()
    }

    /// How they are kept.
    #[must_use]
    pub fn kept(&self) -> Value {
        let members = self.0.iter().map(|(kind, days)| (kind.as_str().to_owned(), json!(days)));
        Value::Object(members.collect::<Map<_, _>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TRS-5: what machines leave behind goes by itself, what people keep stays until somebody says otherwise.
    #[test]
    fn rules_come_back_and_what_is_not_said_has_its_default() {
        let mut rules = Rules::default();
        assert_eq!((rules.days(Kind::ImportRows), rules.days(Kind::Trash)), (Some(1), None));
        rules.set(Kind::Trash, Some(30));
        rules.set(Kind::ImportRows, None);
        assert_eq!(Rules::read(&rules.kept()), rules);
        assert_eq!(Rules::read(&json!({})), Rules::default());
        let odd = Rules::read(&json!({"trash": 0, "import_rows": "x", "jobs": MAX_DAYS + 1}));
        assert_eq!(odd, Rules::default());
    }
}
