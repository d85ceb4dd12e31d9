//! Who may do what, and the record of what they did.

pub mod audit;
pub mod bootstrap;
pub mod clients;
pub mod idempotency;
pub mod maintenance;
pub mod passwords;
pub mod seal;
pub mod secrets;
pub mod subjects;
pub mod tokens;
pub mod users;
pub mod workspace;
