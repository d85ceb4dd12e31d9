ALTER TABLE frozen_outcomes ADD COLUMN before jsonb;
COMMENT ON COLUMN frozen_contacts.seq IS 'Place in the job, from 1: the job goes through them in this order. Jobs that change contacts take them from all over in each chunk.';
COMMENT ON COLUMN frozen_outcomes.before IS
    'What undoing needs, where it does not follow from the outcome: numbers and words before, ids of what was made or removed. Never personal data: a purge does not look here.';

CREATE TABLE frozen_values (
    workspace_id uuid  NOT NULL,
    contact_id   uuid  NOT NULL,
    job_id       uuid  NOT NULL,
    action       text  COLLATE "C" NOT NULL,
    value        jsonb NOT NULL,
    CONSTRAINT frozen_values_pkey PRIMARY KEY (workspace_id, contact_id, job_id, action)
);
CREATE INDEX frozen_values_job_idx ON frozen_values (workspace_id, job_id);
COMMENT ON TABLE frozen_values IS
    'Values of contacts that an action wrote over, for undoing it: personal data, so it is beside the outcomes and goes with the contact. No foreign keys, as frozen_contacts.';
