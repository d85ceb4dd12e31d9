CREATE TABLE start_events (
    workspace_id    uuid    NOT NULL,
    definition_type text    COLLATE "C" NOT NULL,
    definition_id   uuid    NOT NULL,
    place           integer NOT NULL,
    event           text    COLLATE "C" NOT NULL,
    params          jsonb   NOT NULL DEFAULT '{}',
    CONSTRAINT start_events_pkey PRIMARY KEY (workspace_id, definition_type, definition_id, place),
    CONSTRAINT start_events_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT start_events_definition_type_check CHECK (definition_type IN ('rule', 'scenario')),
    CONSTRAINT start_events_params_check CHECK (jsonb_typeof(params) = 'object')
);
-- asked for whenever something happens that may start a scenario
CREATE INDEX start_events_event_idx ON start_events (workspace_id, event);
COMMENT ON TABLE start_events IS
    'What starts the enabled rules and scenarios (SCN-4), unfolded from their definitions and written with them: what nothing starts with is not kept in the outbox for it.';
COMMENT ON COLUMN start_events.place IS 'Which of the start events of its definition, from 0.';
COMMENT ON COLUMN start_events.event IS 'Word of the event, as in outbox_events.type.';
COMMENT ON COLUMN start_events.params IS 'What the event must be about, such as {"stage_id": …}; empty for any.';

ALTER TABLE outbox_events ADD COLUMN starts_scenarios boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN outbox_events.starts_scenarios IS 'Whether rules and scenarios that wait for it may start by it.';
