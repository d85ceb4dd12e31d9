COMMENT ON COLUMN import_staged.head IS 'The row this one was folded into, when several rows of the file share a key (IMP-11).';
ALTER TABLE import_rows DROP COLUMN merged_into;
