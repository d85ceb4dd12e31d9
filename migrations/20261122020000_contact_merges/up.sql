CREATE TABLE merges (
    workspace_id uuid        NOT NULL,
    id           uuid        NOT NULL,
    winner_id    uuid        NOT NULL,
    actor_type   text        NOT NULL,
    actor_id     uuid,
    changes      jsonb       NOT NULL,
    created_at   timestamptz NOT NULL,
    undone_at    timestamptz,
    forgotten    boolean     NOT NULL DEFAULT false,
    CONSTRAINT merges_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT merges_workspace_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT merges_actor_type_check CHECK (actor_type IN ('user', 'client', 'system')),
    CONSTRAINT merges_changes_check CHECK (jsonb_typeof(changes) = 'object')
);
CREATE INDEX merges_winner_idx ON merges (workspace_id, winner_id, id);
COMMENT ON TABLE merges IS
    'Contacts that were merged into one (CON-16), and what undoing each needs. No foreign key to contacts: who is purged leaves ids here and nothing else.';
COMMENT ON COLUMN merges.changes IS
    'What the merge changed of the winner: of each column and of each row that hangs on it [before, after]. Personal data; empty once undone or forgotten.';
COMMENT ON COLUMN merges.forgotten IS 'The winner was purged: the merge cannot be undone any more.';

CREATE TABLE merge_losers (
    workspace_id uuid    NOT NULL,
    merge_id     uuid    NOT NULL,
    loser_id     uuid    NOT NULL,
    place        integer NOT NULL,
    snapshot     jsonb,
    CONSTRAINT merge_losers_pkey PRIMARY KEY (workspace_id, merge_id, loser_id),
    CONSTRAINT merge_losers_merge_fkey FOREIGN KEY (workspace_id, merge_id) REFERENCES merges (workspace_id, id)
);
CREATE INDEX merge_losers_loser_idx ON merge_losers (workspace_id, loser_id);
COMMENT ON TABLE merge_losers IS 'Whom a merge merged into the winner, undone or not.';
COMMENT ON COLUMN merge_losers.place IS 'Place in the request, from 0: where the winner has no value, that of the first one counts.';
COMMENT ON COLUMN merge_losers.snapshot IS
    'The contact and what hung on it when it was merged. Personal data; NULL once undone or forgotten.';

CREATE TABLE contact_merges (
    workspace_id uuid NOT NULL,
    loser_id     uuid NOT NULL,
    winner_id    uuid NOT NULL,
    into_id      uuid NOT NULL,
    merge_id     uuid NOT NULL,
    CONSTRAINT contact_merges_pkey PRIMARY KEY (workspace_id, loser_id),
    CONSTRAINT contact_merges_merge_fkey FOREIGN KEY (workspace_id, merge_id) REFERENCES merges (workspace_id, id)
);
CREATE INDEX contact_merges_winner_idx ON contact_merges (workspace_id, winner_id);
CREATE INDEX contact_merges_into_idx ON contact_merges (workspace_id, into_id);
CREATE INDEX contact_merges_merge_idx ON contact_merges (workspace_id, merge_id);
COMMENT ON TABLE contact_merges IS
    'Where the id of a merged contact leads now. Its entries in the consent ledger, its evidence and what imports remember of it keep that id.';
COMMENT ON COLUMN contact_merges.winner_id IS 'The contact that is there: the end of a chain of merges.';
COMMENT ON COLUMN contact_merges.into_id IS 'The contact it was merged into, which may be merged itself by now.';

-- what a merge, or undoing it, changes of the winner's consents is an entry of the winner's
ALTER TABLE consent_entries DROP CONSTRAINT consent_entries_source_type_check;
ALTER TABLE consent_entries ADD CONSTRAINT consent_entries_source_type_check CHECK (
    source_type IN ('card', 'form', 'import', 'api', 'contact_manager', 'scenario', 'unsubscribe', 'merge'));
