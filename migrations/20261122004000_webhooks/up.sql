CREATE TABLE outbox_events (
    workspace_id uuid        NOT NULL,
    id           uuid        NOT NULL,
    type         text        NOT NULL,
    subject_type text        NOT NULL,
    subject_id   uuid        NOT NULL,
    at           timestamptz NOT NULL,
    data         jsonb       NOT NULL,
    actor_type   text        NOT NULL,
    actor_id     uuid,
    job_id       uuid,
    CONSTRAINT outbox_events_pkey PRIMARY KEY (workspace_id, id)
);
COMMENT ON TABLE outbox_events IS
    'What happened and somebody asked for, written in the transaction in which it happened. Ids are in order. No foreign keys: an import writes it by the million.';
COMMENT ON COLUMN outbox_events.data IS 'Ids, words and numbers; never personal data, so that a purge need not look here.';

CREATE TABLE webhooks (
    workspace_id     uuid        NOT NULL,
    id               uuid        NOT NULL,
    url              text        NOT NULL,
    description      text,
    events           text[]      NOT NULL,
    include_contact  boolean     NOT NULL,
    enabled          boolean     NOT NULL,
    disabled_reason  text,
    disabled_at      timestamptz,
    secret           bytea       NOT NULL,
    old_secret       bytea,
    old_secret_until timestamptz,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    failures         integer     NOT NULL DEFAULT 0,
    failing_since    timestamptz,
    not_before       timestamptz,
    served_at        timestamptz,
    lease_owner      text,
    lease_epoch      bigint      NOT NULL DEFAULT 0,
    lease_until      timestamptz,
    CONSTRAINT webhooks_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT webhooks_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT webhooks_disabled_reason_check CHECK (disabled_reason IN ('gone', 'failing')),
    CONSTRAINT webhooks_enabled_check CHECK (NOT enabled OR disabled_reason IS NULL),
    CONSTRAINT webhooks_old_secret_check CHECK ((old_secret IS NULL) = (old_secret_until IS NULL))
);
COMMENT ON TABLE webhooks IS 'Receivers of events, and where the one who sends to each stands.';
COMMENT ON COLUMN webhooks.secret IS 'Encrypted with the key of the installation; see access/seal.rs.';
COMMENT ON COLUMN webhooks.disabled_reason IS 'Why Kartoteka switched it off; null when a person did.';
COMMENT ON COLUMN webhooks.failures IS 'Attempts in a row that failed, over all its deliveries.';
COMMENT ON COLUMN webhooks.not_before IS 'The receiver is left alone until then: it asked for it, or keeps failing.';
COMMENT ON COLUMN webhooks.lease_epoch IS 'Fencing token: grows with every claim; an outcome is written only by the holder of the current one.';

CREATE TABLE webhook_deliveries (
    workspace_id    uuid        NOT NULL,
    webhook_id      uuid        NOT NULL,
    event_id        uuid        NOT NULL,
    state           text        NOT NULL,
    in_order        boolean     NOT NULL DEFAULT false,
    tries           integer     NOT NULL DEFAULT 0,
    attempts        integer     NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    last_attempt_at timestamptz,
    last_status     integer,
    last_error      text,
    last_ms         bigint,
    log             jsonb       NOT NULL DEFAULT '[]',
    created_at      timestamptz NOT NULL,
    CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (workspace_id, webhook_id, event_id),
    CONSTRAINT webhook_deliveries_state_check CHECK (state IN ('pending', 'delivered', 'failed')),
    CONSTRAINT webhook_deliveries_next_check CHECK ((state = 'pending') = (next_attempt_at IS NOT NULL))
);
-- what is due for a receiver, in order
CREATE INDEX webhook_deliveries_due_idx ON webhook_deliveries (workspace_id, webhook_id, next_attempt_at, event_id)
    WHERE state = 'pending';
-- lists of what waits or failed, between a million that went well
CREATE INDEX webhook_deliveries_state_idx ON webhook_deliveries (workspace_id, webhook_id, state, event_id)
    WHERE state <> 'delivered';
COMMENT ON TABLE webhook_deliveries IS
    'An event on its way to a receiver, and how that went. Written with the event; no foreign keys, like the events.';
COMMENT ON COLUMN webhook_deliveries.in_order IS 'Replayed: sent one after the other.';
COMMENT ON COLUMN webhook_deliveries.tries IS 'Attempts since it was last started; the pause before the next depends on it.';
COMMENT ON COLUMN webhook_deliveries.attempts IS 'Attempts in all.';
COMMENT ON COLUMN webhook_deliveries.log IS 'The last attempts: [{"at", "status", "ms", "error"}].';
