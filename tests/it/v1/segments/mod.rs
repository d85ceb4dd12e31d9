//! Tests of saved segments.

mod count;
mod create;
mod delete;
mod list;
mod nested;
mod patch;
mod slow;
mod within;

use kartoteka_tests::TestApp;
use serde_json::{Value, json};

/// A condition.
pub(crate) fn leaf(field: &str, op: &str, value: impl Into<Value>) -> Value {
    json!({"field": field, "op": op, "value": value.into()})
}

/// Has a tag.
pub(crate) fn has(tag: &str) -> Value {
    leaf("tag", "has", tag)
}

/// Is in a segment.
pub(crate) fn is_in(id: &str) -> Value {
    leaf("segment", "eq", id)
}

/// Saves a filter; its id.
pub(crate) async fn saved(app: &TestApp, name: &str, filter: Value) -> String {
    app.post("/segments").json(&json!({"name": name, "filter": filter})).await.expect(201).id()
}

/// Contacts by first name, each with its tags.
pub(crate) async fn people(app: &TestApp, people: &[(&str, &[&str])]) {
    for (name, tags) in people {
        app.post("/contacts").json(&json!({"first_name": name, "tags": tags})).await.expect(201);
    }
}

/// First names of the contacts a selection means, sorted.
pub(crate) async fn names(app: &TestApp, selection: Value) -> Vec<String> {
    let found =
        app.post("/contacts/query").json(&json!({"selection": selection})).await.expect(200);
    let mut names: Vec<String> =
        found.data().iter().map(|one| one["first_name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}
