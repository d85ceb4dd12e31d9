//! Guessing is slow: failed logins are counted for the account and for the address they come from.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use actix_web::http::header;
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use kartoteka_domain::codes::Code;

use crate::problem::Problem;

/// Failures of one account within [`WINDOW_MINUTES`].
const ACCOUNT_FAILURES: u32 = 10;
/// Failures from one address within [`WINDOW_MINUTES`]: offices share one.
const ADDRESS_FAILURES: u32 = 100;
/// How long failures count.
const WINDOW_MINUTES: i64 = 10;
/// More entries than this are cleared of old ones at once.
const MOST: usize = 50_000;

/// What is counted against: a digest, so that no address of a person is kept in memory longer than needed.
type Key = [u8; 32];

/// Failures seen by this process.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<HashMap<Key, (u32, DateTime<Utc>)>>);

/// The account and the address of one attempt.
pub(crate) struct Attempt {
    account: Key,
    address: Key,
}

impl Attempt {
    pub(crate) fn new(account: &str, address: &str) -> Self {
        let account = account.trim().to_lowercase();
        Self {
            account: Sha256::digest(format!("account {account}")).into(),
            address: Sha256::digest(format!("address {address}")).into(),
        }
    }
}

impl Throttle {
    /// Whether the attempt may be made now.
    pub(crate) fn admit(&self, attempt: &Attempt, now: DateTime<Utc>) -> Result<(), Problem> {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let limits = [(attempt.account, ACCOUNT_FAILURES), (attempt.address, ADDRESS_FAILURES)];
        for (key, most) in limits {
            let Some((count, since)) = failures.get(&key) else { continue };
            let left = *since + TimeDelta::minutes(WINDOW_MINUTES) - now;
            if *count >= most && left > TimeDelta::zero() {
                let seconds = left.num_seconds() + 1;
                return Err(Problem::new(
                    Code::RateLimited,
                    format!("Too many failed attempts; wait {seconds} s."),
                )
                .with_header(header::RETRY_AFTER, &seconds.to_string()));
            }
        }
        Ok(())
    }

    /// Counts a failed attempt.
    pub(crate) fn failed(&self, attempt: &Attempt, now: DateTime<Utc>) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = |since: DateTime<Utc>| since + TimeDelta::minutes(WINDOW_MINUTES) <= now;
        if failures.len() >= MOST {
            failures.retain(|_, (_, since)| !ended(*since));
        }
        for key in [attempt.account, attempt.address] {
            let entry = failures.entry(key).or_insert((0, now));
            if ended(entry.1) {
                *entry = (0, now);
            }
            entry.0 = entry.0.saturating_add(1);
        }
        metrics::counter!("login_failures_total").increment(1);
    }

    /// Forgets the failures of an account whose password came right.
    pub(crate) fn succeeded(&self, attempt: &Attempt) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failures.remove(&attempt.account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_failures_close_the_account_for_ten_minutes_from_everywhere() {
        let (throttle, now) = (Throttle::default(), DateTime::UNIX_EPOCH);
        for _ in 0..10 {
            let attempt = Attempt::new("Jana@example.com", "192.0.2.1");
            assert!(throttle.admit(&attempt, now).is_ok());
            throttle.failed(&attempt, now);
        }
        let elsewhere = Attempt::new("jana@example.com", "192.0.2.2");
        let refused = throttle.admit(&elsewhere, now + TimeDelta::minutes(9)).unwrap_err();
        assert_eq!(refused.code(), Code::RateLimited);
        assert!(throttle.admit(&elsewhere, now + TimeDelta::minutes(10)).is_ok());
        assert!(throttle.admit(&Attempt::new("petr@example.com", "192.0.2.1"), now).is_ok());
    }

    #[test]
    fn an_address_that_tries_many_accounts_is_closed_too() {
        let (throttle, now) = (Throttle::default(), DateTime::UNIX_EPOCH);
        for account in 0..100 {
            throttle.failed(&Attempt::new(&account.to_string(), "192.0.2.1"), now);
        }
        assert!(throttle.admit(&Attempt::new("new", "192.0.2.1"), now).is_err());
        assert!(throttle.admit(&Attempt::new("new", "192.0.2.2"), now).is_ok());
    }

    #[test]
    fn a_success_forgives_the_account() {
        let (throttle, now) = (Throttle::default(), DateTime::UNIX_EPOCH);
        let attempt = Attempt::new("jana@example.com", "192.0.2.1");
        (0..10).for_each(|_| throttle.failed(&attempt, now));
        throttle.succeeded(&attempt);
        assert!(throttle.admit(&attempt, now).is_ok());
    }
}
