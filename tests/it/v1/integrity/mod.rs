//! Tests of the seals over ledger and trail (CNS-5).

mod chain;
mod concurrency;
mod tampering;
mod verify;

use std::time::{Duration, Instant};

use kartoteka_app::clock::Clock;
use kartoteka_app::integrity::{Key, seal};
use kartoteka_tests::{Answer, TestApp};
use serde_json::{Value, json};

/// Rows that are not sealed yet, of workspaces that were sealed once.
const WAITING: &str = "SELECT (SELECT count(*) FROM consent_entries e JOIN integrity_heads h USING (workspace_id) \
        WHERE h.stream = 'consents' AND e.txn >= h.frontier) \
     + (SELECT count(*) FROM audit_entries e JOIN integrity_heads h USING (workspace_id) \
        WHERE h.stream = 'audit' AND e.txn >= h.frontier) \
     + (SELECT count(*) FROM integrity_removals e JOIN integrity_heads h USING (workspace_id) \
        WHERE h.stream = 'removals' AND e.txn >= h.frontier) AS n";

/// Seals everything that was written in the first workspace. Transactions of other tests on the same server, which
/// are older, are waited for.
pub(crate) async fn sealed(app: &TestApp) {
    let began = Instant::now();
    loop {
        let (db, workspace) = (app.db().clone(), app.home().id);
        let (key, now) = (Key::of(&app.settings().secret), app.clock().now());
        let done =
            tokio::task::spawn_blocking(move || seal::seal_workspace(&db, workspace, &key, now));
        done.await.unwrap().unwrap();
        if app.count(WAITING) == 0 {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(120), "an old transaction never ends");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Verifies everything as it is; how the chains stand then.
async fn verified(app: &TestApp) -> Answer {
    let job = app.post("/workspace/integrity/verify").await.expect(202);
    app.run_jobs().await;
    let job = app.get(job.header("location")).await.expect(200);
    assert_eq!(job.json["state"], "succeeded", "{job:?}");
    app.get("/workspace/integrity").await.expect(200)
}

/// The faults of a verification: stream, kind, and the entry or the contact.
pub(crate) async fn faults(app: &TestApp) -> Vec<(String, String, Value)> {
    let standing = verified(app).await;
    let faults = standing.json["faults"].as_array().unwrap();
    assert_eq!(standing.json["state"] == "intact", faults.is_empty(), "{standing:?}");
    let word = |fault: &Value, name: &str| fault[name].as_str().unwrap().to_owned();
    faults
        .iter()
        .map(|fault| {
            let id = [&fault["entry_id"], &fault["contact_id"]];
            let id = id.into_iter().find(|id| !id.is_null()).cloned().unwrap_or_default();
            (word(fault, "stream"), word(fault, "kind"), id)
        })
        .collect()
}

fn fault(stream: &str, kind: &str, id: &Value) -> (String, String, Value) {
    (stream.to_owned(), kind.to_owned(), id.clone())
}

/// A contact with so many entries in the ledger; its id.
async fn consenting(app: &TestApp, email: &str, entries: usize) -> String {
    let id = app.post("/contacts").json(&json!({ "email": email })).await.expect(201).id();
    for n in 0..entries {
        let action = if n % 2 == 0 { "grant" } else { "withdraw" };
        let body = json!({ "purpose": "email_basic", "action": action, "legal_basis": "consent" });
        app.post(format!("/contacts/{id}/consents")).json(&body).await.expect(201);
    }
    id
}

/// Entries past the API, all in one transaction: for what takes thousands.
fn entries_at_once(app: &TestApp, count: usize) {
    let made = app.execute(&format!(
        "INSERT INTO consent_entries (workspace_id, contact_id, purpose_id, id, action, at, actor_type, source_type, \
           legal_basis, wording_version) \
         SELECT p.workspace_id, gen_random_uuid(), p.id, gen_random_uuid(), 'grant', now(), 'system', 'import', 'consent', 1 \
         FROM purposes p CROSS JOIN generate_series(1, {count}) WHERE p.name = 'email_basic' \
           AND p.workspace_id = '{}'",
        app.home().id
    ));
    assert_eq!(made, count);
}

/// How one chain stands.
fn stream<'a>(standing: &'a Answer, name: &str) -> &'a Value {
    let streams = standing.json["streams"].as_array().unwrap();
    streams.iter().find(|stream| stream["stream"] == name).unwrap()
}
