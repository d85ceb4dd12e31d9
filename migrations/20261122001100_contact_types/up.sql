CREATE TABLE contact_types (
    workspace_id uuid        NOT NULL,
    id           uuid        NOT NULL,
    name         text        NOT NULL,
    name_key     text        COLLATE "C" NOT NULL,
    description  text,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT contact_types_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT contact_types_name_key UNIQUE (workspace_id, name_key),
    CONSTRAINT contact_types_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id)
);
COMMENT ON TABLE contact_types IS 'Types of contacts; a contact has one or none (CON-7), in contacts.type_id.';
COMMENT ON COLUMN contact_types.name_key IS 'Name in lower case: no two types differ only in case.';
COMMENT ON COLUMN contacts.type_id IS
    'Type of the contact. No foreign key, as everywhere in this table: writers lock the type FOR KEY SHARE, one in use is not deleted; a test looks for orphans.';
