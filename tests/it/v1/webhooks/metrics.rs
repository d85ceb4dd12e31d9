//! What the metrics tell of sending, by the program as an operator runs it.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use kartoteka_app::clock::Clock;
use kartoteka_app::webhooks::sending::queue_age;
use kartoteka_tests::Client;
use kartoteka_tests::program::{Installation, PATIENCE};
use kartoteka_tests::receiver::{Receiver, status};
use serde_json::json;

use super::{contact, listening};

/// Waits until a metric is at least so much.
async fn eventually(metrics: &Client, name: &str, least: f64) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = metrics.get("/metrics").await.expect(200).text();
        let told: Vec<_> = text.lines().filter(|line| line.starts_with("webhook")).collect();
        let value =
            told.iter().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
        if value.is_some_and(|value| value >= least) {
            return;
        }
        assert!(Instant::now() < deadline, "waited in vain for {name} {least}: {told:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// PLT-3
#[tokio::test(flavor = "multi_thread")]
async fn attempts_are_counted_by_what_came_of_them() {
    let installation = Installation::new().await;
    let receiver = Receiver::start();
    receiver.react([status(500)]);
    let settings = [
        ("KARTOTEKA_WEBHOOK_ALLOW", "127.0.0.0/8"),
        ("KARTOTEKA_METRICS_TOKEN", "metrics-of-the-tests"),
    ];
    let server = installation.serve_with(&[], &settings);
    let admin = installation.administrator(&server).await;
    let metrics = admin.with_token("metrics-of-the-tests");
    eventually(&metrics, "webhook_queue_age_seconds", 0.0).await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, event) in
        [(receiver.url("/"), "contact.created"), (format!("http://{nobody}/"), "contact.trashed")]
    {
        admin.post("/webhooks").json(&json!({"url": url, "events": [event]})).await.expect(201);
    }
    let made = admin.post("/contacts").json(&json!({"first_name": "Jana"})).await.expect(201);
    eventually(&metrics, "webhook_attempts_total{result=\"refused\"}", 1.0).await;
    // some seconds later
    eventually(&metrics, "webhook_attempts_total{result=\"delivered\"}", 1.0).await;
    eventually(&metrics, "webhook_attempt_duration_seconds_count{result=\"delivered\"}", 1.0).await;
    admin.delete(format!("/contacts/{}", made.id())).await.expect(204);
    eventually(&metrics, "webhook_attempts_total{result=\"unanswered\"}", 1.0).await;
    server.stop();
}

/// PLT-3: the age is that of what waits for us, not for a receiver that fails.
#[tokio::test]
async fn the_age_of_the_queue_is_that_of_the_event_that_waits_longest() {
    let (app, receiver, _) = listening(&["contact.created"]).await;
    let environment = app.sending_environment();
    let age = || queue_age(&environment).unwrap();
    assert_eq!(age(), Duration::ZERO);
    contact(&app, "Jana").await;
    app.clock().advance(TimeDelta::seconds(40));
    contact(&app, "Eva").await;
    app.clock().advance(TimeDelta::seconds(2));
    assert!((42..90).contains(&age().as_secs()), "{:?}", age());
    let until = app.clock().now() + TimeDelta::minutes(1);
    app.execute(&format!("UPDATE webhooks SET not_before = '{}'", until.to_rfc3339()));
    assert_eq!(age(), Duration::ZERO, "one that is left alone does not count");
    app.execute("UPDATE webhooks SET not_before = NULL, enabled = false");
    assert_eq!(age(), Duration::ZERO, "nor one that is switched off");
    app.execute("UPDATE webhooks SET enabled = true");
    assert_eq!(app.send_webhooks().await, 2);
    assert_eq!(age(), Duration::ZERO);
    assert_eq!(receiver.received().len(), 2);
}
