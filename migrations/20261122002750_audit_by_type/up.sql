CREATE INDEX CONCURRENTLY audit_entries_record_type_idx ON audit_entries (workspace_id, record_type, id);
