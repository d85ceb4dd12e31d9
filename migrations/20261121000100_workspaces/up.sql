CREATE TABLE workspaces (
    id             uuid        NOT NULL,
    name           text        NOT NULL,
    contact_limit  bigint      NOT NULL DEFAULT 10000000,
    phone_region   text        NOT NULL DEFAULT 'CZ',
    language       text        NOT NULL DEFAULT 'cs',
    time_zone      text        NOT NULL DEFAULT 'Europe/Prague',
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    CONSTRAINT workspaces_pkey PRIMARY KEY (id),
    CONSTRAINT workspaces_name_key UNIQUE (name),
    CONSTRAINT workspaces_contact_limit_check CHECK (contact_limit >= 0)
);
COMMENT ON TABLE workspaces IS 'The tenants. Everything else belongs to exactly one of them (PLT-1).';
COMMENT ON COLUMN workspaces.contact_limit IS 'How many contacts may be kept, trash included (TRS-3).';
COMMENT ON COLUMN workspaces.phone_region IS 'ISO 3166 region that national phone numbers are read in when a request names none.';

CREATE TABLE workspace_usage (
    workspace_id uuid     NOT NULL,
    shard        smallint NOT NULL,
    live         bigint   NOT NULL DEFAULT 0,
    trashed      bigint   NOT NULL DEFAULT 0,
    revision     bigint   NOT NULL DEFAULT 0,
    CONSTRAINT workspace_usage_pkey PRIMARY KEY (workspace_id, shard),
    CONSTRAINT workspace_usage_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id)
);
COMMENT ON TABLE workspace_usage IS
    'Counts of contacts, kept in step by every writer. Eight shards a workspace, so that writers do not queue on one row; a reader sums them. A single shard may be negative.';
COMMENT ON COLUMN workspace_usage.revision IS
    'Grows whenever a contact is made, purged, trashed, restored or gets another match key: an import plan made at the same sum still holds (IMP-13).';
