//! What a condition can ask about, and with which operators: the one table behind reading, checking and
//! the published schema.

use unicode_normalization::UnicodeNormalization;

use crate::consents::ledger::Channel;
use crate::contacts::cell::visible;

/// An operator of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Equal.
    Eq,
    /// Not equal, or not there.
    Ne,
    /// Equal to one of a list.
    In,
    /// Equal to none of a list, or not there.
    NotIn,
    /// Less than.
    Lt,
    /// At most.
    Lte,
    /// More than.
    Gt,
    /// At least.
    Gte,
    /// From the first to the second of a pair, both included.
    Between,
    /// Holds the text, case and diacritics folded.
    Contains,
    /// Starts with the text, case and diacritics folded.
    StartsWith,
    /// Ends with the text, case and diacritics folded.
    EndsWith,
    /// There is nothing.
    IsEmpty,
    /// There is something.
    IsNotEmpty,
    /// Earlier than.
    Before,
    /// Later than.
    After,
    /// In the time (ISO 8601 duration) that ends now.
    WithinLast,
    /// Outside the time that ends now, or not there.
    NotWithinLast,
    /// Its day and month come round in the time that starts today.
    AnniversaryIn,
    /// Holds the element.
    Has,
    /// Does not hold the element.
    HasNot,
}

impl Op {
    /// All operators, in the order they are documented.
    pub const ALL: &'static [Self] = &[
        Self::Eq,
        Self::Ne,
        Self::In,
        Self::NotIn,
        Self::Lt,
        Self::Lte,
        Self::Gt,
        Self::Gte,
        Self::Between,
        Self::Contains,
        Self::StartsWith,
        Self::EndsWith,
        Self::IsEmpty,
        Self::IsNotEmpty,
        Self::Before,
        Self::After,
        Self::WithinLast,
        Self::NotWithinLast,
        Self::AnniversaryIn,
        Self::Has,
        Self::HasNot,
    ];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::In => "in",
            Self::NotIn => "not_in",
            Self::Lt => "lt",
            Self::Lte => "lte",
            Self::Gt => "gt",
            Self::Gte => "gte",
            Self::Between => "between",
            Self::Contains => "contains",
            Self::StartsWith => "starts_with",
            Self::EndsWith => "ends_with",
            Self::IsEmpty => "is_empty",
            Self::IsNotEmpty => "is_not_empty",
            Self::Before => "before",
            Self::After => "after",
            Self::WithinLast => "within_last",
            Self::NotWithinLast => "not_within_last",
            Self::AnniversaryIn => "anniversary_in",
            Self::Has => "has",
            Self::HasNot => "has_not",
        }
    }

    /// The operator with this word.
    #[must_use]
    pub fn from_wire(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|op| op.as_str() == word)
    }

    /// Whether it is the opposite of another one.
    #[must_use]
    pub const fn is_negated(self) -> bool {
        matches!(
            self,
            Self::Ne | Self::NotIn | Self::IsNotEmpty | Self::NotWithinLast | Self::HasNot
        )
    }

    /// Whether it stands alone, without a value.
    #[must_use]
    pub const fn takes_no_value(self) -> bool {
        matches!(self, Self::IsEmpty | Self::IsNotEmpty)
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $wire:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// Their words.
            pub const WORDS: &'static [&'static str] = &[$($wire),+];

            /// The word on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $wire),+ }
            }

            /// The one with this word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($wire => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words! {
    /// The last word of the ledger on one purpose.
    ConsentState {
        /// Granted.
        Granted = "granted",
        /// Withdrawn.
        Withdrawn = "withdrawn",
        /// Neither, ever.
        Never = "never",
    }
}

words! {
    /// Fields that hold text.
    TextField {
        /// Given name.
        FirstName = "first_name",
        /// Family name.
        LastName = "last_name",
        /// What the contact is called: first and last name, else the company, else the e-mail.
        Name = "name",
        /// Academic title before the name.
        TitleBefore = "title_before",
        /// Academic title behind the name.
        TitleAfter = "title_after",
        /// Company.
        CompanyName = "company_name",
        /// Position.
        JobTitle = "job_title",
        /// Compared by its key: lower case, domain in ASCII.
        Email = "email",
        /// E.164.
        Phone = "phone",
        /// The id another system gave it.
        ExternalId = "external_id",
        /// Street and number.
        Street = "address.street",
        /// Town.
        City = "address.city",
        /// Postal code.
        PostalCode = "address.postal_code",
        /// Region.
        Region = "address.region",
        /// ISO 3166-1 alpha-2, upper case.
        Country = "address.country",
        /// ISO 639-1, lower case.
        Language = "language",
        /// IANA name.
        TimeZone = "time_zone",
    }
}

words! {
    /// Fields that hold one of a few words.
    WordField {
        /// State of the business relation (CON-10).
        State = "state",
        /// Gender.
        Gender = "gender",
        /// Where the contact came from (CON-17).
        Origin = "origin",
    }
}

impl WordField {
    /// The words it knows.
    #[must_use]
    pub const fn words(self) -> &'static [&'static str] {
        match self {
            Self::State => &["prospect", "customer", "partner"],
            Self::Gender => &["female", "male", "other"],
            Self::Origin => &["manual", "import", "api", "booking", "inbox", "ares"],
        }
    }
}

words! {
    /// Fields that are true or false.
    FlagField {
        /// Gets marketing.
        Subscribed = "subscribed",
        /// Gets no message at all.
        Muted = "muted",
    }
}

words! {
    /// Fields that hold an instant.
    TimeField {
        /// When it was made.
        CreatedAt = "created_at",
        /// When it was last changed.
        UpdatedAt = "updated_at",
        /// When it was put in the trash; nothing while it lives, so only lists of the trash hold such.
        TrashedAt = "trashed_at",
    }
}

words! {
    /// What contacts are linked to, and asked about by id.
    Link {
        /// The users who own the contact (CON-12).
        Owner = "owner",
        /// Companies (CON-15).
        Company = "company",
        /// Opportunities.
        Opportunity = "opportunity",
        /// Projects.
        Project = "project",
    }
}

/// What a condition asks about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// A text of the contact.
    Text(TextField),
    /// One of a few words.
    Word(WordField),
    /// True or false.
    Flag(FlagField),
    /// The score of the contact (CON-11).
    Score,
    /// The day of birth.
    BirthDate,
    /// An instant.
    Time(TimeField),
    /// The tags.
    Tag,
    /// How many tags there are.
    TagCount,
    /// A detail by name (CON-9).
    Detail(String),
    /// The consent for a purpose by name.
    Consent(String),
    /// The projection of the ledger on a channel: e-mail or SMS.
    Status(Channel),
    /// The shown state of communication.
    Communication,
    /// The imports that made, changed or restored the contact.
    Import,
    /// The groups it is in (CON-7).
    Group,
    /// The stages of funnels it is in (MGR-I).
    Stage,
    /// The type it has (CON-7).
    Type,
    /// What the contact is linked to.
    Linked(Link),
    /// The saved segments the contact is in.
    Segment,
}

/// How a field is compared: one row of the documentation for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Free text.
    Text,
    /// An ISO 3166 country.
    Country,
    /// One of these words.
    Words(&'static [&'static str]),
    /// True or false.
    Flag,
    /// A whole number.
    Integer,
    /// A day.
    Date,
    /// An instant.
    Time,
    /// Tags.
    Tag,
    /// A detail.
    Detail,
    /// Ids.
    Id,
    /// A set of ids, which may be empty.
    Ids,
}

/// Beginning of the name of a detail's field.
pub const DETAIL: &str = "detail:";
/// Beginning of the name of a consent's field.
pub const CONSENT: &str = "consent:";

const SET: &[Op] = &[Op::Eq, Op::Ne, Op::In, Op::NotIn];
const TEXT: &[Op] = &[
    Op::Eq,
    Op::Ne,
    Op::In,
    Op::NotIn,
    Op::Contains,
    Op::StartsWith,
    Op::EndsWith,
    Op::IsEmpty,
    Op::IsNotEmpty,
];
const OPTIONAL_SET: &[Op] = &[Op::Eq, Op::Ne, Op::In, Op::NotIn, Op::IsEmpty, Op::IsNotEmpty];
const INTEGER: &[Op] =
    &[Op::Eq, Op::Ne, Op::In, Op::NotIn, Op::Lt, Op::Lte, Op::Gt, Op::Gte, Op::Between];
const DATE: &[Op] = &[
    Op::Eq,
    Op::Ne,
    Op::In,
    Op::NotIn,
    Op::Lt,
    Op::Lte,
    Op::Gt,
    Op::Gte,
    Op::Between,
    Op::Before,
    Op::After,
    Op::WithinLast,
    Op::NotWithinLast,
    Op::AnniversaryIn,
    Op::IsEmpty,
    Op::IsNotEmpty,
];
const TIME: &[Op] = &[
    Op::Eq,
    Op::Ne,
    Op::Lt,
    Op::Lte,
    Op::Gt,
    Op::Gte,
    Op::Between,
    Op::Before,
    Op::After,
    Op::WithinLast,
    Op::NotWithinLast,
    Op::AnniversaryIn,
];
const OPTIONAL_TIME: &[Op] = &[
    Op::Eq,
    Op::Ne,
    Op::Lt,
    Op::Lte,
    Op::Gt,
    Op::Gte,
    Op::Between,
    Op::Before,
    Op::After,
    Op::WithinLast,
    Op::NotWithinLast,
    Op::AnniversaryIn,
    Op::IsEmpty,
    Op::IsNotEmpty,
];
const TAG: &[Op] = &[Op::Has, Op::HasNot, Op::In, Op::NotIn, Op::IsEmpty, Op::IsNotEmpty];
const DETAIL_OPS: &[Op] = &[
    Op::Eq,
    Op::Ne,
    Op::In,
    Op::NotIn,
    Op::Lt,
    Op::Lte,
    Op::Gt,
    Op::Gte,
    Op::Between,
    Op::Contains,
    Op::StartsWith,
    Op::EndsWith,
    Op::Before,
    Op::After,
    Op::WithinLast,
    Op::NotWithinLast,
    Op::AnniversaryIn,
    Op::IsEmpty,
    Op::IsNotEmpty,
];

impl Kind {
    /// The operators it knows.
    #[must_use]
    pub const fn ops(self) -> &'static [Op] {
        match self {
            Self::Text => TEXT,
            Self::Country => OPTIONAL_SET,
            Self::Words(_) => SET,
            Self::Flag => &[Op::Eq, Op::Ne],
            Self::Integer => INTEGER,
            Self::Date => DATE,
            Self::Time => TIME,
            Self::Tag | Self::Ids => TAG,
            Self::Detail => DETAIL_OPS,
            Self::Id => &[Op::Eq, Op::In, Op::Ne, Op::NotIn],
        }
    }
}

/// Text of one line as contacts store it: no invisible characters, single spaces, NFC.
#[must_use]
pub fn one_line(text: &str) -> String {
    visible(text).split_whitespace().collect::<Vec<_>>().join(" ").nfc().collect()
}

/// States e-mail can be in.
pub const EMAIL_STATUSES: &[&str] = &["opt_in", "opt_out", "none", "invalid"];
/// States the other channels can be in.
pub const CHANNEL_STATUSES: &[&str] = &["opt_in", "opt_out", "none"];
/// Shown states of communication.
pub const DISPLAYS: &[&str] = &["subscribed", "unsubscribed", "muted"];

impl Field {
    /// The field with this name.
    #[must_use]
    pub fn from_wire(name: &str) -> Option<Self> {
        let named = |name: &str| Some(one_line(name)).filter(|name| !name.is_empty());
        if let Some(detail) = name.strip_prefix(DETAIL) {
            return named(detail).map(Self::Detail);
        }
        if let Some(purpose) = name.strip_prefix(CONSENT) {
            return named(purpose).map(Self::Consent);
        }
        Some(match name {
            "score" => Self::Score,
            "birth_date" => Self::BirthDate,
            "tag" => Self::Tag,
            "tag_count" => Self::TagCount,
            "email_status" => Self::Status(Channel::Email),
            "sms_status" => Self::Status(Channel::Sms),
            "communication" => Self::Communication,
            "import" => Self::Import,
            "group" => Self::Group,
            "funnel_stage" => Self::Stage,
            "type" => Self::Type,
            "segment" => Self::Segment,
            _ => TextField::from_word(name)
                .map(Self::Text)
                .or_else(|| WordField::from_word(name).map(Self::Word))
                .or_else(|| FlagField::from_word(name).map(Self::Flag))
                .or_else(|| TimeField::from_word(name).map(Self::Time))
                .or_else(|| Link::from_word(name).map(Self::Linked))?,
        })
    }

    /// How it is compared.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Text(TextField::Country) => Kind::Country,
            Self::Text(_) => Kind::Text,
            Self::Word(field) => Kind::Words(field.words()),
            Self::Flag(_) => Kind::Flag,
            Self::Score | Self::TagCount => Kind::Integer,
            Self::BirthDate => Kind::Date,
            Self::Time(_) => Kind::Time,
            Self::Tag => Kind::Tag,
            Self::Detail(_) => Kind::Detail,
            Self::Consent(_) => Kind::Words(ConsentState::WORDS),
            Self::Status(Channel::Email) => Kind::Words(EMAIL_STATUSES),
            Self::Status(Channel::Sms | Channel::Post) => Kind::Words(CHANNEL_STATUSES),
            Self::Communication => Kind::Words(DISPLAYS),
            Self::Import | Self::Type | Self::Segment => Kind::Id,
            Self::Group | Self::Stage | Self::Linked(_) => Kind::Ids,
        }
    }

    /// The operators it knows: those of its kind, and emptiness where a word may be missing.
    #[must_use]
    pub const fn ops(&self) -> &'static [Op] {
        match self {
            Self::Word(WordField::Gender) | Self::Type => OPTIONAL_SET,
            Self::Time(TimeField::TrashedAt) => OPTIONAL_TIME,
            _ => self.kind().ops(),
        }
    }

    /// All names that are not of the form `detail:NAME` or `consent:PURPOSE`.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        let mut names: Vec<&'static str> = Vec::new();
        names.extend(TextField::WORDS);
        names.extend(WordField::WORDS);
        names.extend(["birth_date", "score"]);
        names.extend(TimeField::WORDS);
        names.extend(["tag", "tag_count"]);
        names.extend(["email_status", "sms_status"]);
        names.extend(FlagField::WORDS);
        names.extend(["communication", "import", "segment", "group", "type", "funnel_stage"]);
        names.extend(Link::WORDS);
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SEG-2
    #[test]
    fn every_published_name_is_a_field() {
        for name in Field::names() {
            assert!(Field::from_wire(name).is_some(), "{name}");
        }
        assert_eq!(Field::from_wire("detail: boty "), Some(Field::Detail("boty".into())));
        for name in ["", "detail:", "consent: ", "shoe_size", "workspace_id", "import_id"] {
            assert_eq!(Field::from_wire(name), None, "{name}");
        }
    }

    /// SEG-2
    #[test]
    fn every_operator_finds_back_and_is_used() {
        for op in Op::ALL {
            assert_eq!(Op::from_wire(op.as_str()), Some(*op));
            let used = Field::names()
                .iter()
                .any(|name| Field::from_wire(name).is_some_and(|field| field.ops().contains(op)));
            assert!(used || DETAIL_OPS.contains(op), "{op:?}");
        }
    }
}
