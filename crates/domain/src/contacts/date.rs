//! Dates as Central Europe writes them, and as spreadsheets and databases do.
//!
//! A date is three numbers, or two and the name of a month in Czech, Slovak, Polish, Hungarian,
//! German or English; a time behind it is read over. The only thing that has to be known is the order of
//! day and month when both could be either: that is what a [`DateFormat`] says. Separators, leading
//! zeros and blanks never matter, and a date that begins with a year of four digits is read the same
//! by every format.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, Days, NaiveDate};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::cell::{is_one_of, is_placeholder, visible};
use super::fold::fold;

/// First and last year that is believed; anything else is a slip.
const YEARS: std::ops::RangeInclusive<i32> = 1800..=2200;
/// Two-digit years up to this one are of the 2000s, the others of the 1900s (Excel's rule).
const PIVOT_YEAR: i32 = 29;
/// A cell longer than this is not searched for a date.
const MAX_RAW_BYTES: usize = 128;

/// How the dates of a column or a request are written. In JSON its name: `DD.MM.YYYY`, `auto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DateFormat {
    /// Day before month when both are possible; month before day with slashes or hyphens when the
    /// other way is no date; year first when it is.
    #[default]
    Auto,
    /// `1990-05-01` (ISO 8601)
    YearMonthDay,
    /// `1990. 05. 01.`, as Hungarians write
    YearMonthDayDots,
    /// `1990/05/01`
    YearMonthDaySlashes,
    /// `19900501`
    Compact,
    /// `1. 5. 1990`
    DayMonthYearDots,
    /// `01/05/1990`
    DayMonthYearSlashes,
    /// `01-05-1990`
    DayMonthYearDashes,
    /// `05/01/1990`
    MonthDayYearSlashes,
    /// `05-01-1990`
    MonthDayYearDashes,
    /// `32994`: days since 1899-12-30, as Excel counts from March 1900 on
    Excel,
}

/// Why a cell is not a date. The words of [`DateError::reason`] are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum DateError {
    /// Nothing is written, or only white space.
    #[error("no date is given")]
    Empty,
    /// A word or date that stands for nothing: `n/a`, `0000-00-00`.
    #[error("a placeholder stands where a date belongs")]
    Placeholder,
    /// Not the form of a date.
    #[error("this is not a date")]
    Unreadable,
    /// A part is missing: `05/1990`.
    #[error("the date needs a day, a month and a year")]
    Incomplete,
    /// The calendar has no such day, or not in this format.
    #[error("there is no such day")]
    NoSuchDay,
    /// The year is before 1800 or after 2200.
    #[error("the year is not between 1800 and 2200")]
    YearOutOfRange,
}

impl DateError {
    /// A stable word for programs.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Placeholder => "placeholder",
            Self::Unreadable => "unreadable",
            Self::Incomplete => "incomplete",
            Self::NoSuchDay => "no_such_day",
            Self::YearOutOfRange => "year_out_of_range",
        }
    }
}

/// The name of no [`DateFormat`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("not a date format; known are auto, YYYY-MM-DD, DD.MM.YYYY and their like, and excel")]
pub struct UnknownDateFormat;

/// What the first of three numbers is. The other two follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum First {
    Year,
    Day,
    Month,
}

impl DateFormat {
    /// All formats, in the order in which they are offered.
    pub const ALL: [Self; 11] = [
        Self::Auto,
        Self::YearMonthDay,
        Self::DayMonthYearDots,
        Self::DayMonthYearSlashes,
        Self::DayMonthYearDashes,
        Self::MonthDayYearSlashes,
        Self::MonthDayYearDashes,
        Self::YearMonthDayDots,
        Self::YearMonthDaySlashes,
        Self::Compact,
        Self::Excel,
    ];

    /// The name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::YearMonthDay => "YYYY-MM-DD",
            Self::YearMonthDayDots => "YYYY.MM.DD",
            Self::YearMonthDaySlashes => "YYYY/MM/DD",
            Self::Compact => "YYYYMMDD",
            Self::DayMonthYearDots => "DD.MM.YYYY",
            Self::DayMonthYearSlashes => "DD/MM/YYYY",
            Self::DayMonthYearDashes => "DD-MM-YYYY",
            Self::MonthDayYearSlashes => "MM/DD/YYYY",
            Self::MonthDayYearDashes => "MM-DD-YYYY",
            Self::Excel => "excel",
        }
    }

    const fn first(self) -> Option<First> {
        match self {
            Self::Auto | Self::Excel => None,
            Self::YearMonthDay
            | Self::YearMonthDayDots
            | Self::YearMonthDaySlashes
            | Self::Compact => Some(First::Year),
            Self::DayMonthYearDots | Self::DayMonthYearSlashes | Self::DayMonthYearDashes => {
                Some(First::Day)
            }
            Self::MonthDayYearSlashes | Self::MonthDayYearDashes => Some(First::Month),
        }
    }
}

impl FromStr for DateFormat {
    type Err = UnknownDateFormat;

    /// Reads a name, forgivingly: `dd. mm. yyyy`, `D.M.YYYY`, `yyyy-mm-dd`.
    fn from_str(raw: &str) -> Result<Self, UnknownDateFormat> {
        if raw.len() > 32 {
            return Err(UnknownDateFormat);
        }
        let mut name = String::new();
        for c in raw.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_uppercase) {
            let repeated = name.ends_with(c);
            if !(repeated && c.is_alphabetic()) {
                name.push(c);
            }
        }
        let name = name.trim_end_matches('.');
        let short = |format: &Self| {
            let mut short = format.as_str().to_uppercase();
            for (long, letter) in [("YYYY", "Y"), ("MM", "M"), ("DD", "D")] {
                short = short.replace(long, letter);
            }
            short
        };
        Self::ALL.into_iter().find(|format| short(format) == name).ok_or(UnknownDateFormat)
    }
}

impl fmt::Display for DateFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for DateFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for DateFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Reads a date. A time of day behind it is left out, without shifting time zones.
///
/// Years of two digits are of the 2000s up to 29 and of the 1900s from 30 on. Excel's serial numbers
/// are read only in [`DateFormat::Excel`].
///
/// # Errors
/// When the cell holds no date, or none that exists; see [`DateError`].
pub fn parse_date(raw: &str, format: DateFormat) -> Result<NaiveDate, DateError> {
    let text = visible(raw);
    if let Some(date) = iso(&text) {
        return in_range(date);
    }
    if text.is_empty() {
        return Err(DateError::Empty);
    }
    if is_placeholder(&text) {
        return Err(DateError::Placeholder);
    }
    if format == DateFormat::Excel
        && let Some(date) = excel(&text)
    {
        return date.and_then(in_range);
    }
    let parts = Parts::read(&text)?;
    if !parts.numbers.is_empty() && parts.numbers.iter().all(|number| number.value == 0) {
        return Err(DateError::Placeholder);
    }
    in_range(parts.date(format.first())?)
}

/// The format of a column, from some of its values; `None` when they are no dates.
///
/// One value with a second part above twelve is enough for month before day.
pub fn guess_date_format<'a>(samples: impl Iterator<Item = &'a str>) -> Option<DateFormat> {
    let (mut filled, mut dates, mut evidence) = (0_usize, 0_usize, Evidence::default());
    for sample in samples {
        let text = visible(sample);
        if text.is_empty() || is_placeholder(&text) {
            continue;
        }
        filled += 1;
        let Ok(parts) = Parts::read(&text) else { continue };
        if parts.date(None).is_ok_and(|date| in_range(date).is_ok()) {
            dates += 1;
            evidence.add(&parts);
        }
    }
    (dates > 0 && dates * 10 >= filled * 8).then(|| evidence.format())
}

fn in_range(date: NaiveDate) -> Result<NaiveDate, DateError> {
    if YEARS.contains(&date.year()) { Ok(date) } else { Err(DateError::YearOutOfRange) }
}

/// `1990-05-01`, at once.
fn iso(text: &str) -> Option<NaiveDate> {
    let bytes: &[u8; 10] = text.as_bytes().try_into().ok()?;
    let [_, _, _, _, b'-', _, _, b'-', _, _] = bytes else { return None };
    let number = |range: std::ops::Range<usize>| -> Option<u32> {
        let digits = text.get(range)?;
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let year = i32::try_from(number(0..4)?).ok()?;
    NaiveDate::from_ymd_opt(year, number(5..7)?, number(8..10)?)
}

/// Days since 1899-12-30; Excel has a 29 February 1900 that never was, so days before it are one
/// further on. A fraction is the time of day.
fn excel(text: &str) -> Option<Result<NaiveDate, DateError>> {
    let (days, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(days) || !digits(fraction) || days.len() > 6 {
        return None;
    }
    let days: u64 = days.parse().ok()?;
    let shift = match days {
        0 | 60 => return Some(Err(DateError::NoSuchDay)),
        1..60 => 1,
        _ => 0,
    };
    let zero = NaiveDate::from_ymd_opt(1899, 12, 30)?;
    Some(zero.checked_add_days(Days::new(days + shift)).ok_or(DateError::YearOutOfRange))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Number {
    value: u32,
    digits: usize,
}

/// A date taken apart, before it is decided which number is what.
#[derive(Debug)]
struct Parts {
    numbers: Vec<Number>,
    /// The month, when it was written as a word, and how many numbers stood before it.
    month: Option<(u32, usize)>,
    /// What stood between the first two numbers.
    separator: char,
}

impl Parts {
    fn read(text: &str) -> Result<Self, DateError> {
        if text.len() > MAX_RAW_BYTES {
            return Err(DateError::Unreadable);
        }
        let text = without_time(text.trim_matches(['\'', '"', '´', '`', '=']))?;
        let mut parts = Self { numbers: Vec::new(), month: None, separator: ' ' };
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let is_digit = first.is_ascii_digit();
            let is_same = |c: char| {
                if is_digit {
                    c.is_ascii_digit()
                } else {
                    c.is_alphabetic() == first.is_alphabetic() && !c.is_ascii_digit()
                }
            };
            let end = rest.find(|c| !is_same(c)).unwrap_or(rest.len());
            let (token, after) = rest.split_at_checked(end).ok_or(DateError::Unreadable)?;
            if is_digit {
                parts.number(token)?;
            } else if first.is_alphabetic() {
                parts.word(token)?;
            } else {
                parts.between(token)?;
            }
            rest = after;
        }
        Ok(parts)
    }

    fn number(&mut self, token: &str) -> Result<(), DateError> {
        if self.numbers.len() == 3 || token.len() > 8 {
            return Err(DateError::Unreadable);
        }
        // `19900501`, and `01051990` when that is no year
        if token.len() == 8 && self.numbers.is_empty() {
            let cut = |range: std::ops::Range<usize>| token.get(range).unwrap_or_default();
            let year = cut(0..4).parse::<i32>().unwrap_or_default();
            let pieces = if YEARS.contains(&year) {
                [cut(0..4), cut(4..6), cut(6..8)]
            } else {
                [cut(0..2), cut(2..4), cut(4..8)]
            };
            return pieces.into_iter().try_for_each(|piece| self.number(piece));
        }
        let value = token.parse().or(Err(DateError::Unreadable))?;
        self.numbers.push(Number { value, digits: token.len() });
        Ok(())
    }

    fn word(&mut self, token: &str) -> Result<(), DateError> {
        let word = fold(token);
        if self.month.is_none()
            && let Some(month) = month_by_name(&word)
        {
            self.month = Some((month, self.numbers.len()));
            return Ok(());
        }
        if is_one_of(&word, FILLERS) { Ok(()) } else { Err(DateError::Unreadable) }
    }

    fn between(&mut self, token: &str) -> Result<(), DateError> {
        let sign = token.chars().find(|c| !c.is_whitespace()).unwrap_or(' ');
        if !token.chars().all(|c| {
            c.is_whitespace()
                || matches!(c, '.' | '-' | '/' | ',' | '\'' | '’' | '–' | '(' | ')' | '\\')
        }) {
            return Err(DateError::Unreadable);
        }
        if self.numbers.len() == 1 {
            self.separator = if sign == '–' { '-' } else { sign };
        }
        Ok(())
    }

    fn date(&self, first: Option<First>) -> Result<NaiveDate, DateError> {
        match (self.numbers.as_slice(), self.month) {
            ([a, b], Some((month, before))) => {
                // `1990. május 1.`: the year first; else `1 May 1990`, `May 1, 1990`.
                let year_first = before > 0 && (a.digits > 2 || a.value > 31);
                let (day, year) = if year_first { (b, a) } else { (a, b) };
                make(year, month, day.value)
            }
            ([a, b, c], None)
                if a.digits > 2
                    || first == Some(First::Year)
                    || first.is_none() && a.value > 31 =>
            {
                if a.digits > 2 || c.digits <= 2 {
                    make(a, b.value, c.value)
                } else {
                    Err(DateError::NoSuchDay)
                }
            }
            ([a, b, c], None) => match first {
                Some(First::Month) => make(c, a.value, b.value),
                Some(_) => make(c, b.value, a.value),
                None => make(c, b.value, a.value).or_else(|error| {
                    if matches!(self.separator, '/' | '-') {
                        make(c, a.value, b.value)
                    } else {
                        Err(error)
                    }
                }),
            },
            ([], None) | ([_, _, _], Some(_)) => Err(DateError::Unreadable),
            _ => Err(DateError::Incomplete),
        }
    }
}

fn make(year: &Number, month: u32, day: u32) -> Result<NaiveDate, DateError> {
    let value = i32::try_from(year.value).or(Err(DateError::YearOutOfRange))?;
    let year = match (year.digits, value) {
        (2, ..=PIVOT_YEAR) => 2000 + value,
        (2, _) => 1900 + value,
        (4, _) => value,
        _ => return Err(DateError::YearOutOfRange),
    };
    NaiveDate::from_ymd_opt(year, month, day).ok_or(DateError::NoSuchDay)
}

/// Cuts off a time of day: ` 09:14`, `T09:14:00.000Z`, ` 0:00:00`, ` 9:14 PM +02:00`.
fn without_time(text: &str) -> Result<&str, DateError> {
    let Some(colon) = text.find(':') else { return Ok(text.trim_end_matches(['T', 'Z'])) };
    let (before, after) = text.split_at_checked(colon).ok_or(DateError::Unreadable)?;
    let date = before.trim_end_matches(|c: char| c.is_ascii_digit());
    let hour = before.len() - date.len();
    let time_like = |c: char| {
        c.is_ascii_digit()
            || c.is_whitespace()
            || matches!(c, ':' | '.' | ',' | '+' | '-' | '(' | ')' | '/' | '_')
            || c.is_ascii_alphabetic()
    };
    let minutes = after.chars().skip(1).take_while(char::is_ascii_digit).count();
    if !(1..=2).contains(&hour) || minutes != 2 || !after.chars().all(time_like) {
        return Err(DateError::Unreadable);
    }
    let date = date.trim_end();
    Ok(date.strip_suffix(['T', 't', ',']).unwrap_or(date).trim_end())
}

/// Words that may stand beside a date, folded: days of the week, `roku`, ordinal endings.
const FILLERS: &str = "r|rok|roku|rokem|den|dne|dnia|am|der|den|of|the|st|nd|rd|th|de|\
    an|en|jen|jan|ei|ai|i|a|e|je|ja|ev|evi|narozen|narozena|nar|ur|szul|geb|born|\
    pondeli|po|utery|ut|streda|st|ctvrtek|ct|patek|pa|sobota|so|nedele|ne|\
    pondelok|utorok|stvrtok|piatok|nedela|\
    poniedzialek|wtorek|sroda|czwartek|piatek|niedziela|pon|wt|sr|czw|pt|sob|niedz|\
    hetfo|kedd|szerda|csutortok|pentek|szombat|vasarnap|\
    montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag|\
    monday|tuesday|wednesday|thursday|friday|saturday|sunday|mon|tue|wed|thu|fri|sat|sun";

/// Months in Czech, Slovak, Polish, Hungarian, German, English, folded, in all the cases a date has,
/// with their abbreviations and Roman numerals.
const MONTHS: [&str; 12] = [
    "leden|ledna|led|januar|januara|january|jan|styczen|stycznia|sty|janner|jaenner|janvar|i",
    "unor|unora|uno|februar|februara|february|feb|febr|luty|lutego|lut|feber|ii",
    "brezen|brezna|bre|marec|marca|march|mar|marzec|marcius|marc|marz|maerz|mrz|iii",
    "duben|dubna|dub|april|aprila|apr|kwiecien|kwietnia|kwi|kwiec|aprilis|iv",
    "kveten|kvetna|kve|kvet|maj|maja|may|majus|mai|v",
    "cerven|cervna|cvn|jun|juna|june|czerwiec|czerwca|cze|czerw|junius|juni|vi",
    "cervenec|cervence|cvc|jul|jula|july|lipiec|lipca|lip|julius|juli|vii",
    "srpen|srpna|srp|august|augusta|aug|sierpien|sierpnia|sie|sierp|augusztus|viii",
    "zari|zar|september|septembra|sep|sept|wrzesien|wrzesnia|wrz|wrzes|szeptember|szept|ix",
    "rijen|rijna|rij|oktober|oktobra|october|oct|okt|pazdziernik|pazdziernika|paz|pazdz|x",
    "listopad|listopadu|listopada|lis|list|november|novembra|nov|xi",
    "prosinec|prosince|pro|december|decembra|dec|grudzien|grudnia|gru|grudz|dezember|dez|xii",
];

fn month_by_name(word: &str) -> Option<u32> {
    (1..).zip(MONTHS).find_map(|(number, names)| is_one_of(word, names).then_some(number))
}

/// What the values of a column say about its order.
#[derive(Debug, Default)]
struct Evidence {
    year_first: usize,
    other: usize,
    day_first: bool,
    month_first: bool,
    separators: [usize; 3],
    compact: usize,
}

impl Evidence {
    fn add(&mut self, parts: &Parts) {
        let [a, b, _] = parts.numbers.as_slice() else { return };
        if a.digits > 2 || a.value > 31 {
            self.year_first += 1;
        } else {
            self.other += 1;
            self.day_first |= a.value > 12;
            self.month_first |= b.value > 12;
        }
        let [dots, slashes, dashes] = &mut self.separators;
        match parts.separator {
            '.' => *dots += 1,
            '/' => *slashes += 1,
            '-' => *dashes += 1,
            _ => self.compact += 1,
        }
    }

    const fn format(&self) -> DateFormat {
        let [dots, slashes, dashes] = self.separators;
        let many = dots > 0 && (slashes > 0 || dashes > 0)
            || slashes > 0 && dashes > 0
            || self.compact > 0 && dots + slashes + dashes > 0;
        if many || self.year_first > 0 && self.other > 0 || self.day_first && self.month_first {
            return DateFormat::Auto;
        }
        match (self.year_first > 0, self.month_first, dots > 0, slashes > 0, dashes > 0) {
            (true, _, true, _, _) => DateFormat::YearMonthDayDots,
            (true, _, _, true, _) => DateFormat::YearMonthDaySlashes,
            (true, _, _, _, true) => DateFormat::YearMonthDay,
            (true, _, _, _, _) => DateFormat::Compact,
            (false, true, _, true, _) => DateFormat::MonthDayYearSlashes,
            (false, true, _, _, true) => DateFormat::MonthDayYearDashes,
            (false, false, true, _, _) => DateFormat::DayMonthYearDots,
            (false, false, _, true, _) => DateFormat::DayMonthYearSlashes,
            (false, false, _, _, true) => DateFormat::DayMonthYearDashes,
            (false, _, _, _, _) => DateFormat::Auto,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(raw: &str, format: DateFormat) -> Result<String, DateError> {
        parse_date(raw, format).map(|date| date.to_string())
    }

    /// IMP-5, IMP-20
    #[test]
    fn dates_are_read_as_people_write_them() {
        for raw in [
            "1990-05-01",
            "1990-5-1",
            "1. 5. 1990",
            "1.5.1990",
            "01.05.1990",
            "01. 05. 1990",
            "01/05/1990",
            "1/5/1990",
            "01-05-1990",
            "1 5 1990",
            "1990. 05. 01.",
            "1990.05.01.",
            "1990. 05. 01",
            "1990/05/01",
            "19900501",
            "01051990",
            "1.5.90",
            "1/5/90",
            "1990-05-01 09:14",
            "1990-05-01T09:14:00Z",
            "1990-05-01T09:14:00.000+02:00",
            "1990-05-01 00:00:00",
            "1. 5. 1990 0:00:00",
            "1.5.1990, 9:14",
            "01/05/1990 09:14:11 PM",
            "1990. 05. 01. 9:14",
            "1990-05-01 10:00:00 UTC",
            "1990-05-01 10:00 Europe/Prague",
            "1. května 1990",
            "1.května 1990",
            "1. KVĚTNA 1990",
            "1. kveten 1990",
            "1. mája 1990",
            "1 maja 1990",
            "1 maja 1990 r.",
            "1 maja 1990r.",
            "1990. május 1.",
            "1990. május 1-jén",
            "1990. máj. 1.",
            "1 May 1990",
            "May 1, 1990",
            "May 1st, 1990",
            "1st of May 1990",
            "01-May-90",
            "1-MAY-1990",
            "1. Mai 1990",
            "1. V. 1990",
            "1 V 1990",
            "1990-May-01",
            "1990 May 1",
            "úterý 1. května 1990",
            "Tuesday, 1 May 1990",
            "Tue May 1 1990",
            "1990. V. 1.",
            "\u{A0}1.\u{A0}5.\u{A0}1990\u{200B}",
            "'1990-05-01",
            "\"1.5.1990\"",
            "1.5.1990.",
            "1990-05-01T00:00",
            "1990-05-01Z",
            "1\u{2013}5\u{2013}1990",
        ] {
            assert_eq!(read(raw, DateFormat::Auto).as_deref(), Ok("1990-05-01"), "{raw:?}");
        }
    }

    /// IMP-5
    #[test]
    fn every_name_of_a_month_is_known_once() {
        let mut all: Vec<&str> = MONTHS.iter().flat_map(|names| names.split('|')).collect();
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count, "a name stands for two months");
        for (number, names) in [
            (3, "března marca marzec március März March"),
            (6, "června června czerwca június Juni June jún"),
            (7, "července lipca július Juli July júl"),
            (9, "září września szeptember September septembra"),
            (10, "října października október Oktober October oktobra"),
            (11, "listopadu listopada november November novembra"),
            (12, "prosince grudnia december Dezember decembra"),
        ] {
            for name in names.split(' ') {
                let expected = format!("1990-{number:02}-02");
                let raw = format!("2. {name} 1990");
                assert_eq!(read(&raw, DateFormat::Auto), Ok(expected), "{raw}");
            }
        }
    }

    /// IMP-5
    #[test]
    fn the_format_decides_what_is_ambiguous() {
        use DateFormat as F;
        for (raw, format, expected) in [
            ("05/06/1990", F::Auto, Ok("1990-06-05")),
            ("05/06/1990", F::DayMonthYearSlashes, Ok("1990-06-05")),
            ("05/06/1990", F::MonthDayYearSlashes, Ok("1990-05-06")),
            ("05/25/1990", F::Auto, Ok("1990-05-25")),
            ("05-25-1990", F::Auto, Ok("1990-05-25")),
            ("05.25.1990", F::Auto, Err(DateError::NoSuchDay)),
            ("05/25/1990", F::DayMonthYearSlashes, Err(DateError::NoSuchDay)),
            ("25/05/1990", F::MonthDayYearSlashes, Err(DateError::NoSuchDay)),
            ("1990-05-25", F::MonthDayYearSlashes, Ok("1990-05-25")),
            ("1.5.1990", F::MonthDayYearSlashes, Ok("1990-01-05")),
            ("90-05-01", F::YearMonthDay, Ok("1990-05-01")),
            ("05-06-01", F::YearMonthDay, Ok("2005-06-01")),
            ("05-06-01", F::Auto, Ok("2001-06-05")),
            ("90.05.01", F::Auto, Ok("1990-05-01")),
            ("01.05.1990", F::YearMonthDay, Err(DateError::NoSuchDay)),
            ("1.5.29", F::Auto, Ok("2029-05-01")),
            ("1.5.30", F::Auto, Ok("1930-05-01")),
            ("32994", F::Excel, Ok("1990-05-01")),
            ("32994.5", F::Excel, Ok("1990-05-01")),
            ("1", F::Excel, Ok("1900-01-01")),
            ("59", F::Excel, Ok("1900-02-28")),
            ("60", F::Excel, Err(DateError::NoSuchDay)),
            ("61", F::Excel, Ok("1900-03-01")),
            ("999999", F::Excel, Err(DateError::YearOutOfRange)),
            ("1. 5. 1990", F::Excel, Ok("1990-05-01")),
            ("32994", F::Auto, Err(DateError::Incomplete)),
        ] {
            assert_eq!(read(raw, format), expected.map(str::to_owned), "{raw:?} {format}");
        }
    }

    /// IMP-16, IMP-20
    #[test]
    fn what_is_not_a_date_says_why() {
        for (raw, expected) in [
            ("", DateError::Empty),
            (" \u{A0}", DateError::Empty),
            ("n/a", DateError::Placeholder),
            ("-", DateError::Placeholder),
            ("0000-00-00", DateError::Placeholder),
            ("0000-00-00 00:00:00", DateError::Placeholder),
            ("00.00.0000", DateError::Placeholder),
            ("jan", DateError::Incomplete),
            ("Novák", DateError::Unreadable),
            ("1. něčeho 1990", DateError::Unreadable),
            ("05/1990", DateError::Incomplete),
            ("1990", DateError::Incomplete),
            ("1. 5.", DateError::Incomplete),
            ("květen 1990", DateError::Incomplete),
            ("30.2.1990", DateError::NoSuchDay),
            ("1990-02-29", DateError::NoSuchDay),
            ("32.1.1990", DateError::NoSuchDay),
            ("1990-13-13", DateError::NoSuchDay),
            ("1.5.1799", DateError::YearOutOfRange),
            ("1.5.2201", DateError::YearOutOfRange),
            ("1.5.199", DateError::YearOutOfRange),
            ("1.5.19900", DateError::YearOutOfRange),
            ("0990-05-01", DateError::YearOutOfRange),
            ("1.5.1990.7", DateError::Unreadable),
            ("+420 602 123 456", DateError::Unreadable),
            ("192.168.1.1", DateError::Unreadable),
            ("1.5.1990 25", DateError::Unreadable),
            ("10:30", DateError::Unreadable),
            ("1990-05-01 a:b", DateError::Unreadable),
        ] {
            assert_eq!(read(raw, DateFormat::Auto), Err(expected), "{raw:?}");
        }
    }

    /// IMP-5
    #[test]
    fn the_format_of_a_column_is_guessed() {
        use DateFormat as F;
        let cases: &[(&[&str], Option<F>)] = &[
            (&["1. 5. 1990", "24.12.1985", ""], Some(F::DayMonthYearDots)),
            (&["01/05/1990", "02/06/1991"], Some(F::DayMonthYearSlashes)),
            (&["01/05/1990", "02/26/1991"], Some(F::MonthDayYearSlashes)),
            (&["01/25/1990", "26/02/1991"], Some(F::Auto)),
            (&["01-25-1990"], Some(F::MonthDayYearDashes)),
            (&["25-01-1990"], Some(F::DayMonthYearDashes)),
            (&["1990-05-01", "1990-05-01 10:00"], Some(F::YearMonthDay)),
            (&["1990. 05. 01."], Some(F::YearMonthDayDots)),
            (&["1990/05/01"], Some(F::YearMonthDaySlashes)),
            (&["19900501"], Some(F::Compact)),
            (&["1. května 1990"], Some(F::Auto)),
            (&["1990-05-01", "1.5.1990"], Some(F::Auto)),
            (&["32994", "32995"], None),
            (&["Novák", "1990-05-01"], None),
            (&["", "n/a"], None),
            (&[], None),
        ];
        for (samples, expected) in cases {
            assert_eq!(guess_date_format(samples.iter().copied()), *expected, "{samples:?}");
        }
    }

    /// IMP-5: `date_format`
    #[test]
    fn formats_have_names() {
        for format in DateFormat::ALL {
            assert_eq!(format.as_str().parse(), Ok(format));
            let json = serde_json::to_string(&format).unwrap();
            assert_eq!(serde_json::from_str::<DateFormat>(&json).unwrap(), format);
        }
        assert_eq!("d. m. yyyy".parse(), Ok(DateFormat::DayMonthYearDots));
        assert_eq!("YYYY. MM. DD.".parse(), Ok(DateFormat::YearMonthDayDots));
        assert_eq!("AUTO".parse(), Ok(DateFormat::Auto));
        for name in ["", "DD", "YYYY-DD-MM", "iso", "DD.MM"] {
            assert_eq!(name.parse::<DateFormat>(), Err(UnknownDateFormat), "{name}");
        }
    }

    fn a_format() -> impl Strategy<Value = DateFormat> {
        proptest::sample::select(DateFormat::ALL.to_vec())
    }

    proptest! {
        /// IMP-20
        #[test]
        fn no_text_panics(raw in any::<String>(), format in a_format()) {
            let _ = parse_date(&raw, format);
            let _ = guess_date_format([raw.as_str()].into_iter());
        }

        /// IMP-20
        #[test]
        fn nothing_date_like_panics(raw in "[0-9]{0,9}[-./ T:]{0,2}[0-9a-zěí]{0,4}[-./ :]{0,2}[0-9]{0,5}[ T]?[0-9:]{0,8}", format in a_format()) {
            let _ = parse_date(&raw, format);
        }

        /// IMP-5: a date written in a format is read in it.
        #[test]
        fn a_date_is_read_as_it_was_written(
            days in 0_u64..146_000, format in a_format().prop_filter("written", |f| !matches!(f, DateFormat::Auto | DateFormat::Excel)),
        ) {
            let date = NaiveDate::from_ymd_opt(1800, 1, 1).unwrap() + Days::new(days);
            let pattern = format.as_str().replace("YYYY", "%Y").replace("MM", "%m").replace("DD", "%d");
            prop_assert_eq!(parse_date(&date.format(&pattern).to_string(), format), Ok(date));
            let iso = date.to_string();
            prop_assert_eq!(parse_date(&iso, format), Ok(date));
        }
    }
}
