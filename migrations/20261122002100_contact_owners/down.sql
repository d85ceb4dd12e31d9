DROP TABLE contact_owners;
