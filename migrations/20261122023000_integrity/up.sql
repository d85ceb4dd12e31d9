-- txid_current() is the same for all rows of a statement, so PostgreSQL keeps it once for the rows that are there
-- already and rewrites nothing.
ALTER TABLE consent_entries ADD COLUMN txn bigint NOT NULL DEFAULT txid_current();
COMMENT ON COLUMN consent_entries.txn IS
    'Number of the transaction that wrote the row: below the oldest one that runs nothing can appear any more, so what is below is sealed. A shift is added where the database was moved to a server whose numbers are lower.';
ALTER TABLE audit_entries ADD COLUMN txn bigint NOT NULL DEFAULT txid_current();
COMMENT ON COLUMN audit_entries.txn IS 'As consent_entries.txn.';

CREATE TABLE integrity_heads (
    workspace_id uuid        NOT NULL,
    stream       text        NOT NULL,
    seq          bigint      NOT NULL,
    row_count    bigint      NOT NULL,
    hash         bytea       NOT NULL,
    upto_txn     bigint      NOT NULL,
    upto_a       uuid        NOT NULL,
    upto_b       uuid        NOT NULL,
    upto_c       uuid        NOT NULL,
    mac          bytea       NOT NULL,
    frontier     bigint      NOT NULL,
    sealed_at    timestamptz,
    looked_at    timestamptz,
    CONSTRAINT integrity_heads_pkey PRIMARY KEY (workspace_id, stream),
    CONSTRAINT integrity_heads_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT integrity_heads_stream_check CHECK (stream IN ('consents', 'audit', 'removals'))
);
COMMENT ON TABLE integrity_heads IS
    'Where each chain of seals ends: the last seal, how many rows are sealed, and up to which row.';
COMMENT ON COLUMN integrity_heads.mac IS 'HMAC of the columns before it with a key of the installation: seals that are cut off at the end are missed.';
COMMENT ON COLUMN integrity_heads.frontier IS 'No transaction below this number can write any more, and what those wrote is sealed.';
COMMENT ON COLUMN integrity_heads.looked_at IS 'When nothing was left to seal.';

CREATE TABLE integrity_seals (
    workspace_id uuid        NOT NULL,
    stream       text        NOT NULL,
    seq          bigint      NOT NULL,
    upto_txn     bigint      NOT NULL,
    upto_a       uuid        NOT NULL,
    upto_b       uuid        NOT NULL,
    upto_c       uuid        NOT NULL,
    row_count    bigint      NOT NULL,
    root         bytea       NOT NULL,
    previous     bytea       NOT NULL,
    sealed_at    timestamptz NOT NULL,
    hash         bytea       NOT NULL,
    mac          bytea       NOT NULL,
    records      bytea       NOT NULL,
    CONSTRAINT integrity_seals_pkey PRIMARY KEY (workspace_id, stream, seq),
    CONSTRAINT integrity_seals_stream_check CHECK (stream IN ('consents', 'audit', 'removals'))
);
-- hashes cannot be compressed
ALTER TABLE integrity_seals ALTER COLUMN records SET STORAGE EXTERNAL;
CREATE INDEX integrity_seals_upto_idx ON integrity_seals (workspace_id, stream, upto_txn, upto_a, upto_b, upto_c);
COMMENT ON TABLE integrity_seals IS
    'Chained seals over the rows of the consent ledger (consents), the audit trail (audit) and the removals from the ledger (removals): each covers the rows after those of the seal before it.';
COMMENT ON COLUMN integrity_seals.upto_txn IS 'The last row it covers: its transaction, and with upto_a, upto_b and upto_c its key.';
COMMENT ON COLUMN integrity_seals.root IS 'Root of the Merkle tree (RFC 9162) over the hashes of the rows in ascending order.';
COMMENT ON COLUMN integrity_seals.hash IS 'SHA-256 of the seal as text, in which the hash of the seal before it stands.';
COMMENT ON COLUMN integrity_seals.mac IS 'HMAC of hash with a key of the installation: who has the database alone cannot make seals.';
COMMENT ON COLUMN integrity_seals.records IS '36 bytes a row, in ascending order: its hash, and 4 bytes of the hash of its key, so that a row that changed can be named.';

CREATE TABLE integrity_removals (
    workspace_id uuid        NOT NULL,
    leaf         bytea       NOT NULL,
    contact_id   uuid        NOT NULL,
    removed_at   timestamptz NOT NULL,
    txn          bigint      NOT NULL DEFAULT txid_current(),
    CONSTRAINT integrity_removals_pkey PRIMARY KEY (workspace_id, leaf)
);
CREATE INDEX integrity_removals_txn_idx ON integrity_removals (workspace_id, txn);
COMMENT ON TABLE integrity_removals IS
    'What is left of entries of the consent ledger that went with a purged contact: the hash of the row, so that the seals over it still hold. Written with the purge, insert only, and sealed itself.';

CREATE TABLE integrity_verifications (
    workspace_id uuid        NOT NULL,
    stream       text        NOT NULL,
    job_id       uuid        NOT NULL,
    verified_at  timestamptz NOT NULL,
    seals        bigint      NOT NULL,
    row_count    bigint      NOT NULL,
    removed      bigint      NOT NULL,
    faults       bigint      NOT NULL,
    findings     jsonb       NOT NULL,
    CONSTRAINT integrity_verifications_pkey PRIMARY KEY (workspace_id, stream),
    CONSTRAINT integrity_verifications_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT integrity_verifications_stream_check CHECK (stream IN ('consents', 'audit', 'removals'))
);
COMMENT ON TABLE integrity_verifications IS 'What the last verification of each chain found.';
COMMENT ON COLUMN integrity_verifications.findings IS 'The first of the faults, with the ids of the rows; their number is in faults.';
