//! Imports, end to end: upload, header, mapping, matching, plan, commit, report, undo.

mod bad_input;
mod classes;
mod concurrency;
mod consents;
mod crash;
mod errors_csv;
mod exports;
mod in_file;
mod jobs;
mod limit;
mod main_flow;
mod matching;
mod one_call;
mod outcome;
mod plan;
mod policies;
mod rules;
mod steps;
mod tags;
mod templates;
mod torture;
mod undo;
mod upload;

use serde_json::{Value, json};

use kartoteka_tests::{Answer, TestApp};

/// A new import with `bytes` as its data, and the header answered.
pub(crate) async fn with_header(app: &TestApp, bytes: &[u8], first_row: &str) -> String {
    let id = app.post("/imports").json(&json!({})).await.expect(201).id();
    app.put(format!("/imports/{id}/data")).bytes("text/csv", bytes).await.expect(200);
    app.put(format!("/imports/{id}/header"))
        .json(&json!({ "first_row": first_row }))
        .await
        .expect(200);
    id
}

/// The same, mapped and planned.
pub(crate) async fn planned(
    app: &TestApp,
    bytes: &[u8],
    mapping: Value,
    matching: Value,
) -> String {
    let id = with_header(app, bytes, "header").await;
    app.put(format!("/imports/{id}/mapping")).json(&mapping).await.expect(200);
    app.put(format!("/imports/{id}/matching")).json(&matching).await.expect(202);
    app.run_jobs().await;
    id
}

/// The plan of an import.
pub(crate) async fn plan(app: &TestApp, id: &str) -> Value {
    app.get(format!("/imports/{id}/plan")).await.expect(200).json
}

/// Commits the present plan and gives back the import as it is then.
pub(crate) async fn commit(app: &TestApp, id: &str) -> Value {
    let hash = plan(app, id).await["hash"].clone();
    app.post(format!("/imports/{id}/commit")).json(&json!({ "plan_hash": hash })).await.expect(202);
    app.run_jobs().await;
    import(app, id).await
}

/// The import.
pub(crate) async fn import(app: &TestApp, id: &str) -> Value {
    app.get(format!("/imports/{id}")).await.expect(200).json
}

/// Undoes it.
pub(crate) async fn revert(app: &TestApp, id: &str) -> Answer {
    app.post(format!("/imports/{id}/revert")).await.expect(202);
    app.run_jobs().await;
    app.get(format!("/imports/{id}")).await.expect(200)
}
