//! Harm done to the seals themselves.

use kartoteka_app::integrity::{Key, seal};
use kartoteka_tests::TestApp;
use serde_json::Value;

use super::{consenting, fault, faults, sealed, stream, verified};

/// Five seals over the ledger.
async fn base(app: &TestApp) {
    for n in 0..5 {
        consenting(app, &format!("n{n}@example.com"), 2).await;
        sealed(app).await;
    }
    let standing = verified(app).await;
    assert_eq!(standing.json["state"], "intact", "{standing:?}");
    assert!(stream(&standing, "consents")["seals"].as_i64() >= Some(5), "{standing:?}");
}

/// The kinds of faults in the ledger's chain.
async fn kinds(app: &TestApp) -> Vec<String> {
    let found = faults(app).await;
    assert!(found.iter().all(|(of, _, _)| of == "consents"), "{found:?}");
    found.into_iter().map(|(_, kind, _)| kind).collect()
}

/// CNS-5: every column of a seal and of the end of the chain, by the catalogue.
#[tokio::test]
async fn any_column_of_a_seal_that_changes_is_found() {
    let app = TestApp::new().await;
    base(&app).await;
    for (table, which, free) in [
        ("integrity_seals", "stream = 'consents' AND seq = 3", &[][..]),
        // where to look next, and when it was looked: no part of what is signed
        ("integrity_heads", "stream = 'consents'", &["frontier", "sealed_at", "looked_at"]),
    ] {
        for check in app.rows(&format!(
            "SELECT conname::text AS name FROM pg_constraint WHERE conrelid = '{table}'::regclass AND contype IN ('c', 'f')"
        )) {
            app.execute(&format!("ALTER TABLE {table} DROP CONSTRAINT {}", check["name"]));
        }
        app.execute(&format!(
            "CREATE TABLE kept AS SELECT * FROM {table} WHERE stream = 'consents'"
        ));
        let columns = app.rows(&format!(
            "SELECT attname::text AS name, format_type(atttypid, -1) AS type FROM pg_attribute \
             WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        ));
        for row in columns {
            let column = row["name"].as_str().unwrap();
            if free.contains(&column) {
                continue;
            }
            let other = match row["type"].as_str().unwrap() {
                "uuid" => "gen_random_uuid()".to_owned(),
                "text" => format!("{column} || 'x'"),
                "bigint" => format!("{column} + 1000"),
                "timestamp with time zone" => format!("{column} - interval '1 microsecond'"),
                // one bit
                "bytea" => format!("set_bit({column}, 3, 1 - get_bit({column}, 3))"),
                kind => panic!("{column} is {kind}"),
            };
            app.execute(&format!("UPDATE {table} SET {column} = {other} WHERE {which}"));
            let found = faults(&app).await;
            assert!(!found.is_empty(), "{table}.{column}");
            // the trail, which grows with every verification, stays
            app.execute(&format!("DELETE FROM {table} WHERE stream NOT IN ('audit', 'removals')"));
            app.execute(&format!("INSERT INTO {table} SELECT * FROM kept"));
        }
        app.execute("DROP TABLE kept");
    }
}

/// CNS-5: seals in the middle and at the end.
#[tokio::test]
async fn seals_that_are_taken_out_are_missed() {
    let app = TestApp::new().await;
    base(&app).await;
    app.execute("CREATE TABLE kept AS SELECT * FROM integrity_seals WHERE stream = 'consents'");
    let last = app.count("SELECT max(seq) AS n FROM integrity_seals WHERE stream = 'consents'");
    for (which, missing) in
        [("seq = 3", 1), ("seq IN (2, 3)", 2), (&format!("seq = {last}")[..], 1)]
    {
        app.execute(&format!("DELETE FROM integrity_seals WHERE stream = 'consents' AND {which}"));
        let found = kinds(&app).await;
        assert_eq!(found, vec!["seal_missing"; missing], "{which}");
        app.execute("DELETE FROM integrity_seals WHERE stream = 'consents'");
        app.execute("INSERT INTO integrity_seals SELECT * FROM kept");
    }
    app.execute("DELETE FROM integrity_seals WHERE stream = 'consents'");
    assert_eq!(kinds(&app).await.len(), usize::try_from(last).unwrap());
}

/// CNS-5: an end of the chain of before, put back with its signature, does not stop a verification.
#[tokio::test]
async fn an_end_that_is_put_back_is_found() {
    let app = TestApp::new().await;
    base(&app).await;
    app.execute("CREATE TABLE kept AS SELECT * FROM integrity_heads WHERE stream = 'consents'");
    consenting(&app, "late@example.com", 2).await;
    sealed(&app).await;
    app.execute("DELETE FROM integrity_heads WHERE stream = 'consents'");
    app.execute("INSERT INTO integrity_heads SELECT * FROM kept");
    assert_eq!(kinds(&app).await, ["seal_broken"]);
    // and all of the end with it: what it sealed is sealed anew, later, and the chain is another than the one kept
    let before = app.rows("SELECT encode(hash, 'hex') AS hash FROM integrity_seals WHERE stream = 'consents' ORDER BY seq DESC LIMIT 1");
    app.execute(
        "DELETE FROM integrity_seals s USING kept k WHERE s.stream = 'consents' AND s.seq > k.seq",
    );
    app.execute("UPDATE consent_entries SET action = 'grant' WHERE at = (SELECT max(at) FROM consent_entries)");
    let standing = verified(&app).await;
    assert_eq!(standing.json["state"], "intact");
    assert_ne!(stream(&standing, "consents")["head"], before[0]["hash"]);
}

/// CNS-5: who has the database alone can hash, but not sign.
#[tokio::test]
async fn seals_cannot_be_made_without_the_key() {
    let app = TestApp::new().await;
    base(&app).await;
    let (db, workspace) = (app.db().clone(), app.home().id);
    app.execute("DELETE FROM integrity_seals");
    app.execute("DELETE FROM integrity_heads");
    app.execute("UPDATE consent_entries SET action = 'grant'");
    let forged = tokio::task::spawn_blocking(move || {
        seal::seal_workspace(&db, workspace, &Key::of(b"a guess"), chrono::Utc::now())
    });
    assert!(forged.await.unwrap().unwrap() > 0);
    let found = faults(&app).await;
    assert!(
        !found.is_empty() && found.iter().all(|(_, kind, _)| kind == "seal_broken"),
        "{found:?}"
    );
    // and nothing is built on what was made up
    let seals = app.count("SELECT count(*) AS n FROM integrity_seals");
    consenting(&app, "late@example.com", 1).await;
    assert!(!faults(&app).await.is_empty());
    assert_eq!(app.count("SELECT count(*) AS n FROM integrity_seals"), seals);
}

/// CNS-5: a dump that is restored on a server that counts its transactions from below goes on behind what is
/// sealed.
#[tokio::test]
async fn a_base_that_moves_to_another_server_stays_intact() {
    let app = TestApp::new().await;
    let far = "txid_current() + 3000000000::bigint";
    for table in ["consent_entries", "audit_entries", "integrity_removals"] {
        app.execute(&format!("ALTER TABLE {table} ALTER COLUMN txn SET DEFAULT {far}"));
    }
    let id = consenting(&app, "jana@example.com", 2).await;
    sealed(&app).await;
    assert_eq!(faults(&app).await, []);
    sealed(&app).await;
    // what the new server has
    for table in ["consent_entries", "audit_entries", "integrity_removals"] {
        app.execute(&format!("ALTER TABLE {table} ALTER COLUMN txn SET DEFAULT txid_current()"));
    }
    let db = app.db().clone();
    tokio::task::spawn_blocking(move || seal::align(&db)).await.unwrap().unwrap();
    consenting(&app, "eva@example.com", 2).await;
    app.delete(format!("/contacts/{id}")).await.expect(204);
    app.delete(format!("/trash/{id}")).await.expect(204);
    sealed(&app).await;
    let standing = verified(&app).await;
    assert_eq!(standing.json["state"], "intact", "{standing:?}");
    assert_eq!(stream(&standing, "consents")["rows"], 4);
    app.execute("UPDATE consent_entries SET action = 'withdraw' WHERE action = 'grant'");
    let id = app.rows("SELECT id FROM consent_entries ORDER BY id LIMIT 1")[0]["id"].clone();
    assert_eq!(faults(&app).await, [fault("consents", "changed", &id)]);
    assert_ne!(id, Value::Null);
}
