ALTER TABLE workspaces DROP COLUMN scenarios_on_owner_assigned;
