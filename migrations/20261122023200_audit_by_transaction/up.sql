-- rows come in the order of their transactions, so a range of pages holds a range of them: a few bytes for each
-- 32 pages, and next to nothing for who writes
CREATE INDEX CONCURRENTLY audit_entries_txn_idx ON audit_entries USING brin (txn) WITH (pages_per_range = 32, autosummarize = on);
