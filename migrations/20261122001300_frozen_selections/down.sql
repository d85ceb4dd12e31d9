DROP TABLE frozen_outcomes;
DROP TABLE frozen_contacts;
