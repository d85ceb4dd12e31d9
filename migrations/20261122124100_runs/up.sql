CREATE TABLE runs (
    workspace_id     uuid        NOT NULL,
    id               uuid        NOT NULL,
    definition_id    uuid        NOT NULL,
    version          integer     NOT NULL,
    contact_id       uuid        NOT NULL,
    state            text        COLLATE "C" NOT NULL,
    origin           text        COLLATE "C" NOT NULL,
    event_id         uuid,
    job_id           uuid,
    actor_type       text        NOT NULL,
    actor_id         uuid,
    check_conditions boolean     NOT NULL DEFAULT true,
    skip_event       boolean     NOT NULL DEFAULT true,
    respect_limits   boolean     NOT NULL DEFAULT true,
    node             text        NOT NULL,
    waits            boolean     NOT NULL DEFAULT false,
    due_at           timestamptz NOT NULL,
    steps            bigint      NOT NULL DEFAULT 0,
    lease_owner      text,
    lease_epoch      bigint      NOT NULL DEFAULT 0,
    lease_until      timestamptz,
    created_at       timestamptz NOT NULL,
    started_at       timestamptz,
    ended_at         timestamptz,
    reason           text        COLLATE "C",
    CONSTRAINT runs_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT runs_state_check CHECK (state IN ('queued', 'running', 'done', 'ended', 'failed')),
    CONSTRAINT runs_origin_check CHECK (origin IN ('event', 'manual', 'contact_manager')),
    CONSTRAINT runs_lease_check CHECK ((state = 'running') = (lease_until IS NOT NULL)),
    CONSTRAINT runs_ended_check CHECK ((state IN ('done', 'ended', 'failed')) = (ended_at IS NOT NULL))
);
-- the runs of a contact, and how often it went through a definition
CREATE INDEX runs_contact_idx ON runs (workspace_id, contact_id, definition_id, id);
CREATE INDEX runs_definition_idx ON runs (workspace_id, definition_id, id);
CREATE INDEX runs_state_idx ON runs (workspace_id, definition_id, state, id);
-- which versions somebody is on the way through
CREATE INDEX runs_active_idx ON runs (workspace_id, definition_id, version) WHERE state IN ('queued', 'running');
-- what a worker takes up: what is due, and what another one left
CREATE INDEX runs_due_idx ON runs (workspace_id, due_at, id) WHERE state = 'queued';
CREATE INDEX runs_lease_idx ON runs (workspace_id, lease_until) WHERE state = 'running';
COMMENT ON TABLE runs IS
    'Contacts on their way through versions of rules and scenarios (SCN-3). No foreign keys: jobs write it by the million. Whoever adds a run holds the definition FOR KEY SHARE and the contact; purging deletes here first; a test looks for orphans.';
COMMENT ON COLUMN runs.event_id IS 'The event in the outbox that started it.';
COMMENT ON COLUMN runs.job_id IS 'The job that started it.';
COMMENT ON COLUMN runs.check_conditions IS 'Whether conditions of a rule are asked when they are due; a scenario always asks its own.';
COMMENT ON COLUMN runs.skip_event IS 'Whether nothing happened to the contact that could be asked about.';
COMMENT ON COLUMN runs.respect_limits IS 'Whether the limits per contact bound it when it began.';
COMMENT ON COLUMN runs.node IS 'The step it stands at: the id of a node, or conditions and actions/0 of a rule.';
COMMENT ON COLUMN runs.waits IS 'Whether the wait of that step is over at due_at; otherwise the step itself is done then.';
COMMENT ON COLUMN runs.steps IS 'Steps that were done: it grows with each, so that none is done twice, and a loop can be cut.';
COMMENT ON COLUMN runs.lease_epoch IS 'Fencing token: grows with every claim; an effect is written only by the holder of the current one.';
COMMENT ON COLUMN runs.reason IS 'Why it ended before its end, or failed; a word.';
