-- Both come with PostgreSQL and may be created by whoever owns the database.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;

CREATE TABLE contact_search (
    workspace_id uuid NOT NULL,
    contact_id   uuid NOT NULL,
    search       text NOT NULL,
    CONSTRAINT contact_search_pkey PRIMARY KEY (workspace_id, contact_id)
);
INSERT INTO contact_search (workspace_id, contact_id, search)
    SELECT workspace_id, id, search FROM contacts ORDER BY workspace_id, id;
CREATE INDEX contact_search_trigrams_idx ON contact_search USING gin (workspace_id, search gin_trgm_ops);
COMMENT ON TABLE contact_search IS
    'contacts.search once more, in a table of its own that can be written later than the contact: the index over all parts of words costs a bulk import as much again as half of the import (CON-4).';

CREATE TABLE contact_search_lag (
    workspace_id uuid NOT NULL,
    import_id    uuid NOT NULL,
    from_id      uuid NOT NULL,
    to_id        uuid NOT NULL,
    CONSTRAINT contact_search_lag_pkey PRIMARY KEY (workspace_id, import_id),
    CONSTRAINT contact_search_lag_import_fkey FOREIGN KEY (workspace_id, import_id) REFERENCES imports (workspace_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE contact_search_lag IS
    'Contacts that an import made and contact_search does not have yet: those with an id behind from_id, up to to_id. While a workspace has a row here, its searches read the contacts themselves.';
