//! What becomes of each column: targets, update policies, and the checks of a mapping (IMP-5, IMP-12).

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::codes::Code;
use crate::contacts::date::DateFormat;
use crate::contacts::name::NameOrder;
use crate::contacts::patch::MAX_DETAIL_NAME_CHARS;
use crate::contacts::phone::Region;
use crate::faults::Fault;

macro_rules! fields {
    ($($name:ident = $wire:literal, $column:literal;)+) => {
        /// A field of a contact that one cell fills.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Field { $(#[doc = $wire] $name,)+ }

        impl Field {
            /// All of them, in the order of the staging table.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Name in the API.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $wire),+ }
            }

            /// Name where it is stored.
            #[must_use]
            pub fn column(self) -> &'static str {
                match self { $(Self::$name => $column),+ }
            }
        }

        impl FromStr for Field {
            type Err = UnknownTarget;
            fn from_str(word: &str) -> Result<Self, UnknownTarget> {
                match word { $($wire => Ok(Self::$name),)+ _ => Err(UnknownTarget) }
            }
        }
    };
}

fields! {
    ExternalId = "external_id", "external_id";
    FirstName = "first_name", "first_name";
    LastName = "last_name", "last_name";
    TitleBefore = "title_before", "title_before";
    TitleAfter = "title_after", "title_after";
    CompanyName = "company_name", "company_name";
    JobTitle = "job_title", "job_title";
    Email = "email", "email";
    Phone = "phone", "phone";
    BirthDate = "birth_date", "birth_date";
    Gender = "gender", "gender";
    Street = "address.street", "street";
    City = "address.city", "city";
    PostalCode = "address.postal_code", "postal_code";
    Region = "address.region", "region";
    Country = "address.country", "country";
    Language = "language", "language";
    TimeZone = "time_zone", "time_zone";
    State = "state", "state";
    Score = "score", "score";
    Subscribed = "subscribed", "subscribed";
    Muted = "muted", "muted";
}

impl Field {
    /// Whether an empty cell may clear it: state, score and the communication switches always have a value.
    #[must_use]
    pub fn can_be_cleared(self) -> bool {
        !matches!(self, Self::State | Self::Score | Self::Subscribed | Self::Muted)
    }
}

/// A word that names no target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownTarget;

/// Where the cells of a column go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// One field.
    Field(Field),
    /// Split into titles, first and last name.
    FullName,
    /// Split at `,` `;` and `|` into tags.
    Tags,
    /// Yes (or a date) grants, no withdraws.
    Consent(String),
    /// A named detail.
    Detail(String),
    /// Yes, or a date, means not subscribed: block lists, time of unsubscription.
    Unsubscribed,
}

impl FromStr for Target {
    type Err = UnknownTarget;

    fn from_str(word: &str) -> Result<Self, UnknownTarget> {
        if let Some(name) = word.strip_prefix("detail:") {
            let name = name.trim();
            let fits = !name.is_empty() && name.chars().count() <= MAX_DETAIL_NAME_CHARS;
            let clean = !name.chars().any(char::is_control);
            return if fits && clean {
                Ok(Self::Detail(name.to_owned()))
            } else {
                Err(UnknownTarget)
            };
        }
        if let Some(purpose) = word.strip_prefix("consent:") {
            return if purpose.is_empty() {
                Err(UnknownTarget)
            } else {
                Ok(Self::Consent(purpose.to_owned()))
            };
        }
        match word {
            "full_name" => Ok(Self::FullName),
            "tags" => Ok(Self::Tags),
            "unsubscribed" => Ok(Self::Unsubscribed),
            _ => word.parse().map(Self::Field),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => f.write_str(field.as_str()),
            Self::FullName => f.write_str("full_name"),
            Self::Tags => f.write_str("tags"),
            Self::Consent(purpose) => write!(f, "consent:{purpose}"),
            Self::Detail(name) => write!(f, "detail:{name}"),
            Self::Unsubscribed => f.write_str("unsubscribed"),
        }
    }
}

impl Serialize for Target {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        word.parse().map_err(|UnknownTarget| serde::de::Error::custom("unknown target"))
    }
}

/// What an imported value does to a value that is there (IMP-12).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Takes its place.
    #[default]
    Overwrite,
    /// Only fills a gap.
    FillEmpty,
    /// Nothing: it is for new contacts only.
    Keep,
}

/// One column of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnMapping {
    /// Position in the file, from 0.
    pub index: usize,
    /// Where it goes; `None` leaves it out.
    pub target: Option<Target>,
    /// What it does to a value that is there.
    #[serde(default)]
    pub policy: Policy,
    /// An empty cell clears the value that is there.
    #[serde(default)]
    pub clear_empty: bool,
}

/// The whole mapping, checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mapping {
    /// The columns.
    pub columns: Vec<ColumnMapping>,
    /// Region of national phone numbers; the workspace's when not given.
    pub phone_region: Option<Region>,
    /// How dates are written.
    pub date_format: DateFormat,
    /// Order of the parts of `full_name`.
    pub name_order: NameOrder,
    /// `F` in the column of genders means a man, as in Hungarian (`férfi`).
    #[serde(default)]
    pub f_is_a_man: bool,
    /// A value that cannot be read makes its row invalid.
    pub strict: bool,
}

impl Mapping {
    /// Checks a mapping against the file and the workspace; `purposes` are the names that exist.
    #[must_use]
    pub fn faults(&self, columns: usize, purposes: &[String]) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut by_target: HashMap<&Target, usize> = HashMap::new();
        let mut by_index: BTreeMap<usize, usize> = BTreeMap::new();
        for (at, column) in self.columns.iter().enumerate() {
            let pointer = |field: &str| format!("#/columns/{at}/{field}");
            if column.index >= columns {
                let detail = format!("the file has {columns} columns, counted from 0");
                faults.push(Fault::new(pointer("index"), Code::UnknownColumn, detail));
            }
            if by_index.insert(column.index, at).is_some() {
                let detail = format!("column {} is mapped twice", column.index);
                faults.push(Fault::new(pointer("index"), Code::DuplicateTarget, detail));
            }
            let Some(target) = &column.target else { continue };
            if let Target::Consent(purpose) = target
                && !purposes.contains(purpose)
            {
                let detail = format!("the workspace has no purpose {purpose}");
                faults.push(Fault::new(pointer("target"), Code::UnknownPurpose, detail));
            }
            if *target != Target::Tags && by_target.insert(target, at).is_some() {
                let detail = format!("two columns go to {target}; only tags may come from several");
                faults.push(Fault::new(pointer("target"), Code::DuplicateTarget, detail));
            }
        }
        if self.columns.iter().all(|column| column.target.is_none()) {
            faults.push(Fault::new("#/columns", Code::NothingMapped, "no column has a target"));
        }
        self.name_faults(&mut faults);
        faults
    }

    fn name_faults(&self, faults: &mut Vec<Fault>) {
        let place = |wanted: &Target| {
            self.columns.iter().position(|column| column.target.as_ref() == Some(wanted))
        };
        for (target, rivals) in [
            (Target::FullName, [Field::FirstName, Field::LastName].map(Target::Field).to_vec()),
            (Target::Unsubscribed, vec![Target::Field(Field::Subscribed)]),
        ] {
            if place(&target).is_some()
                && let Some((rival, at)) =
                    rivals.iter().find_map(|rival| Some((rival, place(rival)?)))
            {
                let detail = format!("{target} and {rival} say the same; map one of them");
                let pointer = format!("#/columns/{at}/target");
                faults.push(Fault::new(pointer, Code::DuplicateTarget, detail));
            }
        }
    }

    /// Fields the mapping writes, each with its policy and whether an empty cell clears; a split full name
    /// counts as its parts.
    #[must_use]
    pub fn fields(&self) -> Vec<(Field, Policy, bool)> {
        let mut fields = Vec::new();
        for column in &self.columns {
            let parts: &[Field] = match &column.target {
                Some(Target::Field(field)) => &[*field],
                Some(Target::FullName) => {
                    &[Field::FirstName, Field::LastName, Field::TitleBefore, Field::TitleAfter]
                }
                Some(Target::Unsubscribed) => &[Field::Subscribed],
                Some(Target::Tags | Target::Consent(_) | Target::Detail(_)) | None => &[],
            };
            for field in parts {
                if !fields.iter().any(|(known, _, _)| known == field) {
                    fields.push((
                        *field,
                        column.policy,
                        column.clear_empty && field.can_be_cleared(),
                    ));
                }
            }
        }
        fields
    }

    /// Details the mapping writes.
    #[must_use]
    pub fn details(&self) -> Vec<(&str, Policy, bool)> {
        let detail = |column: &'_ ColumnMapping| match &column.target {
            Some(Target::Detail(_)) => Some((column.policy, column.clear_empty)),
            _ => None,
        };
        self.columns
            .iter()
            .filter_map(|column| {
                let (policy, clears) = detail(column)?;
                match &column.target {
                    Some(Target::Detail(name)) => Some((name.as_str(), policy, clears)),
                    _ => None,
                }
            })
            .collect()
    }

    /// Purposes the mapping writes, in order of their ordinals: the first is 1.
    #[must_use]
    pub fn purposes(&self) -> Vec<&str> {
        let mut purposes: Vec<&str> = Vec::new();
        for column in &self.columns {
            if let Some(Target::Consent(purpose)) = &column.target
                && !purposes.contains(&purpose.as_str())
            {
                purposes.push(purpose);
            }
        }
        purposes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(targets: &[&str]) -> Mapping {
        Mapping {
            columns: targets
                .iter()
                .enumerate()
                .map(|(index, target)| ColumnMapping {
                    index,
                    target: (!target.is_empty()).then(|| target.parse().unwrap()),
                    policy: Policy::Overwrite,
                    clear_empty: false,
                })
                .collect(),
            phone_region: None,
            date_format: DateFormat::Auto,
            name_order: NameOrder::FirstLast,
            f_is_a_man: false,
            strict: false,
        }
    }

    fn codes(faults: &[Fault]) -> Vec<Code> {
        faults.iter().map(|fault| fault.code).collect()
    }

    /// IMP-5
    #[test]
    fn targets_come_back_as_they_were_written() {
        for word in [
            "email",
            "address.city",
            "full_name",
            "tags",
            "consent:email_basic",
            "detail:rozmiar_buta",
            "unsubscribed",
        ] {
            assert_eq!(word.parse::<Target>().unwrap().to_string(), word);
        }
        for word in ["", "detail:", "consent:", "emial", "detail:a\u{0}b", "address"] {
            assert_eq!(word.parse::<Target>(), Err(UnknownTarget), "{word}");
        }
    }

    /// IMP-5
    #[test]
    fn a_good_mapping_has_no_faults() {
        let faults = mapping(&["email", "", "tags", "tags", "consent:email_basic"])
            .faults(5, &["email_basic".into()]);
        assert_eq!(faults, []);
    }

    /// IMP-5
    #[test]
    fn every_fault_of_a_mapping_is_told() {
        let mut bad = mapping(&["email", "email", "consent:nothing", "full_name", "first_name"]);
        bad.columns[4].index = 9;
        let faults = bad.faults(5, &[]);
        assert_eq!(
            codes(&faults),
            [
                Code::DuplicateTarget,
                Code::UnknownPurpose,
                Code::UnknownColumn,
                Code::DuplicateTarget
            ]
        );
        assert_eq!(faults[0].pointer, "#/columns/1/target");
        assert_eq!(codes(&mapping(&["", ""]).faults(2, &[])), [Code::NothingMapped]);
    }
}
