//! Which events are written, and what they say.

use kartoteka_tests::TestApp;
use kartoteka_tests::receiver::{Received, Receiver};
use serde_json::{Value, json};

use super::{contact, listening};

const OF_CONTACTS: &[&str] = &[
    "contact.created",
    "contact.updated",
    "contact.trashed",
    "contact.restored",
    "contact.purged",
    "consent.granted",
    "consent.withdrawn",
];

/// Types and subjects in order.
fn told(messages: &[Received]) -> Vec<(String, String)> {
    let subject = |message: &Received| {
        let data = &message.json["data"];
        data.get("id").or(data.get("contact_id")).unwrap().as_str().unwrap().to_owned()
    };
    messages.iter().map(|message| (message.event().to_owned(), subject(message))).collect()
}

/// How many events there are of each type.
fn counted(app: &TestApp) -> Value {
    let rows = app.rows("SELECT coalesce(jsonb_object_agg(type, n), '{}') AS counts FROM (SELECT type, count(*) AS n FROM outbox_events GROUP BY type) AS q");
    rows[0]["counts"].clone()
}

/// PLT-3
#[tokio::test]
async fn a_contact_tells_its_life() {
    let (app, receiver, _webhook) = listening(OF_CONTACTS).await;
    let id = contact(&app, "Kanarka7").await;
    let path = format!("/contacts/{id}");
    app.patch(&path)
        .json(&json!({"last_name": "Nováková", "address": {"city": "Brno"}}))
        .await
        .expect(200);
    app.patch(&path).json(&json!({"last_name": "Nováková"})).await.expect(200); // nothing changed
    app.put(format!("{path}/tags/vip")).json(&json!({})).await.expect(200);
    app.put(format!("{path}/mute")).json(&json!({"muted": true})).await.expect(200);
    let grant = json!({"purpose": "email_basic", "action": "grant", "legal_basis": "consent"});
    app.post(format!("{path}/consents")).json(&grant).await.expect(201);
    let withdraw = json!({"purpose": "email_basic", "action": "withdraw"});
    app.post(format!("{path}/consents")).json(&withdraw).await.expect(201);
    app.delete(&path).await.expect(204);
    app.post(format!("/trash/{id}/restore")).await.expect(200);
    app.delete(&path).await.expect(204);
    app.delete(format!("/trash/{id}")).await.expect(204);
    assert_eq!(app.send_webhooks().await, 10);
    let messages = receiver.received();
    let words: Vec<&str> = messages.iter().map(Received::event).collect();
    assert_eq!(
        words,
        [
            "contact.created",
            "contact.updated",
            "contact.updated",
            "contact.updated",
            "consent.granted",
            "consent.withdrawn",
            "contact.trashed",
            "contact.restored",
            "contact.trashed",
            "contact.purged",
        ]
    );
    assert!(told(&messages).iter().all(|(_, subject)| *subject == id));
    let changed: Vec<&Value> =
        messages.iter().map(|message| &message.json["data"]["changed"]).collect();
    assert_eq!(*changed[1], json!(["last_name", "address.city"]));
    assert_eq!((changed[2], changed[3]), (&json!(["tags"]), &json!(["muted"])));
    assert_eq!(messages[4].json["data"]["purpose"], "email_basic");
    for message in &messages {
        assert_eq!(message.json["data"]["actor"]["type"], "user");
        assert!(message.json["timestamp"].as_str().unwrap().ends_with('Z'));
        // ids and names only: nothing that a purge would have to take back
        assert!(
            !message.text.contains("Kanarka7") && !message.text.contains("Nováková"),
            "{}",
            message.text
        );
        assert!(message.json["data"].get("contact").is_none());
    }
}

#[tokio::test]
async fn many_at_once_tell_one_by_one() {
    let (app, receiver, _webhook) = listening(OF_CONTACTS).await;
    let item = |n: usize| json!({"key": "email", "contact": {"email": format!("n{n}@example.com"), "first_name": "N"}});
    let batch =
        |range: std::ops::Range<usize>| json!({"items": range.map(item).collect::<Vec<_>>()});
    app.post("/contacts/batch").json(&batch(0..20)).await.expect(200);
    let mut changed = batch(10..30);
    changed["items"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .for_each(|item| item["contact"]["first_name"] = json!("M"));
    app.post("/contacts/batch").json(&changed).await.expect(200);
    assert_eq!(counted(&app), json!({"contact.created": 30, "contact.updated": 10}));
    let ids: Vec<Value> =
        app.rows("SELECT id FROM contacts").iter().map(|row| row["id"].clone()).collect();
    let ids = json!({ "ids": ids });
    app.post("/contacts/bulk-delete").json(&ids).await.expect(200);
    app.post("/trash/restore").json(&ids).await.expect(200);
    app.post("/contacts/bulk-delete").json(&ids).await.expect(200);
    app.post("/trash/purge").json(&ids).await.expect(200);
    assert_eq!(
        counted(&app),
        json!({"contact.created": 30, "contact.updated": 10, "contact.trashed": 60, "contact.restored": 30, "contact.purged": 30})
    );
    assert_eq!(app.send_webhooks().await, 160);
    let received = receiver.received();
    assert_eq!(received.len(), 160);
    let ids: std::collections::BTreeSet<&str> = received.iter().map(Received::id).collect();
    assert_eq!(ids.len(), 160, "each event has an id of its own");
}

/// A workspace pays for what somebody asks for only.
#[tokio::test]
async fn what_nobody_asks_for_is_not_written() {
    let (app, receiver, webhook) = listening(&["contact.trashed"]).await;
    let id = contact(&app, "Jana").await;
    assert_eq!(counted(&app), json!({}));
    app.delete(format!("/contacts/{id}")).await.expect(204);
    assert_eq!(counted(&app), json!({"contact.trashed": 1}));
    app.patch(format!("/webhooks/{}", webhook.id()))
        .json(&json!({"enabled": false}))
        .await
        .expect(200);
    app.post(format!("/trash/{id}/restore")).await.expect(200);
    app.delete(format!("/contacts/{id}")).await.expect(204);
    assert_eq!(counted(&app), json!({"contact.trashed": 1}));
    // another workspace's contacts are nobody's business here
    let other = app.other_workspace();
    let made = other.post("/contacts").json(&json!({"first_name": "Eva"})).await.expect(201);
    other.delete(format!("/contacts/{}", made.id())).await.expect(204);
    assert_eq!(counted(&app), json!({"contact.trashed": 1}));
    assert_eq!(app.send_webhooks().await, 0, "what waits for one that is off stays there");
    app.patch(format!("/webhooks/{}", webhook.id()))
        .json(&json!({"enabled": true}))
        .await
        .expect(200);
    assert_eq!(app.send_webhooks().await, 1);
    assert_eq!(told(&receiver.received()), [("contact.trashed".to_owned(), id)]);
}

/// What is rolled back did not happen.
#[tokio::test]
async fn a_change_that_fails_tells_nothing() {
    let (app, _receiver, _webhook) = listening(OF_CONTACTS).await;
    let id = contact(&app, "Jana").await;
    app.patch(format!("/contacts/{id}")).json(&json!({"email": "nonsense"})).await.expect(422);
    app.patch(format!("/contacts/{id}"))
        .header("if-match", "\"old\"")
        .json(&json!({"first_name": "Eva"}))
        .await
        .expect(412);
    assert_eq!(counted(&app), json!({"contact.created": 1}));
    app.send_webhooks().await;
}

#[tokio::test]
async fn a_contact_comes_along_where_the_webhook_includes_it() {
    let (app, receiver) = (TestApp::new().await, Receiver::start());
    let body = json!({"url": receiver.url("/"), "events": OF_CONTACTS, "include": "contact"});
    app.post("/webhooks").json(&body).await.expect(201);
    let id = contact(&app, "Jana").await;
    let grant = json!({"purpose": "email_basic", "action": "grant", "legal_basis": "consent"});
    app.post(format!("/contacts/{id}/consents")).json(&grant).await.expect(201);
    app.send_webhooks().await;
    let shown = app.get(format!("/contacts/{id}")).await.expect(200).json;
    for message in receiver.take() {
        assert_eq!(message.json["data"]["contact"], shown, "as the API shows it now");
    }
    app.patch(format!("/contacts/{id}")).json(&json!({"first_name": "Eva"})).await.expect(200);
    app.delete(format!("/contacts/{id}")).await.expect(204);
    app.delete(format!("/trash/{id}")).await.expect(204);
    app.send_webhooks().await;
    let messages = receiver.take();
    assert_eq!(messages.len(), 3);
    for message in messages {
        assert_eq!(
            message.json["data"]["contact"],
            Value::Null,
            "what is purged is not sent any more"
        );
    }
}

/// An import and its undo tell of every contact and consent, and of themselves (IMP-18).
#[tokio::test]
async fn an_import_and_its_undo_tell_of_every_contact() {
    let mut all = OF_CONTACTS.to_vec();
    all.extend(["import.done", "import.reverted", "job.succeeded"]);
    let (app, receiver, _webhook) = listening(&all).await;
    let known = app
        .post("/contacts")
        .json(&json!({"email": "a@example.com", "first_name": "Old"}))
        .await
        .expect(201)
        .id();
    let trashed =
        app.post("/contacts").json(&json!({"email": "b@example.com"})).await.expect(201).id();
    app.delete(format!("/contacts/{trashed}")).await.expect(204);
    app.send_webhooks().await;
    let _before = receiver.take();
    app.execute("DELETE FROM outbox_events");
    let options = json!({
        "mapping": {"columns": [
            {"index": 0, "target": "email"}, {"index": 1, "target": "first_name", "policy": "overwrite"},
            {"index": 2, "target": "consent:email_basic"}, {"index": 3, "target": "tags"},
        ]},
        "matching": {"mode": "match", "key": "email", "outcomes": {
            "none": {"action": "import"}, "one": {"action": "update"}, "many": {"action": "skip"}, "in_trash": {"action": "restore_and_update"}
        }},
    });
    let list = "e,f,k,t\na@example.com,New,yes,vip\nb@example.com,Back,,\nc@example.com,C,yes,vip\nd@example.com,D,no,\na@example.com,New,yes,\n";
    let import = app.import(list, &options).await;
    assert_eq!(import.json["state"], "done", "{import:?}");
    assert_eq!(
        counted(&app),
        json!({
            "contact.created": 2, "contact.updated": 2, "contact.restored": 1, "consent.granted": 2,
            "consent.withdrawn": 1, "import.done": 1, "job.succeeded": 1
        })
    );
    app.send_webhooks().await;
    let messages = receiver.take();
    let of = |event: &str, id: &str| {
        messages
            .iter()
            .find(|message| message.event() == event && message.text.contains(id))
            .unwrap_or_else(|| panic!("{event} {id}"))
    };
    assert_eq!(
        of("contact.updated", &known).json["data"]["changed"],
        json!(["first_name", "tags"])
    );
    assert_eq!(of("consent.granted", &known).json["data"]["purpose"], "email_basic");
    of("contact.restored", &trashed);
    let made = app.rows("SELECT id FROM contacts WHERE origin = 'import'");
    for row in &made {
        of("contact.created", row["id"].as_str().unwrap());
    }
    let done = of("import.done", &import.id());
    assert_eq!(done.json["data"]["summary"]["created"], 2);
    assert_eq!(done.json["data"]["job_id"], import.json["job"]["id"]);
    // of several subjects messages go side by side; their ids tell the order
    for message in messages.iter().filter(|message| message.event() == "contact.created") {
        assert!(message.id() < done.id(), "{} {}", message.id(), done.id());
    }

    app.execute("DELETE FROM outbox_events");
    app.post(format!("/imports/{}/revert", import.id())).await.expect(202);
    app.run_jobs().await;
    assert_eq!(
        counted(&app),
        json!({
            "contact.trashed": 3, "contact.updated": 2, "consent.withdrawn": 1, "import.reverted": 1, "job.succeeded": 1
        })
    );
    app.send_webhooks().await;
    app.check_invariants();
}

#[tokio::test]
async fn imports_and_jobs_that_end_otherwise_tell_it() {
    let (app, receiver, _webhook) =
        listening(&["import.cancelled", "import.failed", "job.cancelled", "job.failed"]).await;
    let import = app.post("/imports").json(&json!({"method": "file"})).await.expect(201);
    app.post(format!("/imports/{}/cancel", import.id())).await.expect(200);
    assert_eq!(counted(&app), json!({"import.cancelled": 1}));
    // a job of the queue, stopped before anybody took it
    let hook = app.get("/webhooks").await.expect(200).text_at("/data/0/id");
    let replay = json!({"after": "2026-01-01T00:00:00Z"});
    let job = app.post(format!("/webhooks/{hook}/replay")).json(&replay).await.expect(202);
    app.post(format!("/jobs/{}/cancel", job.id())).await.expect(200);
    assert_eq!(counted(&app), json!({"import.cancelled": 1, "job.cancelled": 1}));
    app.send_webhooks().await;
    let received = receiver.received();
    let job = received.iter().find(|message| message.event() == "job.cancelled").unwrap();
    assert_eq!(job.json["data"]["kind"], "webhook_replay");
    assert_eq!(job.json["data"]["subject"], json!({"type": "webhook", "id": hook}));
}
