CREATE TABLE contact_owners (
    workspace_id uuid        NOT NULL,
    contact_id   uuid        NOT NULL,
    user_id      uuid        NOT NULL,
    level        text        NOT NULL,
    added_at     timestamptz NOT NULL,
    CONSTRAINT contact_owners_pkey PRIMARY KEY (workspace_id, contact_id, user_id),
    CONSTRAINT contact_owners_user_fkey FOREIGN KEY (workspace_id, user_id) REFERENCES users (workspace_id, id),
    CONSTRAINT contact_owners_level_check CHECK (level IN ('main', 'co_owner', 'read_only'))
);
CREATE INDEX contact_owners_user_idx ON contact_owners (workspace_id, user_id);
COMMENT ON TABLE contact_owners IS
    'Who answers for a contact and what each of them may do (CON-12). No foreign key to contacts: writers lock the contact, purging deletes here first; a test looks for orphans.';
COMMENT ON COLUMN contact_owners.level IS
    'main: everything; co_owner: neither deletes nor changes owners; read_only: sees. Clients and administrators are not bound by it.';
