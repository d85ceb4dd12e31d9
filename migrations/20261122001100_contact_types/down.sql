COMMENT ON COLUMN contacts.type_id IS NULL;
UPDATE contacts SET type_id = NULL WHERE type_id IS NOT NULL;
DROP TABLE contact_types;
