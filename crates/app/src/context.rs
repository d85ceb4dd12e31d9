//! Who asks, when and from where: the first argument of every use case.

use chrono::{DateTime, Utc};
use uuid::{ContextV7, Timestamp, Uuid};

use kartoteka_domain::actor::Actor;
use kartoteka_domain::ids::WorkspaceId;

/// The circumstances of one request or one step of a job.
#[derive(Clone, Debug)]
pub struct Context {
    /// The workspace of the token.
    pub workspace: WorkspaceId,
    /// Whoever is behind it.
    pub actor: Actor,
    /// The instant all of it happens at.
    pub now: DateTime<Utc>,
    /// `X-Request-Id`, kept in the audit trail.
    pub request_id: Option<String>,
    /// Address of the caller, kept in the audit trail.
    pub ip: Option<String>,
}

impl Context {
    /// A new id, in order of creation: the millisecond of `now` and a counter that only grows.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        new_id(self.now)
    }
}

/// A UUIDv7 for `now` that is larger than all made before it in this process for the same millisecond.
#[must_use]
pub fn new_id(now: DateTime<Utc>) -> Uuid {
    static COUNTER: std::sync::Mutex<ContextV7> = std::sync::Mutex::new(ContextV7::new());
    let counter = COUNTER.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
    Uuid::new_v7(Timestamp::from_unix(&*counter, seconds, now.timestamp_subsec_nanos()))
}
