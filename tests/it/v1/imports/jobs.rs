//! The jobs of imports: where they stand, as a page and as events, and how to stop them.

use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_app::clock::Clock;
use kartoteka_persistence::jobs;
use kartoteka_tests::TestApp;

use super::{import, planned, with_header};

const LIST: &[u8] = b"email,first name\njana@example.cz,Jana\npetr@example.cz,Petr\n";

/// An import whose plan waits for a worker: its id, and that of the job.
async fn waiting(app: &TestApp) -> (String, String) {
    let id = with_header(app, LIST, "header").await;
    app.put(format!("/imports/{id}/mapping")).json(&json!({ "columns": "auto" })).await.expect(200);
    let job = app
        .put(format!("/imports/{id}/matching"))
        .json(&json!({ "mode": "match", "key": "email" }))
        .await
        .expect(202);
    (id, job.id())
}

/// The jobs of a stream of events.
fn events(text: &str) -> Vec<Value> {
    let blocks = text.split("\n\n").filter(|block| !block.is_empty() && !block.starts_with(':'));
    blocks
        .map(|block| {
            serde_json::from_str(block.strip_prefix("event: job\ndata: ").unwrap()).unwrap()
        })
        .collect()
}

/// IMP-17
#[tokio::test]
async fn a_job_tells_how_far_it_is() {
    let app = TestApp::new().await;
    let (id, job) = waiting(&app).await;
    let queued = app.get(format!("/jobs/{job}")).await.expect(200).json;
    assert_eq!(
        (queued["state"].as_str(), queued["kind"].as_str()),
        (Some("queued"), Some("import_plan"))
    );
    assert_eq!(queued["subject"], json!({ "type": "import", "id": id }));
    assert_eq!(
        (&queued["started_at"], &queued["finished_at"], &queued["problem"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    app.run_jobs().await;
    let ended = app.get(format!("/jobs/{job}")).await.expect(200).json;
    assert_eq!(ended["state"], "succeeded");
    assert_eq!(ended["progress"], json!({ "done": 2, "total": 2 }));
    assert!(ended["started_at"].is_string() && ended["finished_at"].is_string());
    assert_eq!(import(&app, &id).await["job"], ended);
}

/// IMP-17
#[tokio::test]
async fn jobs_are_listed_newest_first_and_only_to_their_workspace() {
    let app = TestApp::new().await;
    let (_, first) = waiting(&app).await;
    app.run_jobs().await;
    let (_, second) = waiting(&app).await;
    app.run_jobs().await;
    let page = app.get("/jobs?limit=1").await.expect(200);
    assert_eq!(page.data()[0]["id"], second);
    let rest = app
        .get("/jobs")
        .query(&[("cursor", page.text_at("/next_cursor").as_str())])
        .await
        .expect(200);
    assert_eq!(
        rest.data().iter().map(|job| job["id"].as_str().unwrap()).collect::<Vec<_>>(),
        [first.as_str()]
    );
    let other = app.other_workspace();
    assert_eq!(other.get("/jobs").await.expect(200).data().len(), 0);
    for id in [first, Uuid::now_v7().to_string()] {
        other.get(format!("/jobs/{id}")).await.expect_problem(404, "not_found", &[]);
        other.get(format!("/jobs/{id}/events")).await.expect_problem(404, "not_found", &[]);
        other.post(format!("/jobs/{id}/cancel")).await.expect_problem(404, "not_found", &[]);
    }
    app.anonymous().get("/jobs").await.expect(401);
}

/// IMP-17
#[tokio::test]
async fn events_end_with_the_last_state() {
    let app = TestApp::new().await;
    let (_, job) = waiting(&app).await;
    let path = format!("/jobs/{job}/events");
    let (followed, _) =
        tokio::join!(async { app.get(&path).await.expect(200) }, async { app.run_jobs().await });
    assert_eq!(followed.media_type(), "text/event-stream");
    let told = events(&followed.text());
    assert_eq!(told.last().unwrap(), &app.get(format!("/jobs/{job}")).await.expect(200).json);
    assert_eq!(told.last().unwrap()["state"], "succeeded");
    // whoever comes late hears the end at once
    let late = events(&app.get(&path).await.expect(200).text());
    assert_eq!(late.len(), 1);
    assert_eq!(late[0]["state"], "succeeded");
}

/// IMP-17
#[tokio::test]
async fn a_job_that_waits_is_cancelled_at_once() {
    let app = TestApp::new().await;
    let (id, job) = waiting(&app).await;
    app.with_scopes(&["imports:read"]).post(format!("/jobs/{job}/cancel")).await.expect_problem(
        403,
        "forbidden",
        &[],
    );
    let ended = app.post(format!("/jobs/{job}/cancel")).await.expect(200).json;
    assert_eq!(ended["state"], "cancelled");
    assert!(ended["finished_at"].is_string());
    let stands = import(&app, &id).await;
    assert_eq!(
        (stands["state"].as_str(), &stands["job"]["state"]),
        (Some("cancelled"), &json!("cancelled"))
    );
    assert_eq!(stands["next"], "none", "nothing was written");
    assert_eq!(app.run_jobs().await, 0);
    app.post(format!("/jobs/{job}/cancel")).await.expect_problem(409, "job_not_cancellable", &[]);
    app.post(format!("/imports/{id}/cancel")).await.expect_problem(409, "job_not_cancellable", &[]);
}

/// IMP-17
#[tokio::test]
async fn a_job_that_runs_is_cancelled_after_its_step() {
    let app = TestApp::new().await;
    let id = planned(
        &app,
        LIST,
        json!({ "columns": "auto" }),
        json!({ "mode": "match", "key": "email" }),
    )
    .await;
    let hash = app.get(format!("/imports/{id}/plan")).await.expect(200).text_at("/hash");
    let job = app
        .post(format!("/imports/{id}/commit"))
        .json(&json!({ "plan_hash": hash }))
        .await
        .expect(202)
        .id();
    // a worker takes it, and is heard of no more
    let claimed = jobs::claim(&mut app.connection(), "elsewhere", app.clock().now()).unwrap();
    assert_eq!(claimed.unwrap().id.to_string(), job);
    assert_eq!(app.get(format!("/jobs/{job}")).await.expect(200).json["state"], "running");
    let asked = app.post(format!("/imports/{id}/cancel")).await.expect(200).json;
    assert_eq!(
        (asked["state"].as_str(), asked["job"]["state"].as_str()),
        (Some("running"), Some("running"))
    );
    // its lease runs out, and another takes the job over
    app.clock().advance(TimeDelta::minutes(5));
    jobs::expire(&mut app.connection(), "test", app.clock().now()).unwrap();
    app.run_jobs().await;
    assert_eq!(app.get(format!("/jobs/{job}")).await.expect(200).json["state"], "cancelled");
    let stands = import(&app, &id).await;
    assert_eq!(stands["state"], "cancelled", "{stands:#}");
    assert_eq!(app.count("SELECT count(*) AS n FROM contacts"), 0);
}
