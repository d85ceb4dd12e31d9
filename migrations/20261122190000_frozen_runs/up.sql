-- A constant default rewrites nothing, and is right for the rows that are there.
ALTER TABLE frozen_outcomes ADD COLUMN repeats bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT frozen_outcomes_repeats_check CHECK (repeats BETWEEN 0 AND 9999);
COMMENT ON TABLE frozen_outcomes IS
    'What became of the contacts of a job, written in the transaction of the effect: a row for each run of neighbours that ended the same. Rows are added only. No foreign keys, as frozen_contacts.';
COMMENT ON COLUMN frozen_outcomes.repeats IS
    'At how many places behind seq the action ended the same: most of a chunk does. Runs of an action do not overlap; as none is longer than the check says, the one around a place is found by the key.';
