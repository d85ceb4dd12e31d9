//! Tests of duplicates (CON-16).

mod find;
mod list;
mod rejections;

use kartoteka_tests::{Answer, Client, TestApp};
use serde_json::{Value, json};

/// Makes a contact; its id.
async fn contact(client: &Client, body: Value) -> String {
    client.post("/contacts").json(&body).await.expect(201).id()
}

/// Searches, has it done, and reads the job.
async fn searched(app: &TestApp, body: &Value) -> Answer {
    let job = app.post("/duplicates/find").json(body).await.expect(202);
    assert_eq!(job.header("location"), format!("/api/v1/jobs/{}", job.id()));
    app.run_jobs().await;
    let job = app.get(job.header("location")).await.expect(200);
    assert_eq!(job.json["state"], "succeeded", "{job:?}");
    job
}

/// The ids of the pairs of a list.
fn pairs(answer: &Answer) -> Vec<(String, String)> {
    let id = |pair: &Value, at: usize| pair["contact_ids"][at].as_str().unwrap().to_owned();
    answer.data().iter().map(|pair| (id(pair, 0), id(pair, 1))).collect()
}

fn pair(one: &str, other: &str) -> (String, String) {
    let (one, other) = if one < other { (one, other) } else { (other, one) };
    (one.to_owned(), other.to_owned())
}

/// What is left of a search when it has ended.
fn left_over(app: &TestApp) -> i64 {
    app.count(
        "SELECT (SELECT count(*) FROM duplicate_staged) + (SELECT count(*) FROM duplicate_blocks) \
         + (SELECT count(*) FROM frozen_contacts) AS n",
    )
}

/// A person with everything that is compared.
fn jan() -> Value {
    json!({"first_name": "Jan", "last_name": "Novák", "email": "jan.novak@example.com", "phone": "+420601123456",
        "birth_date": "1971-05-24", "address": {"street": "Lidická 12", "city": "Brno", "postal_code": "602 00"}})
}

/// [`jan`] with some fields otherwise.
fn like_jan(changes: Value) -> Value {
    let mut person = jan();
    for (field, value) in changes.as_object().unwrap() {
        person[field] = value.clone();
    }
    person
}
