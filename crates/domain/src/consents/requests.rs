//! Asking for a consent by e-mail: double opt-in (CNS-6).
//!
//! The message is given to a mail server at most once (ground rules, "Sending"): before the server gets its content,
//! the request is [`RequestState::HandingOff`]; what becomes of a message whose receipt nobody told us of is
//! [`RequestState::Unknown`], and it is never sent again by itself.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};

/// How long a confirmation link works unless the operator says otherwise, in days.
pub const DEFAULT_DAYS: u32 = 7;
/// How soon after a message the same question may be sent once more.
pub const SEND_AGAIN_AFTER: TimeDelta = TimeDelta::minutes(10);
/// Messages that one address gets within [`DAY`], over all purposes and contacts of the workspace.
pub const MAILS_A_DAY: i64 = 5;
/// The window of [`MAILS_A_DAY`].
pub const DAY: TimeDelta = TimeDelta::hours(24);
/// Attempts to hand over one message before it fails.
pub const MOST_TRIES: i32 = 12;

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestState {
    /// Its message waits to be sent.
    Waiting,
    /// A mail server is being given the message.
    HandingOff,
    /// The mail server put it off, or could not be reached: it is tried again.
    Deferred,
    /// A mail server took the message.
    Sent,
    /// The message was given to a mail server that did not say whether it took it.
    Unknown,
    /// The mail server refused the message for good, or it was tried too often.
    Failed,
    /// When its turn came, no message was allowed to go there any more.
    Skipped,
    /// Its job was cancelled.
    Cancelled,
    /// The contact said yes.
    Confirmed,
    /// The contact did not answer in time.
    Expired,
}

impl RequestState {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Waiting,
        Self::HandingOff,
        Self::Deferred,
        Self::Sent,
        Self::Unknown,
        Self::Failed,
        Self::Skipped,
        Self::Cancelled,
        Self::Confirmed,
        Self::Expired,
    ];

    /// The word in the API, and but for `expired` in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::HandingOff => "handing_off",
            Self::Deferred => "deferred",
            Self::Sent => "sent",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
            Self::Confirmed => "confirmed",
            Self::Expired => "expired",
        }
    }

    /// The state with the time laid over it: only a yes outlives the end of the link.
    #[must_use]
    pub fn at(self, expires_at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        if self != Self::Confirmed && expires_at <= now { Self::Expired } else { self }
    }

    /// Whether a message is under way that nobody needs to ask for again.
    #[must_use]
    pub fn is_under_way(self) -> bool {
        matches!(self, Self::Waiting | Self::HandingOff | Self::Deferred)
    }
}

impl FromStr for RequestState {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|state| state.as_str() == word).ok_or(())
    }
}

/// What a repeated request for the same purpose, address and wording leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// The one that is there is the answer.
    Same,
    /// Its message is sent once more.
    Send,
}

/// Decides on a repeated request. `state` is with the time laid over it, and holds since `since`. A mail server is not
/// asked twice at once, whatever it said; a message that it never saw may go at any time.
#[must_use]
pub fn again(state: RequestState, since: DateTime<Utc>, now: DateTime<Utc>) -> Again {
    let unseen = matches!(state, RequestState::Skipped | RequestState::Cancelled);
    if state.is_under_way() || (!unseen && since + SEND_AGAIN_AFTER > now) {
        Again::Same
    } else {
        Again::Send
    }
}

/// Pause before the next attempt to hand over a message after `tries` of them: 1, 2, 4 minutes … up to 4 hours. A
/// server that makes strangers wait (greylisting) takes it after some minutes, and a message of twelve tries has
/// waited for more than half a day.
#[must_use]
pub fn pause(tries: i32) -> TimeDelta {
    let doublings = u32::try_from(tries.clamp(1, 9) - 1).unwrap_or(0);
    TimeDelta::minutes(i64::from(1_u32 << doublings)).min(TimeDelta::hours(4))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn states_come_back_as_they_were_written() {
        for state in RequestState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
        assert_eq!("gone".parse::<RequestState>(), Err(()));
    }

    /// CNS-6
    #[test]
    fn only_a_yes_outlives_the_end_of_the_link() {
        let (end, before) = (at("2026-05-08T10:00:00Z"), at("2026-05-08T09:59:59Z"));
        for state in RequestState::ALL {
            let later =
                if *state == RequestState::Confirmed { *state } else { RequestState::Expired };
            assert_eq!(state.at(end, end), later);
            if *state != RequestState::Expired {
                assert_eq!(state.at(end, before), *state);
            }
        }
    }

    #[test]
    fn a_repeated_request_is_sent_again_after_a_while_and_never_beside_one_under_way() {
        let (mailed, soon, late) =
            (at("2026-05-01T10:00:00Z"), at("2026-05-01T10:09:59Z"), at("2026-05-01T10:10:00Z"));
        for state in [RequestState::Waiting, RequestState::HandingOff, RequestState::Deferred] {
            assert_eq!(again(state, mailed, late), Again::Same);
        }
        for state in [RequestState::Sent, RequestState::Unknown, RequestState::Failed] {
            assert_eq!(again(state, mailed, soon), Again::Same);
            assert_eq!(again(state, mailed, late), Again::Send);
        }
        assert_eq!(again(RequestState::Skipped, mailed, soon), Again::Send);
    }

    #[test]
    fn pauses_double_from_a_minute_to_four_hours() {
        assert_eq!(pause(1), TimeDelta::minutes(1));
        assert_eq!(pause(4), TimeDelta::minutes(8));
        assert_eq!(pause(9), TimeDelta::hours(4));
        assert_eq!(pause(i32::MAX), TimeDelta::hours(4));
        let waited: TimeDelta = (1..MOST_TRIES).map(pause).sum();
        assert!(waited > TimeDelta::hours(12), "{waited}");
    }
}
