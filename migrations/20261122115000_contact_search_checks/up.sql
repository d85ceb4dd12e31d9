CREATE TABLE contact_search_checks (
    workspace_id uuid        NOT NULL,
    checked_at   timestamptz NOT NULL,
    after_id     uuid,
    CONSTRAINT contact_search_checks_pkey PRIMARY KEY (workspace_id),
    CONSTRAINT contact_search_checks_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id)
);
COMMENT ON TABLE contact_search_checks IS
    'When contact_search was last held against the contacts: once a day, in small parts, because a build that does not know it may have written beside this one (CON-4).';
COMMENT ON COLUMN contact_search_checks.checked_at IS 'When the last time began.';
COMMENT ON COLUMN contact_search_checks.after_id IS 'While it lasts: up to this contact all is right.';
