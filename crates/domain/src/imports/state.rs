//! The ordered steps of an import (IMP-14).

use std::str::FromStr;

/// Where an import stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImportState {
    /// No bytes yet.
    AwaitingData,
    /// Is the first row a header?
    AwaitingHeader,
    /// What becomes of each column?
    AwaitingMapping,
    /// What becomes of each class?
    AwaitingMatching,
    /// The plan is being made.
    Planning,
    /// The plan is there.
    AwaitingCommit,
    /// Contacts are being written.
    Running,
    /// All rows are written.
    Done,
    /// Gave up; `problem` says why.
    Failed,
    /// Stopped on request; what was written before stays.
    Cancelled,
    /// Being undone.
    Reverting,
    /// Undone.
    Reverted,
}

impl ImportState {
    /// All states, in order.
    pub const ALL: &'static [Self] = &[
        Self::AwaitingData,
        Self::AwaitingHeader,
        Self::AwaitingMapping,
        Self::AwaitingMatching,
        Self::Planning,
        Self::AwaitingCommit,
        Self::Running,
        Self::Done,
        Self::Failed,
        Self::Cancelled,
        Self::Reverting,
        Self::Reverted,
    ];

    /// The word in the API and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingData => "awaiting_data",
            Self::AwaitingHeader => "awaiting_header",
            Self::AwaitingMapping => "awaiting_mapping",
            Self::AwaitingMatching => "awaiting_matching",
            Self::Planning => "planning",
            Self::AwaitingCommit => "awaiting_commit",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Reverting => "reverting",
            Self::Reverted => "reverted",
        }
    }

    /// The step that is next: what a client is to call.
    #[must_use]
    pub fn next(self) -> &'static str {
        match self {
            Self::AwaitingData => "data",
            Self::AwaitingHeader => "header",
            Self::AwaitingMapping => "mapping",
            Self::AwaitingMatching => "matching",
            Self::Planning | Self::Running | Self::Reverting => "wait",
            Self::AwaitingCommit => "commit",
            Self::Done | Self::Failed | Self::Cancelled => "revert",
            Self::Reverted => "none",
        }
    }

    /// Whether `step` may be taken now. An earlier step may be taken again until the commit.
    #[must_use]
    pub fn allows(self, step: Step) -> bool {
        match step {
            Step::Commit => self == Self::AwaitingCommit,
            Step::Data | Step::Header | Step::Mapping | Step::Matching => {
                self >= step.needs() && self <= Self::AwaitingCommit
            }
        }
    }
}

impl FromStr for ImportState {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|state| state.as_str() == word).ok_or(())
    }
}

/// What a client can do with an import before it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send the bytes.
    Data,
    /// Say what the first row is.
    Header,
    /// Map the columns.
    Mapping,
    /// Choose the key and what becomes of each class.
    Matching,
    /// Have it written.
    Commit,
}

impl Step {
    /// The state an import must have reached.
    #[must_use]
    pub fn needs(self) -> ImportState {
        match self {
            Self::Data => ImportState::AwaitingData,
            Self::Header => ImportState::AwaitingHeader,
            Self::Mapping => ImportState::AwaitingMapping,
            Self::Matching => ImportState::AwaitingMatching,
            Self::Commit => ImportState::AwaitingCommit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// IMP-14
    #[test]
    fn earlier_steps_may_be_taken_again_and_later_ones_not_yet() {
        let state = ImportState::AwaitingMapping;
        assert!(
            state.allows(Step::Data) && state.allows(Step::Header) && state.allows(Step::Mapping)
        );
        assert!(!state.allows(Step::Matching) && !state.allows(Step::Commit));
        assert_eq!(state.next(), "mapping");
        for state in [ImportState::Running, ImportState::Done, ImportState::Reverted] {
            assert!(!state.allows(Step::Data) && !state.allows(Step::Commit));
        }
        assert!(
            ImportState::AwaitingCommit.allows(Step::Commit)
                && ImportState::AwaitingCommit.allows(Step::Mapping)
        );
    }

    #[test]
    fn states_come_back_as_they_were_written() {
        for state in ImportState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
    }
}
