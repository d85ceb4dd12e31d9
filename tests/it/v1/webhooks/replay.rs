//! Sending past events again, and forgetting them.

use chrono::{SecondsFormat, TimeDelta};
use kartoteka_app::access::maintenance::sweep;
use kartoteka_app::clock::Clock;
use kartoteka_tests::TestApp;
use kartoteka_tests::receiver::Receiver;
use serde_json::json;

use super::{contact, listening, webhook};

fn now(app: &TestApp) -> String {
    app.clock().now().to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// PLT-3
#[tokio::test]
async fn the_events_of_a_span_are_sent_again_in_order() {
    let (app, receiver, hook) = listening(&["contact.created", "contact.trashed"]).await;
    let first = contact(&app, "A").await;
    let after = now(&app);
    let mut ids = Vec::new();
    for name in ["B", "C", "D", "E", "F", "G"] {
        ids.push(contact(&app, name).await);
    }
    app.delete(format!("/contacts/{first}")).await.expect(204);
    let before = now(&app);
    contact(&app, "H").await;
    app.send_webhooks().await;
    let original = receiver.take();
    assert_eq!(original.len(), 9);
    let path = format!("/webhooks/{}/replay", hook.id());
    let job = app
        .post(&path)
        .json(&json!({"after": after, "before": before, "events": ["contact.created"]}))
        .await
        .expect(202);
    app.post(&path).json(&json!({ "after": after })).await.expect_problem(409, "conflict", &[]);
    app.run_jobs().await;
    let done = app.get(job.header("location")).await.expect(200);
    assert_eq!(done.json["state"], "succeeded");
    assert_eq!(done.json["progress"], json!({"done": 6, "total": 6}));
    assert_eq!(app.send_webhooks().await, 6);
    let again = receiver.take();
    let subjects: Vec<&str> =
        again.iter().map(|message| message.json["data"]["id"].as_str().unwrap()).collect();
    assert_eq!(subjects, ids, "in order");
    for message in &again {
        let known = original.iter().find(|one| one.id() == message.id());
        assert_eq!(known.unwrap().text, message.text, "the same message under the same id");
    }
    // all it asks for, until now
    app.post(&path).json(&json!({ "after": after })).await.expect(202);
    app.run_jobs().await;
    assert_eq!(app.send_webhooks().await, 8);
    let later = (app.clock().now() + TimeDelta::hours(1)).to_rfc3339();
    app.post(&path).json(&json!({"after": later})).await.expect_problem(
        422,
        "validation_failed",
        &["#/after"],
    );
    app.post(&path).json(&json!({"after": after, "before": after})).await.expect(422);
}

/// A webhook that is made later gets what was written because another one asked.
#[tokio::test]
async fn a_new_webhook_can_have_what_happened_before_it() {
    let (app, receiver, _hook) = listening(&["contact.created"]).await;
    let start = now(&app);
    contact(&app, "A").await;
    app.send_webhooks().await;
    let late = Receiver::start();
    let second = webhook(&app, &late, "/", &["contact.created"]).await;
    app.post(format!("/webhooks/{}/replay", second.id()))
        .json(&json!({ "after": start }))
        .await
        .expect(202);
    app.run_jobs().await;
    assert_eq!(app.send_webhooks().await, 1);
    assert_eq!(late.received()[0].id(), receiver.received()[0].id());
}

#[tokio::test]
async fn what_is_too_old_or_of_nobody_is_forgotten() {
    let (app, _receiver, hook) = listening(&["contact.created"]).await;
    contact(&app, "Old").await;
    app.send_webhooks().await;
    app.clock().advance(TimeDelta::days(20));
    // the token of the test has expired by now, so the tables are asked
    let counts = || {
        (
            app.count("SELECT count(*) AS n FROM outbox_events"),
            app.count("SELECT count(*) AS n FROM webhook_deliveries"),
        )
    };
    sweep(app.db(), app.clock().now()).unwrap();
    assert_eq!(counts(), (1, 1), "still in its time");
    app.clock().advance(TimeDelta::days(11));
    sweep(app.db(), app.clock().now()).unwrap();
    assert_eq!(counts(), (0, 0));
    app.clock().advance(-TimeDelta::days(31));
    contact(&app, "New").await;
    app.delete(format!("/webhooks/{}", hook.id())).await.expect(204);
    assert_eq!(app.send_webhooks().await, 0, "nothing is sent to one that is gone");
    sweep(app.db(), app.clock().now()).unwrap();
    assert_eq!(counts(), (1, 0), "the event is kept for others");
}
