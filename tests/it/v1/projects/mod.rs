//! Tests of projects.

use kartoteka_tests::TestApp;
use serde_json::{Value, json};

/// CON-15
#[tokio::test]
async fn a_project_is_made_read_changed_and_removed() {
    let app = TestApp::new().await;
    let body = json!({"name": "Nový web", "from": "2026-05-01", "to": "2026-06-30"});
    let made = app.post("/projects").json(&body).await.expect(201);
    assert_eq!(
        (&made.json["state"], &made.json["from"]),
        (&json!("planned"), &json!("2026-05-01"))
    );
    let path = format!("/projects/{}", made.id());
    assert_eq!(app.get(&path).await.expect(200).json, made.json);
    let running = json!({"state": "running", "to": null});
    let changed = app.patch(&path).json(&running).await.expect(200);
    assert_eq!((&changed.json["state"], &changed.json["to"]), (&json!("running"), &Value::Null));
    app.patch(&path).json(&json!({"to": "2026-04-30"})).await.expect_problem(
        422,
        "validation_failed",
        &["#/to"],
    );
    app.patch(&path).json(&json!({"state": "late", "from": "soon"})).await.expect_problem(
        422,
        "validation_failed",
        &["#/state", "#/from"],
    );
    let other = app.post("/projects").json(&json!({"name": "Alfa"})).await.expect(201);
    let found = app.get("/projects?state=planned").await.expect(200);
    assert_eq!(found.data(), std::slice::from_ref(&other.json));
    let found = app.get("/projects?sort=name&limit=1").await.expect(200);
    assert_eq!(found.data(), std::slice::from_ref(&other.json));
    app.delete(&path).await.expect(204);
    app.get(&path).await.expect(404);
}
