DROP INDEX CONCURRENTLY audit_entries_job_idx;
