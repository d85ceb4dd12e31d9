CREATE TABLE contact_notes (
    workspace_id uuid        NOT NULL,
    id           uuid        NOT NULL,
    contact_id   uuid        NOT NULL,
    text         text        NOT NULL,
    private      boolean     NOT NULL DEFAULT false,
    author_type  text        NOT NULL,
    author_id    uuid,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT contact_notes_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT contact_notes_text_check CHECK (char_length(text) BETWEEN 1 AND 1024),
    CONSTRAINT contact_notes_author_type_check CHECK (author_type IN ('user', 'client', 'system'))
);
CREATE INDEX contact_notes_contact_idx ON contact_notes (workspace_id, contact_id, id);
COMMENT ON TABLE contact_notes IS
    'What people write about a contact (CON-13). No foreign key to contacts, as with everything a bulk action writes: writers lock the contact, purging deletes here first; a test looks for orphans.';
COMMENT ON COLUMN contact_notes.private IS 'Seen by its author only.';
COMMENT ON COLUMN contact_notes.author_id IS 'The person or integration; no foreign key, a note outlives its author.';
