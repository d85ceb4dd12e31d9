//! Rules of webhooks: when a delivery is tried again, and when a receiver is given up (PLT-3).

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};

/// Webhooks a workspace may have.
pub const MAX_WEBHOOKS: i64 = 100;
/// Characters of an address.
pub const MAX_URL_CHARS: usize = 2000;
/// How long the secret of before a rotation signs beside the new one.
pub const OLD_SECRET_SIGNS: TimeDelta = TimeDelta::hours(24);

/// Seconds between an attempt and the next one, as the standard proposes: quick at first, then ever rarer, for about
/// a day and a half in all.
const PAUSES: &[i64] = &[5, 300, 1_800, 7_200, 18_000, 36_000, 64_800];
/// Part of a pause that is added by chance, so that what failed together does not come back together.
const JITTER: f64 = 0.2;
/// The longest wish of a receiver to be left alone (`Retry-After`) that is granted.
const LONGEST_WISH: TimeDelta = TimeDelta::hours(24);

/// A receiver without one good answer for so long is switched off …
const FAILS_FOR: TimeDelta = TimeDelta::days(3);
/// … when it was also tried so often: one bad answer before a quiet week says nothing.
const FAILS_TIMES: i32 = 8;
/// Failures in a row after which a receiver as a whole is tried ever more seldom, whatever waits for it.
const FAILURES_BEFORE_PAUSE: i32 = 5;
/// The longest such pause.
const LONGEST_PAUSE_SECONDS: i64 = 300;

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// Waits for its next attempt.
    Pending,
    /// Was answered with 2xx.
    Delivered,
    /// Was given up.
    Failed,
}

impl DeliveryState {
    /// The word in the API and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for DeliveryState {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "pending" => Ok(Self::Pending),
            "delivered" => Ok(Self::Delivered),
            "failed" => Ok(Self::Failed),
            _ => Err(()),
        }
    }
}

/// Why a webhook was switched off by Kartoteka.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwitchedOff {
    /// It answered `410 Gone`: it wants no more.
    Gone,
    /// It gave no good answer for days.
    Failing,
}

impl SwitchedOff {
    /// The word in the API and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }
}

/// When a delivery that failed `tries` times is tried again; `None` when it is given up. `wish` is what the receiver
/// said in `Retry-After`; `chance` in `0.0..1.0` spreads the attempts.
#[must_use]
pub fn next_attempt(
    tries: i32,
    wish: Option<TimeDelta>,
    chance: f64,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let index = usize::try_from(tries.saturating_sub(1)).ok()?;
    let seconds = *PAUSES.get(index)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "some hours in milliseconds fit"
    )]
    let added = (seconds as f64 * 1000.0 * JITTER * chance) as i64;
    let pause = TimeDelta::seconds(seconds) + TimeDelta::milliseconds(added);
    Some(now + pause.max(wish.unwrap_or_default().min(LONGEST_WISH)))
}

/// How long a receiver with so many failures in a row is left alone as a whole.
#[must_use]
pub fn rest(failures: i32, wish: Option<TimeDelta>) -> Option<TimeDelta> {
    let over = failures - FAILURES_BEFORE_PAUSE;
    let own = u32::try_from(over).ok().map(|over| {
        let doubled = 5_i64.saturating_mul(1_i64.checked_shl(over.min(10)).unwrap_or(i64::MAX));
        TimeDelta::seconds(doubled.min(LONGEST_PAUSE_SECONDS))
    });
    let wish = wish.map(|wish| wish.min(LONGEST_WISH));
    own.max(wish)
}

/// Whether a receiver with so many failures in a row, the first of them at `since`, is switched off.
#[must_use]
pub fn is_given_up(failures: i32, since: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    failures >= FAILS_TIMES && now - since >= FAILS_FOR
}

/// Reads `Retry-After` (RFC 9110, 10.2.3): seconds, or a date.
#[must_use]
pub fn retry_after(text: &str, now: DateTime<Utc>) -> Option<TimeDelta> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(TimeDelta::seconds(i64::from(seconds)));
    }
    let at = DateTime::parse_from_rfc2822(text).ok()?.with_timezone(&Utc);
    Some((at - now).max(TimeDelta::zero()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// PLT-3
    #[test]
    fn attempts_spread_over_a_day_and_a_half_and_then_end() {
        let start = at("2026-05-01T10:00:00Z");
        let mut now = start;
        let mut tries = 1;
        while let Some(next) = next_attempt(tries, None, 0.0, now) {
            let late = next_attempt(tries, None, 0.999, now).unwrap();
            assert!(next > now && late > next && late < now + (next - now) * 2, "{tries}");
            now = next;
            tries += 1;
        }
        assert_eq!(tries, 8);
        let hours = (now - start).num_hours();
        assert!((30..=40).contains(&hours), "{hours}");
        assert_eq!(next_attempt(0, None, 0.0, now), None);
    }

    #[test]
    fn a_receiver_is_left_alone_as_long_as_it_asks_within_reason() {
        let now = at("2026-05-01T10:00:00Z");
        let wish = Some(TimeDelta::hours(1));
        assert_eq!(next_attempt(1, wish, 0.5, now), Some(now + TimeDelta::hours(1)));
        let year = Some(TimeDelta::days(365));
        assert_eq!(next_attempt(1, year, 0.5, now), Some(now + TimeDelta::hours(24)));
        assert_eq!(rest(1, wish), wish);
        assert_eq!(rest(1, year), Some(TimeDelta::hours(24)));
    }

    #[test]
    fn a_dead_receiver_is_tried_ever_more_seldom() {
        assert_eq!(rest(1, None), None);
        assert_eq!(rest(4, None), None);
        assert_eq!(rest(5, None), Some(TimeDelta::seconds(5)));
        assert_eq!(rest(7, None), Some(TimeDelta::seconds(20)));
        assert_eq!(rest(1_000_000, None), Some(TimeDelta::seconds(300)));
    }

    #[test]
    fn a_receiver_is_given_up_after_days_and_many_failures_only() {
        let now = at("2026-05-10T10:00:00Z");
        let (lately, long_ago) = (now - TimeDelta::days(2), now - TimeDelta::days(4));
        assert!(!is_given_up(100, lately, now));
        assert!(!is_given_up(2, long_ago, now));
        assert!(is_given_up(8, long_ago, now));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = at("1994-11-06T08:49:07Z");
        assert_eq!(retry_after("120", now), Some(TimeDelta::seconds(120)));
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(retry_after(date, now), Some(TimeDelta::seconds(30)));
        assert_eq!(retry_after(date, now + TimeDelta::days(1)), Some(TimeDelta::zero()));
        assert_eq!(retry_after("soon", now), None);
        assert_eq!(retry_after("-5", now), None);
    }
}
