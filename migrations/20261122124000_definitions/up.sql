CREATE TABLE definitions (
    workspace_id uuid        NOT NULL,
    id           uuid        NOT NULL,
    type         text        COLLATE "C" NOT NULL,
    name         text        NOT NULL,
    name_key     text        COLLATE "C" NOT NULL,
    description  text,
    enabled      boolean     NOT NULL,
    version      integer     NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    deleted_at   timestamptz,
    CONSTRAINT definitions_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT definitions_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT definitions_type_check CHECK (type IN ('rule', 'scenario')),
    CONSTRAINT definitions_enabled_check CHECK (NOT (enabled AND deleted_at IS NOT NULL))
);
CREATE UNIQUE INDEX definitions_name_key ON definitions (workspace_id, type, name_key) WHERE deleted_at IS NULL;
COMMENT ON TABLE definitions IS
    'Automation rules and scenarios (SCN-1, SCN-2). One that is deleted stays for the runs that went through it, and is seen only there.';
COMMENT ON COLUMN definitions.name_key IS 'Name in lower case: no two of a type differ only in case.';
COMMENT ON COLUMN definitions.version IS 'The version that new runs go through.';

CREATE TABLE definition_versions (
    workspace_id  uuid        NOT NULL,
    definition_id uuid        NOT NULL,
    version       integer     NOT NULL,
    body          jsonb       NOT NULL,
    phone_region  text        NOT NULL,
    used          boolean     NOT NULL DEFAULT false,
    created_at    timestamptz NOT NULL,
    CONSTRAINT definition_versions_pkey PRIMARY KEY (workspace_id, definition_id, version),
    CONSTRAINT definition_versions_definition_fkey FOREIGN KEY (workspace_id, definition_id) REFERENCES definitions (workspace_id, id),
    CONSTRAINT definition_versions_body_check CHECK (jsonb_typeof(body) = 'object')
);
COMMENT ON TABLE definition_versions IS
    'What rules and scenarios consist of: a run goes on with what it began with. Only a tag that is renamed and an address that is erased are changed in a version.';
COMMENT ON COLUMN definition_versions.phone_region IS
    'Region of the workspace when it was written: national numbers in its conditions stay what they meant then.';
COMMENT ON COLUMN definition_versions.used IS 'Whether a run ever went through it: if not, the next version takes its place.';

CREATE TABLE definition_names (
    workspace_id  uuid    NOT NULL,
    definition_id uuid    NOT NULL,
    version       integer NOT NULL,
    kind          text    COLLATE "C" NOT NULL,
    name          text    COLLATE "C" NOT NULL,
    CONSTRAINT definition_names_pkey PRIMARY KEY (workspace_id, definition_id, version, kind, name),
    CONSTRAINT definition_names_version_fkey FOREIGN KEY (workspace_id, definition_id, version)
        REFERENCES definition_versions (workspace_id, definition_id, version) ON DELETE CASCADE,
    CONSTRAINT definition_names_kind_check CHECK (kind IN (
        'tag', 'purpose', 'detail', 'group', 'type', 'owner', 'company', 'opportunity', 'project', 'webhook', 'funnel', 'funnel_stage'))
);
CREATE INDEX definition_names_name_idx ON definition_names (workspace_id, kind, name);
COMMENT ON TABLE definition_names IS
    'What conditions, events and actions name beside segments: it is not taken away while the present version, or one that a contact is on its way through, names it.';
COMMENT ON COLUMN definition_names.name IS 'Key of a tag, which need not exist; name of a purpose or detail; id of anything else.';

ALTER TABLE segment_uses DROP CONSTRAINT segment_uses_used_by_check;
ALTER TABLE segment_uses ADD CONSTRAINT segment_uses_used_by_check CHECK (
    used_by_type IN ('segment', 'job', 'campaign', 'rule', 'scenario'));
