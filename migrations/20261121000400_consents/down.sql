DROP TABLE suppressions;
DROP TABLE consents;
DROP TABLE consent_evidence;
DROP TABLE consent_entries;
DROP TABLE purpose_versions;
DROP TABLE purposes;
