//! The tree as the program holds it: read, checked, values normalised, relative times still relative.

use std::ops::Bound;

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::fields::{ConsentState, FlagField, Link, TextField, TimeField, WordField};
use super::when::Period;
use crate::consents::ledger::{Channel, ChannelStatus, Display};
use crate::ids::{ContactTypeId, GroupId, ImportId, SegmentId, StageId};

/// Which contacts are meant: `(segments or include) and not exclude and where`, of those that live.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// Saved segments; none once they are unfolded.
    pub segments: Vec<SegmentId>,
    /// Only these; everything when it is missing.
    pub include: Option<Filter>,
    /// Not these.
    pub exclude: Option<Filter>,
    /// And only these.
    pub filter: Option<Filter>,
}

impl Selection {
    /// Whether it means every living contact.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        let Self { segments, include, exclude, filter } = self;
        segments.is_empty() && include.is_none() && exclude.is_none() && filter.is_none()
    }
}

impl Selection {
    /// All conditions of all its trees.
    pub fn each_leaf<'s>(&'s self, visit: &mut impl FnMut(&'s Leaf)) {
        let Self { segments: _, include, exclude, filter } = self;
        for tree in [include, exclude, filter].into_iter().flatten() {
            tree.each_leaf(visit);
        }
    }
}

impl Filter {
    fn each_leaf<'f>(&'f self, visit: &mut impl FnMut(&'f Leaf)) {
        match self {
            Self::And(filters) | Self::Or(filters) => {
                filters.iter().for_each(|filter| filter.each_leaf(visit));
            }
            Self::Not(filter) => filter.each_leaf(visit),
            Self::Leaf(leaf) => visit(leaf),
        }
    }
}

/// A condition, or conditions joined.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// All hold.
    And(Vec<Filter>),
    /// At least one holds.
    Or(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// One condition.
    Leaf(Leaf),
}

/// One condition: a test, or its opposite.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// What must hold.
    pub test: Test,
    /// Or must not: `ne`, `not_in`, `has_not`, `is_not_empty`, `not_within_last`.
    pub negated: bool,
}

/// What one condition asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// Of a text field.
    Text(TextField, TextTest),
    /// A word is one of these; the list is never empty.
    Word(WordField, Vec<&'static str>),
    /// The word is missing.
    NoWord(WordField),
    /// A flag has this value.
    Flag(FlagField, bool),
    /// Of the score.
    Score(NumberTest),
    /// Of the day of birth.
    BirthDate(DateTest),
    /// Of an instant.
    Time(TimeField, TimeTest),
    /// There is a tag like this.
    Tag(TagTest),
    /// Of the number of tags.
    TagCount(NumberTest),
    /// Of the detail with this name.
    Detail(String, DetailTest),
    /// The consent for the purpose with this name is in one of these states, and was brought there then.
    Consent(String, Vec<ConsentState>, Option<AtTest>),
    /// The channel is in one of these states.
    Status(Channel, Vec<ChannelStatus>),
    /// The shown state is one of these.
    Communication(Vec<Display>),
    /// One of these imports made, changed or restored the contact.
    Import(Vec<ImportId>),
    /// It is in one of these groups; in any, when they are missing.
    Group(Option<Vec<GroupId>>),
    /// It is in one of these stages of funnels; in any, when they are missing.
    Stage(Option<Vec<StageId>>),
    /// It has one of these types.
    Type(Vec<ContactTypeId>),
    /// It has no type.
    NoType,
    /// It is linked to one of these; to anything when it is `None`.
    Linked(Link, Option<Vec<Uuid>>),
    /// It is in one of these saved segments; none of these once they are unfolded.
    Segment(Vec<SegmentId>),
}

/// From here to there; an end may be open.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range<T> {
    /// Where it starts.
    pub from: Bound<T>,
    /// Where it ends.
    pub to: Bound<T>,
}

impl<T: PartialOrd> Range<T> {
    /// Whether `value` lies in it.
    #[must_use]
    pub fn holds(&self, value: &T) -> bool {
        let after_start = match &self.from {
            Bound::Included(from) => value >= from,
            Bound::Excluded(from) => value > from,
            Bound::Unbounded => true,
        };
        let before_end = match &self.to {
            Bound::Included(to) => value <= to,
            Bound::Excluded(to) => value < to,
            Bound::Unbounded => true,
        };
        after_start && before_end
    }
}

/// Of a text. Exact values are in the form the field is stored in; parts are folded (digits for phones).
#[derive(Clone, Debug, PartialEq)]
pub enum TextTest {
    /// It is one of these.
    OneOf(Vec<String>),
    /// It holds this.
    Contains(String),
    /// It starts with this.
    StartsWith(String),
    /// It ends with this.
    EndsWith(String),
    /// There is none.
    Empty,
}

/// Of a whole number.
#[derive(Clone, Debug, PartialEq)]
pub enum NumberTest {
    /// It is one of these.
    OneOf(Vec<i64>),
    /// It lies between.
    Range(Range<i64>),
}

/// Of a day.
#[derive(Clone, Debug, PartialEq)]
pub enum DateTest {
    /// It is one of these.
    OneOf(Vec<NaiveDate>),
    /// It lies between.
    Range(Range<NaiveDate>),
    /// It lies in the period that ends today.
    WithinLast(Period),
    /// It comes round in the period that starts today.
    Anniversary(Period),
    /// There is none.
    Empty,
}

/// Of an instant.
#[derive(Clone, Debug, PartialEq)]
pub enum TimeTest {
    /// It lies between.
    Range(Range<DateTime<Utc>>),
    /// It lies in the period that ends now.
    WithinLast(Period),
    /// Its day (UTC) comes round in the period that starts today.
    Anniversary(Period),
    /// There is none.
    Empty,
}

/// Of the instant at which the last word on a consent was said; there is none where none was ever said.
#[derive(Clone, Debug, PartialEq)]
pub struct AtTest {
    /// What must hold.
    pub test: TimeTest,
    /// Or must not.
    pub negated: bool,
}

/// Of the tags.
#[derive(Clone, Debug, PartialEq)]
pub struct TagTest {
    /// Keys (lower case) of the tags that count; any tag when it is `None`.
    pub keys: Option<Vec<String>>,
    /// What the score the tag has on this contact must be.
    pub score: Option<ScoreTest>,
}

/// Of the score of a tag on a contact.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreTest {
    /// What must hold.
    pub test: NumberTest,
    /// Or must not.
    pub negated: bool,
}

/// Of a detail. Its text is what `->>` gives in PostgreSQL; its number is that text read as a number; its
/// day is the beginning of that text when it looks like `YYYY-MM-DD`.
#[derive(Clone, Debug, PartialEq)]
pub enum DetailTest {
    /// It equals one of these texts, or one of these numbers.
    OneOf {
        /// Texts.
        texts: Vec<String>,
        /// Numbers.
        numbers: Vec<f64>,
    },
    /// Its text holds, starts or ends with something.
    Text(TextTest),
    /// Its number lies between.
    Number(Range<f64>),
    /// Of its day; never [`DateTest::OneOf`] or [`DateTest::Empty`], which are texts.
    Date(DateTest),
    /// It is missing, null or an empty text.
    Empty,
}
