//! Who may do what, and the record of what they did.

pub mod audit;
pub mod idempotency;
pub mod subjects;
