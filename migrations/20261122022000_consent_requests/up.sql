CREATE TABLE consent_requests (
    workspace_id    uuid        NOT NULL,
    id              uuid        NOT NULL,
    contact_id      uuid        NOT NULL,
    purpose_id      uuid        NOT NULL,
    wording_version integer     NOT NULL,
    legal_basis     text        NOT NULL,
    language        text        NOT NULL,
    address_hash    bytea       NOT NULL,
    state           text        NOT NULL,
    problem         text,
    tries           integer     NOT NULL DEFAULT 0,
    mails           integer     NOT NULL DEFAULT 0,
    mailed_at       timestamptz,
    next_try_at     timestamptz,
    expires_at      timestamptz NOT NULL,
    confirmed_at    timestamptz,
    entry_id        uuid,
    actor_type      text        NOT NULL,
    actor_id        uuid,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    CONSTRAINT consent_requests_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT consent_requests_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT consent_requests_wording_fkey FOREIGN KEY (workspace_id, purpose_id, wording_version)
        REFERENCES purpose_versions (workspace_id, purpose_id, version) ON DELETE CASCADE,
    CONSTRAINT consent_requests_state_check CHECK (state IN
        ('waiting', 'handing_off', 'deferred', 'sent', 'unknown', 'failed', 'skipped', 'cancelled', 'confirmed')),
    CONSTRAINT consent_requests_confirmed_check CHECK
        ((state = 'confirmed') = (confirmed_at IS NOT NULL) AND (confirmed_at IS NULL) = (entry_id IS NULL)),
    CONSTRAINT consent_requests_legal_basis_check CHECK
        (legal_basis IN ('consent', 'contract', 'legitimate_interest', 'legal_obligation', 'vital_interests', 'public_task')),
    CONSTRAINT consent_requests_actor_type_check CHECK (actor_type IN ('user', 'client', 'system'))
);
CREATE INDEX consent_requests_contact_idx ON consent_requests (workspace_id, contact_id, id);
-- how many messages an address got today
CREATE INDEX consent_requests_address_idx ON consent_requests (workspace_id, address_hash, id);
CREATE INDEX consent_requests_wording_idx ON consent_requests (workspace_id, purpose_id, wording_version);
COMMENT ON TABLE consent_requests IS
    'Questions for a consent that the contact answers by a link in a message: double opt-in (CNS-6). Goes with the contact.';
COMMENT ON COLUMN consent_requests.address_hash IS
    'Keyed hash of the address the question goes to, as in suppressions: who confirms has read mail sent there, and no other address.';
COMMENT ON COLUMN consent_requests.state IS
    'Of the message: waiting, handing_off (the server is being given it), deferred (tried again), sent, unknown (given away, and no answer came), failed, skipped (no message may go there any more), cancelled; at last confirmed. That the time ran out follows from expires_at.';
COMMENT ON COLUMN consent_requests.problem IS
    'Why it failed, was put off or was skipped: the reply code of the mail server, a word of ours, or reasons of the gate. Never personal data.';
COMMENT ON COLUMN consent_requests.tries IS 'Attempts to hand over the present message.';
COMMENT ON COLUMN consent_requests.mails IS 'Messages whose hand-over was begun; the number of the last one stands in its Message-ID.';
COMMENT ON COLUMN consent_requests.mailed_at IS 'When the hand-over of the last message was begun.';
