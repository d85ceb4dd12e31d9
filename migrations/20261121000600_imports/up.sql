CREATE TABLE imports (
    workspace_id uuid        NOT NULL,
    id           uuid        NOT NULL,
    name         text        NOT NULL,
    method       text        NOT NULL,
    state        text        NOT NULL,
    actor_type   text        NOT NULL,
    actor_id     uuid,
    upload_id    uuid,
    source       jsonb,
    first_row    text,
    columns      jsonb,
    mapping      jsonb,
    matching     jsonb,
    plan         jsonb,
    plan_hash    text,
    plan_revision bigint,
    rows         bigint,
    committed_at timestamptz,
    id_salt      bigint,
    applied_row  bigint      NOT NULL DEFAULT 0,
    summary      jsonb,
    reverted     jsonb,
    problem      jsonb,
    job_id       uuid,
    auto_commit  boolean     NOT NULL DEFAULT false,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    finished_at  timestamptz,
    CONSTRAINT imports_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT imports_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT imports_method_check CHECK (method IN ('file', 'paste')),
    CONSTRAINT imports_state_check CHECK (state IN ('awaiting_data', 'awaiting_header', 'awaiting_mapping', 'awaiting_matching',
        'planning', 'awaiting_commit', 'running', 'done', 'failed', 'cancelled', 'reverting', 'reverted')),
    CONSTRAINT imports_first_row_check CHECK (first_row IN ('header', 'data'))
);
COMMENT ON TABLE imports IS 'One list of contacts on its way into the base; state says which step is next (IMP-14).';
COMMENT ON COLUMN imports.upload_id IS 'The pieces of import_data that count; an upload that broke off leaves others behind, which the next one removes.';
COMMENT ON COLUMN imports.plan_revision IS 'Sum of workspace_usage.revision the plan was made at; grows with the import''s own chunks.';
COMMENT ON COLUMN imports.id_salt IS 'With committed_at and the row number it gives the id of each contact made: see import_row_id().';
COMMENT ON COLUMN imports.applied_row IS 'Every row up to this one is written; a killed worker goes on behind it (IMP-17).';

CREATE TABLE import_data (
    workspace_id uuid    NOT NULL,
    import_id    uuid    NOT NULL,
    upload_id    uuid    NOT NULL,
    seq          integer NOT NULL,
    bytes        bytea   NOT NULL,
    CONSTRAINT import_data_pkey PRIMARY KEY (workspace_id, import_id, upload_id, seq),
    CONSTRAINT import_data_import_fkey FOREIGN KEY (workspace_id, import_id) REFERENCES imports (workspace_id, id) ON DELETE CASCADE
);
ALTER TABLE import_data ALTER COLUMN bytes SET STORAGE EXTERNAL;
COMMENT ON TABLE import_data IS
    'The uploaded bytes in pieces, here and not in a folder, so that any worker on any machine can read them and a backup holds them.';

CREATE TABLE import_staged (
    workspace_id uuid     NOT NULL,
    import_id    uuid     NOT NULL,
    row          bigint   NOT NULL,
    line         bigint   NOT NULL,
    valid        boolean  NOT NULL,
    key          text     COLLATE "C",
    head         bigint,
    external_id  text     COLLATE "C",
    first_name   text,
    last_name    text,
    title_before text,
    title_after  text,
    company_name text,
    job_title    text,
    email        text,
    email_key    text     COLLATE "C",
    phone        text     COLLATE "C",
    birth_date   date,
    gender       text,
    street       text,
    city         text,
    postal_code  text,
    region       text,
    country      text,
    language     text,
    time_zone    text,
    state        text,
    score        bigint,
    subscribed   boolean,
    muted        boolean,
    details      jsonb,
    tags         integer[],
    consents     integer[],
    cleared      text[],
    email_hash   bytea,
    search       text,
    problems     jsonb,
    CONSTRAINT import_staged_pkey PRIMARY KEY (workspace_id, import_id, row)
);
COMMENT ON TABLE import_staged IS 'The rows of a planned import, read and normalised, waiting for the commit. Filled by COPY.';
COMMENT ON COLUMN import_staged.key IS 'Normalised value of the match key.';
COMMENT ON COLUMN import_staged.head IS 'The row this one was folded into, when several rows of the file share a key (IMP-11).';
COMMENT ON COLUMN import_staged.tags IS 'Ordinals in import_tags.';
COMMENT ON COLUMN import_staged.consents IS 'Ordinals in the purposes of the mapping, from 1: positive grants, negative withdraws.';
COMMENT ON COLUMN import_staged.cleared IS 'Columns that an empty cell clears, where the mapping says so (IMP-12).';

CREATE TABLE import_rows (
    workspace_id uuid     NOT NULL,
    import_id    uuid     NOT NULL,
    row          bigint   NOT NULL,
    line         bigint   NOT NULL,
    class        text,
    outcome      text     NOT NULL,
    contact_id   uuid,
    problems     jsonb,
    CONSTRAINT import_rows_pkey PRIMARY KEY (workspace_id, import_id, row)
);
COMMENT ON TABLE import_rows IS
    'What is planned for each row, and after the commit what became of it. contact_id is the matched contact; a contact made by the row has the id import_row_id() gives.';

CREATE TABLE import_tags (
    workspace_id uuid    NOT NULL,
    import_id    uuid    NOT NULL,
    ordinal      integer NOT NULL,
    name         text    NOT NULL,
    name_key     text    COLLATE "C" NOT NULL,
    tag_id       uuid,
    CONSTRAINT import_tags_pkey PRIMARY KEY (workspace_id, import_id, ordinal)
);
COMMENT ON TABLE import_tags IS 'The tags a file names, numbered; they become tags of the workspace only at the commit.';

CREATE TABLE import_changes (
    workspace_id uuid   NOT NULL,
    import_id    uuid   NOT NULL,
    row          bigint NOT NULL,
    contact_id   uuid   NOT NULL,
    changes      jsonb  NOT NULL,
    CONSTRAINT import_changes_pkey PRIMARY KEY (workspace_id, import_id, row)
);
COMMENT ON TABLE import_changes IS
    'Before-images for undo (IMP-18): {column: [before, after]} of each matched contact that the row really changed.';

CREATE TABLE import_tag_additions (
    workspace_id uuid   NOT NULL,
    import_id    uuid   NOT NULL,
    contact_id   uuid   NOT NULL,
    tag_id       uuid   NOT NULL,
    row          bigint NOT NULL,
    CONSTRAINT import_tag_additions_pkey PRIMARY KEY (workspace_id, import_id, contact_id, tag_id)
);
COMMENT ON TABLE import_tag_additions IS 'Tags the import put on contacts that were there before it, for undo.';

CREATE TABLE import_templates (
    workspace_id uuid        NOT NULL,
    id           uuid        NOT NULL,
    name         text        NOT NULL,
    options      jsonb       NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT import_templates_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT import_templates_name_key UNIQUE (workspace_id, name),
    CONSTRAINT import_templates_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id)
);
COMMENT ON TABLE import_templates IS 'Saved mappings (IMP-19).';

-- A UUIDv7 (RFC 9562) made of the commit's millisecond, the row and the import's salt: the same row
-- always gets the same id, so a repeated chunk meets its own primary keys and cannot double anyone.
CREATE FUNCTION import_row_id(base_ms bigint, salt bigint, row_number bigint) RETURNS uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (lpad(to_hex(base_ms), 12, '0')
        || '7' || lpad(to_hex((row_number >> 20) & 4095), 3, '0')
        || to_hex(8 | ((row_number >> 18) & 3))
        || lpad(to_hex(((row_number & 262143) << 42) | (salt & 4398046511103)), 15, '0'))::uuid;

-- Details as they were before a change, where nobody touched them since: what undo writes (IMP-18).
CREATE FUNCTION details_before(present jsonb, was jsonb, became jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (present - coalesce(array_agg(k), '{}')) || coalesce(jsonb_object_agg(k, was -> k) FILTER (WHERE was ? k), '{}')
    FROM jsonb_object_keys(was || became) AS k
    WHERE was -> k IS DISTINCT FROM became -> k AND present -> k IS NOT DISTINCT FROM became -> k
$$;

-- The last, and the first, value that is not NULL: a strict state function skips NULLs by itself.
CREATE FUNCTION keep_second(anyelement, anyelement) RETURNS anyelement
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT $2';
CREATE FUNCTION keep_first(anyelement, anyelement) RETURNS anyelement
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT $1';
CREATE AGGREGATE last_present(anyelement) (SFUNC = keep_second, STYPE = anyelement, PARALLEL = SAFE);
CREATE AGGREGATE first_present(anyelement) (SFUNC = keep_first, STYPE = anyelement, PARALLEL = SAFE);
-- Objects laid over one another in order; the key that comes later wins.
CREATE AGGREGATE jsonb_overlay(jsonb) (SFUNC = jsonb_concat, STYPE = jsonb, INITCOND = '{}');
-- The elements of several arrays in one.
CREATE AGGREGATE array_concat(anycompatiblearray) (SFUNC = array_cat, STYPE = anycompatiblearray, PARALLEL = SAFE);
