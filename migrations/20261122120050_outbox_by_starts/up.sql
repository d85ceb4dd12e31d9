-- what the engine of scenarios takes up, in order, between a million that are only told to others
CREATE INDEX CONCURRENTLY outbox_events_starts_scenarios_idx ON outbox_events (workspace_id, id) WHERE starts_scenarios;
