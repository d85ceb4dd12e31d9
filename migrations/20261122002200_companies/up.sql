CREATE TABLE companies (
    workspace_id        uuid        NOT NULL,
    id                  uuid        NOT NULL,
    name                text        NOT NULL,
    registration_number text        COLLATE "C",
    vat_number          text        COLLATE "C",
    street              text,
    city                text,
    postal_code         text,
    region              text,
    country             text,
    website             text,
    email               text,
    phone               text        COLLATE "C",
    search              text        NOT NULL,
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL,
    CONSTRAINT companies_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT companies_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id)
);
CREATE INDEX companies_registration_number_idx ON companies (workspace_id, registration_number) WHERE registration_number IS NOT NULL;
COMMENT ON TABLE companies IS 'Companies that contacts, opportunities and activities are linked to (CON-15).';
COMMENT ON COLUMN companies.registration_number IS 'IČO and its like, without white space; not unique, branches share one.';
COMMENT ON COLUMN companies.search IS 'Name, numbers, e-mail, phone, website and town with case and diacritics folded.';

CREATE TABLE company_contacts (
    workspace_id uuid        NOT NULL,
    company_id   uuid        NOT NULL,
    contact_id   uuid        NOT NULL,
    role         text,
    added_at     timestamptz NOT NULL,
    CONSTRAINT company_contacts_pkey PRIMARY KEY (workspace_id, company_id, contact_id),
    CONSTRAINT company_contacts_company_fkey FOREIGN KEY (workspace_id, company_id) REFERENCES companies (workspace_id, id)
);
CREATE INDEX company_contacts_contact_idx ON company_contacts (workspace_id, contact_id, company_id);
COMMENT ON TABLE company_contacts IS
    'Which contacts belong to which company. No foreign key to contacts: writers lock the contact, purging deletes here first; a test looks for orphans.';
COMMENT ON COLUMN company_contacts.role IS 'What the contact is there, in the words of whoever linked them.';
