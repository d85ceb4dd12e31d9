INSERT INTO frozen_outcomes (workspace_id, job_id, action, seq, outcome, reason, before)
SELECT o.workspace_id, o.job_id, o.action, o.seq + n, o.outcome, o.reason, o.before
FROM frozen_outcomes o CROSS JOIN LATERAL generate_series(1, o.repeats) AS n WHERE o.repeats > 0;
ALTER TABLE frozen_outcomes DROP COLUMN repeats;
COMMENT ON TABLE frozen_outcomes IS
    'What became of the contacts of a job, written in the transaction of the effect. Rows are added only. No foreign keys, as frozen_contacts.';
