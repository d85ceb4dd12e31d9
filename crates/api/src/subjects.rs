//! Whether the person or integration behind a token still may act.
//!
//! Tokens are valid for minutes after their owner was disabled. One look into the database, kept for a few
//! seconds, shortens that to [`KEEP_SECONDS`]; a change made through this process counts at once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use kartoteka_domain::actor::Actor;

use crate::tokens::Verified;

/// How long an answer is believed.
const KEEP_SECONDS: i64 = 5;
/// More entries than this are forgotten at once: a bound, not a working set.
const MOST: usize = 20_000;

/// What was found out lately.
#[derive(Default)]
pub(crate) struct Subjects(Mutex<HashMap<Subject, Seen>>);

/// Workspace, whether it is an integration, and `sub`.
type Subject = (Uuid, bool, String);
/// Whether they may act, and when that was looked up.
type Seen = (bool, DateTime<Utc>);

impl Subjects {
    pub(crate) fn known(&self, token: &Verified, now: DateTime<Utc>) -> Option<bool> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (active, at) = seen.get(&key(token))?;
        let age = now - *at;
        (age >= TimeDelta::zero() && age < TimeDelta::seconds(KEEP_SECONDS)).then_some(*active)
    }

    pub(crate) fn learn(&self, token: &Verified, active: bool, now: DateTime<Utc>) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MOST {
            seen.clear();
        }
        seen.insert(key(token), (active, now));
    }

    pub(crate) fn forget(&self, workspace: Uuid, subject: &str) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for is_client in [false, true] {
            seen.remove(&(workspace, is_client, subject.to_owned()));
        }
    }
}

/// A person and an integration of one id would be two subjects.
fn key(token: &Verified) -> Subject {
    let is_client = matches!(token.actor, Actor::Client(_));
    (token.workspace.0, is_client, token.subject.clone())
}
