-- merged contacts cannot come back from here; what is kept under their ids would hang on nobody
DELETE FROM consents t USING contact_merges m WHERE t.workspace_id = m.workspace_id AND t.contact_id = m.loser_id;
DELETE FROM consent_evidence t USING contact_merges m WHERE t.workspace_id = m.workspace_id AND t.contact_id = m.loser_id;
DELETE FROM consent_entries t USING contact_merges m WHERE t.workspace_id = m.workspace_id AND t.contact_id = m.loser_id;
DELETE FROM import_changes t USING contact_merges m WHERE t.workspace_id = m.workspace_id AND t.contact_id = m.loser_id;
DELETE FROM import_tag_additions t USING contact_merges m WHERE t.workspace_id = m.workspace_id AND t.contact_id = m.loser_id;
UPDATE consent_entries SET source_type = 'api' WHERE source_type = 'merge';
ALTER TABLE consent_entries DROP CONSTRAINT consent_entries_source_type_check;
ALTER TABLE consent_entries ADD CONSTRAINT consent_entries_source_type_check CHECK (
    source_type IN ('card', 'form', 'import', 'api', 'contact_manager', 'scenario', 'unsubscribe'));
DROP TABLE contact_merges;
DROP TABLE merge_losers;
DROP TABLE merges;
