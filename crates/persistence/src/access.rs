//! Users, integrations, refresh tokens, idempotency keys and the audit trail.
