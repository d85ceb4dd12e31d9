-- Beside the decision, not in the wide staged row: writing it there costs the whole row again.
ALTER TABLE import_rows ADD COLUMN merged_into bigint;
COMMENT ON COLUMN import_rows.merged_into IS
    'The row this one was folded into, when several rows of the file share a key (IMP-11).';
COMMENT ON COLUMN import_staged.head IS
    'Where merged_into was kept before; read for imports planned then, not written any more.';
