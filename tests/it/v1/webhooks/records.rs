//! Webhooks as records: made, changed, removed.

use kartoteka_tests::TestApp;
use serde_json::{Value, json};

fn body() -> Value {
    json!({"url": "https://hooks.example.com/Geheim7pfad", "events": ["contact.updated", "contact.created"]})
}

/// PLT-3
#[tokio::test]
async fn a_webhook_is_made_read_changed_listed_and_removed() {
    let app = TestApp::new().await;
    let made = app.post("/webhooks").json(&body()).await.expect(201);
    let secret = made.text_at("/secret");
    assert!(secret.starts_with("whsec_") && secret.len() == 6 + 44, "32 bytes in base64");
    assert_eq!(made.json["enabled"], true);
    assert_eq!(made.json["events"], json!(["contact.created", "contact.updated"]), "one order");
    let path = format!("/webhooks/{}", made.id());
    assert!(made.header("location").ends_with(&path));

    let read = app.get(&path).await.expect(200);
    assert!(read.json.get("secret").is_none(), "it is shown once");
    assert_eq!(read.header("etag"), made.header("etag"), "the secret is no part of the resource");

    app.patch(&path)
        .header("if-match", "\"old\"")
        .json(&json!({"enabled": false}))
        .await
        .expect(412);
    let off = app
        .patch(&path)
        .header("if-match", made.header("etag"))
        .json(&json!({"enabled": false, "description": " Shop ", "events": ["import.done"]}))
        .await
        .expect(200);
    assert_eq!(off.json["enabled"], false);
    assert_eq!(off.json["disabled_reason"], Value::Null, "a person did it");
    assert_eq!(off.json["description"], "Shop");
    assert_eq!(off.json["events"], json!(["import.done"]));
    let on =
        app.patch(&path).json(&json!({"enabled": true, "description": null})).await.expect(200);
    assert_eq!((&on.json["enabled"], &on.json["disabled_at"]), (&json!(true), &Value::Null));
    assert_eq!(on.json["description"], Value::Null);

    let second = app.post("/webhooks").json(&body()).await.expect(201);
    let page = app.get("/webhooks?limit=1").await.expect(200);
    assert_eq!(page.text_at("/data/0/id"), second.id(), "newest first");
    let cursor = page.text_at("/next_cursor");
    let rest = app.get(format!("/webhooks?limit=1&cursor={cursor}")).await.expect(200);
    assert_eq!(rest.text_at("/data/0/id"), made.id());
    assert_eq!(rest.json["next_cursor"], Value::Null);

    app.delete(&path).header("if-match", "\"old\"").await.expect(412);
    app.delete(&path).await.expect(204);
    app.get(&path).await.expect(404);
    app.delete(&path).await.expect(404);
    let actions = app.rows(
        "SELECT action, changes FROM audit_entries WHERE record_type = 'webhook' ORDER BY id",
    );
    let words: Vec<&str> = actions.iter().map(|row| row["action"].as_str().unwrap()).collect();
    assert_eq!(
        words,
        ["webhook.create", "webhook.update", "webhook.update", "webhook.create", "webhook.delete"]
    );
    assert!(!format!("{actions:?}").contains("Geheim7pfad"), "an address may hold a secret");
}

#[tokio::test]
async fn all_faults_are_told_at_once() {
    let app = TestApp::new().await;
    app.post("/webhooks")
        .json(&json!({"url": "ftp://example.com", "events": ["contact.eaten"], "colour": "red"}))
        .await
        .expect_problem(422, "validation_failed", &["#/events/0", "#/colour"]);
    for (wrong, at) in [
        (json!({"url": "nonsense", "events": ["import.done"]}), "#/url"),
        (json!({"url": "https://example.com/", "events": []}), "#/events"),
        (json!({"url": "https://example.com/", "events": ["webhook.test"]}), "#/events/0"),
    ] {
        app.post("/webhooks").json(&wrong).await.expect_problem(422, "validation_failed", &[at]);
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM webhooks"), 0);
}

/// A secret is shown once, and lies encrypted in the tables: also in the answers kept for idempotency keys.
#[tokio::test]
async fn a_secret_is_nowhere_in_the_database() {
    let app = TestApp::new().await;
    let send = || app.post("/webhooks").header("idempotency-key", "once").json(&body());
    let made = send().await.expect(201);
    let again = send().await.expect(201);
    assert_eq!(again.id(), made.id());
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert!(again.json.get("secret").is_none());
    let rotate = || {
        app.post(format!("/webhooks/{}/rotate-secret", made.id())).header("idempotency-key", "r")
    };
    let rotated = rotate().await.expect(200);
    assert_ne!(rotated.text_at("/secret"), made.text_at("/secret"));
    assert!(rotate().await.expect(200).json.get("secret").is_none());
    let kept = format!(
        "{:?}{:?}",
        app.rows(
            "SELECT encode(secret, 'base64') AS a, encode(old_secret, 'base64') AS b FROM webhooks"
        ),
        app.rows("SELECT encode(body, 'escape') AS body FROM idempotency_keys"),
    );
    for secret in [made.text_at("/secret"), rotated.text_at("/secret")] {
        assert!(!kept.contains(secret.trim_start_matches("whsec_")), "{kept}");
    }
}

/// Having contacts sent somewhere is reading them.
#[tokio::test]
async fn whoever_may_not_read_contacts_cannot_have_them_sent() {
    let app = TestApp::new().await;
    let hooks = app.with_scopes(&["webhooks:write"]);
    let mut with_contact = body();
    with_contact["include"] = json!("contact");
    hooks.post("/webhooks").json(&with_contact).await.expect(403);
    let plain = hooks.post("/webhooks").json(&body()).await.expect(201);
    let path = format!("/webhooks/{}", plain.id());
    hooks.patch(&path).json(&json!({"include": "contact"})).await.expect(403);
    let both = app.with_scopes(&["webhooks:write", "contacts:read"]);
    let changed = both.patch(&path).json(&json!({"include": "contact"})).await.expect(200);
    assert_eq!(changed.json["include"], "contact");
    // nor change where they are sent
    hooks.patch(&path).json(&json!({"url": "https://elsewhere.example.com/"})).await.expect(403);
    hooks.patch(&path).json(&json!({"include": null})).await.expect(200);
    hooks.patch(&path).json(&json!({"url": "https://elsewhere.example.com/"})).await.expect(200);
}

#[tokio::test]
async fn a_webhook_of_another_workspace_does_not_exist() {
    let app = TestApp::new().await;
    let other = app.other_workspace();
    let made = app.post("/webhooks").json(&body()).await.expect(201);
    let path = format!("/webhooks/{}", made.id());
    app.post(format!("{path}/test")).await.expect(202);
    let delivery = app.get(format!("{path}/deliveries")).await.expect(200).text_at("/data/0/id");
    let of = |what: &str| format!("{path}{what}");
    other.get(&path).await.expect(404);
    other.patch(&path).json(&json!({"enabled": false})).await.expect(404);
    other.delete(&path).await.expect(404);
    other.post(of("/rotate-secret")).await.expect(404);
    other.post(of("/test")).await.expect(404);
    other.post(of("/replay")).json(&json!({"after": "2026-01-01T00:00:00Z"})).await.expect(404);
    other.get(of("/deliveries")).await.expect(404);
    other.get(of(&format!("/deliveries/{delivery}"))).await.expect(404);
    other.post(of(&format!("/deliveries/{delivery}/resend"))).await.expect(404);
    // nor one of another webhook of the same workspace
    let second = app.post("/webhooks").json(&body()).await.expect(201);
    app.get(format!("/webhooks/{}/deliveries/{delivery}", second.id())).await.expect(404);
    assert!(other.get("/webhooks").await.expect(200).data().is_empty());
}
