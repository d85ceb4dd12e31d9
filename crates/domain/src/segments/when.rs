//! Days, instants and periods of conditions, and what they are relative to now.
//!
//! All days are days in UTC, as all times of the API are.

use chrono::{
    DateTime, Datelike, Days, Duration, Months, NaiveDate, SecondsFormat, SubsecRound, Utc,
};

/// A day of the year as `(month, day)`.
pub type MonthDay = (u32, u32);

/// An ISO 8601 duration such as `P90D`, `P3M` or `PT12H`: whole, positive parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Years and months, as months.
    pub months: u32,
    /// Weeks and days, as days.
    pub days: u32,
    /// Hours, minutes and seconds, as seconds.
    pub seconds: u32,
}

/// Why a text is not a usable period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeriodError {
    /// Not an ISO 8601 duration of whole parts.
    Malformed,
    /// Nothing, or more than a thousand years.
    OutOfRange,
}

/// A thousand years, in the unit of each part.
const MOST: (u64, u64, u64) = (12_000, 365_250, u32::MAX as u64);

impl Period {
    /// Reads `P[nY][nM][nW][nD][T[nH][nM][nS]]`.
    ///
    /// # Errors
    /// See [`PeriodError`].
    pub fn parse(text: &str) -> Result<Self, PeriodError> {
        let body = text.strip_prefix('P').ok_or(PeriodError::Malformed)?;
        let (date, time) = match body.split_once('T') {
            Some((_, "")) => return Err(PeriodError::Malformed),
            Some((date, time)) => (date, time),
            None => (body, ""),
        };
        if body.is_empty() {
            return Err(PeriodError::Malformed);
        }
        let [years, months, weeks, days] = parts(date, ['Y', 'M', 'W', 'D'])?;
        let [hours, minutes, seconds] = parts(time, ['H', 'M', 'S'])?;
        let months = years * 12 + months;
        let days = weeks * 7 + days;
        let seconds = hours * 3600 + minutes * 60 + seconds;
        if months > MOST.0 || days > MOST.1 || seconds > MOST.2 || months + days + seconds == 0 {
            return Err(PeriodError::OutOfRange);
        }
        let part =
            |number: u64| u32::try_from(number).map_err(|_too_large| PeriodError::OutOfRange);
        Ok(Self { months: part(months)?, days: part(days)?, seconds: part(seconds)? })
    }

    /// Whether it is made of whole days.
    #[must_use]
    pub const fn is_days(self) -> bool {
        self.seconds == 0
    }

    /// The instant this long before `now`, in whole microseconds as times are stored. Months end on
    /// their last day where the day is missing.
    #[must_use]
    pub fn before(self, now: DateTime<Utc>) -> DateTime<Utc> {
        now.trunc_subsecs(6)
            .checked_sub_months(Months::new(self.months))
            .and_then(|time| time.checked_sub_days(Days::new(self.days.into())))
            .and_then(|time| time.checked_sub_signed(Duration::seconds(self.seconds.into())))
            .unwrap_or(DateTime::<Utc>::MIN_UTC)
    }

    /// The instant this long after `now`, in whole microseconds. Months end on their last day where the day is
    /// missing.
    #[must_use]
    pub fn after(self, now: DateTime<Utc>) -> DateTime<Utc> {
        now.trunc_subsecs(6)
            .checked_add_months(Months::new(self.months))
            .and_then(|time| time.checked_add_days(Days::new(self.days.into())))
            .and_then(|time| time.checked_add_signed(Duration::seconds(self.seconds.into())))
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// The day this long before `today`.
    #[must_use]
    pub fn day_before(self, today: NaiveDate) -> NaiveDate {
        today
            .checked_sub_months(Months::new(self.months))
            .and_then(|day| day.checked_sub_days(Days::new(self.days.into())))
            .unwrap_or(NaiveDate::MIN)
    }

    /// The day this long after `today`.
    #[must_use]
    pub fn day_after(self, today: NaiveDate) -> NaiveDate {
        today
            .checked_add_months(Months::new(self.months))
            .and_then(|day| day.checked_add_days(Days::new(self.days.into())))
            .unwrap_or(NaiveDate::MAX)
    }
}

/// The numbers before each of `units`, which come in this order, each at most once.
fn parts<const N: usize>(text: &str, units: [char; N]) -> Result<[u64; N], PeriodError> {
    let mut numbers = [0; N];
    let mut rest = text;
    for (number, unit) in numbers.iter_mut().zip(units) {
        let Some((digits, behind)) = rest.split_once(unit) else { continue };
        // the unit of a later part may stand here: P1D holds no M, P1M1D no D before M
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) || digits.is_empty() {
            continue;
        }
        if digits.len() > 10 {
            return Err(PeriodError::OutOfRange);
        }
        *number = digits.parse().map_err(|_not_a_number| PeriodError::Malformed)?;
        rest = behind;
    }
    if rest.is_empty() { Ok(numbers) } else { Err(PeriodError::Malformed) }
}

/// A day, or an instant, in the value of a condition on an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// First microsecond of it.
    pub start: DateTime<Utc>,
    /// First microsecond behind it.
    pub end: DateTime<Utc>,
}

impl Moment {
    /// Reads `YYYY-MM-DD` (the whole day in UTC) or RFC 3339 (that microsecond).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(day) = parse_day(text) {
            let start = day.and_hms_opt(0, 0, 0)?.and_utc();
            let end = day.succ_opt()?.and_hms_opt(0, 0, 0)?.and_utc();
            return Some(Self { start, end });
        }
        let start = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
        let start = DateTime::from_timestamp_micros(start.timestamp_micros())?;
        if !(1..=9999).contains(&start.year()) {
            return None;
        }
        Some(Self { start, end: start.checked_add_signed(Duration::microseconds(1))? })
    }
}

/// Reads `YYYY-MM-DD` of the years 1 to 9999.
#[must_use]
pub fn parse_day(text: &str) -> Option<NaiveDate> {
    let shape = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !shape {
        return None;
    }
    text.parse().ok().filter(|day: &NaiveDate| day.year() >= 1)
}

/// The days of the year on which an anniversary falls into the period that starts today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnniversaryDays {
    /// A year or more: every day.
    All,
    /// From the first to the second of each pair, both included.
    Ranges(Vec<(MonthDay, MonthDay)>),
}

/// Which days of the year come round from `today` until `period` later, both included.
///
/// In years that have none, what happened on 29 February comes round on the 28th.
#[must_use]
pub fn anniversary_days(period: Period, today: NaiveDate) -> AnniversaryDays {
    let last = period.day_after(today);
    if today.checked_add_months(Months::new(12)).is_none_or(|next| last >= next) {
        return AnniversaryDays::All;
    }
    let first = (today.month(), today.day());
    let mut end = (last.month(), last.day());
    if end == (2, 28) && !last.leap_year() {
        end = (2, 29);
    }
    AnniversaryDays::Ranges(if today.year() == last.year() {
        vec![(first, end)]
    } else {
        vec![(first, (12, 31)), ((1, 1), end)]
    })
}

/// An instant as messages and tests show it.
#[must_use]
pub fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// SEG-2
    #[test]
    fn periods_are_iso_8601() {
        let period = |months, days, seconds| Ok(Period { months, days, seconds });
        for (text, expected) in [
            ("P90D", period(0, 90, 0)),
            ("P3M", period(3, 0, 0)),
            ("P1Y2M3W4D", period(14, 25, 0)),
            ("PT12H", period(0, 0, 43_200)),
            ("PT1M", period(0, 0, 60)),
            ("P1DT1H1M1S", period(0, 1, 3_661)),
            ("P1M1D", period(1, 1, 0)),
            ("P1W", period(0, 7, 0)),
            ("", Err(PeriodError::Malformed)),
            ("P", Err(PeriodError::Malformed)),
            ("PT", Err(PeriodError::Malformed)),
            ("P1DT", Err(PeriodError::Malformed)),
            ("90D", Err(PeriodError::Malformed)),
            ("P90", Err(PeriodError::Malformed)),
            ("P-1D", Err(PeriodError::Malformed)),
            ("P1.5D", Err(PeriodError::Malformed)),
            ("P1D2M", Err(PeriodError::Malformed)),
            ("P1H", Err(PeriodError::Malformed)),
            ("p1d", Err(PeriodError::Malformed)),
            ("P1D ", Err(PeriodError::Malformed)),
            ("P0D", Err(PeriodError::OutOfRange)),
            ("P1001Y", Err(PeriodError::OutOfRange)),
            ("P99999999999D", Err(PeriodError::OutOfRange)),
            ("PT9999999999H", Err(PeriodError::OutOfRange)),
        ] {
            assert_eq!(Period::parse(text), expected, "{text}");
        }
    }

    /// SEG-2
    #[test]
    fn a_month_back_from_its_last_day_is_the_last_day() {
        let now = DateTime::parse_from_rfc3339("2026-03-31T10:00:00Z").unwrap().to_utc();
        let back = Period::parse("P1M").unwrap().before(now);
        assert_eq!(rfc3339(back), "2026-02-28T10:00:00Z");
        assert_eq!(Period::parse("P1M").unwrap().day_before(now.date_naive()), day("2026-02-28"));
        assert_eq!(rfc3339(Period::parse("PT12H").unwrap().before(now)), "2026-03-30T22:00:00Z");
    }

    /// SEG-2
    #[test]
    fn a_moment_is_a_day_or_an_instant() {
        let moment = Moment::parse("2026-02-28").unwrap();
        assert_eq!(rfc3339(moment.start), "2026-02-28T00:00:00Z");
        assert_eq!(rfc3339(moment.end), "2026-03-01T00:00:00Z");
        let moment = Moment::parse("2026-02-28T10:00:00.1234567+01:00").unwrap();
        assert_eq!(rfc3339(moment.start), "2026-02-28T09:00:00.123456Z");
        assert_eq!(rfc3339(moment.end), "2026-02-28T09:00:00.123457Z");
        for text in
            ["", "2026-02-30", "2026-2-3", "28.2.2026", "2026-02-28T10:00:00", "now", "+2026-02-3"]
        {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }

    /// SEG-2
    #[test]
    fn anniversaries_cross_the_year_and_know_leap_days() {
        let days = |period, today| anniversary_days(Period::parse(period).unwrap(), day(today));
        let ranges = AnniversaryDays::Ranges;
        assert_eq!(days("P7D", "2026-05-01"), ranges(vec![((5, 1), (5, 8))]));
        assert_eq!(
            days("P14D", "2026-12-25"),
            ranges(vec![((12, 25), (12, 31)), ((1, 1), (1, 8))])
        );
        assert_eq!(days("P1D", "2026-02-27"), ranges(vec![((2, 27), (2, 29))]));
        assert_eq!(days("P1D", "2028-02-27"), ranges(vec![((2, 27), (2, 28))]));
        assert_eq!(days("P1Y", "2026-02-27"), AnniversaryDays::All);
        assert_eq!(days("P366D", "2028-01-01"), AnniversaryDays::All);
    }

    proptest! {
        /// SEG-2: a born day is in the ranges exactly when one of its anniversaries is in the window.
        #[test]
        fn ranges_say_what_the_calendar_says(born in 0i32..40_000, today in 40_000i32..60_000, days in 1u32..400) {
            let from_number = |number| NaiveDate::from_num_days_from_ce_opt(700_000 + number).unwrap();
            let (born, today) = (from_number(born), from_number(today));
            let period = Period { months: 0, days, seconds: 0 };
            let calendar = (0..=u64::from(days)).filter_map(|n| today.checked_add_days(Days::new(n))).any(|day| {
                (day.month(), day.day()) == (born.month(), born.day())
                    || ((born.month(), born.day()) == (2, 29)
                        && !day.leap_year()
                        && (day.month(), day.day()) == (2, 28))
            });
            let listed = match anniversary_days(period, today) {
                AnniversaryDays::All => true,
                AnniversaryDays::Ranges(ranges) => ranges
                    .iter()
                    .any(|(from, to)| (*from..=*to).contains(&(born.month(), born.day()))),
            };
            prop_assert_eq!(calendar, listed);
        }
    }
}
