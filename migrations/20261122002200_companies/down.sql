DROP TABLE company_contacts;
DROP TABLE companies;
