//! Consents: the ledger's words, what is projected from it, and the one decision whether to send.

pub mod gate;
pub mod ledger;
