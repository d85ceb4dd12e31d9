DELETE FROM definition_names WHERE kind = 'segment';
ALTER TABLE definition_names DROP CONSTRAINT definition_names_kind_check;
ALTER TABLE definition_names ADD CONSTRAINT definition_names_kind_check CHECK (kind IN (
    'tag', 'purpose', 'detail', 'group', 'type', 'owner', 'company', 'opportunity', 'project', 'webhook', 'funnel', 'funnel_stage'));
COMMENT ON TABLE definition_names IS
    'What conditions, events and actions name beside segments: it is not taken away while the present version, or one that a contact is on its way through, names it.';
