//! Tests of `POST /workspace/integrity/verify` and `GET /workspace/integrity`.

use kartoteka_app::clock::Clock;
use kartoteka_app::integrity::{Key, seal};
use kartoteka_tests::TestApp;
use serde_json::{Value, json};

use super::{consenting, entries_at_once, fault, faults, sealed, stream, verified};

/// CNS-5: what the program wrote itself is intact, in whatever way it was written.
#[tokio::test]
async fn what_nobody_touched_is_intact() {
    let app = TestApp::new().await;
    let before = app.get("/workspace/integrity").await.expect(200);
    assert_eq!(before.json["state"], "never_verified");
    assert_eq!(stream(&before, "consents")["head"], Value::Null);
    consenting(&app, "jana@example.com", 3).await;
    let list: String = (0..50).map(|n| format!("n{n}@example.com,yes\n")).collect();
    let options = json!({ "mapping": { "columns": [
        { "index": 0, "target": "email" }, { "index": 1, "target": "consent:email_basic" } ] } });
    let import = app.import(format!("e,k\n{list}"), &options).await;
    assert_eq!(import.json["summary"]["created"], 50);
    app.post(format!("/imports/{}/revert", import.id())).await.expect(202);
    app.run_jobs().await;
    let entries = app.count("SELECT count(*) AS n FROM consent_entries");
    assert!(entries >= 53, "{entries}");
    sealed(&app).await;
    let standing = verified(&app).await;
    assert_eq!(standing.json["state"], "intact", "{standing:?}");
    let consents = stream(&standing, "consents");
    assert_eq!(consents["rows"], entries);
    assert_eq!(consents["verified"]["rows"], entries);
    assert_eq!(consents["verified"]["faults"], 0);
    assert_eq!(consents["head"].as_str().unwrap().len(), 64);
    assert!(stream(&standing, "audit")["verified"]["rows"].as_i64() > Some(0));
    assert_eq!(stream(&standing, "removals")["seals"], 0);
    let trail = app.get("/audit?action=integrity.verify").await.expect(200);
    assert_eq!(trail.data().len(), 1);
    // nothing is sealed twice
    let head = consents["head"].clone();
    assert_eq!(stream(&verified(&app).await, "consents")["head"], head);
}

/// CNS-5: one at a time, for administrators.
#[tokio::test]
async fn a_verification_runs_alone() {
    let app = TestApp::new().await;
    let key = ("idempotency-key", "once");
    let first = app.post("/workspace/integrity/verify").header(key.0, key.1).await.expect(202);
    let again = app.post("/workspace/integrity/verify").header(key.0, key.1).await.expect(202);
    assert_eq!(first.id(), again.id());
    assert_eq!(first.json["kind"], "integrity_verify");
    app.post("/workspace/integrity/verify").await.expect_problem(409, "conflict", &[]);
    app.other_workspace().post("/workspace/integrity/verify").await.expect(202);
    app.with_scopes(&["consents:read"]).get("/workspace/integrity").await.expect(403);
    app.post(format!("/jobs/{}/cancel", first.id())).await.expect(200);
    app.run_jobs().await;
    assert_eq!(faults(&app).await, []);
}

/// CNS-5: a purge is no fault, whether its entries were sealed or not, and what it leaves names nobody.
#[tokio::test]
async fn a_purge_stays_intact() {
    let app = TestApp::new().await;
    let kept = consenting(&app, "kept@example.com", 2).await;
    let gone = consenting(&app, "gone@example.com", 3).await;
    sealed(&app).await;
    let fresh = consenting(&app, "fresh@example.com", 1).await;
    for id in [&gone, &fresh] {
        app.delete(format!("/contacts/{id}")).await.expect(204);
        app.delete(format!("/trash/{id}")).await.expect(204);
    }
    sealed(&app).await;
    let standing = verified(&app).await;
    assert_eq!(standing.json["state"], "intact", "{standing:?}");
    assert_eq!(stream(&standing, "consents")["verified"]["removed"], 3);
    assert_eq!(stream(&standing, "removals")["rows"], 4);
    assert_eq!(app.count("SELECT count(*) AS n FROM consent_entries"), 2);
    app.check_invariants();
    // what is left of the others can still be found changed
    app.execute(&format!(
        "UPDATE consent_entries SET action = 'grant' WHERE contact_id = '{kept}' AND action = 'withdraw'"
    ));
    assert_eq!(faults(&app).await.len(), 1);
}

/// CNS-5: many rows of one transaction are sealed in several seals, and one of them that changes is named.
#[tokio::test]
async fn a_large_transaction_is_sealed_in_parts() {
    let app = TestApp::new().await;
    consenting(&app, "jana@example.com", 1).await;
    entries_at_once(&app, 70_000);
    consenting(&app, "eva@example.com", 1).await;
    sealed(&app).await;
    let standing = verified(&app).await;
    assert_eq!(standing.json["state"], "intact", "{standing:?}");
    let consents = stream(&standing, "consents");
    assert_eq!(consents["rows"], 70_002);
    assert!(consents["seals"].as_i64() >= Some(18), "{consents}");
    let one = "SELECT id FROM consent_entries ORDER BY contact_id OFFSET 40000 LIMIT 1";
    let id = app.rows(one)[0]["id"].clone();
    let word = id.as_str().unwrap();
    app.execute(&format!(
        "UPDATE consent_entries SET at = at - interval '1 year' WHERE id = '{word}'"
    ));
    assert_eq!(faults(&app).await, [fault("consents", "changed", &id)]);
}

/// CNS-5: faults beyond those that are listed are counted.
#[tokio::test]
async fn many_faults_are_counted() {
    let app = TestApp::new().await;
    entries_at_once(&app, 1500);
    sealed(&app).await;
    app.execute("UPDATE purpose_versions SET wording = wording || '!'");
    let standing = verified(&app).await;
    assert_eq!(standing.json["state"], "faulty");
    assert_eq!(stream(&standing, "consents")["verified"]["faults"], 1500);
    assert_eq!(stream(&standing, "audit")["state"], "intact");
    assert_eq!(standing.json["faults"].as_array().unwrap().len(), 1000);
    // once it is as it was, it is intact again
    app.execute("UPDATE purpose_versions SET wording = rtrim(wording, '!')");
    assert_eq!(faults(&app).await, []);
}

/// CNS-5: workspaces have chains of their own.
#[tokio::test]
async fn another_workspace_is_not_looked_at() {
    let app = TestApp::new().await;
    consenting(&app, "jana@example.com", 1).await;
    sealed(&app).await;
    let other = app.other_workspace();
    app.execute("UPDATE consent_entries SET action = 'withdraw'");
    other.post("/workspace/integrity/verify").await.expect(202);
    app.run_jobs().await;
    let standing = other.get("/workspace/integrity").await.expect(200);
    assert_eq!(standing.json["state"], "intact");
    assert_eq!(faults(&app).await.len(), 1);
}

/// CNS-5: the worker seals each workspace every some minutes; one that is importing waits, but not for ever.
#[tokio::test]
async fn every_workspace_is_sealed_in_its_turn() {
    let app = TestApp::new().await;
    consenting(&app, "jana@example.com", 1).await;
    let _other = app.other_workspace();
    let due = async || {
        let (db, key, now) = (app.db().clone(), Key::of(&app.settings().secret), app.clock().now());
        let done = tokio::task::spawn_blocking(move || seal::seal_due(&db, &key, now));
        done.await.unwrap().unwrap().is_some()
    };
    assert!(due().await && due().await && !due().await, "two workspaces");
    assert_eq!(app.count("SELECT count(*) AS n FROM integrity_heads"), 6);
    let looked = |ago: &str| {
        app.execute(&format!("UPDATE integrity_heads SET looked_at = now() - interval '{ago}'"))
    };
    looked("6 minutes");
    assert!(due().await && due().await && !due().await, "again after some minutes");
    app.post("/imports").json(&json!({ "method": "file" })).await.expect(201);
    app.execute("UPDATE imports SET state = 'running'");
    looked("6 minutes");
    assert!(due().await && !due().await, "the one that is importing waits");
    looked("2 hours");
    assert!(due().await && due().await && !due().await, "but not for ever");
}
