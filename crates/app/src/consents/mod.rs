//! Consents: purposes with their wordings, entries of the ledger, the question whether to send, requests for a consent,
//! and what contacts answer by the links in messages.

pub mod answers;
pub(crate) mod bulk;
pub mod can_send;
pub mod ledger;
mod letter;
pub mod links;
pub mod proof;
pub mod purposes;
pub mod requests;
pub mod suppression;
