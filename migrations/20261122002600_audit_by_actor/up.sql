CREATE INDEX CONCURRENTLY audit_entries_actor_idx ON audit_entries (workspace_id, actor_id, id);
