CREATE TABLE fields (
    workspace_id uuid        NOT NULL,
    id           uuid        NOT NULL,
    name         text        COLLATE "C" NOT NULL,
    title        text        NOT NULL,
    type         text        NOT NULL,
    choices      jsonb,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT fields_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT fields_name_key UNIQUE (workspace_id, name),
    CONSTRAINT fields_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT fields_type_check CHECK (type IN ('text', 'number', 'date', 'boolean', 'choice')),
    CONSTRAINT fields_choices_check CHECK ((type = 'choice') = (choices IS NOT NULL) AND jsonb_typeof(choices) = 'array')
);
COMMENT ON TABLE fields IS
    'Definitions of details (CON-9): a value written under such a name has its type. A boolean is a flag (CON-7). Details without a definition are free.';
COMMENT ON COLUMN fields.name IS 'Name of the detail in contacts.details, letter by letter; never changes.';
COMMENT ON COLUMN fields.choices IS 'The texts a choice may have, in the order they are shown.';
