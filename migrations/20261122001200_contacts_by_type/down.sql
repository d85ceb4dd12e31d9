DROP INDEX CONCURRENTLY contacts_type_idx;
