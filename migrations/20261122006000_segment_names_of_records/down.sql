DELETE FROM segment_names WHERE kind IN ('owner', 'company', 'opportunity', 'project');
COMMENT ON COLUMN segment_names.name IS NULL;
ALTER TABLE segment_names DROP CONSTRAINT segment_names_kind_check;
ALTER TABLE segment_names ADD CONSTRAINT segment_names_kind_check CHECK (kind IN ('tag', 'purpose', 'detail', 'group', 'type'));
