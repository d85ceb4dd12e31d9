CREATE TABLE purposes (
    workspace_id uuid        NOT NULL,
    id           uuid        NOT NULL,
    name         text        COLLATE "C" NOT NULL,
    channel      text        NOT NULL,
    title        text        NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT purposes_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT purposes_name_key UNIQUE (workspace_id, name),
    CONSTRAINT purposes_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT purposes_channel_check CHECK (channel IN ('email', 'sms', 'post'))
);
COMMENT ON TABLE purposes IS 'What consent can be given for (CNS-2). Every workspace is born with email_basic and sms_basic.';

CREATE TABLE purpose_versions (
    workspace_id uuid        NOT NULL,
    purpose_id   uuid        NOT NULL,
    version      integer     NOT NULL,
    wording      text        NOT NULL,
    created_at   timestamptz NOT NULL,
    CONSTRAINT purpose_versions_pkey PRIMARY KEY (workspace_id, purpose_id, version),
    CONSTRAINT purpose_versions_purpose_fkey FOREIGN KEY (workspace_id, purpose_id) REFERENCES purposes (workspace_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE purpose_versions IS 'Every wording a purpose ever had; never changed.';

CREATE TABLE consent_entries (
    workspace_id    uuid        NOT NULL,
    contact_id      uuid        NOT NULL,
    purpose_id      uuid        NOT NULL,
    id              uuid        NOT NULL,
    action          text        NOT NULL,
    at              timestamptz NOT NULL,
    actor_type      text        NOT NULL,
    actor_id        uuid,
    source_type     text        NOT NULL,
    source_id       uuid,
    legal_basis     text        NOT NULL,
    wording_version integer     NOT NULL,
    CONSTRAINT consent_entries_pkey PRIMARY KEY (workspace_id, contact_id, purpose_id, id),
    CONSTRAINT consent_entries_action_check CHECK (action IN ('grant', 'withdraw')),
    CONSTRAINT consent_entries_actor_type_check CHECK (actor_type IN ('user', 'client', 'system')),
    CONSTRAINT consent_entries_source_type_check CHECK (source_type IN ('card', 'form', 'import', 'api', 'contact_manager', 'scenario', 'unsubscribe')),
    CONSTRAINT consent_entries_legal_basis_check CHECK (legal_basis IN ('consent', 'contract', 'legitimate_interest', 'legal_obligation', 'vital_interests', 'public_task'))
);
COMMENT ON TABLE consent_entries IS
    'The consent ledger (CNS-3): insert only, nothing is ever changed or removed save by purge or erasure. No foreign keys and no further index: it is the widest stream of an import.';

CREATE TABLE consent_evidence (
    workspace_id uuid  NOT NULL,
    contact_id   uuid  NOT NULL,
    entry_id     uuid  NOT NULL,
    ip           text,
    user_agent   text,
    evidence     jsonb,
    CONSTRAINT consent_evidence_pkey PRIMARY KEY (workspace_id, contact_id, entry_id)
);
COMMENT ON TABLE consent_evidence IS 'What proves an entry and is personal data: beside the ledger, so that it can be erased.';

CREATE TABLE consents (
    workspace_id uuid        NOT NULL,
    contact_id   uuid        NOT NULL,
    purpose_id   uuid        NOT NULL,
    granted      boolean     NOT NULL,
    entry_id     uuid        NOT NULL,
    at           timestamptz NOT NULL,
    CONSTRAINT consents_pkey PRIMARY KEY (workspace_id, contact_id, purpose_id)
);
COMMENT ON TABLE consents IS 'The last word of the ledger per contact and purpose, written in the same transaction.';

CREATE TABLE suppressions (
    workspace_id uuid        NOT NULL,
    channel      text        NOT NULL,
    address_hash bytea       NOT NULL,
    reason       text        NOT NULL,
    created_at   timestamptz NOT NULL,
    CONSTRAINT suppressions_pkey PRIMARY KEY (workspace_id, channel, address_hash),
    CONSTRAINT suppressions_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT suppressions_channel_check CHECK (channel IN ('email', 'sms', 'post')),
    CONSTRAINT suppressions_reason_check CHECK (reason IN ('bounce', 'complaint', 'erasure', 'manual'))
);
COMMENT ON TABLE suppressions IS 'Keyed hashes of addresses that must not be written to again (CNS-8); they outlive the contact.';
