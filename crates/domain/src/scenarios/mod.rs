//! Scenarios (SCN-1): what happens with a contact, step by step, after something happened to it; and what they share
//! with [automation rules](crate::rules) (SCN-2).
//!
//! A definition is JSON, as segments are: [`read`] tells all faults at once, each with a pointer, against the
//! [`catalogue`] of start events and actions, from which [`schema`] publishes its form. What is wrong with the
//! [`graph`] of steps is told apart: a definition that is switched off may be half made, one that is switched on may
//! not. A [run](runs) is one contact on its way through one version of a definition.

pub mod catalogue;
pub mod graph;
pub mod read;
pub mod runs;
pub mod schema;

/// Rules of a workspace, and scenarios of it: either of them.
pub const MAX_DEFINITIONS: i64 = 1_000;
/// Steps of one scenario.
pub const MAX_NODES: usize = 500;
/// Characters of the id of a step.
pub const MAX_NODE_ID_CHARS: usize = 64;
/// Bytes of a definition as JSON: lists show whole pages of them.
pub const MAX_BYTES: usize = 256 << 10;
/// Conditions of one rule.
pub const MAX_CONDITIONS: usize = 20;
/// Actions of one rule.
pub const MAX_ACTIONS: usize = 50;
/// Runs a limit may allow each contact.
pub const MAX_RUNS_PER_CONTACT: i64 = 10_000;

/// Which kind of definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Event, conditions, actions (SCN-2).
    Rule,
    /// A graph of steps (SCN-1).
    Scenario,
}

impl Kind {
    /// Both.
    pub const ALL: &'static [Self] = &[Self::Rule, Self::Scenario];

    /// The word in the database, in the audit trail and in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Scenario => "scenario",
        }
    }

    /// The way back from [`Kind::as_str`].
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }

    /// The members of a definition beside name, description and switch: what a version of it consists of.
    #[must_use]
    pub const fn members(self) -> &'static [&'static str] {
        match self {
            Self::Rule => &["event", "delay", "conditions", "actions", "limits"],
            Self::Scenario => &["nodes", "limits"],
        }
    }
}
