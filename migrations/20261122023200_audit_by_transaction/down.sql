DROP INDEX CONCURRENTLY audit_entries_txn_idx;
