CREATE INDEX CONCURRENTLY contacts_type_idx ON contacts (workspace_id, type_id) WHERE type_id IS NOT NULL;
