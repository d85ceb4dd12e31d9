CREATE TABLE opportunities (
    workspace_id        uuid        NOT NULL,
    id                  uuid        NOT NULL,
    name                text        NOT NULL,
    company_id          uuid,
    stage               text,
    state               text        NOT NULL,
    value               bigint,
    currency            text,
    expected_close_date date,
    search              text        NOT NULL,
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL,
    CONSTRAINT opportunities_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT opportunities_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT opportunities_company_fkey FOREIGN KEY (workspace_id, company_id) REFERENCES companies (workspace_id, id),
    CONSTRAINT opportunities_state_check CHECK (state IN ('open', 'won', 'lost')),
    CONSTRAINT opportunities_value_check CHECK (value IS NULL OR currency IS NOT NULL)
);
CREATE INDEX opportunities_company_idx ON opportunities (workspace_id, company_id);
COMMENT ON TABLE opportunities IS 'Business that may come about (CON-15).';
COMMENT ON COLUMN opportunities.value IS 'In minor units of the currency: 12,50 CZK is 1250.';
COMMENT ON COLUMN opportunities.stage IS 'Where it stands, in words of the workspace; state says how it ended.';

CREATE TABLE opportunity_contacts (
    workspace_id   uuid        NOT NULL,
    opportunity_id uuid        NOT NULL,
    contact_id     uuid        NOT NULL,
    role           text,
    added_at       timestamptz NOT NULL,
    CONSTRAINT opportunity_contacts_pkey PRIMARY KEY (workspace_id, opportunity_id, contact_id),
    CONSTRAINT opportunity_contacts_opportunity_fkey FOREIGN KEY (workspace_id, opportunity_id) REFERENCES opportunities (workspace_id, id)
);
CREATE INDEX opportunity_contacts_contact_idx ON opportunity_contacts (workspace_id, contact_id, opportunity_id);
COMMENT ON TABLE opportunity_contacts IS 'Which contacts have to do with which opportunity; as company_contacts.';
