//! Users, integrations, refresh tokens, idempotency keys and the audit trail.

pub mod audit;
pub mod clients;
pub mod idempotency;
pub mod refresh_tokens;
pub mod subjects;
pub mod users;
