//! What is forgotten after its time: kept answers, ended logins, events. Run it now and then.

use chrono::{DateTime, TimeDelta, Utc};

use kartoteka_persistence::access::{idempotency, refresh_tokens};
use kartoteka_persistence::{Db, StoreError};

use crate::access::idempotency::KEEP_HOURS;
use crate::outbox;

/// Deletes what has outlived its time, of all workspaces; how many rows.
///
/// # Errors
/// What the database said.
pub fn sweep(db: &Db, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let answers = now - TimeDelta::hours(KEEP_HOURS);
    let kept = db.system(|conn| idempotency::forget(conn, answers))?;
    let tokens = db.system(|conn| refresh_tokens::forget(conn, now))?;
    Ok(kept + tokens + outbox::forget(db, now)?)
}
