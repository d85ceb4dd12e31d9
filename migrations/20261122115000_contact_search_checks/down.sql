DROP TABLE contact_search_checks;
