CREATE TABLE frozen_contacts (
    workspace_id uuid   NOT NULL,
    job_id       uuid   NOT NULL,
    seq          bigint NOT NULL,
    contact_id   uuid   NOT NULL,
    CONSTRAINT frozen_contacts_pkey PRIMARY KEY (workspace_id, job_id, seq)
);
COMMENT ON TABLE frozen_contacts IS
    'Contacts a job works on, as its selection meant them when it began: whoever comes to fit later is not among them. No foreign keys: written by the million, and the id of a contact that was purged since stays, as that of a job that met it.';
COMMENT ON COLUMN frozen_contacts.seq IS 'Place in the job, from 1, in order of ids: the job goes through them in this order.';

CREATE TABLE frozen_outcomes (
    workspace_id uuid   NOT NULL,
    job_id       uuid   NOT NULL,
    action       text   COLLATE "C" NOT NULL,
    seq          bigint NOT NULL,
    outcome      text   COLLATE "C" NOT NULL,
    reason       text   COLLATE "C",
    CONSTRAINT frozen_outcomes_pkey PRIMARY KEY (workspace_id, job_id, action, seq),
    CONSTRAINT frozen_outcomes_outcome_check CHECK (outcome IN ('applied', 'unchanged', 'skipped')),
    CONSTRAINT frozen_outcomes_reason_check CHECK ((outcome = 'skipped') = (reason IS NOT NULL))
);
CREATE INDEX frozen_outcomes_outcome_idx ON frozen_outcomes (workspace_id, job_id, action, outcome, seq);
COMMENT ON TABLE frozen_outcomes IS
    'What became of the contacts of a job, written in the transaction of the effect. Rows are added only. No foreign keys, as frozen_contacts.';
COMMENT ON COLUMN frozen_outcomes.action IS 'What was done: one job may do several things with each contact.';
COMMENT ON COLUMN frozen_outcomes.reason IS 'Why a contact was skipped.';
