ALTER TABLE definition_names DROP CONSTRAINT definition_names_kind_check;
ALTER TABLE definition_names ADD CONSTRAINT definition_names_kind_check CHECK (kind IN (
    'tag', 'purpose', 'detail', 'group', 'type', 'owner', 'company', 'opportunity', 'project', 'webhook', 'funnel', 'funnel_stage', 'segment'));
-- of versions before the present one nobody knows any more which segments they name
INSERT INTO definition_names (workspace_id, definition_id, version, kind, name)
    SELECT u.workspace_id, d.id, d.version, 'segment', u.segment_id::text FROM segment_uses u
    JOIN definitions d ON d.workspace_id = u.workspace_id AND d.id = u.used_by_id AND d.type = u.used_by_type
    WHERE u.used_by_type IN ('rule', 'scenario') AND d.deleted_at IS NULL;
COMMENT ON TABLE definition_names IS
    'What conditions, events and actions name: it is not taken away while the present version, or one that a contact is on its way through, names it. Segments of the present version stand in segment_uses too.';
