//! Rules of the schema, asked of PostgreSQL's catalogues: a new table is covered without being named.

use std::collections::BTreeMap;

use diesel::connection::SimpleConnection;
use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, Text};
use diesel_migrations::MigrationHarness;
use kartoteka_api::problem::codes::of_constraint;
use kartoteka_domain::contacts::fold::fold;
use kartoteka_persistence::MIGRATIONS;
use kartoteka_tests::TestDatabase;

/// The only table that is no tenant's: the list of the tenants.
const NOT_TENANT: &[&str] = &["workspaces"];

/// Unique constraints that no request can run into.
const NOT_A_CALLERS_FAULT: &[&str] = &[
    // 256 random bits
    "refresh_tokens_hash_key",
    // a chunk of the job that is there already goes on with it
    "documents_job_key",
];

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// Rows of a query with one text column called `line`.
fn lines(conn: &mut PgConnection, sql: &str) -> Vec<String> {
    let rows: Vec<Line> = diesel::sql_query(sql).load(conn).unwrap();
    rows.into_iter().map(|row| row.line).collect()
}

/// Fails with everything the query finds.
#[track_caller]
fn none(sql: &str, rule: &str) {
    let database = TestDatabase::migrated();
    let found = lines(&mut database.connection(), sql);
    let found: Vec<_> = found.iter().filter(|line| !line.starts_with("__diesel")).collect();
    assert!(found.is_empty(), "{rule}; broken by:\n{found:#?}");
}

/// Condition on `pg_class c`: tables of tenants.
fn tenant_tables() -> String {
    let others: Vec<_> = NOT_TENANT.iter().map(|name| format!("'{name}'")).collect();
    format!(
        "c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') \
         AND c.relname NOT LIKE '\\_\\_diesel%' AND c.relname NOT IN ({})",
        others.join(", ")
    )
}

#[test]
fn every_tenant_table_has_a_workspace() {
    none(
        &format!(
            "SELECT c.relname::text AS line FROM pg_class c WHERE {} AND NOT EXISTS (SELECT FROM pg_attribute a \
             WHERE a.attrelid = c.oid AND a.attname = 'workspace_id' AND a.atttypid = 'uuid'::regtype AND a.attnotnull)",
            tenant_tables()
        ),
        "a tenant table has workspace_id uuid NOT NULL",
    );
}

#[test]
fn the_workspace_leads_every_key() {
    none(
        &format!(
            "SELECT c.relname || ' ' || i.indexrelid::regclass AS line FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid \
             WHERE {} AND i.indisunique AND (SELECT a.attname FROM pg_attribute a \
               WHERE a.attrelid = c.oid AND a.attnum = i.indkey[0]) IS DISTINCT FROM 'workspace_id'",
            tenant_tables()
        ),
        "workspace_id leads every primary key and unique index",
    );
    none(
        &format!(
            "SELECT c.relname || ' ' || k.conname AS line FROM pg_class c JOIN pg_constraint k ON k.conrelid = c.oid \
             WHERE {} AND k.contype = 'f' AND ((SELECT a.attname FROM pg_attribute a \
               WHERE a.attrelid = c.oid AND a.attnum = k.conkey[1]) IS DISTINCT FROM 'workspace_id' \
               OR (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = k.confrelid AND a.attnum = k.confkey[1]) \
                  NOT IN ('workspace_id', 'id') \
               OR (k.confrelid <> 'workspaces'::regclass AND cardinality(k.conkey) < 2))",
            tenant_tables()
        ),
        "foreign keys are composite and begin with workspace_id",
    );
    none(
        &format!(
            "SELECT c.relname::text AS line FROM pg_class c WHERE {} AND NOT EXISTS \
             (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)",
            tenant_tables()
        ),
        "every table has a primary key",
    );
}

#[test]
fn every_foreign_key_has_an_index() {
    none(
        "SELECT k.conname::text AS line FROM pg_constraint k \
         WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace AND NOT EXISTS (\
           SELECT FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indpred IS NULL \
           AND (SELECT array_agg(key ORDER BY key) FROM unnest((i.indkey::int2[])[0:cardinality(k.conkey) - 1]) key) \
             = (SELECT array_agg(key ORDER BY key) FROM unnest(k.conkey) key))",
        "deleting a parent row must not read the whole child table",
    );
}

#[test]
fn nothing_happens_behind_the_statements() {
    none("SELECT tgname::text AS line FROM pg_trigger WHERE NOT tgisinternal", "no triggers");
    none(
        "SELECT conname::text AS line FROM pg_constraint WHERE connamespace = 'public'::regnamespace \
         AND contype = 'f' AND (confdeltype IN ('n', 'd') OR confupdtype <> 'a')",
        "no ON DELETE SET NULL or SET DEFAULT, no ON UPDATE",
    );
    none(
        "SELECT oid::regclass::text AS line FROM pg_class WHERE relnamespace = 'public'::regnamespace \
         AND relkind IN ('S', 'v', 'm', 'f')",
        "no sequences (ids are made by the app), views or foreign tables",
    );
    none("SELECT rulename::text AS line FROM pg_rules WHERE schemaname = 'public'", "no rules");
    none(
        "SELECT d.adrelid::regclass || ': ' || pg_get_expr(d.adbin, d.adrelid) AS line FROM pg_attrdef d \
         JOIN pg_class c ON c.oid = d.adrelid WHERE c.relnamespace = 'public'::regnamespace \
         AND c.relname NOT LIKE '\\_\\_diesel%' \
         AND pg_get_expr(d.adbin, d.adrelid) ~* '(now|timestamp|random|uuid|nextval)'",
        "time, ids and randomness come from the app",
    );
}

#[test]
fn columns_have_types_that_filters_can_use_under_row_level_security() {
    none(
        "SELECT typname::text AS line FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')",
        "no enums and domains: text with CHECK",
    );
    none(
        "SELECT c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) AS line \
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname NOT LIKE '\\_\\_diesel%' \
         AND a.attnum > 0 AND NOT a.attisdropped AND format_type(a.atttypid, a.atttypmod) NOT IN (\
           'uuid', 'text', 'text[]', 'boolean', 'smallint', 'integer', 'integer[]', 'bigint[]', 'bigint', 'double precision', \
           'timestamp with time zone', 'date', 'jsonb', 'bytea', 'uuid[]')",
        "a type that is not on the list (times are timestamptz; numeric, enums and varchar are not leakproof)",
    );
}

#[test]
fn constraints_and_indexes_are_named_by_the_convention() {
    none(
        "SELECT k.conrelid::regclass || ' ' || k.conname AS line FROM pg_constraint k \
         JOIN pg_class c ON c.oid = k.conrelid WHERE k.connamespace = 'public'::regnamespace \
         AND c.relname NOT LIKE '\\_\\_diesel%' AND k.contype <> 'n' AND NOT CASE k.contype \
           WHEN 'p' THEN k.conname = c.relname || '_pkey' \
           WHEN 'u' THEN k.conname ~ ('^' || c.relname || '_.+_key$') \
           WHEN 'f' THEN k.conname ~ ('^' || c.relname || '_.+_fkey$') \
           WHEN 'c' THEN k.conname ~ ('^' || c.relname || '_.+_check$') \
           ELSE false END",
        "table_pkey, table_…_key, table_…_fkey, table_…_check: their names become codes",
    );
    none(
        "SELECT i.indexrelid::regclass::text AS line FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid \
         JOIN pg_class c ON c.oid = i.indrelid WHERE x.relnamespace = 'public'::regnamespace \
         AND c.relname NOT LIKE '\\_\\_diesel%' AND NOT i.indisprimary AND NOT CASE WHEN i.indisunique \
           THEN x.relname ~ ('^' || c.relname || '_.+_key$') ELSE x.relname ~ ('^' || c.relname || '_.+_idx$') END",
        "table_…_key for unique indexes, table_…_idx for the others",
    );
}

#[test]
fn every_table_says_what_it_is_for() {
    none(
        "SELECT c.relname::text AS line FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace \
         AND c.relkind IN ('r', 'p') AND c.relname NOT LIKE '\\_\\_diesel%' \
         AND coalesce(length(obj_description(c.oid, 'pg_class')), 0) < 10",
        "every table has a COMMENT",
    );
}

/// A caller who writes what is there already hears a code of ours, not `internal_error`.
#[test]
fn every_unique_constraint_has_a_code() {
    let database = TestDatabase::migrated();
    let names = lines(
        &mut database.connection(),
        "SELECT x.relname::text AS line FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid \
         WHERE x.relnamespace = 'public'::regnamespace AND i.indisunique AND NOT i.indisprimary",
    );
    assert!(names.len() > 3, "{names:?}");
    let missing: Vec<_> = names
        .iter()
        .filter(|name| {
            of_constraint(name).is_none() && !NOT_A_CALLERS_FAULT.contains(&name.as_str())
        })
        .collect();
    assert!(missing.is_empty(), "give these a code in api/problem/codes.rs: {missing:?}");
}

/// Each migration up, then each down again: after every step back the schema is what it was before.
#[test]
fn every_migration_goes_back_the_way_it_came() {
    let database = TestDatabase::empty();
    let mut conn = database.connection();
    let migrations = MigrationSource::<Pg>::migrations(&MIGRATIONS).unwrap();
    assert!(!migrations.is_empty());
    diesel::migration::MigrationConnection::setup(&mut conn).unwrap();
    let mut before = Vec::new();
    for migration in &migrations {
        before.push(dump(&mut conn));
        conn.run_migration(migration).unwrap();
    }
    let complete = dump(&mut conn);
    assert!(complete.len() > 100, "the dump is too short to prove anything");
    for migration in migrations.iter().rev() {
        conn.revert_migration(migration)
            .unwrap_or_else(|error| panic!("{}: {error}", migration.name()));
        let after = dump(&mut conn);
        let expected = before.pop().unwrap();
        assert_same(&expected, &after, &migration.name().to_string());
    }
    conn.run_pending_migrations(MIGRATIONS).unwrap();
    assert_same(&complete, &dump(&mut conn), "all of them again");
}

#[track_caller]
fn assert_same(expected: &[String], found: &[String], what: &str) {
    let missing: Vec<_> = expected.iter().filter(|line| !found.contains(line)).collect();
    let extra: Vec<_> = found.iter().filter(|line| !expected.contains(line)).collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "down of {what} does not undo its up\nmissing: {missing:#?}\nleft: {extra:#?}"
    );
}

/// Everything a migration can make, a line each.
fn dump(conn: &mut PgConnection) -> Vec<String> {
    const PARTS: &[&str] = &[
        "SELECT format('table %s %s %s', c.relname, c.relpersistence, c.reloptions) AS line FROM pg_class c \
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'S', 'v', 'm')",
        "SELECT format('column %s.%s %s %s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), \
           a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attcollation, a.attstorage) AS line \
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
         LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum \
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped",
        "SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS line \
         FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
        "SELECT 'index ' || indexdef AS line FROM pg_indexes WHERE schemaname = 'public'",
        "SELECT format('function %s %s', oid::regprocedure, CASE prokind WHEN 'f' THEN pg_get_functiondef(oid) END) AS line \
         FROM pg_proc WHERE pronamespace = 'public'::regnamespace \
         AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')",
        "SELECT 'aggregate ' || aggfnoid || ' ' || aggtransfn || ' ' || coalesce(agginitval, '') AS line \
         FROM pg_aggregate JOIN pg_proc p ON p.oid = aggfnoid WHERE p.pronamespace = 'public'::regnamespace",
        "SELECT 'extension ' || extname AS line FROM pg_extension",
        "SELECT format('comment %s %s %s', pg_describe_object(classoid, objoid, objsubid), objsubid, description) AS line \
         FROM pg_description WHERE pg_describe_object(classoid, objoid, 0) !~ 'pg_|information_schema' AND objoid >= 16384",
        "SELECT 'trigger ' || tgname AS line FROM pg_trigger WHERE NOT tgisinternal",
        "SELECT format('statistics %s', stxname) AS line FROM pg_statistic_ext",
    ];
    let mut all: Vec<String> = PARTS.iter().flat_map(|sql| lines(conn, sql)).collect();
    all.retain(|line| !line.contains("__diesel"));
    all.sort();
    all
}

/// CON-4
#[test]
fn the_database_folds_letters_as_the_domain_does() {
    #[derive(QueryableByName)]
    struct Folded {
        #[diesel(sql_type = Text)]
        given: String,
        #[diesel(sql_type = Text)]
        folded: String,
    }
    let database = TestDatabase::migrated();
    let mut conn = database.connection();
    let letters = (0x09..0x0530)
        .chain(0x1E00..0x1F00)
        .chain(0x2000..0x2070)
        .filter_map(char::from_u32)
        // inside a word, at its edges, and beside what the short ways through the function look for
        .flat_map(|c| [format!("A{c}b"), format!("{c}"), format!("x {c} y{c}"), format!("Ž{c}ß")]);
    let given: Vec<String> = letters.collect();
    let rows: Vec<Folded> =
        diesel::sql_query("SELECT given, contact_fold(given) AS folded FROM unnest($1) given")
            .bind::<Array<Text>, _>(&given)
            .load(&mut conn)
            .unwrap();
    assert_eq!(rows.len(), given.len());
    let mut different = BTreeMap::new();
    for Folded { given, folded } in rows {
        let expected = fold(&given);
        if folded != expected {
            different.insert(given, (expected, folded));
        }
    }
    assert!(different.is_empty(), "text: (domain, database) {different:#?}");
}

/// Two servers that start at once may both want to migrate.
#[test]
fn migrating_from_two_sides_at_once_is_fine() {
    let database = TestDatabase::empty();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| database.pool(1).migrate().unwrap());
        }
    });
    assert!(database.pool(1).is_current().unwrap());
    database.connection().batch_execute("SELECT 1 FROM workspaces").unwrap();
}

/// CON-16: whatever a contact is made of comes back when a merge is undone.
#[test]
fn undoing_a_merge_brings_every_column_of_a_contact_back() {
    // the id is the row's own, the search text and the time of the last change are worked out
    const OTHERWISE: [&str; 4] = ["workspace_id", "id", "search", "updated_at"];
    let database = TestDatabase::migrated();
    let mut columns = lines(
        &mut database.connection(),
        "SELECT attname::text AS line FROM pg_attribute WHERE attrelid = 'contacts'::regclass \
         AND attnum > 0 AND NOT attisdropped",
    );
    columns.retain(|column| !OTHERWISE.contains(&column.as_str()));
    columns.sort();
    let mut kept = kartoteka_persistence::contacts::merges::back::COLUMNS.to_vec();
    kept.sort_unstable();
    assert_eq!(columns, kept);
}

/// CON-16: a new table of rows that name a contact is one that a merge knows what to do with.
#[test]
fn a_merge_knows_every_table_that_names_a_contact() {
    const KNOWN: &[&str] = &[
        // moved
        "activity_contacts",
        "company_contacts",
        "contact_groups",
        "contact_notes",
        "contact_owners",
        "contact_stages",
        "contact_tags",
        "coupons",
        "duplicate_rejections",
        "opportunity_contacts",
        "project_contacts",
        "runs",
        // removed, and put back by undoing
        "contact_search",
        "duplicate_pairs",
        // kept under the old id
        "consent_entries",
        "consent_evidence",
        "consent_requests",
        "consents",
        "document_contacts",
        "frozen_values",
        "import_changes",
        "import_rows",
        "import_tag_additions",
        // of a purge
        "integrity_removals",
        // of a job under way
        "duplicate_staged",
        "frozen_contacts",
    ];
    let database = TestDatabase::migrated();
    let tables = lines(
        &mut database.connection(),
        "SELECT DISTINCT c.relname::text AS line FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid \
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') \
         AND a.attname = 'contact_id' AND NOT a.attisdropped",
    );
    let unknown: Vec<_> = tables.iter().filter(|table| !KNOWN.contains(&table.as_str())).collect();
    assert!(unknown.is_empty(), "decide what merging does with rows of {unknown:?}");
}
