DROP TABLE audit_entries;
DROP TABLE idempotency_keys;
DROP TABLE refresh_tokens;
DROP TABLE clients;
DROP TABLE users;
