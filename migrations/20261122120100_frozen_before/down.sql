DROP TABLE frozen_values;
ALTER TABLE frozen_outcomes DROP COLUMN before;
