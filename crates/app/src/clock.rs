//! Where the time comes from: read once at the edge of each request, job step or chunk.

use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> DateTime<Utc>;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(6)
    }
}

/// Another clock in whole microseconds, which is what PostgreSQL keeps: what was answered when a thing was
/// made must be what is read later.
#[derive(Clone)]
pub struct Microseconds(pub Arc<dyn Clock>);

impl Clock for Microseconds {
    fn now(&self) -> DateTime<Utc> {
        self.0.now().trunc_subsecs(6)
    }
}
