//! Every table is on the lists: where a person may stand, and what an export reads.

use std::collections::BTreeSet;

use kartoteka_persistence::contacts::export::{LEFT_OUT, PARTS};
use kartoteka_persistence::erasures::places::PLACES;
use kartoteka_tests::TestApp;

fn names(app: &TestApp, sql: &str) -> BTreeSet<String> {
    let rows = app.rows(sql);
    rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

/// TRS-5: whoever adds a table says what of a person may stand there, and why it is clean after an erasure.
#[tokio::test]
async fn every_table_says_why_nothing_of_an_erased_person_is_in_it() {
    let app = TestApp::new().await;
    let tables = names(
        &app,
        "SELECT c.relname::text AS name FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' \
         AND c.relname NOT LIKE '\\_\\_diesel%'",
    );
    let listed: BTreeSet<String> = PLACES.iter().map(|(table, _)| (*table).to_owned()).collect();
    assert_eq!(listed.len(), PLACES.len(), "each table once");
    let missing: Vec<_> = tables.difference(&listed).collect();
    assert!(missing.is_empty(), "persistence/erasures/places.rs does not know {missing:?}");
    let gone: Vec<_> = listed.difference(&tables).collect();
    assert!(gone.is_empty(), "there is no table {gone:?}");
}

/// TRS-5: an export has everything that hangs on a contact, or says why not.
#[tokio::test]
async fn every_table_that_names_contacts_is_exported_or_left_out_for_a_reason() {
    let app = TestApp::new().await;
    let tables = names(
        &app,
        "SELECT DISTINCT c.relname::text AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid \
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attname IN ('contact_id', 'contact_ids') \
         AND NOT a.attisdropped",
    );
    let exported = PARTS.iter().flat_map(|part| part.tables).copied();
    let listed: BTreeSet<String> =
        exported.chain(LEFT_OUT.iter().map(|(table, _)| *table)).map(str::to_owned).collect();
    let missing: Vec<_> = tables.difference(&listed).collect();
    assert!(missing.is_empty(), "persistence/contacts/export.rs does not know {missing:?}");
}
