DELETE FROM segment_names WHERE kind = 'funnel_stage';
ALTER TABLE segment_names DROP CONSTRAINT segment_names_kind_check;
ALTER TABLE segment_names ADD CONSTRAINT segment_names_kind_check CHECK (
    kind IN ('tag', 'purpose', 'detail', 'group', 'type', 'owner', 'company', 'opportunity', 'project'));
DROP TABLE contact_stages;
DROP TABLE funnel_stages;
DROP TABLE funnels;
