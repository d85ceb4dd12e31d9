DROP TABLE integrity_verifications;
DROP TABLE integrity_removals;
DROP TABLE integrity_seals;
DROP TABLE integrity_heads;
ALTER TABLE audit_entries DROP COLUMN txn;
ALTER TABLE consent_entries DROP COLUMN txn;
