DROP TABLE contact_groups;
DROP TABLE groups;
