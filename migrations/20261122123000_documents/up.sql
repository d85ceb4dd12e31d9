CREATE TABLE documents (
    workspace_id uuid        NOT NULL,
    id           uuid        NOT NULL,
    kind         text        COLLATE "C" NOT NULL,
    name         text        NOT NULL,
    page         text,
    private      boolean     NOT NULL DEFAULT false,
    owner_type   text        NOT NULL,
    owner_id     uuid,
    job_id       uuid        NOT NULL,
    contacts     bigint      NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    finished_at  timestamptz,
    CONSTRAINT documents_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT documents_job_key UNIQUE (workspace_id, job_id),
    CONSTRAINT documents_kind_check CHECK (kind IN ('links')),
    CONSTRAINT documents_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
    CONSTRAINT documents_page_check CHECK ((kind = 'links') = (page IS NOT NULL)),
    CONSTRAINT documents_owner_type_check CHECK (owner_type IN ('user', 'client', 'system'))
);
COMMENT ON TABLE documents IS
    'Files that Kartoteka made (MGR-M). No bytes: of whom they are is kept, and the file is written when it is downloaded, so that nothing of somebody who was purged can be left in it.';
COMMENT ON COLUMN documents.page IS 'Of links: the page that all of them lead to, without the parameter.';
COMMENT ON COLUMN documents.private IS 'Seen by its owner only.';
COMMENT ON COLUMN documents.owner_id IS 'The person or integration; no foreign key, a document may outlive them.';
COMMENT ON COLUMN documents.job_id IS 'The job that made it, which may be removed before; each makes at most one.';
COMMENT ON COLUMN documents.contacts IS 'How many contacts it was made for.';
COMMENT ON COLUMN documents.finished_at IS 'When it was whole; until then nobody sees it.';

CREATE TABLE document_contacts (
    workspace_id uuid NOT NULL,
    document_id  uuid NOT NULL,
    contact_id   uuid NOT NULL,
    CONSTRAINT document_contacts_pkey PRIMARY KEY (workspace_id, document_id, contact_id),
    CONSTRAINT document_contacts_document_fkey FOREIGN KEY (workspace_id, document_id) REFERENCES documents (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX document_contacts_contact_idx ON document_contacts (workspace_id, contact_id);
COMMENT ON TABLE document_contacts IS
    'Whom a document is about, a row for each line. No foreign key to contacts: a merged contact keeps its row, whose id leads to the winner when the file is written, and a purge deletes here first; a test looks for orphans.';
