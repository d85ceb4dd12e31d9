//! Users, integrations, refresh tokens, idempotency keys and the audit trail.

pub mod audit;
pub mod idempotency;
pub mod subjects;
