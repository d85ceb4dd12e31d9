-- Rows that met a contact, which is few of them: those that made one have no contact_id. The timeline, a purge and
-- the undo of a contact would read all rows of all imports without it.
CREATE INDEX CONCURRENTLY import_rows_contact_idx ON import_rows (workspace_id, contact_id) WHERE contact_id IS NOT NULL;
