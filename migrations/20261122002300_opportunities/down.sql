DROP TABLE opportunity_contacts;
DROP TABLE opportunities;
