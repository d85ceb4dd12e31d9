//! What a selection means, in plain Rust: the reference that the SQL is tested against, and the judge of
//! single contacts where no database is asked.

use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use serde_json::{Map, Number, Value};
use uuid::Uuid;

use super::fields::{ConsentState, FlagField, Link, TextField, TimeField, WordField};
use super::tree::{
    AtTest, DateTest, DetailTest, Filter, Leaf, NumberTest, Selection, TagTest, Test, TextTest,
    TimeTest,
};
use super::when::{AnniversaryDays, Period, anniversary_days};
use crate::consents::ledger::{Channel, ChannelStatus, Display};
use crate::contacts::fold::fold;
use crate::ids::{ContactTypeId, GroupId, ImportId, SegmentId, StageId};

/// All that a condition can ask of a contact.
#[derive(Clone, Debug, PartialEq)]
pub struct ContactFacts {
    /// The texts that are there, each as the contact's JSON has it (an e-mail as it was spelt).
    pub texts: Vec<(TextField, String)>,
    /// Key of the e-mail.
    pub email_key: Option<String>,
    /// The words that are there.
    pub words: Vec<(WordField, String)>,
    /// Day of birth.
    pub birth_date: Option<NaiveDate>,
    /// Score of the contact.
    pub score: i64,
    /// Gets marketing.
    pub subscribed: bool,
    /// Gets no message at all.
    pub muted: bool,
    /// The e-mail bounced hard.
    pub email_invalid: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was put in the trash.
    pub trashed_at: Option<DateTime<Utc>>,
    /// Details by name.
    pub details: Map<String, Value>,
    /// Its tags.
    pub tags: Vec<TagFact>,
    /// The last words of its ledger.
    pub consents: Vec<ConsentFact>,
    /// The imports that made, changed or restored it.
    pub imports: Vec<ImportId>,
    /// The groups it is in.
    pub groups: Vec<GroupId>,
    /// The stages of funnels it is in.
    pub stages: Vec<StageId>,
    /// The type it has.
    pub contact_type: Option<ContactTypeId>,
    /// What it is linked to.
    pub links: Vec<(Link, Uuid)>,
}

/// A tag of a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagFact {
    /// Name in lower case.
    pub key: String,
    /// Score the tag has on this contact.
    pub score: i64,
}

/// The last word of a contact's ledger on one purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentFact {
    /// Name of the purpose.
    pub purpose: String,
    /// The channel the purpose belongs to.
    pub channel: Channel,
    /// Granted, or withdrawn.
    pub granted: bool,
    /// When that was said.
    pub at: DateTime<Utc>,
}

/// Whether the contact is among those the selection means. `in_segment` says it of a saved segment; that
/// the contact lives is taken for granted.
#[must_use]
pub fn selects(
    selection: &Selection,
    contact: &ContactFacts,
    now: DateTime<Utc>,
    in_segment: &dyn Fn(SegmentId) -> bool,
) -> bool {
    let Selection { segments, include, exclude, filter } = selection;
    let holds = |filter: &Filter| matches(filter, contact, now, in_segment);
    let included = (segments.is_empty() && include.is_none())
        || segments.iter().any(|segment| in_segment(*segment))
        || include.as_ref().is_some_and(holds);
    included && !exclude.as_ref().is_some_and(holds) && filter.as_ref().is_none_or(holds)
}

/// Whether the filter holds for the contact at `now`. `in_segment` says whether it is in a saved segment.
#[must_use]
pub fn matches(
    filter: &Filter,
    contact: &ContactFacts,
    now: DateTime<Utc>,
    in_segment: &dyn Fn(SegmentId) -> bool,
) -> bool {
    let holds = |filter: &Filter| matches(filter, contact, now, in_segment);
    match filter {
        Filter::And(filters) => filters.iter().all(holds),
        Filter::Or(filters) => filters.iter().any(holds),
        Filter::Not(filter) => !holds(filter),
        Filter::Leaf(Leaf { test: Test::Segment(segments), negated }) => {
            segments.iter().any(|segment| in_segment(*segment)) != *negated
        }
        Filter::Leaf(Leaf { test, negated }) => contact.meets(test, now) != *negated,
    }
}

impl ContactFacts {
    fn text(&self, field: TextField) -> Option<&str> {
        self.texts.iter().find(|(name, _)| *name == field).map(|(_, text)| text.as_str())
    }

    fn word(&self, field: WordField) -> Option<&str> {
        self.words.iter().find(|(name, _)| *name == field).map(|(_, word)| word.as_str())
    }

    fn meets(&self, test: &Test, now: DateTime<Utc>) -> bool {
        match test {
            Test::Text(field, test) => self.text_meets(*field, test),
            Test::Word(field, words) => self.word(*field).is_some_and(|word| words.contains(&word)),
            Test::NoWord(field) => self.word(*field).is_none(),
            Test::Flag(FlagField::Subscribed, value) => self.subscribed == *value,
            Test::Flag(FlagField::Muted, value) => self.muted == *value,
            Test::Score(test) => number_meets(self.score, test),
            Test::BirthDate(test) => day_meets(self.birth_date, test, now.date_naive()),
            Test::Time(TimeField::CreatedAt, test) => time_meets(Some(self.created_at), test, now),
            Test::Time(TimeField::UpdatedAt, test) => time_meets(Some(self.updated_at), test, now),
            Test::Time(TimeField::TrashedAt, test) => time_meets(self.trashed_at, test, now),
            Test::Tag(test) => self.tags.iter().any(|tag| tag_meets(tag, test)),
            Test::TagCount(test) => {
                i64::try_from(self.tags.len()).is_ok_and(|n| number_meets(n, test))
            }
            Test::Detail(name, test) => detail_meets(self.details.get(name), test, now),
            Test::Consent(purpose, states, said) => {
                let word = self.consents.iter().find(|consent| consent.purpose == *purpose);
                let state = match word {
                    Some(ConsentFact { granted: true, .. }) => ConsentState::Granted,
                    Some(_) => ConsentState::Withdrawn,
                    None => ConsentState::Never,
                };
                let then = |said: &AtTest| {
                    word.is_some_and(|word| {
                        time_meets(Some(word.at), &said.test, now) != said.negated
                    })
                };
                states.contains(&state) && said.as_ref().is_none_or(then)
            }
            Test::Status(channel, states) => states.contains(&self.status(*channel)),
            Test::Communication(states) => {
                states.contains(&Display::of(self.subscribed, self.muted))
            }
            Test::Import(imports) => self.imports.iter().any(|import| imports.contains(import)),
            Test::Group(None) => !self.groups.is_empty(),
            Test::Group(Some(groups)) => self.groups.iter().any(|group| groups.contains(group)),
            Test::Stage(None) => !self.stages.is_empty(),
            Test::Stage(Some(stages)) => self.stages.iter().any(|stage| stages.contains(stage)),
            Test::Type(types) => self.contact_type.is_some_and(|one| types.contains(&one)),
            Test::NoType => self.contact_type.is_none(),
            Test::Linked(link, ids) => self
                .links
                .iter()
                .any(|(to, id)| to == link && ids.as_ref().is_none_or(|ids| ids.contains(id))),
            // told by the caller of `matches`, which knows them
            Test::Segment(_) => false,
        }
    }

    fn text_meets(&self, field: TextField, test: &TextTest) -> bool {
        let Some(text) = self.text(field) else { return *test == TextTest::Empty };
        match test {
            TextTest::OneOf(values) if field == TextField::Email => {
                self.email_key.as_ref().is_some_and(|key| values.contains(key))
            }
            TextTest::OneOf(values) => values.iter().any(|value| value == text),
            TextTest::Empty => false,
            part => part_meets(text, part),
        }
    }

    fn status(&self, channel: Channel) -> ChannelStatus {
        let words = self.consents.iter().filter(|consent| consent.channel == channel);
        ChannelStatus::project(words.map(|consent| consent.granted))
            .over(channel == Channel::Email && self.email_invalid)
    }
}

/// Of the folded text; never of a whole one.
fn part_meets(text: &str, test: &TextTest) -> bool {
    let text = fold(text);
    match test {
        TextTest::Contains(part) => text.contains(part.as_str()),
        TextTest::StartsWith(part) => text.starts_with(part.as_str()),
        TextTest::EndsWith(part) => text.ends_with(part.as_str()),
        TextTest::OneOf(_) | TextTest::Empty => false,
    }
}

fn number_meets(number: i64, test: &NumberTest) -> bool {
    match test {
        NumberTest::OneOf(values) => values.contains(&number),
        NumberTest::Range(range) => range.holds(&number),
    }
}

fn day_meets(day: Option<NaiveDate>, test: &DateTest, today: NaiveDate) -> bool {
    let Some(day) = day else { return *test == DateTest::Empty };
    match test {
        DateTest::OneOf(days) => days.contains(&day),
        DateTest::Range(range) => range.holds(&day),
        DateTest::WithinLast(period) => (period.day_before(today)..=today).contains(&day),
        DateTest::Anniversary(period) => comes_round(day, *period, today),
        DateTest::Empty => false,
    }
}

/// Whether an anniversary of `day` lies between today and `period` later, both included.
fn comes_round(day: NaiveDate, period: Period, today: NaiveDate) -> bool {
    let last = period.day_after(today);
    if today.checked_add_months(Months::new(12)).is_none_or(|next| last >= next) {
        return true;
    }
    (today.year()..=last.year()).any(|year| {
        let leap = || NaiveDate::from_ymd_opt(year, 2, 28).filter(|_| day.month() == 2);
        day.with_year(year).or_else(leap).is_some_and(|day| (today..=last).contains(&day))
    })
}

fn time_meets(time: Option<DateTime<Utc>>, test: &TimeTest, now: DateTime<Utc>) -> bool {
    let Some(time) = time else { return *test == TimeTest::Empty };
    match test {
        TimeTest::Empty => false,
        TimeTest::Range(range) => range.holds(&time),
        TimeTest::WithinLast(period) => (period.before(now)..=now).contains(&time),
        TimeTest::Anniversary(period) => comes_round(time.date_naive(), *period, now.date_naive()),
    }
}

fn tag_meets(tag: &TagFact, test: &TagTest) -> bool {
    test.keys.as_ref().is_none_or(|keys| keys.contains(&tag.key))
        && test
            .score
            .as_ref()
            .is_none_or(|score| number_meets(tag.score, &score.test) != score.negated)
}

fn detail_meets(detail: Option<&Value>, test: &DetailTest, now: DateTime<Utc>) -> bool {
    let Some(text) = detail.and_then(detail_text) else { return *test == DetailTest::Empty };
    let number = || detail_number(&text);
    match test {
        DetailTest::Empty => text.is_empty(),
        DetailTest::OneOf { texts, numbers } => {
            texts.contains(&text) || number().is_some_and(|number| numbers.contains(&number))
        }
        DetailTest::Text(part) => part_meets(&text, part),
        DetailTest::Number(range) => number().is_some_and(|number| range.holds(&number)),
        DetailTest::Date(test) => {
            detail_day(&text).is_some_and(|day| detail_day_meets(day, test, now.date_naive()))
        }
    }
}

/// What `->>` makes of a detail in PostgreSQL, for the values a detail may have.
fn detail_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(decimal(number)),
        other => Some(other.to_string()),
    }
}

/// A number as `jsonb` keeps it: all its digits and no exponent, and no sign before zero.
fn decimal(number: &Number) -> String {
    let text = number.to_string();
    match number.as_f64() {
        Some(0.0) => text.trim_start_matches('-').to_owned(),
        Some(value) if text.contains('e') => value.to_string(),
        _ => text,
    }
}

/// The number a detail's text reads as: at most 15 digits before and 20 behind a decimal point or comma.
pub(super) fn detail_number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = match digits.split_once(['.', ',']) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let all_digits = |part: &str, most: usize| {
        (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !all_digits(whole, 15) || fraction.is_some_and(|fraction| !all_digits(fraction, 20)) {
        return None;
    }
    text.replace(',', ".").parse().ok()
}

/// The first ten characters of a detail's text, when they look like a day and nothing but a time follows.
fn detail_day(text: &str) -> Option<&str> {
    let day = text.get(..10)?;
    let number = |from: usize, to: usize| -> Option<u32> {
        let part = day.get(from..to)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
    };
    let (_year, month, date) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let shape = day.get(4..5) == Some("-") && day.get(7..8) == Some("-");
    let ends = text.get(10..).is_none_or(|rest| rest.is_empty() || rest.starts_with(['T', ' ']));
    (shape && ends && (1..=12).contains(&month) && (1..=31).contains(&date)).then_some(day)
}

/// Days of details are compared as texts, so that one that no calendar has cannot break a statement.
fn detail_day_meets(day: &str, test: &DateTest, today: NaiveDate) -> bool {
    let text = |day: &NaiveDate| day.to_string();
    match test {
        DateTest::OneOf(days) => days.iter().any(|other| text(other) == day),
        DateTest::Range(range) => super::tree::Range {
            from: range.from.as_ref().map(text),
            to: range.to.as_ref().map(text),
        }
        .holds(&day.to_owned()),
        DateTest::WithinLast(period) => {
            (text(&period.day_before(today))..=text(&today)).contains(&day.to_owned())
        }
        DateTest::Anniversary(period) => match anniversary_days(*period, today) {
            AnniversaryDays::All => true,
            AnniversaryDays::Ranges(ranges) => ranges.iter().any(|(from, to)| {
                let text = |(month, day): (u32, u32)| format!("{month:02}-{day:02}");
                day.get(5..).is_some_and(|day| (text(*from)..=text(*to)).contains(&day.to_owned()))
            }),
        },
        DateTest::Empty => false,
    }
}

#[cfg(test)]
mod tests;
