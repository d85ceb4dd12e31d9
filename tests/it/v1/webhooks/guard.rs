//! Where webhooks may not go (OWASP API7:2023).

use kartoteka_app::webhooks::Allowed;
use kartoteka_tests::TestApp;
use kartoteka_tests::receiver::Receiver;
use serde_json::json;

use super::{contact, delivery};

#[tokio::test]
async fn an_inner_address_is_refused_when_a_webhook_is_made_or_changed() {
    let app = TestApp::with(|settings| settings.webhook_allow = Allowed::default()).await;
    let body = |url: &str| json!({"url": url, "events": ["contact.created"]});
    let made = app.post("/webhooks").json(&body("https://hooks.example.com/")).await.expect(201);
    for url in [
        "http://hooks.example.com/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://10.0.0.8/",
        "https://172.16.0.1/",
        "https://192.168.1.1/",
        "https://100.64.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:a00:1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[fd00::1]/",
        "https://[fe80::1]/",
        "https://user:password@hooks.example.com/",
        "https://hooks.example.com:22/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
    ] {
        app.post("/webhooks").json(&body(url)).await.expect_problem(
            422,
            "validation_failed",
            &["#/url"],
        );
        app.patch(format!("/webhooks/{}", made.id()))
            .json(&json!({ "url": url }))
            .await
            .expect_problem(422, "validation_failed", &["#/url"]);
    }
    assert_eq!(
        app.count("SELECT count(*) AS n FROM webhooks WHERE url = 'https://hooks.example.com/'"),
        1
    );
}

/// What a name leads to is seen when a message is sent; the log of deliveries says so, and nothing is connected to.
#[tokio::test]
async fn a_name_that_leads_inside_is_refused_when_a_message_is_sent() {
    let app = TestApp::with(|settings| settings.webhook_allow = Allowed::default()).await;
    let receiver = Receiver::start();
    let url = receiver.url("/").replace("http://127.0.0.1", "https://localhost");
    let hook = app
        .post("/webhooks")
        .json(&json!({"url": url, "events": ["contact.created"]}))
        .await
        .expect(201);
    contact(&app, "Jana").await;
    assert_eq!(app.send_webhooks().await, 1);
    let refused = delivery(&app, &hook).await;
    assert_eq!(refused.json["state"], "pending");
    assert_eq!(refused.json["error"], "the host has an address that webhooks may not reach");
    assert_eq!(refused.json["status"], json!(null));
    // a record that was written before the rules were
    app.execute("UPDATE webhooks SET url = 'http://127.0.0.1:1/', not_before = NULL");
    app.execute("UPDATE webhook_deliveries SET next_attempt_at = now()");
    app.send_webhooks().await;
    let refused = delivery(&app, &hook).await;
    assert_eq!(refused.json["error"], "the host has an address that webhooks may not reach");
    assert!(receiver.received().is_empty());
}

/// An address may hold a secret: the log names no part of it.
#[tokio::test]
async fn the_log_does_not_hold_where_messages_go() {
    let app = TestApp::new().await;
    let receiver = Receiver::start();
    let url = receiver.url("/Geheim7pfad?token=Kanarek8wort");
    let body = json!({"url": url, "events": ["contact.created"]});
    let hook = app.post("/webhooks").json(&body).await.expect(201);
    contact(&app, "Jana").await;
    app.send_webhooks().await;
    assert_eq!(receiver.received()[0].target, "/Geheim7pfad?token=Kanarek8wort");
    let secret = hook.text_at("/secret");
    let lines = kartoteka_tests::canary::lines();
    assert!(lines.iter().any(|line| line.contains("an event was sent")), "the log is kept");
    for word in ["Geheim7pfad", "Kanarek8wort", &secret[6..]] {
        assert!(lines.iter().all(|line| !line.contains(word)), "{word}");
    }
}
