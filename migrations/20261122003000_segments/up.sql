CREATE TABLE segments (
    workspace_id uuid        NOT NULL,
    id           uuid        NOT NULL,
    name         text        NOT NULL,
    name_key     text        COLLATE "C" NOT NULL,
    description  text,
    filter       jsonb,
    selection    jsonb,
    phone_region text        NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT segments_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT segments_name_key UNIQUE (workspace_id, name_key),
    CONSTRAINT segments_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT segments_tree_check CHECK ((filter IS NULL) <> (selection IS NULL))
);
COMMENT ON TABLE segments IS 'Saved selections of contacts (SEG-5): one filter, or a whole selection, as it was written.';
COMMENT ON COLUMN segments.name_key IS 'Name in lower case: two that differ in case only are one.';
COMMENT ON COLUMN segments.phone_region IS 'Region of the workspace when the tree was written: national numbers in it stay what they meant then.';

CREATE TABLE segment_uses (
    workspace_id uuid NOT NULL,
    segment_id   uuid NOT NULL,
    used_by_type text NOT NULL,
    used_by_id   uuid NOT NULL,
    CONSTRAINT segment_uses_pkey PRIMARY KEY (workspace_id, segment_id, used_by_type, used_by_id),
    CONSTRAINT segment_uses_segment_fkey FOREIGN KEY (workspace_id, segment_id) REFERENCES segments (workspace_id, id),
    CONSTRAINT segment_uses_used_by_check CHECK (used_by_type IN ('segment', 'job', 'campaign', 'scenario'))
);
CREATE INDEX segment_uses_segment_idx ON segment_uses (workspace_id, segment_id);
CREATE INDEX segment_uses_used_by_idx ON segment_uses (workspace_id, used_by_id);
COMMENT ON TABLE segment_uses IS
    'What a segment is used by, so that it is not taken away under it. A job counts until it has ended; its row stays until the segment goes.';

CREATE TABLE segment_names (
    workspace_id uuid NOT NULL,
    segment_id   uuid NOT NULL,
    kind         text NOT NULL,
    name         text COLLATE "C" NOT NULL,
    CONSTRAINT segment_names_pkey PRIMARY KEY (workspace_id, segment_id, kind, name),
    CONSTRAINT segment_names_segment_fkey FOREIGN KEY (workspace_id, segment_id) REFERENCES segments (workspace_id, id) ON DELETE CASCADE,
    CONSTRAINT segment_names_kind_check CHECK (kind IN ('tag', 'purpose', 'detail', 'group', 'type'))
);
CREATE INDEX segment_names_segment_idx ON segment_names (workspace_id, segment_id);
CREATE INDEX segment_names_name_idx ON segment_names (workspace_id, kind, name);
COMMENT ON TABLE segment_names IS
    'What the tree of a segment names beside segments. A tag is named by its key, which need not exist; hence no foreign key.';
