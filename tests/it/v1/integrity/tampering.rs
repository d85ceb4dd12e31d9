//! Harm done past the program, by somebody who can write into the database.

use kartoteka_tests::TestApp;
use serde_json::{Value, json};

use super::{consenting, fault, faults, sealed};

/// Columns of a table with their types.
fn columns(app: &TestApp, table: &str) -> Vec<(String, String)> {
    let rows = app.rows(&format!(
        "SELECT attname::text AS name, format_type(atttypid, -1) AS type FROM pg_attribute \
         WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    ));
    let word = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    rows.iter().map(|row| (word(row, "name"), word(row, "type"))).collect()
}

/// Another value than the column has.
fn another(column: &str, kind: &str) -> String {
    match kind {
        "uuid" => "gen_random_uuid()".to_owned(),
        "text" => format!("coalesce({column}, '') || 'x'"),
        "bigint" | "integer" => format!("{column} + 1"),
        "timestamp with time zone" => format!("{column} - interval '1 microsecond'"),
        "jsonb" => "'{\"x\": 1}'".to_owned(),
        "bytea" => format!("{column} || '\\x00'"),
        other => panic!("{column} is {other}: say how another value is made"),
    }
}

/// Lets any value into a table.
fn open(app: &TestApp, table: &str) {
    let checks = app.rows(&format!(
        "SELECT conname::text AS name FROM pg_constraint WHERE conrelid = '{table}'::regclass AND contype = 'c'"
    ));
    for check in checks {
        app.execute(&format!("ALTER TABLE {table} DROP CONSTRAINT {}", check["name"]));
    }
}

/// A base with some rows in every chain, and all sealed; ids of a contact and of one that is purged.
async fn base(app: &TestApp) -> String {
    let kept = consenting(app, "kept@example.com", 3).await;
    let gone = consenting(app, "gone@example.com", 2).await;
    sealed(app).await;
    app.delete(format!("/contacts/{gone}")).await.expect(204);
    app.delete(format!("/trash/{gone}")).await.expect(204);
    sealed(app).await;
    assert_eq!(faults(app).await, []);
    // the line of the verification itself
    sealed(app).await;
    kept
}

/// CNS-5: every column of every sealed table, by the catalogue: one that comes to it later is not forgotten.
#[tokio::test]
async fn any_column_of_any_sealed_row_that_changes_is_found() {
    let app = TestApp::new().await;
    base(&app).await;
    for (stream, table, keys) in [
        (
            "consents",
            "consent_entries",
            &["workspace_id", "contact_id", "purpose_id", "id", "txn"][..],
        ),
        ("audit", "audit_entries", &["workspace_id", "id", "txn"]),
        ("removals", "integrity_removals", &["workspace_id", "contact_id", "leaf", "txn"]),
    ] {
        open(&app, table);
        let columns = columns(&app, table);
        assert!(columns.len() >= 5, "{columns:?}");
        for (column, kind) in columns {
            app.execute(&format!("CREATE TABLE was AS SELECT * FROM {table} ORDER BY txn LIMIT 1"));
            app.execute("CREATE TABLE is_now AS SELECT * FROM was");
            app.execute(&format!("UPDATE is_now SET {column} = {}", another(&column, &kind)));
            replace(&app, table, "was", "is_now");
            let id = app.rows("SELECT to_jsonb(was) AS it FROM was")[0]["it"].clone();
            let id = id.get("id").unwrap_or(&id["contact_id"]);
            let found = faults(&app).await;
            let of_it: Vec<_> = found.iter().filter(|(of, _, _)| of == stream).collect();
            assert!(!of_it.is_empty(), "{table}.{column}: {found:?}");
            if !keys.contains(&column.as_str()) {
                assert_eq!(of_it, [&fault(stream, "changed", id)], "{table}.{column}");
            }
            replace(&app, table, "is_now", "was");
            app.execute("DROP TABLE was, is_now");
        }
        assert_eq!(faults(&app).await, []);
    }
}

/// Takes the row in `one` out of a table and puts that in `other` in.
fn replace(app: &TestApp, table: &str, one: &str, other: &str) {
    let gone = app
        .execute(&format!("DELETE FROM {table} t USING {one} o WHERE to_jsonb(t) = to_jsonb(o)"));
    assert_eq!(gone, 1);
    app.execute(&format!("INSERT INTO {table} SELECT * FROM {other}"));
}

/// CNS-5
#[tokio::test]
async fn a_row_that_is_taken_away_or_put_in_is_found() {
    let app = TestApp::new().await;
    let kept = base(&app).await;
    for (stream, table) in [("consents", "consent_entries"), ("audit", "audit_entries")] {
        let first = format!("(SELECT ctid FROM {table} ORDER BY txn LIMIT 1)");
        app.execute(&format!(
            "CREATE TABLE one_{table} AS SELECT * FROM {table} WHERE ctid = {first}"
        ));
        app.execute(&format!("DELETE FROM {table} WHERE ctid = {first}"));
        assert_eq!(faults(&app).await, [fault(stream, "missing", &Value::Null)]);
        // the same again under another id, where all is sealed
        app.execute(&format!("INSERT INTO {table} SELECT * FROM one_{table}"));
        app.execute(&format!("UPDATE one_{table} SET id = gen_random_uuid()"));
        app.execute(&format!("INSERT INTO {table} SELECT * FROM one_{table}"));
        let id = app.rows(&format!("SELECT id FROM one_{table}"))[0]["id"].clone();
        assert_eq!(faults(&app).await, [fault(stream, "added", &id)]);
        app.execute(&format!("DELETE FROM {table} WHERE id = '{}'", id.as_str().unwrap()));
        assert_eq!(faults(&app).await, []);
    }
    // behind the last seal, with a number of which all was sealed
    let head = "SELECT max(frontier) AS n FROM integrity_heads WHERE stream = 'consents'";
    app.execute(&format!(
        "INSERT INTO consent_entries SELECT (jsonb_populate_record(e, jsonb_build_object('id', gen_random_uuid(), \
           'txn', {}))).* FROM consent_entries e WHERE contact_id = '{kept}' LIMIT 1",
        app.count(head) - 1
    ));
    let found = faults(&app).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].0.as_str(), found[0].1.as_str()), ("consents", "added"));
}

/// CNS-5: what two rows say cannot change places.
#[tokio::test]
async fn rows_that_change_places_are_found() {
    let app = TestApp::new().await;
    let kept = base(&app).await;
    let ids = app.rows(&format!(
        "SELECT id FROM consent_entries WHERE contact_id = '{kept}' ORDER BY id LIMIT 2"
    ));
    let (one, other) = (quoted(&ids[0]["id"]), quoted(&ids[1]["id"]));
    let changed = app.execute(&format!(
        "UPDATE consent_entries e SET action = o.action, at = o.at FROM consent_entries o \
         WHERE (e.id = {one} AND o.id = {other}) OR (e.id = {other} AND o.id = {one})"
    ));
    assert_eq!(changed, 2);
    let found = faults(&app).await;
    let kinds: Vec<_> =
        found.iter().map(|(stream, kind, _)| (stream.as_str(), kind.as_str())).collect();
    assert_eq!(kinds, [("consents", "changed"), ("consents", "changed")]);
}

/// CNS-5: nobody can take out single entries under the name of a purge.
#[tokio::test]
async fn a_forged_removal_is_found() {
    let app = TestApp::new().await;
    let kept = base(&app).await;
    let proof = app.get(format!("/contacts/{kept}/consents/proof")).await.expect(200);
    let entry = &proof.json["entries"][1];
    assert_eq!(entry["action"], "withdraw");
    let hash = entry["hash"].as_str().unwrap();
    app.execute(&format!("DELETE FROM consent_entries WHERE id = {}", quoted(&entry["id"])));
    app.execute(&format!(
        "INSERT INTO integrity_removals (workspace_id, leaf, contact_id, removed_at) \
         VALUES ('{}', '\\x{hash}', '{kept}', now())",
        app.home().id
    ));
    assert_eq!(faults(&app).await, [fault("consents", "removal_forged", &json!(kept))]);
}

fn quoted(value: &Value) -> String {
    format!("'{}'", value.as_str().unwrap())
}

/// CNS-5: a wording cannot be another afterwards.
#[tokio::test]
async fn a_wording_that_changes_is_found() {
    let app = TestApp::new().await;
    base(&app).await;
    app.execute("UPDATE purpose_versions SET wording = 'I agree to everything.'");
    let found = faults(&app).await;
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(
        found
            .iter()
            .all(|(stream, kind, _)| (stream.as_str(), kind.as_str()) == ("consents", "changed"))
    );
}
