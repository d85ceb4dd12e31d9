//! How messages are sent: signed, again, and to whom no more.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use kartoteka_tests::TestApp;
use kartoteka_tests::program::until;
use kartoteka_tests::receiver::{Receiver, status, verified_by_reference_library as verified};
use serde_json::{Value, json};

use super::{contact, delivery, listening, webhook};

/// PLT-3: the reference library of another language takes what we sign, and nothing that was changed on the way.
#[tokio::test]
async fn the_reference_library_verifies_what_is_sent() {
    let (app, receiver, hook) = listening(&["contact.created"]).await;
    contact(&app, "Jana").await;
    app.post(format!("/webhooks/{}/test", hook.id())).await.expect(202);
    assert_eq!(app.send_webhooks().await, 2);
    let mut messages = receiver.take();
    let mut names: Vec<&str> = messages.iter().map(|message| message.event()).collect();
    names.sort_unstable();
    assert_eq!(names, ["contact.created", "webhook.test"]);
    let secret = hook.text_at("/secret");
    assert_eq!(verified(&secret, &messages), ["ok", "ok"]);
    for message in &messages {
        assert_eq!(message.target, "/hook");
        assert_eq!(message.headers["content-type"], "application/json");
        assert!(message.headers["user-agent"].starts_with("Kartoteka/"));
        assert!(message.headers["webhook-signature"].starts_with("v1,"));
    }
    let other = webhook(&app, &receiver, "/", &["contact.created"]).await.text_at("/secret");
    assert_eq!(verified(&other, &messages), ["No matching signature found"; 2]);
    messages[0].text.push(' ');
    messages[1].headers.insert("webhook-id".into(), "another".into());
    assert_eq!(verified(&secret, &messages), ["No matching signature found"; 2]);
}

#[tokio::test]
async fn after_a_rotation_both_secrets_sign_for_a_day() {
    let (app, receiver, hook) = listening(&["contact.created"]).await;
    let old = hook.text_at("/secret");
    let rotated = app.post(format!("/webhooks/{}/rotate-secret", hook.id())).await.expect(200);
    let new = rotated.text_at("/secret");
    contact(&app, "Jana").await;
    app.send_webhooks().await;
    let messages = receiver.take();
    assert_eq!(messages[0].headers["webhook-signature"].split(' ').count(), 2);
    assert_eq!(verified(&old, &messages), ["ok"]);
    assert_eq!(verified(&new, &messages), ["ok"]);
    // a day later, in place of the clock, which the token of the test follows
    app.execute("UPDATE webhooks SET old_secret_until = now() - interval '1 second'");
    contact(&app, "Eva").await;
    app.send_webhooks().await;
    let messages = receiver.take();
    assert_eq!(verified(&old, &messages), ["No matching signature found"]);
    assert_eq!(verified(&new, &messages), ["ok"]);
}

fn at(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

/// At least once, with one id.
#[tokio::test]
async fn what_failed_is_sent_again_later_with_the_same_id() {
    let (app, receiver, hook) = listening(&["contact.created"]).await;
    receiver.react([status(500), status(503), status(200)]);
    contact(&app, "Jana").await;
    assert_eq!(app.send_webhooks().await, 1);
    let first = delivery(&app, &hook).await;
    assert_eq!(first.json["state"], "pending");
    assert_eq!((&first.json["attempt"], &first.json["status"]), (&json!(1), &json!(500)));
    assert_eq!(first.json["error"], "the receiver answered 500");
    let pause = at(&first.json["next_attempt_at"]) - at(&first.json["last_attempt_at"]);
    assert!(pause >= TimeDelta::seconds(5) && pause < TimeDelta::seconds(20), "{pause}");
    assert_eq!(app.send_webhooks().await, 0, "not before its time");
    app.clock().advance(TimeDelta::seconds(20));
    assert_eq!(app.send_webhooks().await, 1);
    let second = delivery(&app, &hook).await;
    let pause = at(&second.json["next_attempt_at"]) - at(&second.json["last_attempt_at"]);
    assert!(pause >= TimeDelta::minutes(5) && pause < TimeDelta::minutes(7), "{pause}");
    let failing = app.get(format!("/webhooks/{}", hook.id())).await.expect(200);
    assert!(failing.json["failing_since"].is_string());
    app.clock().advance(TimeDelta::minutes(7));
    assert_eq!(app.send_webhooks().await, 1);
    let third = delivery(&app, &hook).await;
    assert_eq!((&third.json["state"], &third.json["attempt"]), (&json!("delivered"), &json!(3)));
    assert_eq!(
        (&third.json["error"], &third.json["next_attempt_at"]),
        (&Value::Null, &Value::Null)
    );
    let statuses: Vec<&Value> = third.json["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| &attempt["status"])
        .collect();
    assert_eq!(statuses, [500, 503, 200]);
    let healed = app.get(format!("/webhooks/{}", hook.id())).await.expect(200);
    assert_eq!(healed.json["failing_since"], Value::Null);
    let ids: std::collections::BTreeSet<String> =
        receiver.received().iter().map(|message| message.id().to_owned()).collect();
    assert_eq!(
        ids.into_iter().collect::<Vec<_>>(),
        [third.id()],
        "one id, which is the delivery's"
    );
    // lists by state
    let path = format!("/webhooks/{}/deliveries", hook.id());
    assert_eq!(app.get(format!("{path}?state=delivered")).await.expect(200).data().len(), 1);
    assert!(app.get(format!("{path}?state=pending")).await.expect(200).data().is_empty());
    assert!(app.get(format!("{path}?state=failed")).await.expect(200).data().is_empty());
    app.get(format!("{path}?state=lost")).await.expect(422);
}

/// A day and a half, then the event is given up; resending starts anew.
#[tokio::test]
async fn what_fails_for_too_long_is_given_up_and_can_be_resent() {
    let (app, receiver, hook) = listening(&["contact.created"]).await;
    receiver.react(std::iter::repeat_n(status(500), 8));
    contact(&app, "Jana").await;
    let mut attempts = 0;
    for _ in 0..8 {
        // in place of the clock, which the tokens of the test follow
        app.execute("UPDATE webhook_deliveries SET next_attempt_at = now() - interval '1 minute' WHERE state = 'pending'");
        app.execute("UPDATE webhooks SET not_before = NULL");
        attempts += app.send_webhooks().await;
    }
    assert_eq!(attempts, 8);
    let failed = delivery(&app, &hook).await;
    assert_eq!((&failed.json["state"], &failed.json["attempt"]), (&json!("failed"), &json!(8)));
    assert_eq!(failed.json["next_attempt_at"], Value::Null);
    assert_eq!(app.send_webhooks().await, 0);
    let resend = format!("/webhooks/{}/deliveries/{}/resend", hook.id(), failed.id());
    app.execute("UPDATE webhooks SET not_before = NULL");
    let again = app.post(&resend).await.expect(202);
    assert_eq!(again.json["state"], "pending");
    assert_eq!(app.send_webhooks().await, 1);
    let done = delivery(&app, &hook).await;
    assert_eq!((&done.json["state"], &done.json["attempt"]), (&json!("delivered"), &json!(9)));
    // one that was delivered can be sent again too
    app.post(&resend).await.expect(202);
    assert_eq!(app.send_webhooks().await, 1);
    assert_eq!(receiver.received().len(), 10);
    app.post(format!("/webhooks/{}/deliveries/{}/resend", hook.id(), hook.id())).await.expect(404);
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_switched_off() {
    let (app, receiver, hook) = listening(&["contact.created"]).await;
    receiver.react([status(410)]);
    contact(&app, "Jana").await;
    app.send_webhooks().await;
    let failed = delivery(&app, &hook).await;
    assert_eq!((&failed.json["state"], &failed.json["status"]), (&json!("failed"), &json!(410)));
    let path = format!("/webhooks/{}", hook.id());
    let off = app.get(&path).await.expect(200);
    assert_eq!(
        (&off.json["enabled"], &off.json["disabled_reason"]),
        (&json!(false), &json!("gone"))
    );
    assert!(off.json["disabled_at"].is_string());
    app.post(format!("{path}/test")).await.expect_problem(409, "webhook_disabled", &[]);
    app.post(format!("{path}/deliveries/{}/resend", failed.id())).await.expect_problem(
        409,
        "webhook_disabled",
        &[],
    );
    let replay = json!({"after": "2026-01-01T00:00:00Z"});
    app.post(format!("{path}/replay")).json(&replay).await.expect_problem(
        409,
        "webhook_disabled",
        &[],
    );
    let on = app.patch(&path).json(&json!({"enabled": true})).await.expect(200);
    assert_eq!(on.json["disabled_reason"], Value::Null);
    contact(&app, "Eva").await;
    assert_eq!(app.send_webhooks().await, 1);
}

#[tokio::test]
async fn a_receiver_that_fails_for_days_is_switched_off_with_the_reason() {
    let (app, receiver, hook) = listening(&["contact.created"]).await;
    contact(&app, "Jana").await;
    receiver.react([status(500)]);
    app.execute("UPDATE webhooks SET failures = 20, failing_since = now() - interval '2 days'");
    app.send_webhooks().await;
    assert_eq!(app.get(format!("/webhooks/{}", hook.id())).await.expect(200).json["enabled"], true);
    receiver.react([status(500)]);
    app.execute("UPDATE webhooks SET failing_since = now() - interval '4 days', not_before = NULL");
    app.execute("UPDATE webhook_deliveries SET next_attempt_at = now()");
    app.send_webhooks().await;
    let off = app.get(format!("/webhooks/{}", hook.id())).await.expect(200);
    assert_eq!(
        (&off.json["enabled"], &off.json["disabled_reason"]),
        (&json!(false), &json!("failing"))
    );
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_entries WHERE action = 'webhook.disable' AND actor_type = 'system'"), 1);
}

#[tokio::test]
async fn a_receiver_that_asks_for_rest_is_left_alone() {
    let (app, receiver, hook) = listening(&["contact.created"]).await;
    receiver.react([status(429).header("retry-after", "600")]);
    contact(&app, "Jana").await;
    app.send_webhooks().await;
    let waiting = delivery(&app, &hook).await;
    let pause = at(&waiting.json["next_attempt_at"]) - at(&waiting.json["last_attempt_at"]);
    assert!(pause >= TimeDelta::seconds(600) && pause < TimeDelta::seconds(620), "{pause}");
    // the whole receiver, not that event only
    contact(&app, "Eva").await;
    assert_eq!(app.send_webhooks().await, 0);
    app.clock().advance(TimeDelta::seconds(620));
    assert_eq!(app.send_webhooks().await, 2);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (app, receiver, hook) = listening(&["contact.created"]).await;
    let elsewhere = Receiver::start();
    for code in [301, 302, 303, 307, 308] {
        receiver.react([status(code).header("location", &elsewhere.url("/"))]);
        contact(&app, "Jana").await;
    }
    app.send_webhooks().await;
    assert!(elsewhere.received().is_empty());
    let list =
        app.get(format!("/webhooks/{}/deliveries?state=pending", hook.id())).await.expect(200);
    assert!(!list.data().is_empty());
    for delivery in list.data().iter().filter(|delivery| delivery["attempt"] == 1) {
        let error = delivery["error"].as_str().unwrap();
        assert!(error.ends_with("redirects are not followed"), "{error}");
    }
}

/// A dead receiver takes a thread for one attempt, and is tried ever more seldom: what waits for it is not tried.
#[tokio::test]
async fn a_dead_receiver_is_not_asked_for_every_event() {
    let app = TestApp::new().await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let body = json!({"url": format!("http://127.0.0.1:{port}/"), "events": ["contact.created"]});
    let hook = app.post("/webhooks").json(&body).await.expect(201);
    for _ in 0..60 {
        contact(&app, "Jana").await;
    }
    let attempts = app.send_webhooks().await;
    assert!((5..20).contains(&attempts), "{attempts}");
    let path = format!("/webhooks/{}/deliveries?limit=200", hook.id());
    let list = app.get(&path).await.expect(200);
    let tried: Vec<&Value> = list.data().iter().filter(|one| one["attempt"] == 1).collect();
    assert_eq!(tried.len(), attempts);
    assert!(tried.iter().all(|one| one["error"] == "the connection was refused"), "{tried:?}");
}

/// Nobody waits for somebody else's receiver, and no transaction is open meanwhile.
#[tokio::test]
async fn a_slow_receiver_holds_up_nobody_else() {
    use kartoteka_app::webhooks::sending::Sender;
    let app = TestApp::new().await;
    let (slow, quick) = (Receiver::start(), Receiver::start());
    slow.react([status(200).after(Duration::from_secs(4))]);
    webhook(&app, &slow, "/", &["contact.created"]).await;
    let other = app.other_workspace();
    let body = json!({"url": quick.url("/"), "events": ["contact.created"]});
    other.post("/webhooks").json(&body).await.expect(201);
    let sender = Sender::start(app.sending_environment(), "test".into(), 4).unwrap();
    contact(&app, "Jana").await;
    slow.wait_for(1);
    let since = Instant::now();
    other.post("/contacts").json(&json!({"first_name": "Eva"})).await.expect(201);
    quick.wait_for(1);
    // the slow one is still being waited for
    until("no transaction is open", || {
        let idle = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() \
                    AND state LIKE 'idle in transaction%'";
        app.count(idle) == 0
    });
    assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
    tokio::task::spawn_blocking(move || sender.stop()).await.unwrap();
    assert_eq!(
        app.count("SELECT count(*) AS n FROM webhook_deliveries WHERE state = 'delivered'"),
        2
    );
    assert_eq!(app.count("SELECT count(*) AS n FROM webhooks WHERE lease_until IS NOT NULL"), 0);
}

/// Two processes that send do not send twice.
#[tokio::test]
async fn two_senders_send_each_event_once() {
    let (app, receiver, _hook) = listening(&["contact.created"]).await;
    for _ in 0..50 {
        contact(&app, "Jana").await;
    }
    let (one, two) = tokio::join!(app.send_webhooks(), app.send_webhooks());
    assert_eq!(one + two, 50);
    assert_eq!(receiver.received().len(), 50);
}
