//! Consents: the ledger's words, what is projected from it, the one decision whether to send, requests for a consent,
//! and what contacts read about them.

pub mod gate;
pub mod ledger;
pub mod requests;
pub mod words;
