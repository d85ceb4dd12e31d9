//! Tests of erasing persons, of the journal, and of what a restored backup has forgotten.

mod crash;
mod everywhere;
mod journal;
mod places;
mod records;
mod restore;

use kartoteka_app::erasures::journal::{Line, read};
use kartoteka_tests::{Answer, Client, TestApp};
use serde_json::{Value, json};

/// Makes a contact and gives its id back.
async fn contact(client: &Client, body: &Value) -> String {
    client.post("/contacts").json(body).await.expect(201).id()
}

/// Asks for the erasure of a contact; the job.
async fn erase(client: &Client, id: &str) -> Answer {
    client.post(format!("/contacts/{id}/erase")).json(&json!({})).await.expect(202)
}

/// The erasure that a job is about.
async fn erasure(client: &Client, job: &Answer) -> Answer {
    client.get(format!("/erasures/{}", job.text_at("/subject/id"))).await.expect(200)
}

/// Lines of the journal of a server.
fn journal(app: &TestApp) -> Vec<Line> {
    let lines = read(app.settings().journal.path()).unwrap();
    assert_eq!(lines.unreadable, 0);
    lines.lines
}
