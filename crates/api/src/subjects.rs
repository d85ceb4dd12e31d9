//! Whether the person or integration behind a token still may act.
//!
//! Tokens are valid for minutes after their owner was disabled. One look into the database, kept for a few
//! seconds, shortens that to [`KEEP_SECONDS`]; a change made through this process counts at once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// How long an answer is believed.
const KEEP_SECONDS: i64 = 5;
/// More entries than this are forgotten at once: a bound, not a working set.
const MOST: usize = 20_000;

/// What was found out lately.
#[derive(Default)]
pub(crate) struct Subjects(Mutex<HashMap<Subject, Seen>>);

/// Workspace and `sub`.
type Subject = (Uuid, String);
/// Whether they may act, and when that was looked up.
type Seen = (bool, DateTime<Utc>);

impl Subjects {
    pub(crate) fn known(&self, workspace: Uuid, subject: &str, now: DateTime<Utc>) -> Option<bool> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (active, at) = seen.get(&(workspace, subject.to_owned()))?;
        let age = now - *at;
        (age >= TimeDelta::zero() && age < TimeDelta::seconds(KEEP_SECONDS)).then_some(*active)
    }

    pub(crate) fn learn(&self, workspace: Uuid, subject: &str, active: bool, now: DateTime<Utc>) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MOST {
            seen.clear();
        }
        seen.insert((workspace, subject.to_owned()), (active, now));
    }

    pub(crate) fn forget(&self, workspace: Uuid, subject: &str) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.remove(&(workspace, subject.to_owned()));
    }
}
