DROP TABLE document_contacts;
DROP TABLE documents;
