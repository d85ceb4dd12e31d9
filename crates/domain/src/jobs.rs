//! Long work: its states, and how long to wait before it is tried again.

use std::str::FromStr;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Waits for its time and a worker.
    Queued,
    /// A worker holds its lease.
    Running,
    /// Did what it was made for.
    Succeeded,
    /// Gave up; `problem` says why.
    Failed,
    /// Was stopped on request.
    Cancelled,
}

impl JobState {
    /// The word in the API and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more will come of it.
    #[must_use]
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

impl FromStr for JobState {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "queued" => Ok(Self::Queued),
            "running" => Ok(Self::Running),
            "succeeded" => Ok(Self::Succeeded),
            "failed" => Ok(Self::Failed),
            "cancelled" => Ok(Self::Cancelled),
            _ => Err(()),
        }
    }
}

/// How long a worker may be silent before its job is given to another one.
pub const LEASE_SECONDS: i64 = 30;
/// How often a working worker says that it lives.
pub const HEARTBEAT_SECONDS: u64 = 10;
/// A job that lost this many workers without getting on runs alone, in the smallest chunks.
pub const CRASHES_BEFORE_CAUTION: i32 = 2;

/// Pause before attempt `attempt + 1`: 5 s × 2ⁿ up to an hour, ± 20 % by `jitter` in `0.0..1.0`, so that
/// jobs that failed together do not come back together.
#[must_use]
pub fn back_off(attempt: i32, jitter: f64) -> TimeDelta {
    let doublings = u32::try_from(attempt.saturating_sub(1).clamp(0, 12)).unwrap_or(0);
    let base = (5_000_i64 << doublings).min(3_600_000);
    let spread = base / 5;
    #[expect(clippy::cast_possible_truncation, reason = "at most 20 % of an hour in milliseconds")]
    #[expect(clippy::cast_precision_loss, reason = "at most 20 % of an hour in milliseconds")]
    let offset = ((jitter.clamp(0.0, 1.0) * 2.0 - 1.0) * spread as f64) as i64;
    TimeDelta::milliseconds(base + offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_from_five_seconds_to_an_hour() {
        assert_eq!(back_off(1, 0.5), TimeDelta::seconds(5));
        assert_eq!(back_off(2, 0.5), TimeDelta::seconds(10));
        assert_eq!(back_off(40, 0.5), TimeDelta::hours(1));
        assert_eq!(back_off(1, 0.0), TimeDelta::seconds(4));
        assert_eq!(back_off(1, 1.0), TimeDelta::seconds(6));
    }

    #[test]
    fn states_come_back_as_they_were_written() {
        for state in [
            JobState::Queued,
            JobState::Running,
            JobState::Succeeded,
            JobState::Failed,
            JobState::Cancelled,
        ] {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
    }
}
