-- the schema before does not know uses by rules
DELETE FROM segment_uses WHERE used_by_type = 'rule';
ALTER TABLE segment_uses DROP CONSTRAINT segment_uses_used_by_check;
ALTER TABLE segment_uses ADD CONSTRAINT segment_uses_used_by_check CHECK (
    used_by_type IN ('segment', 'job', 'campaign', 'scenario'));
DROP TABLE definition_names;
DROP TABLE definition_versions;
DROP TABLE definitions;
