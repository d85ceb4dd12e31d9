CREATE TABLE erasures (
    workspace_id  uuid        NOT NULL,
    id            uuid        NOT NULL,
    state         text        NOT NULL,
    reason        text        NOT NULL,
    suppress      boolean     NOT NULL,
    by_address    boolean     NOT NULL,
    contact_ids   uuid[]      NOT NULL,
    addresses     text[]      NOT NULL,
    also_used_by  uuid[]      NOT NULL,
    actor_type    text        NOT NULL,
    actor_id      uuid,
    job_id        uuid        NOT NULL,
    counts        jsonb       NOT NULL DEFAULT '{}',
    problem       text,
    requested_at  timestamptz NOT NULL,
    replayed_at   timestamptz,
    looked_up     boolean     NOT NULL,
    erased_at     timestamptz,
    CONSTRAINT erasures_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT erasures_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT erasures_state_check CHECK (state IN ('requested', 'done', 'failed')),
    CONSTRAINT erasures_reason_check CHECK (reason IN ('requested', 'no_longer_needed', 'consent_withdrawn', 'objection', 'unlawful',
        'legal_obligation', 'child')),
    CONSTRAINT erasures_actor_type_check CHECK (actor_type IN ('user', 'client', 'system')),
    CONSTRAINT erasures_erased_check CHECK ((state = 'done') = (erased_at IS NOT NULL))
);
COMMENT ON TABLE erasures IS
    'Persons who were, or are to be, erased (TRS-5): ids, times, counts and keyed hashes, nothing personal. A journal outside of the database holds the same, because a restored backup has lost what came after it.';
COMMENT ON COLUMN erasures.reason IS 'GDPR, article 17 (1), a to f; requested: the person asked and said no more.';
COMMENT ON COLUMN erasures.by_address IS 'Everybody with an address was meant, and not one contact.';
COMMENT ON COLUMN erasures.contact_ids IS 'The contacts that were the person; the ids name nobody any more.';
COMMENT ON COLUMN erasures.addresses IS 'Keyed hashes of the addresses that were the person''s alone, channel:hex, as in suppressions.';
COMMENT ON COLUMN erasures.also_used_by IS 'Other contacts that had one of the addresses when the erasure was asked for; they are left alone.';
COMMENT ON COLUMN erasures.problem IS 'Code of the problem that made it fail.';
COMMENT ON COLUMN erasures.replayed_at IS 'When it was taken from the journal, because this database did not know it.';
COMMENT ON COLUMN erasures.looked_up IS 'Whether contacts were looked for by the hashes: only after a replay, where ids may have changed.';
