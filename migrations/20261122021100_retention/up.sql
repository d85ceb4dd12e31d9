CREATE TABLE retention (
    workspace_id uuid        NOT NULL,
    rules        jsonb       NOT NULL,
    updated_at   timestamptz NOT NULL,
    ran_at       timestamptz,
    CONSTRAINT retention_pkey PRIMARY KEY (workspace_id),
    CONSTRAINT retention_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT retention_rules_check CHECK (jsonb_typeof(rules) = 'object')
);
COMMENT ON TABLE retention IS 'How long a workspace keeps what it need not keep for ever, and when that was last looked after.';
COMMENT ON COLUMN retention.rules IS '{kind: days or null}; a kind that is not there has its default.';
COMMENT ON COLUMN retention.ran_at IS 'When the daily run last began.';
