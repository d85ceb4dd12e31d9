//! Duplicates: which contacts of a base are one and the same (CON-16).
//!
//! The steps of a search are those of probabilistic record linkage:
//!
//! 1. [`Profile`]: each contact is folded and taken apart.
//! 2. [`keys`]: contacts that share a key become candidates; nobody compares all pairs.
//! 3. Comparison: each field of a pair agrees on one of a few levels, or has nothing to compare.
//! 4. [`Weights`]: the levels are added up to the odds that the two are one, after Fellegi and Sunter, with the
//!    frequency of values, and learnt from the base where it has enough to learn from.
//! 5. Other explanations: two who are not one are not always strangers; who lives together shares a name, an address,
//!    often a phone, who works together a company and its mailbox. The odds against each are added.
//! 6. Conflicts: what households share (name, address, phone, mailbox) does not make one of two people whose given
//!    names, sexes or generations differ.

mod compare;
mod keys;
mod learn;
mod model;
mod nicknames;
mod profile;
mod search;
#[cfg(test)]
mod tests;
mod text;

pub use compare::{Conflict, Field, Pattern};
pub use keys::{Key, MOST_MEMBERS, keys, most_members};
pub use learn::Tally;
pub use model::{Frequencies, Reason, Score, Weights};
pub use profile::{Profile, Record};
pub use search::{Found, Places, RANDOM_PAIRS, search};

/// Pairs at least so probable are offered ([`Score::is_offered`]).
pub const LEAST_SCORE: f64 = 0.9;
/// The same for pairs with the same e-mail, phone or external id.
pub const LEAST_EXACT_SCORE: f64 = 0.6;
