CREATE TABLE funnels (
    workspace_id uuid        NOT NULL,
    id           uuid        NOT NULL,
    name         text        NOT NULL,
    name_key     text        COLLATE "C" NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT funnels_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT funnels_name_key UNIQUE (workspace_id, name_key),
    CONSTRAINT funnels_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id)
);
COMMENT ON TABLE funnels IS 'Sales funnels: stages that contacts go through, in order (MGR-I).';
COMMENT ON COLUMN funnels.name_key IS 'Name in lower case: no two funnels differ only in case.';

CREATE TABLE funnel_stages (
    workspace_id uuid        NOT NULL,
    id           uuid        NOT NULL,
    funnel_id    uuid        NOT NULL,
    name         text        NOT NULL,
    name_key     text        COLLATE "C" NOT NULL,
    position     integer     NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT funnel_stages_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT funnel_stages_name_key UNIQUE (workspace_id, funnel_id, name_key),
    CONSTRAINT funnel_stages_funnel_fkey FOREIGN KEY (workspace_id, funnel_id) REFERENCES funnels (workspace_id, id),
    CONSTRAINT funnel_stages_position_check CHECK (position > 0)
);
COMMENT ON TABLE funnel_stages IS 'Stages of funnels. Whoever adds, moves or removes one locks the funnel.';
COMMENT ON COLUMN funnel_stages.name_key IS 'Name in lower case: no two stages of a funnel differ only in case.';
COMMENT ON COLUMN funnel_stages.position IS
    'Its place in the funnel: 1, 2, 3 and on without gaps. Not unique in the schema, which is checked row by row while a stage is moved; a test looks.';

CREATE TABLE contact_stages (
    workspace_id uuid        NOT NULL,
    contact_id   uuid        NOT NULL,
    stage_id     uuid        NOT NULL,
    entered_at   timestamptz NOT NULL,
    CONSTRAINT contact_stages_pkey PRIMARY KEY (workspace_id, contact_id, stage_id)
);
CREATE INDEX contact_stages_stage_idx ON contact_stages (workspace_id, stage_id);
COMMENT ON TABLE contact_stages IS
    'Stages that contacts are in, any number of one funnel. No foreign keys, as contact_groups: jobs write it by the million. Writers lock the stage FOR KEY SHARE, purging deletes here first; a test looks for orphans.';

ALTER TABLE segment_names DROP CONSTRAINT segment_names_kind_check;
ALTER TABLE segment_names ADD CONSTRAINT segment_names_kind_check CHECK (
    kind IN ('tag', 'purpose', 'detail', 'group', 'type', 'funnel_stage', 'owner', 'company', 'opportunity', 'project'));
