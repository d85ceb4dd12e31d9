CREATE TABLE groups (
    workspace_id uuid        NOT NULL,
    id           uuid        NOT NULL,
    name         text        NOT NULL,
    name_key     text        COLLATE "C" NOT NULL,
    description  text,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT groups_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT groups_name_key UNIQUE (workspace_id, name_key),
    CONSTRAINT groups_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id)
);
COMMENT ON TABLE groups IS 'Groups a workspace sorts its contacts into; a contact is in any number of them (CON-7).';
COMMENT ON COLUMN groups.name_key IS 'Name in lower case: no two groups differ only in case.';

CREATE TABLE contact_groups (
    workspace_id uuid        NOT NULL,
    contact_id   uuid        NOT NULL,
    group_id     uuid        NOT NULL,
    added_at     timestamptz NOT NULL,
    CONSTRAINT contact_groups_pkey PRIMARY KEY (workspace_id, contact_id, group_id)
);
CREATE INDEX contact_groups_group_idx ON contact_groups (workspace_id, group_id);
COMMENT ON TABLE contact_groups IS
    'Groups of contacts. No foreign keys, as contact_tags: bulk edits write it by the million. Writers lock the group FOR KEY SHARE, purging deletes here first; a test looks for orphans.';
