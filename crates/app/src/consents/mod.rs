//! Consents: purposes with their wordings, entries of the ledger, and the question whether to send.

pub mod can_send;
pub mod ledger;
pub mod proof;
pub mod purposes;
pub mod suppression;
