//! `/clients`

use kartoteka_tests::TestApp;
use serde_json::{Value, json};

fn shop() -> Value {
    json!({"name": "Shop", "scopes": ["contacts:write", "contacts:read"]})
}

/// PLT-1
#[tokio::test]
async fn an_integration_is_added_changed_and_removed() {
    let app = TestApp::new().await;
    let made = app.post("/clients").json(&shop()).await.expect(201);
    let path = format!("/clients/{}", made.text_at("/client_id"));
    assert_eq!(made.header("location"), format!("/api/v1{path}"));
    assert!(made.text_at("/client_secret").starts_with("kcs_"));
    let got = app.get(&path).await.expect(200);
    assert_eq!(got.json, made.json["client"]);
    assert_eq!(got.json["scopes"], json!(["contacts:read", "contacts:write"]));
    let changes = json!({"name": "Web shop", "scopes": ["contacts:read"]});
    let changed = app.patch(&path).json(&changes).await.expect(200);
    assert_eq!(changed.json["scopes"], json!(["contacts:read"]));
    assert_eq!(app.get("/clients").await.expect(200).data().len(), 1);
    app.delete(&path).await.expect(204);
    app.get(&path).await.expect_problem(404, "not_found", &[]);
}

#[tokio::test]
async fn faults_point_at_the_scope() {
    let app = TestApp::new().await;
    let client = json!({"name": "Shop", "scopes": ["contacts:read", "contacts:fly", "admin "]});
    let answer = app.post("/clients").json(&client).await;
    answer.expect_problem(422, "validation_failed", &["#/scopes/1", "#/scopes/2"]);
    for client in [json!({"name": "  ", "scopes": []}), json!({"name": "", "scopes": []})] {
        let answer = app.post("/clients").json(&client).await.expect(422);
        assert!(answer.faults().iter().any(|(pointer, _)| pointer == "#/name"), "{answer:?}");
        assert!(answer.faults().iter().any(|(pointer, _)| pointer == "#/scopes"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_new_secret_takes_the_place_of_the_old_one() {
    let app = TestApp::new().await;
    let made = app.post("/clients").json(&shop()).await.expect(201);
    let (id, old) = (made.text_at("/client_id"), made.text_at("/client_secret"));
    let rotated = app.post(format!("/clients/{id}/rotate-secret")).await.expect(200);
    let new = rotated.text_at("/client_secret");
    for (secret, status) in [(&old, 401), (&new, 200)] {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", id.as_str()),
            ("client_secret", secret.as_str()),
        ];
        app.anonymous().post("/auth/token").form(&fields).await.expect(status);
    }
    let used = app.get(format!("/clients/{id}")).await.expect(200);
    assert!(used.json["last_used_at"].is_string());
}

/// The secret is shown once and lies nowhere: neither in the table of integrations nor under a key.
#[tokio::test]
async fn a_replayed_answer_does_not_show_the_secret() {
    let app = TestApp::new().await;
    let ask = || app.post("/clients").header("idempotency-key", "k").json(&shop());
    let first = ask().await.expect(201);
    let secret = first.text_at("/client_secret");
    let again = ask().await.expect(201);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.json["client_id"], first.json["client_id"]);
    assert_eq!(again.json["client_secret"], Value::Null);
    let kept = format!(
        "SELECT count(*) AS n FROM idempotency_keys WHERE position('{secret}'::bytea IN body) > 0"
    );
    assert_eq!(app.count(&kept), 0);
    assert_eq!(app.count("SELECT count(*) AS n FROM clients"), 1);
}

#[tokio::test]
async fn integrations_of_another_workspace_are_not_there() {
    let app = TestApp::new().await;
    let other = app.other_workspace();
    let id = other.post("/clients").json(&shop()).await.expect(201).text_at("/client_id");
    let path = format!("/clients/{id}");
    app.get(&path).await.expect_problem(404, "not_found", &[]);
    app.patch(&path).json(&json!({"disabled": true})).await.expect_problem(404, "not_found", &[]);
    app.post(format!("{path}/rotate-secret")).await.expect_problem(404, "not_found", &[]);
    app.delete(&path).await.expect_problem(404, "not_found", &[]);
    assert!(app.get("/clients").await.expect(200).data().is_empty());
}
