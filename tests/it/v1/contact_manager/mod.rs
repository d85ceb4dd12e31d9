//! Tests of the contact manager (MGR).

mod consents;
mod coupons;
mod crash;
mod details;
mod funnels;
mod jobs;
mod links;
mod notes;
mod owners;
mod permissions;
mod runs;
mod starting_events;
mod tags;
mod undo;

use kartoteka_tests::{Answer, TestApp};
use serde_json::{Value, json};

/// Makes a contact and says its id.
pub async fn contact(app: &TestApp, body: Value) -> String {
    app.post("/contacts").json(&body).await.expect(201).id()
}

/// Everybody whose last name is this.
pub fn named(name: &str) -> Value {
    json!({ "where": { "field": "last_name", "op": "eq", "value": name } })
}

/// Asks for a job.
pub async fn asked(app: &TestApp, selection: Value, actions: Value) -> Answer {
    let body = json!({ "selection": selection, "actions": actions });
    let job = app.post("/contact-manager/jobs").json(&body).await.expect(202);
    assert_eq!(job.header("location"), format!("/api/v1/jobs/{}", job.id()));
    job
}

/// Where a job says what became of whom.
pub fn job_path(job: &Answer) -> String {
    format!("/contact-manager/jobs/{}", job.id())
}

/// Asks for a job, has it done, and reads it.
pub async fn managed(app: &TestApp, selection: Value, actions: Value) -> Answer {
    let job = asked(app, selection, actions).await;
    app.run_jobs().await;
    let job = app.get(job_path(&job)).await.expect(200);
    assert_eq!(job.json["state"], "succeeded", "{job:?}");
    job
}

/// Undoes a job, and reads the job that did it.
pub async fn undone(app: &TestApp, job: &str) -> Answer {
    let undo = app.post(format!("/contact-manager/jobs/{job}/undo")).await.expect(202);
    app.run_jobs().await;
    let undo = app.get(job_path(&undo)).await.expect(200);
    assert_eq!(undo.json["state"], "succeeded", "{undo:?}");
    assert_eq!(undo.json["undoes"], job);
    undo
}

/// What became of the contacts of a job: id, action, outcome, reason.
pub async fn outcomes(app: &TestApp, job: &str, query: &str) -> Vec<(String, Value, Value, Value)> {
    let path = format!("/contact-manager/jobs/{job}/contacts?limit=200{query}");
    let answer = app.get(path).await.expect(200);
    let row = |row: &Value| {
        let id = row["contact_id"].as_str().unwrap().to_owned();
        (id, row["action"].clone(), row["outcome"].clone(), row["reason"].clone())
    };
    answer.data().iter().map(row).collect()
}

/// A contact as it is now.
pub async fn read(app: &TestApp, id: &str) -> Value {
    app.get(format!("/contacts/{id}")).await.expect(200).json.clone()
}

/// Counts of an action.
pub fn counts(applied: i64, unchanged: i64, skipped: Value) -> Value {
    json!({ "applied": applied, "unchanged": unchanged, "skipped": skipped })
}
