DROP TABLE project_contacts;
DROP TABLE projects;
