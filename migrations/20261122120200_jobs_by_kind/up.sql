-- lists of the jobs of one kind, between those of others: each message sent is a job
CREATE INDEX CONCURRENTLY jobs_kind_idx ON jobs (workspace_id, kind, id);
