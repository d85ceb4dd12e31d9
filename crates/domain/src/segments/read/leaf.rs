//! The values of one condition, each read as the field stores it.

use std::ops::Bound;

use chrono::NaiveDate;
use serde_json::Value;
use uuid::Uuid;

use super::{MAX_SEGMENTS, MAX_TEXT, MAX_VALUES, Reader, Reference, Target, step};
use crate::codes::Code;
use crate::consents::ledger::{Channel, ChannelStatus, Display};
use crate::contacts::email::Email;
use crate::contacts::fold::fold;
use crate::contacts::phone::Phone;
use crate::ids::{ContactTypeId, GroupId, ImportId, SegmentId, StageId};
use crate::segments::fields::{
    CHANNEL_STATUSES, ConsentState, DISPLAYS, EMAIL_STATUSES, Field, Op, TextField, TimeField,
    WordField, one_line,
};
use crate::segments::matches::detail_number;
use crate::segments::tree::{
    AtTest, DateTest, DetailTest, NumberTest, Range, ScoreTest, TagTest, Test, TextTest, TimeTest,
};
use crate::segments::when::{Moment, Period, PeriodError, parse_day};
use crate::tags::TagName;

/// The tag test with a condition on the score.
pub(super) fn with_score(test: Test, score: ScoreTest) -> Test {
    match test {
        Test::Tag(tag) => Test::Tag(TagTest { score: Some(score), ..tag }),
        other => other,
    }
}

/// The consent test with a condition on when the last word was said.
pub(super) fn with_time(test: Test, at: AtTest) -> Test {
    match test {
        Test::Consent(purpose, states, _) => Test::Consent(purpose, states, Some(at)),
        other => other,
    }
}

impl Reader {
    /// The test that `op`, or its opposite, makes of `value`.
    pub(super) fn test(&mut self, field: &Field, op: Op, value: &Value, at: &str) -> Option<Test> {
        Some(match field {
            Field::Text(field) => Test::Text(*field, self.text_test(*field, op, value, at)?),
            Field::Word(field) if op.takes_no_value() => Test::NoWord(*field),
            Field::Word(field) => Test::Word(*field, self.words(*field, op, value, at)?),
            Field::Flag(field) => Test::Flag(*field, self.flag(value, at)?),
            Field::Score => Test::Score(self.number_test(op, value, at)?),
            Field::BirthDate => Test::BirthDate(self.date_test(op, value, at)?),
            Field::Time(field) => Test::Time(*field, self.time_test(op, value, at)?),
            Field::Tag => Test::Tag(self.tag_test(op, value, at)?),
            Field::TagCount => Test::TagCount(self.number_test(op, value, at)?),
            Field::Detail(name) => Test::Detail(name.clone(), self.detail_test(op, value, at)?),
            Field::Consent(purpose) => {
                let states = self.among(op, value, at, ConsentState::WORDS, Code::InvalidValue)?;
                Test::Consent(purpose.clone(), every(states, ConsentState::from_word)?, None)
            }
            Field::Status(channel) => {
                let known = match channel {
                    Channel::Email => EMAIL_STATUSES,
                    Channel::Sms | Channel::Post => CHANNEL_STATUSES,
                };
                let states = self.among(op, value, at, known, Code::InvalidValue)?;
                Test::Status(*channel, every(states, ChannelStatus::from_word)?)
            }
            Field::Communication => {
                let states = self.among(op, value, at, DISPLAYS, Code::InvalidValue)?;
                Test::Communication(every(states, Display::from_word)?)
            }
            Field::Import => {
                let known = |id| (ImportId(id), Target::Import(ImportId(id)));
                Test::Import(self.references(op, value, at, known)?)
            }
            Field::Group if op.takes_no_value() => Test::Group(None),
            Field::Group => {
                let known = |id| (GroupId(id), Target::Group(GroupId(id)));
                Test::Group(Some(self.references(op, value, at, known)?))
            }
            Field::Stage if op.takes_no_value() => Test::Stage(None),
            Field::Stage => {
                let known = |id| (StageId(id), Target::Stage(StageId(id)));
                Test::Stage(Some(self.references(op, value, at, known)?))
            }
            Field::Type if op.takes_no_value() => Test::NoType,
            Field::Type => {
                let known = |id| (ContactTypeId(id), Target::ContactType(ContactTypeId(id)));
                Test::Type(self.references(op, value, at, known)?)
            }
            Field::Linked(link) if op.takes_no_value() => Test::Linked(*link, None),
            Field::Linked(link) => {
                let known = |id| (id, Target::Linked(*link, id));
                Test::Linked(*link, Some(self.references(op, value, at, known)?))
            }
            Field::Segment => {
                let known = |id| (SegmentId(id), Target::Segment(SegmentId(id)));
                let ids = self.references(op, value, at, known)?;
                if ids.len() > MAX_SEGMENTS {
                    let detail =
                        format!("{} segments; at most {MAX_SEGMENTS} are allowed", ids.len());
                    self.fault(at, Code::TooMany, detail);
                    return None;
                }
                Test::Segment(ids)
            }
        })
    }

    /// The condition on the score of a tag: `{"op": "gte", "value": 5}`.
    pub(super) fn tag_score(&mut self, json: &Value, at: &str) -> Option<ScoreTest> {
        let Value::Object(map) = json else {
            self.wrong_type(at, "a condition on the score: an object with op and value");
            return None;
        };
        self.unknown_members(map, at, &["op", "value"]);
        let op = self.op(map, at, Some(&Field::Score));
        let pointer = step(at, "value");
        let Some(value) = map.get("value").filter(|value| !value.is_null()) else {
            self.fault(pointer, Code::MissingField, "a condition on the score needs a value");
            return None;
        };
        let op = op?;
        Some(ScoreTest { test: self.number_test(op, value, &pointer)?, negated: op.is_negated() })
    }

    /// The condition on when the last word on a consent was said: `{"op": "within_last", "value": "P90D"}`.
    pub(super) fn said_at(&mut self, json: &Value, at: &str) -> Option<AtTest> {
        let Value::Object(map) = json else {
            self.wrong_type(at, "a condition on the time: an object with op and value");
            return None;
        };
        self.unknown_members(map, at, &["op", "value"]);
        let op = self.op(map, at, Some(&Field::Time(TimeField::CreatedAt)));
        let pointer = step(at, "value");
        let Some(value) = map.get("value").filter(|value| !value.is_null()) else {
            self.fault(pointer, Code::MissingField, "a condition on the time needs a value");
            return None;
        };
        let op = op?;
        Some(AtTest { test: self.time_test(op, value, &pointer)?, negated: op.is_negated() })
    }

    // --- lists, pairs, ranges -------------------------------------------------------------------

    /// Ids of things that must be there; `known` says what an id is one of.
    fn references<T>(
        &mut self,
        op: Op,
        value: &Value,
        at: &str,
        known: impl Fn(Uuid) -> (T, Target),
    ) -> Option<Vec<T>> {
        self.one_or_many(op, value, at, |reader, value, at| {
            let (id, target) = known(reader.id(value, at)?);
            reader.references.push(Reference { pointer: at.to_owned(), target });
            Some(id)
        })
    }

    /// One value, or those of a list for `in` and `not_in`.
    fn one_or_many<T>(
        &mut self,
        op: Op,
        value: &Value,
        at: &str,
        read: impl Fn(&mut Self, &Value, &str) -> Option<T>,
    ) -> Option<Vec<T>> {
        if !matches!(op, Op::In | Op::NotIn) {
            return read(self, value, at).map(|one| vec![one]);
        }
        let Value::Array(items) = value else {
            self.wrong_type(at, "a list");
            return None;
        };
        if items.is_empty() {
            self.fault(at, Code::TooShort, "the list is empty");
            return None;
        }
        if items.len() > MAX_VALUES {
            let detail = format!("{} values; at most {MAX_VALUES} are allowed", items.len());
            self.fault(at, Code::TooMany, detail);
            return None;
        }
        let read: Vec<Option<T>> = items
            .iter()
            .enumerate()
            .map(|(index, item)| read(self, item, &format!("{at}/{index}")))
            .collect();
        read.into_iter().collect()
    }

    /// The range that a comparing operator makes of its value or its pair of values.
    fn range<T: PartialOrd>(
        &mut self,
        op: Op,
        value: &Value,
        at: &str,
        read: impl Fn(&mut Self, &Value, &str) -> Option<T>,
    ) -> Option<Range<T>> {
        use Bound::{Excluded, Included, Unbounded};
        if op == Op::Between {
            let Some([first, second]) = value.as_array().map(Vec::as_slice) else {
                self.wrong_type(at, "a pair: [from, to]");
                return None;
            };
            let from = read(self, first, &format!("{at}/0"));
            let to = read(self, second, &format!("{at}/1"));
            let (from, to) = (from?, to?);
            if from > to {
                self.fault(at, Code::InvalidValue, "the first of the pair is after the second");
                return None;
            }
            return Some(Range { from: Included(from), to: Included(to) });
        }
        let value = read(self, value, at)?;
        Some(match op {
            Op::Lt | Op::Before => Range { from: Unbounded, to: Excluded(value) },
            Op::Lte => Range { from: Unbounded, to: Included(value) },
            Op::Gt | Op::After => Range { from: Excluded(value), to: Unbounded },
            _ => Range { from: Included(value), to: Unbounded },
        })
    }

    // --- single values --------------------------------------------------------------------------

    /// A text that PostgreSQL can hold and that is not out of all proportion.
    fn text<'v>(&mut self, value: &'v Value, at: &str) -> Option<&'v str> {
        let Some(text) = value.as_str() else {
            self.wrong_type(at, "a text");
            return None;
        };
        if text.contains('\0') {
            self.fault(at, Code::NulCharacter, "text may not hold the character U+0000");
            return None;
        }
        if text.chars().count() > MAX_TEXT {
            self.fault(at, Code::TooLong, format!("at most {MAX_TEXT} characters"));
            return None;
        }
        Some(text)
    }

    pub(super) fn id(&mut self, value: &Value, at: &str) -> Option<Uuid> {
        let Some(text) = value.as_str() else {
            self.wrong_type(at, "an id");
            return None;
        };
        let id = Uuid::parse_str(text).ok();
        if id.is_none() {
            self.fault(at, Code::InvalidValue, "this is not an id");
        }
        id
    }

    fn flag(&mut self, value: &Value, at: &str) -> Option<bool> {
        let flag = value.as_bool();
        if flag.is_none() {
            self.wrong_type(at, "true or false");
        }
        flag
    }

    fn integer(&mut self, value: &Value, at: &str) -> Option<i64> {
        let number = value.as_i64();
        if number.is_none() {
            self.wrong_type(at, "a whole number");
        }
        number
    }

    fn day(&mut self, value: &Value, at: &str) -> Option<NaiveDate> {
        let text = self.text(value, at)?;
        let day = parse_day(text);
        if day.is_none() {
            self.fault(at, Code::InvalidDate, "a date is written YYYY-MM-DD");
        }
        day
    }

    fn moment(&mut self, value: &Value, at: &str) -> Option<Moment> {
        let text = self.text(value, at)?;
        let moment = Moment::parse(text);
        if moment.is_none() {
            let detail = "a date is written YYYY-MM-DD, an instant as in RFC 3339";
            self.fault(at, Code::InvalidDate, detail);
        }
        moment
    }

    /// `of_days`: whether hours make no sense here.
    fn period(&mut self, value: &Value, at: &str, of_days: bool) -> Option<Period> {
        let text = self.text(value, at)?;
        match Period::parse(text) {
            Ok(period) if of_days && !period.is_days() => {
                let detail = "a date knows no hours: use days, weeks, months or years";
                self.fault(at, Code::InvalidValue, detail);
                None
            }
            Ok(period) => Some(period),
            Err(PeriodError::Malformed) => {
                let detail =
                    "a duration is written as in ISO 8601, in whole parts: P90D, P3M, PT12H";
                self.fault(at, Code::InvalidValue, detail);
                None
            }
            Err(PeriodError::OutOfRange) => {
                self.fault(
                    at,
                    Code::OutOfRange,
                    "a duration is more than nothing and at most 1,000 years",
                );
                None
            }
        }
    }

    // --- by kind --------------------------------------------------------------------------------

    fn text_test(&mut self, field: TextField, op: Op, value: &Value, at: &str) -> Option<TextTest> {
        if op.takes_no_value() {
            return Some(TextTest::Empty);
        }
        if matches!(op, Op::Contains | Op::StartsWith | Op::EndsWith) {
            let text = self.text(value, at)?;
            let part = if field == TextField::Phone { phone_part(text) } else { fold(text) };
            return self.part(op, part, at);
        }
        let region = self.region;
        let exact = self.one_or_many(op, value, at, |reader, value, at| {
            let text = reader.text(value, at)?;
            let (normal, code, detail) = match field {
                TextField::Email => (
                    Email::parse(text).ok().map(|email| email.key().to_owned()),
                    Code::InvalidEmail,
                    "this is not an e-mail address; `contains` takes parts of one",
                ),
                TextField::Phone => (
                    Phone::parse(text, region).ok().map(|phone| phone.as_str().to_owned()),
                    Code::InvalidPhone,
                    "this is not a phone number; `contains` takes parts of one",
                ),
                TextField::Country => (
                    Some(text.trim().to_ascii_uppercase()).filter(|code| is_country(code)),
                    Code::InvalidCountry,
                    "a country is two letters (ISO 3166-1)",
                ),
                TextField::Language => {
                    (Some(text.trim().to_ascii_lowercase()), Code::InvalidLanguage, "")
                }
                _ => (Some(one_line(text)), Code::InvalidValue, ""),
            };
            if normal.is_none() {
                reader.fault(at, code, detail);
            }
            normal
        })?;
        Some(TextTest::OneOf(exact))
    }

    fn part(&mut self, op: Op, part: String, at: &str) -> Option<TextTest> {
        if part.is_empty() {
            self.fault(at, Code::TooShort, "there is nothing to look for in this text");
            return None;
        }
        Some(match op {
            Op::StartsWith => TextTest::StartsWith(part),
            Op::EndsWith => TextTest::EndsWith(part),
            _ => TextTest::Contains(part),
        })
    }

    fn words(
        &mut self,
        field: WordField,
        op: Op,
        value: &Value,
        at: &str,
    ) -> Option<Vec<&'static str>> {
        let code = match field {
            WordField::State => Code::InvalidState,
            WordField::Gender => Code::InvalidGender,
            WordField::Origin => Code::InvalidValue,
        };
        self.among(op, value, at, field.words(), code)
    }

    fn among(
        &mut self,
        op: Op,
        value: &Value,
        at: &str,
        known: &'static [&'static str],
        code: Code,
    ) -> Option<Vec<&'static str>> {
        self.one_or_many(op, value, at, |reader, value, at| {
            let text = reader.text(value, at)?;
            let word = known.iter().copied().find(|word| *word == text);
            if word.is_none() {
                reader.fault(at, code, format!("one of {}", known.join(", ")));
            }
            word
        })
    }

    fn number_test(&mut self, op: Op, value: &Value, at: &str) -> Option<NumberTest> {
        match op {
            Op::Eq | Op::Ne | Op::In | Op::NotIn => {
                self.one_or_many(op, value, at, Self::integer).map(NumberTest::OneOf)
            }
            _ => self.range(op, value, at, Self::integer).map(NumberTest::Range),
        }
    }

    fn date_test(&mut self, op: Op, value: &Value, at: &str) -> Option<DateTest> {
        match op {
            Op::IsEmpty | Op::IsNotEmpty => Some(DateTest::Empty),
            Op::WithinLast | Op::NotWithinLast => {
                self.period(value, at, true).map(DateTest::WithinLast)
            }
            Op::AnniversaryIn => self.period(value, at, true).map(DateTest::Anniversary),
            Op::Eq | Op::Ne | Op::In | Op::NotIn => {
                self.one_or_many(op, value, at, Self::day).map(DateTest::OneOf)
            }
            _ => self.range(op, value, at, Self::day).map(DateTest::Range),
        }
    }

    /// A day stands for all its instants: after it means behind its end, up to it includes it.
    fn time_test(&mut self, op: Op, value: &Value, at: &str) -> Option<TimeTest> {
        use Bound::{Excluded, Included, Unbounded};
        let (from, to) = match op {
            Op::IsEmpty | Op::IsNotEmpty => return Some(TimeTest::Empty),
            Op::WithinLast | Op::NotWithinLast => {
                return self.period(value, at, false).map(TimeTest::WithinLast);
            }
            Op::AnniversaryIn => return self.period(value, at, true).map(TimeTest::Anniversary),
            Op::Between => {
                let Some([first, second]) = value.as_array().map(Vec::as_slice) else {
                    self.wrong_type(at, "a pair: [from, to]");
                    return None;
                };
                let from = self.moment(first, &format!("{at}/0"));
                let to = self.moment(second, &format!("{at}/1"));
                let (from, to) = (from?, to?);
                if from.start >= to.end {
                    self.fault(at, Code::InvalidValue, "the first of the pair is after the second");
                    return None;
                }
                (Included(from.start), Excluded(to.end))
            }
            _ => {
                let moment = self.moment(value, at)?;
                match op {
                    Op::Lt | Op::Before => (Unbounded, Excluded(moment.start)),
                    Op::Lte => (Unbounded, Excluded(moment.end)),
                    Op::Gt | Op::After => (Included(moment.end), Unbounded),
                    Op::Gte => (Included(moment.start), Unbounded),
                    _ => (Included(moment.start), Excluded(moment.end)),
                }
            }
        };
        Some(TimeTest::Range(Range { from, to }))
    }

    fn tag_test(&mut self, op: Op, value: &Value, at: &str) -> Option<TagTest> {
        if op.takes_no_value() {
            return Some(TagTest { keys: None, score: None });
        }
        let keys = self.one_or_many(op, value, at, |reader, value, at| {
            match TagName::parse(reader.text(value, at)?) {
                Ok(name) => Some(name.key().to_owned()),
                Err(error) => {
                    reader.fault(at, Code::InvalidTag, error.to_string());
                    None
                }
            }
        })?;
        Some(TagTest { keys: Some(keys), score: None })
    }

    fn detail_test(&mut self, op: Op, value: &Value, at: &str) -> Option<DetailTest> {
        match op {
            Op::IsEmpty | Op::IsNotEmpty => Some(DetailTest::Empty),
            Op::Contains | Op::StartsWith | Op::EndsWith => {
                let part = fold(self.text(value, at)?);
                self.part(op, part, at).map(DetailTest::Text)
            }
            Op::WithinLast | Op::NotWithinLast | Op::AnniversaryIn | Op::Before | Op::After => {
                self.date_test(op, value, at).map(DetailTest::Date)
            }
            Op::Eq | Op::Ne | Op::In | Op::NotIn => self.detail_values(op, value, at),
            _ => {
                // a text is a number when it reads as one, as that of a detail is; else it must be a date
                let sample = value.as_array().and_then(|pair| pair.first()).unwrap_or(value);
                if sample.as_str().is_some_and(|text| detail_number(text).is_none()) {
                    self.range(op, value, at, Self::day).map(DateTest::Range).map(DetailTest::Date)
                } else {
                    self.range(op, value, at, Self::measure).map(DetailTest::Number)
                }
            }
        }
    }

    /// A number, or a text that reads as one.
    fn measure(&mut self, value: &Value, at: &str) -> Option<f64> {
        match value.as_str().and_then(detail_number) {
            Some(number) => Some(number),
            None => self.number(value, at),
        }
    }

    fn number(&mut self, value: &Value, at: &str) -> Option<f64> {
        let number = value.as_f64().filter(|number| number.is_finite());
        if number.is_none() {
            self.wrong_type(at, "a number, or a date as text");
        }
        number
    }

    fn detail_values(&mut self, op: Op, value: &Value, at: &str) -> Option<DetailTest> {
        enum Scalar {
            Text(String),
            Number(f64),
        }
        let values = self.one_or_many(op, value, at, |reader, value, at| match value {
            Value::Bool(flag) => Some(Scalar::Text(flag.to_string())),
            Value::Number(_) => reader.number(value, at).map(Scalar::Number),
            Value::String(_) => reader.text(value, at).map(|text| Scalar::Text(text.to_owned())),
            _ => {
                reader.wrong_type(at, "a text, a number, true or false");
                None
            }
        })?;
        let (mut texts, mut numbers) = (Vec::new(), Vec::new());
        for value in values {
            match value {
                Scalar::Text(text) => texts.push(text),
                Scalar::Number(number) => numbers.push(number),
            }
        }
        Some(DetailTest::OneOf { texts, numbers })
    }
}

fn every<T>(words: Vec<&'static str>, from_word: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    words.into_iter().map(from_word).collect()
}

fn is_country(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// A part of a phone number as it stands in E.164: without what people put between digits.
fn phone_part(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect()
}
