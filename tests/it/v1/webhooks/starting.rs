//! Events that rules and scenarios start by, told by single calls.

use kartoteka_domain::scopes::Role;
use kartoteka_tests::receiver::Received;
use kartoteka_tests::{TestApp, Workspace};
use serde_json::{Value, json};

use super::super::contacts::notes::person;
use super::{contact, listening};

/// Events that rules and scenarios can start by, of those that single calls and the contact manager tell.
pub(crate) const STARTING: &[&str] = &[
    "contact.mobile_opted_out",
    "contact.note_added",
    "contact.owner_assigned",
    "contact.stage_entered",
];

/// Has a scenario of the workspace start by these events, as an enabled definition would.
pub(crate) fn starts_by(app: &TestApp, workspace: &Workspace, events: &[&str]) {
    app.execute(&format!(
        "INSERT INTO definitions (workspace_id, id, type, name, name_key, enabled, version, created_at, updated_at) \
         VALUES ('{}', '01900000-0000-7000-8000-000000000001', 'scenario', 'Starting', 'starting', true, 1, now(), now())",
        workspace.id
    ));
    for (place, event) in events.iter().enumerate() {
        app.execute(&format!(
            "INSERT INTO start_events (workspace_id, definition_type, definition_id, place, event) \
             VALUES ('{}', 'scenario', '01900000-0000-7000-8000-000000000001', {place}, '{event}')",
            workspace.id
        ));
    }
}

/// What is kept of the events of scenarios: type, subject, data, in order.
pub(crate) fn started(app: &TestApp) -> Vec<(String, String, Value)> {
    let rows = app.rows(
        "SELECT type, subject_id, data FROM outbox_events WHERE starts_scenarios ORDER BY workspace_id, id",
    );
    let word = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    rows.iter()
        .map(|row| (word(row, "type"), word(row, "subject_id"), row["data"].clone()))
        .collect()
}

async fn say(app: &TestApp, contact: &str, purpose: &str, action: &str) {
    let mut body = json!({"purpose": purpose, "action": action});
    if action == "grant" {
        body["legal_basis"] = json!("consent");
    }
    app.post(format!("/contacts/{contact}/consents")).json(&body).await.expect(201);
}

/// SCN-4: and nothing is written for what nothing starts with.
#[tokio::test]
async fn notes_and_new_owners_start_what_hangs_on_them() {
    let app = TestApp::new().await;
    let (petr, _) = person(&app, "petr", Role::Editor).await;
    let id = contact(&app, "Jana").await;
    let notes = format!("/contacts/{id}/notes");
    let owner = format!("/contacts/{id}/owners/{petr}");
    app.post(&notes).json(&json!({"text": "early"})).await.expect(201);
    starts_by(&app, &app.other_workspace(), STARTING);
    app.post(&notes).json(&json!({"text": "still early"})).await.expect(201);
    assert_eq!(app.count("SELECT count(*) AS n FROM outbox_events"), 0, "nobody waits for it");

    starts_by(&app, app.home(), STARTING);
    let open = app.post(&notes).json(&json!({"text": "Kanarka7"})).await.expect(201);
    let private = app.post(&notes).json(&json!({"text": "b", "private": true})).await.expect(201);
    app.patch(format!("{notes}/{}", open.id())).json(&json!({"text": "c"})).await.expect(200);
    app.put(&owner).json(&json!({"level": "co_owner"})).await.expect(200);
    // whoever owns it already does not become its owner
    for level in ["co_owner", "main"] {
        app.put(&owner).json(&json!({"level": level})).await.expect(200);
    }
    let event = |word: &str, data: Value| (word.to_owned(), id.clone(), data);
    let expected = [
        event("contact.note_added", json!({"note_id": open.id()})),
        event("contact.note_added", json!({"note_id": private.id()})),
        event("contact.owner_assigned", json!({"user_id": petr, "level": "co_owner"})),
    ];
    assert_eq!(started(&app), expected);
    assert_eq!(app.count("SELECT count(*) AS n FROM outbox_events"), 3, "and nothing else");
    assert_eq!(app.send_webhooks().await, 0, "there is no webhook");
    assert_eq!(app.count("SELECT count(*) AS n FROM webhook_deliveries"), 0);
}

/// SCN-4, PLT-3: a webhook hears them too, whether anything starts by them or not.
#[tokio::test]
async fn webhooks_hear_of_what_starts_scenarios() {
    let (app, receiver, _webhook) = listening(STARTING).await;
    let id = contact(&app, "Jana").await;
    let notes = format!("/contacts/{id}/notes");
    let first = app.post(&notes).json(&json!({"text": "Kanarka7"})).await.expect(201);
    assert_eq!(started(&app), []);
    starts_by(&app, app.home(), &["contact.note_added"]);
    let second = app.post(&notes).json(&json!({"text": "b"})).await.expect(201);
    say(&app, &id, "sms_basic", "withdraw").await;
    assert_eq!(started(&app).len(), 1);
    assert_eq!(app.send_webhooks().await, 3);
    let messages = receiver.received();
    let heard: Vec<(&str, &Value)> = messages
        .iter()
        .map(|message| (message.event(), &message.json["data"]["note_id"]))
        .collect();
    let note = |answer: &kartoteka_tests::Answer| json!(answer.id());
    assert_eq!(
        heard,
        [
            ("contact.note_added", &note(&first)),
            ("contact.note_added", &note(&second)),
            ("contact.mobile_opted_out", &Value::Null)
        ]
    );
    assert!(messages.iter().all(|message: &Received| message.json["data"]["id"] == json!(id)));
    assert!(messages.iter().all(|message| !message.text.contains("Kanarka7")), "no values");
}

/// SCN-4, MGR-C: what counts is the status of the channel, not the single purpose.
#[tokio::test]
async fn mobile_opt_outs_start_what_hangs_on_them() {
    let app = TestApp::new().await;
    starts_by(&app, app.home(), STARTING);
    let second =
        json!({"name": "sms_offers", "channel": "sms", "title": "Offers", "wording": "I agree."});
    app.post("/purposes").json(&second).await.expect(201);
    let told = || started(&app).len();
    let id = contact(&app, "Jana").await;
    say(&app, &id, "email_basic", "grant").await;
    say(&app, &id, "sms_basic", "grant").await;
    say(&app, &id, "sms_offers", "grant").await;
    say(&app, &id, "email_basic", "withdraw").await;
    say(&app, &id, "sms_offers", "withdraw").await;
    assert_eq!(told(), 0, "something of the channel is granted still");
    say(&app, &id, "sms_basic", "withdraw").await;
    assert_eq!(started(&app), [("contact.mobile_opted_out".to_owned(), id.clone(), json!({}))]);
    say(&app, &id, "sms_basic", "withdraw").await;
    assert_eq!(told(), 1, "it had opted out");
    say(&app, &id, "sms_basic", "grant").await;
    say(&app, &id, "sms_basic", "withdraw").await;
    assert_eq!(told(), 2, "again, after it had come back");
    // who was never asked and refuses has opted out
    let other = contact(&app, "Eva").await;
    say(&app, &other, "sms_basic", "withdraw").await;
    assert_eq!(told(), 3);
    // by the link in a message
    let by_link = contact(&app, "Ola").await;
    app.patch(format!("/contacts/{by_link}")).json(&json!({"email": "o@x.cz"})).await.expect(200);
    say(&app, &by_link, "sms_basic", "grant").await;
    let links = format!("/contacts/{by_link}/consents/links?purpose=sms_basic");
    let link = app.get(links).await.expect(200).text_at("/unsubscribe");
    let at = link.find("/links/").unwrap();
    for _ in 0..2 {
        app.anonymous().post(&link[at..]).form(&[("by", "page")]).await.expect(200);
    }
    assert_eq!(told(), 4);
    assert_eq!(started(&app)[3].1, by_link);
}

/// SCN-4, IMP-9: a list that is imported starts nothing that hangs on opt-outs.
#[tokio::test]
async fn an_import_starts_nothing_that_hangs_on_opt_outs() {
    let app = TestApp::new().await;
    starts_by(&app, app.home(), STARTING);
    let options = json!({"mapping": {"columns": [
        {"index": 0, "target": "email"}, {"index": 1, "target": "consent:sms_basic"}
    ]}});
    let import = app.import("e,s\na@example.com,no\n", &options).await;
    assert_eq!(import.json["state"], "done", "{import:?}");
    assert_eq!(app.count("SELECT count(*) AS n FROM consents WHERE NOT granted"), 1);
    assert_eq!(started(&app), []);
}
