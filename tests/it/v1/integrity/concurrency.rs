//! Sealing while others write.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use diesel::connection::SimpleConnection;
use kartoteka_app::clock::Clock;
use kartoteka_app::integrity::{Key, seal};
use kartoteka_tests::TestApp;
use serde_json::json;

use super::{consenting, entries_at_once, faults, sealed, stream, verified};

/// An entry of the ledger past the API.
fn entry(app: &TestApp) -> String {
    format!(
        "INSERT INTO consent_entries (workspace_id, contact_id, purpose_id, id, action, at, actor_type, source_type, \
           legal_basis, wording_version) \
         SELECT p.workspace_id, gen_random_uuid(), p.id, gen_random_uuid(), 'grant', now(), 'system', 'import', 'consent', 1 \
         FROM purposes p WHERE p.name = 'email_basic' AND p.workspace_id = '{}'",
        app.home().id
    )
}

/// CNS-5: who began early and commits late is sealed afterwards, not taken for somebody who put something in.
#[tokio::test]
async fn a_transaction_that_ends_late_is_no_fault() {
    let app = TestApp::new().await;
    entries_at_once(&app, 10);
    sealed(&app).await;
    let mut slow = app.connection();
    slow.batch_execute("BEGIN").unwrap();
    slow.batch_execute(&entry(&app)).unwrap();
    entries_at_once(&app, 10);
    // newer rows wait for the old transaction
    assert_eq!(faults(&app).await, []);
    assert_eq!(stream(&verified(&app).await, "consents")["rows"], 10);
    slow.batch_execute(&entry(&app)).unwrap();
    slow.batch_execute("COMMIT").unwrap();
    assert_eq!(faults(&app).await, []);
    sealed(&app).await;
    let standing = verified(&app).await;
    assert_eq!(standing.json["state"], "intact");
    assert_eq!(stream(&standing, "consents")["verified"]["rows"], 22);
    // what is rolled back leaves no trace
    slow.batch_execute(&format!("BEGIN; {}; ROLLBACK", entry(&app))).unwrap();
    sealed(&app).await;
    assert_eq!(faults(&app).await, []);
}

/// CNS-5: writers of all kinds, two who seal without a pause, and purges meanwhile: nothing is sealed twice, left
/// out or taken for a fault.
#[tokio::test(flavor = "multi_thread")]
async fn sealing_beside_writers_loses_and_doubles_nothing() {
    let app = TestApp::new().await;
    let gone = consenting(&app, "gone@example.com", 3).await;
    app.delete(format!("/contacts/{gone}")).await.expect(204);
    let stop = Arc::new(AtomicBool::new(false));
    let pool = app.database().pool(2);
    let sealers: Vec<_> = (0..2)
        .map(|_| {
            let (db, workspace, stop) = (pool.clone(), app.home().id, Arc::clone(&stop));
            let (key, clock) = (Key::of(&app.settings().secret), app.clock().clone());
            std::thread::spawn(move || {
                let mut rounds = 0;
                while !stop.load(Ordering::Relaxed) {
                    seal::seal_workspace(&db, workspace, &key, clock.now()).unwrap();
                    rounds += 1;
                }
                rounds
            })
        })
        .collect();
    let writers: Vec<_> = (0..4)
        .map(|n| {
            let (mut conn, entry) = (app.connection(), entry(&app));
            std::thread::spawn(move || {
                for round in 0..40 {
                    // some keep their transaction open over several statements, some give up
                    let end = if (n + round) % 5 == 0 { "ROLLBACK" } else { "COMMIT" };
                    conn.batch_execute("BEGIN").unwrap();
                    for _ in 0..=(round % (n + 2)) {
                        conn.batch_execute(&entry).unwrap();
                    }
                    conn.batch_execute(end).unwrap();
                }
            })
        })
        .collect();
    let list: String = (0..300).map(|n| format!("n{n}@example.com,yes\n")).collect();
    let options = json!({ "mapping": { "columns": [
        { "index": 0, "target": "email" }, { "index": 1, "target": "consent:email_basic" } ] } });
    let import = app.import(format!("e,k\n{list}"), &options).await;
    assert_eq!(import.json["summary"]["created"], 300);
    app.delete(format!("/trash/{gone}")).await.expect(204);
    let standing = verified(&app).await;
    assert_eq!(standing.json["state"], "intact", "{standing:?}");
    for writer in writers {
        writer.join().unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    for sealer in sealers {
        assert!(sealer.join().unwrap() > 1);
    }
    sealed(&app).await;
    let standing = verified(&app).await;
    assert_eq!(standing.json["state"], "intact", "{standing:?}");
    let there = app.count("SELECT count(*) AS n FROM consent_entries");
    assert_eq!(stream(&standing, "consents")["verified"]["rows"], there);
    let audit = app.count("SELECT count(*) AS n FROM audit_entries");
    assert!(stream(&standing, "audit")["rows"].as_i64() >= Some(audit - 1));
}
