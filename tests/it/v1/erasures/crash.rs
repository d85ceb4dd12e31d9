//! A worker may die at any moment: what was asked for and noted ends done, once.

use std::process::{Child, Command, Stdio};

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use kartoteka_tests::program::until;
use kartoteka_tests::{TestApp, canary};
use serde_json::json;

use super::{contact, erase, erasure, journal};

fn worker(app: &TestApp) -> Child {
    let database = app.database().settings(1);
    Command::new(env!("CARGO_BIN_EXE_kartoteka-test-worker"))
        .env("DATABASE_URL", database.url)
        .env("KARTOTEKA_DB_PGBOUNCER", database.pgbouncer.to_string())
        .env("KARTOTEKA_ERASURE_JOURNAL", app.settings().journal.path())
        .stdout(Stdio::null())
        .stderr(canary::child_output())
        .spawn()
        .unwrap()
}

/// TRS-5: killed after the line was written and before the contact went.
#[tokio::test]
async fn a_worker_that_is_killed_leaves_an_erasure_that_is_done_by_the_next() {
    let app = TestApp::new().await;
    app.import("E-mail\njana@example.cz\neva@example.cz\n", &json!({})).await;
    let jana = app.get("/contacts?q=jana").await.expect(200).text_at("/data/0/id");
    let job = erase(&app, &jana).await;
    // somebody holds the contact, so that the last step waits
    let mut holder = app.connection();
    holder
        .batch_execute(&format!("BEGIN; SELECT FROM contacts WHERE id = '{jana}' FOR UPDATE"))
        .unwrap();
    let mut child = worker(&app);
    until("the last step waits for the contact", || {
        assert!(child.try_wait().unwrap().is_none(), "the worker ended");
        app.count(
            "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        ) > 0
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(journal(&app).len(), 1, "it was noted");
    holder.batch_execute("ROLLBACK").unwrap();
    until("the database has noticed the death", || {
        app.count(
            "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
             AND state <> 'idle'",
        ) == 0
    });
    app.get(format!("/contacts/{jana}")).await.expect(200);
    assert_eq!(erasure(&app, &job).await.json["state"], "requested");
    app.execute(
        "UPDATE jobs SET lease_until = now() - interval '1 second' WHERE state = 'running'",
    );
    app.run_jobs().await;
    let done = erasure(&app, &job).await;
    assert_eq!((&done.json["state"], &done.json["counts"]["imports"]), (&json!("done"), &json!(1)));
    app.get(format!("/contacts/{jana}")).await.expect(404);
    assert_eq!(journal(&app).len(), 1, "noted twice, one erasure");
    app.check_invariants();
}

/// TRS-5: a fault of the database in the last step takes all of it back, and it is done again.
#[tokio::test]
async fn the_last_step_is_done_whole_or_not_at_all() {
    let app = TestApp::new().await;
    let body = json!({"first_name": "Jana", "email": "jana@example.cz", "tags": ["vip"]});
    let jana = contact(&app, &body).await;
    let job = erase(&app, &jana).await;
    app.execute("ALTER TABLE erasures ADD CONSTRAINT broken CHECK (state <> 'done')");
    app.run_jobs().await;
    let before = app.get(format!("/contacts/{jana}")).await.expect(200);
    assert_eq!(before.json["tags"][0]["name"], "vip");
    assert_eq!(app.count("SELECT count(*) AS n FROM suppressions"), 0);
    app.execute("ALTER TABLE erasures DROP CONSTRAINT broken");
    app.clock().advance(TimeDelta::seconds(30));
    app.run_jobs().await;
    assert_eq!(erasure(&app, &job).await.json["state"], "done");
    app.get(format!("/contacts/{jana}")).await.expect(404);
    app.check_invariants();
}
