COMMENT ON COLUMN frozen_contacts.seq IS 'Place in the job, from 1, in order of ids: the job goes through them in this order.';
DROP TABLE frozen_values;
ALTER TABLE frozen_outcomes DROP COLUMN before;
