DROP TABLE workspace_usage;
DROP TABLE workspaces;
