ALTER TABLE workspaces ADD COLUMN scenarios_on_owner_assigned boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN workspaces.scenarios_on_owner_assigned IS
    'Whether an owner whom the contact manager assigns starts what hangs on it (MGR-G); one assigned by hand always does.';
