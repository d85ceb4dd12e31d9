DROP TABLE contact_search_lag;
DROP TABLE contact_search;
DROP EXTENSION btree_gin;
DROP EXTENSION pg_trgm;
