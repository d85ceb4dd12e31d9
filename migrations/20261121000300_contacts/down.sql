DROP TABLE contact_tags;
DROP TABLE tags;
DROP TABLE contacts;
