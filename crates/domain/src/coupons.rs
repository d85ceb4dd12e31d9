//! Coupons: a code for one contact, good until some instant, redeemed once (MGR-J).

use chrono::{
    DateTime, Datelike, Days, MappedLocalTime, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc,
};
use chrono_tz::Tz;

use crate::contact_manager::ValidUntil;

/// Fewest characters of a code.
pub const MIN_CODE_CHARS: u32 = 4;
/// Most characters of a code.
pub const MAX_CODE_CHARS: u32 = 32;
/// Possible codes for each that there is: nobody is to hit one by trying, and few that are made are taken.
pub const ROOM: u128 = 1_000;

/// What codes are made of: capitals and digits, of those that look or sound alike only one. Without 0, O, 1, I and
/// L; of 2 and Z, 5 and S, 8 and B the digits; of U and V the latter.
pub const ALPHABET: &[u8; 27] = b"23456789ACDEFGHJKMNPQRTVWXY";

/// A new code; `pick` gives a number below the one it is given, each as likely as any other, from a source that
/// nobody can foresee.
pub fn code(length: u32, mut pick: impl FnMut(usize) -> usize) -> String {
    let letter = |_| char::from(*ALPHABET.get(pick(ALPHABET.len())).unwrap_or(&ALPHABET[0]));
    (0..length).map(letter).collect()
}

/// A code as somebody typed it, in the form it is kept in; `None` when it cannot be one.
#[must_use]
pub fn typed(raw: &str) -> Option<String> {
    let code = raw.trim();
    let length = u32::try_from(code.len()).unwrap_or(u32::MAX);
    let fits = (MIN_CODE_CHARS..=MAX_CODE_CHARS).contains(&length);
    (fits && code.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .then(|| code.to_ascii_uppercase())
}

/// How many codes there may be of a length, so that each has [`ROOM`].
#[must_use]
pub fn most(length: u32) -> u128 {
    let letters = ALPHABET.len() as u128;
    letters.checked_pow(length).unwrap_or(u128::MAX) / ROOM
}

/// The fewest characters that leave room for so many coupons.
#[must_use]
pub fn length_for(coupons: u128) -> u32 {
    (MIN_CODE_CHARS..MAX_CODE_CHARS)
        .find(|length| most(*length) >= coupons)
        .unwrap_or(MAX_CODE_CHARS)
}

/// The instant until which a coupon is good: a day is over in `zone` when the next one begins. `None` when it is not one
/// that RFC 3339 can write.
#[must_use]
pub fn good_until(until: ValidUntil, zone: &str) -> Option<DateTime<Utc>> {
    let until = match until {
        ValidUntil::Instant(instant) => instant,
        ValidUntil::Day(day) => end_of(day, zone)?,
    };
    // years have four digits there
    (until.year() <= 9999).then_some(until)
}

/// The first instant of the next day.
fn end_of(day: NaiveDate, zone: &str) -> Option<DateTime<Utc>> {
    let zone: Tz = zone.parse().unwrap_or(Tz::UTC);
    let midnight = day.checked_add_days(Days::new(1))?.and_time(NaiveTime::MIN);
    // where clocks are put forward at midnight, the day begins later
    (0..24 * 4).find_map(|quarter| {
        match zone.from_local_datetime(&(midnight + TimeDelta::minutes(15 * quarter))) {
            MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => Some(at.to_utc()),
            MappedLocalTime::None => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    /// MGR-J
    #[test]
    fn a_code_is_as_long_as_was_asked_for_and_of_letters_that_are_not_mistaken() {
        let mut next = 0;
        let made = code(54, |below| {
            next += 1;
            (next - 1) % below
        });
        assert_eq!(made.len(), 54);
        assert!(made.starts_with("23456789ACDEFGHJKMNPQRTVWXY2"));
        for alike in ["0O", "1IL", "2Z", "5S", "8B", "UV"] {
            assert!(alike.chars().filter(|c| made.contains(*c)).count() <= 1, "{alike}");
        }
        assert_eq!(code(4, |below| below), "2222", "a bad source breaks nothing");
    }

    /// MGR-J
    #[test]
    fn a_code_is_compared_without_case() {
        assert_eq!(typed(" a2c4 ").as_deref(), Some("A2C4"));
        for none in ["", "a2c", "a2 c4", "čeká", &"a".repeat(33), "a2\0c"] {
            assert_eq!(typed(none), None, "{none:?}");
        }
    }

    /// MGR-J
    #[test]
    fn short_codes_are_for_few() {
        assert_eq!(most(4), 531);
        assert_eq!(most(5), 14_348);
        assert!(most(24) < most(32) || most(24) == u128::MAX / ROOM);
        assert_eq!(most(u32::MAX), u128::MAX / ROOM);
        assert_eq!([0, 531, 532, 14_348, 14_349].map(length_for), [4, 4, 5, 5, 6]);
        assert_eq!(length_for(u128::MAX), MAX_CODE_CHARS);
    }

    /// MGR-J
    #[test]
    fn a_day_ends_where_the_workspace_is() {
        let day = |text: &str, zone: &str| good_until(ValidUntil::Day(text.parse().unwrap()), zone);
        let at = |text: &str| Some(time(text));
        assert_eq!(day("2026-12-31", "Europe/Prague"), at("2026-12-31T23:00:00Z"));
        assert_eq!(day("2027-07-01", "Europe/Prague"), at("2027-07-01T22:00:00Z"));
        assert_eq!(day("2026-12-31", "Nowhere/Else"), at("2027-01-01T00:00:00Z"));
        // clocks went from midnight to one o'clock that night, and from midnight back to eleven half a year later
        assert_eq!(day("2023-04-27", "Africa/Cairo"), at("2023-04-27T22:00:00Z"));
        assert_eq!(day("2023-10-26", "Africa/Cairo"), at("2023-10-26T22:00:00Z"));
        let instant = time("2026-12-24T17:30:00Z");
        assert_eq!(good_until(ValidUntil::Instant(instant), "UTC"), Some(instant));
        assert_eq!(day("9999-12-31", "UTC"), None);
        assert_eq!(day("+262142-12-31", "UTC"), None);
    }
}
