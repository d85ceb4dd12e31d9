CREATE TABLE jobs (
    workspace_id     uuid        NOT NULL,
    id               uuid        NOT NULL,
    kind             text        NOT NULL,
    state            text        NOT NULL,
    run_at           timestamptz NOT NULL,
    attempt          integer     NOT NULL DEFAULT 0,
    max_attempts     integer     NOT NULL DEFAULT 8,
    crashes          integer     NOT NULL DEFAULT 0,
    lease_owner      text,
    lease_epoch      bigint      NOT NULL DEFAULT 0,
    lease_until      timestamptz,
    unique_key       text,
    payload          jsonb       NOT NULL,
    checkpoint       jsonb,
    progress_done    bigint      NOT NULL DEFAULT 0,
    progress_total   bigint,
    counts           jsonb       NOT NULL DEFAULT '{}',
    problem          jsonb,
    last_error       text,
    subject_type     text,
    subject_id       uuid,
    actor_type       text        NOT NULL,
    actor_id         uuid,
    request_id       text,
    cancel_requested boolean     NOT NULL DEFAULT false,
    created_at       timestamptz NOT NULL,
    started_at       timestamptz,
    finished_at      timestamptz,
    CONSTRAINT jobs_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT jobs_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT jobs_state_check CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    CONSTRAINT jobs_lease_check CHECK ((state = 'running') = (lease_until IS NOT NULL))
);
-- lanes: one skip scan finds every workspace with a job that is due
CREATE INDEX jobs_queued_idx ON jobs (workspace_id, run_at, id) WHERE state = 'queued';
CREATE INDEX jobs_running_idx ON jobs (workspace_id, lease_until) WHERE state = 'running';
CREATE INDEX jobs_subject_idx ON jobs (workspace_id, subject_id);
CREATE UNIQUE INDEX jobs_unique_key ON jobs (workspace_id, unique_key)
    WHERE unique_key IS NOT NULL AND state IN ('queued', 'running');
COMMENT ON TABLE jobs IS 'Long work: enqueued, checkpointed and finished in the transactions of its effects.';
COMMENT ON COLUMN jobs.lease_epoch IS 'Fencing token: grows with every claim; an effect is written only by the holder of the current one.';
COMMENT ON COLUMN jobs.crashes IS 'How often a lease ran out: a job that killed its worker twice runs alone in the smallest chunk.';

CREATE TABLE job_lanes (
    workspace_id uuid        NOT NULL,
    served_at    timestamptz NOT NULL,
    CONSTRAINT job_lanes_pkey PRIMARY KEY (workspace_id),
    CONSTRAINT job_lanes_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id)
);
COMMENT ON TABLE job_lanes IS
    'When a worker last took a job of the workspace: those who waited longest are served next, however many jobs another has.';
