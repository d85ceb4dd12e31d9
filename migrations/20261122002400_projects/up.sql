CREATE TABLE projects (
    workspace_id uuid        NOT NULL,
    id           uuid        NOT NULL,
    name         text        NOT NULL,
    state        text        NOT NULL,
    from_date    date,
    to_date      date,
    search       text        NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT projects_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT projects_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT projects_state_check CHECK (state IN ('planned', 'running', 'done', 'cancelled')),
    CONSTRAINT projects_dates_check CHECK (from_date <= to_date)
);
COMMENT ON TABLE projects IS 'Work that contacts have a part in (CON-15).';

CREATE TABLE project_contacts (
    workspace_id uuid        NOT NULL,
    project_id   uuid        NOT NULL,
    contact_id   uuid        NOT NULL,
    role         text,
    added_at     timestamptz NOT NULL,
    CONSTRAINT project_contacts_pkey PRIMARY KEY (workspace_id, project_id, contact_id),
    CONSTRAINT project_contacts_project_fkey FOREIGN KEY (workspace_id, project_id) REFERENCES projects (workspace_id, id)
);
CREATE INDEX project_contacts_contact_idx ON project_contacts (workspace_id, contact_id, project_id);
COMMENT ON TABLE project_contacts IS 'Which contacts have a part in which project; as company_contacts.';
