//! Tests of scenarios, and of the runs through them.

mod create;
mod delete;
mod list;
mod names;
mod patch;
mod runs;

use kartoteka_tests::TestApp;
use serde_json::{Value, json};

/// Start, the steps between, end: each leads to the next.
pub(crate) fn line(event: Value, steps: &[Value]) -> Vec<Value> {
    let next = |place: usize| match place < steps.len() {
        true => format!("step{place}"),
        false => "end".to_owned(),
    };
    let mut nodes = vec![json!({"id": "start", "type": "start", "event": event, "next": next(0)})];
    for (place, step) in steps.iter().enumerate() {
        let mut step = step.clone();
        step["id"] = json!(format!("step{place}"));
        step["next"] = json!(next(place + 1));
        nodes.push(step);
    }
    nodes.push(json!({"id": "end", "type": "end"}));
    nodes
}

/// An action as a step.
pub(crate) fn doing(action: Value) -> Value {
    json!({"type": "action", "action": action})
}

/// A scenario that is switched on: a note starts it, the score is set.
pub(crate) fn plain(name: &str) -> Value {
    let nodes = line(
        json!({"type": "contact.note_added"}),
        &[doing(json!({"type": "set_score", "score": 5}))],
    );
    json!({"name": name, "enabled": true, "nodes": nodes})
}

/// Saves it; its id.
pub(crate) async fn saved(app: &TestApp, scenario: &Value) -> String {
    app.post("/scenarios").json(scenario).await.expect(201).id()
}

/// Makes a contact; its id.
pub(crate) async fn contact(app: &TestApp, name: &str) -> String {
    app.post("/contacts").json(&json!({"first_name": name})).await.expect(201).id()
}

/// What starts definitions: event and parameters, in order.
pub(crate) fn starts(app: &TestApp) -> Vec<(String, Value)> {
    let rows = app.rows("SELECT event, params FROM start_events ORDER BY definition_id, place");
    rows.into_iter()
        .map(|row| (row["event"].as_str().unwrap().to_owned(), row["params"].clone()))
        .collect()
}
