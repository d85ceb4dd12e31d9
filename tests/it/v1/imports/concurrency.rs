//! Several writers at once on the same people: nobody is doubled (IMP-17, CON-7).

use futures_util::future::join_all;
use serde_json::{Value, json};

use kartoteka_tests::TestApp;

use super::rules::{by, columns, contacts, in_small_chunks, off, request_commit, rules};
use super::{import, planned};

fn list(from: usize, to: usize, name: &str) -> Vec<u8> {
    let rows: String = (from..to).map(|n| format!("n{n}@example.com,{name}\n")).collect();
    format!("e,f\n{rows}").into_bytes()
}

async fn waiting(app: &TestApp, from: usize, to: usize, name: &str) -> String {
    let words = columns(&["email", "first_name"]);
    let id = planned(app, &list(from, to, name), words, by("email", json!({}))).await;
    request_commit(app, &id).await;
    id
}

fn distinct(app: &TestApp) -> (i64, i64) {
    (
        app.count("SELECT count(*) AS n FROM contacts"),
        app.count("SELECT count(DISTINCT email_key) AS n FROM contacts"),
    )
}

fn sum(import: &Value) -> i64 {
    ["created", "updated", "unchanged"]
        .iter()
        .map(|word| import["summary"][*word].as_i64().unwrap())
        .sum()
}

/// IMP-17
#[tokio::test]
async fn two_imports_of_the_same_people_at_once_double_nobody() {
    let app = rules().await;
    let words = columns(&["email", "first_name"]);
    let one = planned(&app, &list(0, 1000, "One"), words.clone(), by("email", json!({}))).await;
    let two = planned(&app, &list(500, 1500, "Two"), words, by("email", json!({}))).await;
    request_commit(&app, &one).await;
    request_commit(&app, &two).await;
    in_small_chunks(&app);
    let (first, second) = tokio::join!(app.run_jobs(), app.run_jobs());
    assert_eq!(first + second, 2);
    assert_eq!(distinct(&app), (1500, 1500));
    let (one, two) = (import(&app, &one).await, import(&app, &two).await);
    assert_eq!((&one["state"], &two["state"]), (&json!("done"), &json!("done")));
    assert_eq!((sum(&one), sum(&two)), (1000, 1000));
    let created = |import: &Value| import["summary"]["created"].as_i64().unwrap();
    assert_eq!(created(&one) + created(&two), 1500);
}

/// IMP-17, CON-7
#[tokio::test]
async fn an_import_and_integrations_at_once_double_nobody() {
    let app = rules().await;
    let id = waiting(&app, 0, 1200, "Import").await;
    in_small_chunks(&app);
    let upserts = (0..20).map(|task| {
        let app = &app;
        async move {
            for step in 0..20 {
                let n = (task * 61 + step * 53) % 1200;
                let body = json!({ "last_name": format!("Task {task}") });
                let answer =
                    app.put(format!("/contacts/by/email/n{n}@example.com")).json(&body).await;
                assert!(matches!(answer.status, 200 | 201), "{answer:?}");
            }
        }
    });
    let (jobs, _) = tokio::join!(app.run_jobs(), join_all(upserts));
    assert_eq!(jobs, 1);
    let done = import(&app, &id).await;
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(sum(&done), 1200);
    assert_eq!(distinct(&app), (1200, 1200));
    let people = contacts(&app);
    assert!(people.iter().all(|person| person["first_name"] == "Import"));
    assert!(people.iter().any(|person| !person["last_name"].is_null()));
}

/// IMP-17: whoever throws people away while a list with them is written meets no half of anything.
#[tokio::test]
async fn an_import_and_people_who_delete_at_once_keep_the_counters_true() {
    let app = rules().await;
    let old = waiting(&app, 0, 600, "Old").await;
    app.run_jobs().await;
    assert_eq!(import(&app, &old).await["state"], "done");
    let ids: Vec<Value> = contacts(&app).iter().map(|person| person["id"].clone()).collect();
    let id = waiting(&app, 300, 900, "New").await;
    in_small_chunks(&app);
    let deletes = ids.chunks(30).map(|ids| {
        let app = &app;
        async move {
            app.post("/contacts/bulk-delete").json(&json!({ "ids": ids })).await.expect(200);
        }
    });
    tokio::join!(app.run_jobs(), join_all(deletes));
    assert_eq!(import(&app, &id).await["state"], "done");
    assert_eq!(distinct(&app), (900, 900));
}

/// IMP-17: two who ask for the same commit at once get one.
#[tokio::test]
async fn a_plan_is_committed_once() {
    let app = rules().await;
    let id = planned(&app, &list(0, 10, "One"), columns(&["email", "first_name"]), off()).await;
    let hash = super::plan(&app, &id).await["hash"].clone();
    let body = json!({ "plan_hash": hash });
    let asked = (0..5)
        .map(|_| async { app.post(format!("/imports/{id}/commit")).json(&body).await.status });
    let mut statuses = join_all(asked).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 409, 409, 409, 409]);
    app.run_jobs().await;
    assert_eq!(contacts(&app).len(), 10);
}

/// IMP-17: cancelling while chunks are written never meets them in a deadlock.
#[tokio::test]
async fn whoever_cancels_while_it_runs_waits_for_the_chunk() {
    let app = rules().await;
    let id = waiting(&app, 0, 3000, "One").await;
    in_small_chunks(&app);
    let cancel = async {
        while app.count("SELECT count(*) AS n FROM contacts") == 0 {
            tokio::task::yield_now().await;
        }
        let answer = app.post(format!("/imports/{id}/cancel")).await;
        assert!(answer.status < 300 || answer.json["code"] == "job_not_cancellable", "{answer:?}");
    };
    tokio::join!(app.run_jobs(), cancel);
    let ended = import(&app, &id).await;
    assert!(ended["state"] == "cancelled" || ended["state"] == "done", "{ended:#}");
    assert_eq!(app.count("SELECT count(*) AS n FROM jobs WHERE last_error IS NOT NULL"), 0);
}
