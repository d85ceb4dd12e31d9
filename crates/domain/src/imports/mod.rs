//! Imports: from bytes to rows, from rows to a plan.

pub mod dialect;
pub mod dictionary;
pub mod encoding;
pub mod header;
mod letters;
mod looks;
pub mod mapping;
pub mod matching;
pub mod reader;
pub mod refusal;
pub mod source;
pub mod staged;
pub mod state;
pub mod suggest;
pub mod transcode;

#[cfg(test)]
mod encoding_tests;
#[cfg(test)]
mod reading_tests;
#[cfg(test)]
mod suggest_tests;
