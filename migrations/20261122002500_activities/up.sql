CREATE TABLE activities (
    workspace_id   uuid        NOT NULL,
    id             uuid        NOT NULL,
    type           text        NOT NULL,
    subject        text        NOT NULL,
    text           text,
    at             timestamptz NOT NULL,
    starts_at      timestamptz,
    due_at         timestamptz,
    done_at        timestamptz,
    result         text,
    author_type    text        NOT NULL,
    author_id      uuid,
    company_id     uuid,
    opportunity_id uuid,
    project_id     uuid,
    search         text        NOT NULL,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    CONSTRAINT activities_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT activities_company_fkey FOREIGN KEY (workspace_id, company_id) REFERENCES companies (workspace_id, id),
    CONSTRAINT activities_opportunity_fkey FOREIGN KEY (workspace_id, opportunity_id) REFERENCES opportunities (workspace_id, id),
    CONSTRAINT activities_project_fkey FOREIGN KEY (workspace_id, project_id) REFERENCES projects (workspace_id, id),
    CONSTRAINT activities_type_check CHECK (type IN ('call', 'meeting', 'task', 'letter', 'email')),
    CONSTRAINT activities_author_type_check CHECK (author_type IN ('user', 'client', 'system'))
);
CREATE INDEX activities_at_idx ON activities (workspace_id, at, id);
CREATE INDEX activities_author_idx ON activities (workspace_id, author_id, at, id);
CREATE INDEX activities_company_idx ON activities (workspace_id, company_id);
CREATE INDEX activities_opportunity_idx ON activities (workspace_id, opportunity_id);
CREATE INDEX activities_project_idx ON activities (workspace_id, project_id);
COMMENT ON TABLE activities IS 'Calls, meetings, tasks, letters and e-mails, done or planned (CON-14).';
COMMENT ON COLUMN activities.at IS 'The instant it is listed at: its start, else when it is due, else when it was done, else when it was made.';
COMMENT ON COLUMN activities.result IS 'What came of it, in words of the workspace.';
COMMENT ON COLUMN activities.search IS 'Subject and result with case and diacritics folded.';

CREATE TABLE activity_contacts (
    workspace_id uuid NOT NULL,
    activity_id  uuid NOT NULL,
    contact_id   uuid NOT NULL,
    CONSTRAINT activity_contacts_pkey PRIMARY KEY (workspace_id, activity_id, contact_id),
    CONSTRAINT activity_contacts_activity_fkey FOREIGN KEY (workspace_id, activity_id) REFERENCES activities (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX activity_contacts_contact_idx ON activity_contacts (workspace_id, contact_id, activity_id);
COMMENT ON TABLE activity_contacts IS
    'Whom an activity is about. No foreign key to contacts: writers lock the contact, purging deletes here first; a test looks for orphans.';
