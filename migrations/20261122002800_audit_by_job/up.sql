CREATE INDEX CONCURRENTLY audit_entries_job_idx ON audit_entries (workspace_id, job_id, id) WHERE job_id IS NOT NULL;
