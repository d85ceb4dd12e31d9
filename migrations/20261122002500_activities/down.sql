DROP TABLE activity_contacts;
DROP TABLE activities;
