CREATE INDEX CONCURRENTLY audit_entries_action_idx ON audit_entries (workspace_id, action, id);
