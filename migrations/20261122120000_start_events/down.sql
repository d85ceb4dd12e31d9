ALTER TABLE outbox_events DROP COLUMN starts_scenarios;
DROP TABLE start_events;
