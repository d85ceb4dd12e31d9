//! Marketing by e-mail and by phone for many contacts (MGR-A, MGR-B, MGR-C).

use diesel::RunQueryDsl;
use diesel::sql_types::{Binary, Uuid as SqlUuid};
use kartoteka_app::consents::suppression;
use kartoteka_domain::consents::ledger::Channel;
use kartoteka_domain::scopes::Role;
use kartoteka_tests::{Answer, Client, TestApp};
use serde_json::{Value, json};

use crate::v1::contacts::notes::person;
use crate::v1::integrity;

/// A contact that [`chosen`] means.
pub(super) async fn contact(app: &TestApp, mut body: Value) -> String {
    body["tags"] = json!(["chosen"]);
    app.post("/contacts").json(&body).await.expect(201).id()
}

/// The contacts that the tests of this folder work on.
pub(super) fn chosen() -> Value {
    json!({"where": {"field": "tag", "op": "has", "value": "chosen"}})
}

/// Has the actions done with the chosen contacts, and reads the job.
pub(super) async fn managed(app: &TestApp, by: &Client, actions: Value) -> Answer {
    let body = json!({"selection": chosen(), "actions": actions});
    let job = by.post("/contact-manager/jobs").json(&body).await.expect(202);
    app.run_jobs().await;
    ended(by, &job.id()).await
}

/// Undoes a job, and reads the job that does so.
pub(super) async fn undone(app: &TestApp, by: &Client, job: &Answer) -> Answer {
    let undo = by.post(format!("/contact-manager/jobs/{}/undo", job.id())).await.expect(202);
    app.run_jobs().await;
    ended(by, &undo.id()).await
}

async fn ended(by: &Client, id: &str) -> Answer {
    let job = by.get(format!("/contact-manager/jobs/{id}")).await.expect(200);
    assert_eq!(job.json["state"], "succeeded", "{job:?}");
    job
}

/// How often an action had which outcome; `skipped` by reason.
#[track_caller]
pub(super) fn expect_counts(job: &Answer, action: &str, counts: [i64; 2], skipped: &Value) {
    let [applied, unchanged] = counts;
    let expected = json!({"applied": applied, "unchanged": unchanged, "skipped": skipped});
    assert_eq!(job.json["outcomes"][action], expected, "{action}: {}", job.json["outcomes"]);
}

async fn say(app: &TestApp, contact: &str, purpose: &str, action: &str) {
    let mut body = json!({"purpose": purpose, "action": action});
    if action == "grant" {
        body["legal_basis"] = json!("consent");
    }
    app.post(format!("/contacts/{contact}/consents")).json(&body).await.expect(201);
}

async fn purpose(app: &TestApp, name: &str, channel: &str) -> String {
    let body = json!({"name": name, "channel": channel, "title": name, "wording": "I agree."});
    app.post("/purposes").json(&body).await.expect(201).id()
}

async fn status(app: &TestApp, contact: &str, channel: &str) -> Value {
    app.get(format!("/contacts/{contact}")).await.expect(200).json["communication"][channel].clone()
}

/// Entries of the ledger, newest first.
async fn history(app: &TestApp, contact: &str) -> Vec<Value> {
    let read = app.get(format!("/contacts/{contact}/consents")).await.expect(200);
    read.json["history"].as_array().unwrap().clone()
}

async fn reasons(app: &TestApp, contact: &str, query: &str) -> Value {
    app.get(format!("/contacts/{contact}/can-send?{query}")).await.expect(200).json["reasons"]
        .clone()
}

fn entries(app: &TestApp) -> i64 {
    app.count("SELECT count(*) AS n FROM consent_entries")
}

/// The seals and their rows fit what is in the ledger.
async fn intact(app: &TestApp) {
    integrity::sealed(app).await;
    assert_eq!(integrity::faults(app).await, []);
    app.check_invariants();
}

/// MGR-A, CNS-3: a withdrawal of every purpose of the channel that was not refused already, as unsubscribing writes it.
#[tokio::test]
async fn opting_out_of_email_is_a_withdrawal_in_the_ledger() {
    let app = TestApp::new().await;
    purpose(&app, "email_events", "email").await;
    let granted = contact(&app, json!({"email": "a@x.cz", "phone": "+420601123456"})).await;
    say(&app, &granted, "email_basic", "grant").await;
    say(&app, &granted, "sms_basic", "grant").await;
    let other = contact(&app, json!({"email": "b@x.cz"})).await;
    say(&app, &other, "email_basic", "withdraw").await;
    say(&app, &other, "email_events", "grant").await;
    let never = contact(&app, json!({"first_name": "Nina"})).await;
    let out = contact(&app, json!({"email": "c@x.cz"})).await;
    say(&app, &out, "email_basic", "withdraw").await;
    let bad = contact(&app, json!({"email": "d@x.cz"})).await;
    say(&app, &bad, "email_basic", "grant").await;
    app.execute(&format!("UPDATE contacts SET email_invalid_at = now() WHERE id = '{bad}'"));
    let before = app.get(format!("/contacts/{granted}")).await.expect(200);
    let known = entries(&app);

    let job = managed(&app, &app, json!([{"type": "set_email_opt_out"}])).await;
    expect_counts(&job, "set_email_opt_out", [4, 1], &json!({}));
    assert_eq!(entries(&app), known + 2 + 1 + 2 + 2);
    for id in [&granted, &other, &never, &out] {
        assert_eq!(status(&app, id, "email").await, "opt_out");
    }
    assert_eq!(status(&app, &bad, "email").await, "invalid");
    assert_eq!(status(&app, &granted, "sms").await, "opt_in", "another channel");
    assert_eq!(reasons(&app, &granted, "channel=email").await, json!(["no_consent"]));
    assert_eq!(
        reasons(&app, &bad, "channel=email").await,
        json!(["invalid_address", "no_consent"]),
        "the mark hides the refusal, but does not replace it"
    );
    for (id, purposes) in [
        (&granted, vec!["email_basic", "email_events"]),
        (&other, vec!["email_events"]),
        (&never, vec!["email_basic", "email_events"]),
        (&bad, vec!["email_basic", "email_events"]),
    ] {
        let history = history(&app, id).await;
        let mut written: Vec<&str> = history
            .iter()
            .take(purposes.len())
            .map(|entry| entry["purpose"].as_str().unwrap())
            .collect();
        written.sort_unstable();
        assert_eq!(written, purposes);
        for entry in &history[..purposes.len()] {
            assert_eq!(entry["action"], "withdraw");
            assert_eq!(entry["source"], json!({"type": "contact_manager", "id": job.id()}));
            assert_eq!(entry["actor"], json!({"type": "user", "id": app.home().user}));
            assert_eq!(
                (&entry["legal_basis"], &entry["evidence"]),
                (&json!("consent"), &Value::Null)
            );
        }
    }
    let after = app.get(format!("/contacts/{granted}")).await.expect(200);
    assert_ne!(before.header("etag"), after.header("etag"));
    let trail = format!("/audit?job_id={}&action=consent.withdraw", job.id());
    assert_eq!(app.get(trail).await.expect(200).data().len(), 7);
    app.get(format!("/contacts/{granted}/consents/proof")).await.expect(200);

    let again = managed(&app, &app, json!([{"type": "set_email_opt_out"}])).await;
    expect_counts(&again, "set_email_opt_out", [0, 5], &json!({}));
    assert_eq!(entries(&app), known + 7);
    intact(&app).await;
}

/// MGR-A: consent to e-mail is not given for many, and the refusal says where it is.
#[tokio::test]
async fn opting_in_to_email_cannot_be_asked_for() {
    let app = TestApp::new().await;
    contact(&app, json!({"email": "a@x.cz"})).await;
    let actions = json!([{"type": "set_email_opt_in", "legal_basis": "consent"}, {"type": "set_score", "score": 1}]);
    let body = json!({"selection": chosen(), "actions": actions});
    let refused = app.post("/contact-manager/jobs").json(&body).await.expect(422);
    let text = refused.text();
    assert_eq!(refused.faults()[0].0, "#/actions/0/type");
    for place in ["/contacts/{id}/consents", "import", "scenario"] {
        assert!(text.contains(place), "{text}");
    }
    assert_eq!(entries(&app), 0);
    assert_eq!(app.count("SELECT count(*) AS n FROM jobs"), 0);
}

/// MGR-B: the mark lies over what the ledger says, and what is said meanwhile counts.
#[tokio::test]
async fn lifting_the_mark_gives_back_what_was_before() {
    let app = TestApp::new().await;
    let granted = contact(&app, json!({"email": "a@x.cz"})).await;
    say(&app, &granted, "email_basic", "grant").await;
    let out = contact(&app, json!({"email": "b@x.cz"})).await;
    say(&app, &out, "email_basic", "withdraw").await;
    let never = contact(&app, json!({"email": "c@x.cz"})).await;
    let meanwhile = contact(&app, json!({"email": "d@x.cz"})).await;
    say(&app, &meanwhile, "email_basic", "grant").await;
    let without = contact(&app, json!({"first_name": "Ida"})).await;
    let known = entries(&app);
    let all = [&granted, &out, &never, &meanwhile];

    let mark = json!([{"type": "mark_email_invalid"}]);
    let job = managed(&app, &app, mark.clone()).await;
    expect_counts(&job, "mark_email_invalid", [4, 0], &json!({"no_email": 1}));
    for id in all {
        assert_eq!(status(&app, id, "email").await, "invalid");
    }
    assert_eq!(reasons(&app, &granted, "channel=email").await, json!(["invalid_address"]));
    let since = app.rows("SELECT email_invalid_at FROM contacts ORDER BY id");
    let again = managed(&app, &app, mark).await;
    expect_counts(&again, "mark_email_invalid", [0, 4], &json!({"no_email": 1}));
    assert_eq!(app.rows("SELECT email_invalid_at FROM contacts ORDER BY id"), since);
    let found =
        json!({"selection": {"where": {"field": "email_status", "op": "eq", "value": "invalid"}}});
    assert_eq!(app.post("/contacts/count").json(&found).await.expect(200).json["contacts"], 4);
    say(&app, &meanwhile, "email_basic", "withdraw").await;

    let lift = json!([{"type": "lift_email_invalid"}]);
    let job = managed(&app, &app, lift.clone()).await;
    expect_counts(&job, "lift_email_invalid", [4, 1], &json!({}));
    for (id, expected) in [
        (&granted, "opt_in"),
        (&out, "opt_out"),
        (&never, "none"),
        (&meanwhile, "opt_out"),
        (&without, "none"),
    ] {
        assert_eq!(status(&app, id, "email").await, expected);
    }
    assert_eq!(reasons(&app, &granted, "channel=email").await, json!([]));
    assert_eq!(entries(&app), known + 1, "neither says anything in the ledger");
    expect_counts(&managed(&app, &app, lift).await, "lift_email_invalid", [0, 5], &json!({}));
    let trail = format!("/audit?record_id={granted}&action=contact.email_invalid");
    let trail = app.get(trail).await.expect(200);
    let told: Vec<&Value> =
        trail.data().iter().map(|line| &line["changes"]["email_invalid"]).collect();
    assert_eq!(told, [&json!([true, false]), &json!([false, true])]);
    intact(&app).await;
}

/// MGR-B, CNS-8: an address nobody may write to again stays so, whatever is said of the contact.
#[tokio::test]
async fn lifting_the_mark_takes_no_address_off_the_suppressed() {
    let app = TestApp::new().await;
    let id = contact(&app, json!({"email": "jana@x.cz"})).await;
    say(&app, &id, "email_basic", "grant").await;
    let hash = suppression::hash(&app.settings().secret, Channel::Email, "jana@x.cz");
    diesel::sql_query("INSERT INTO suppressions VALUES ($1, 'email', $2, 'bounce', now())")
        .bind::<SqlUuid, _>(app.home().id.0)
        .bind::<Binary, _>(hash)
        .execute(&mut app.connection())
        .unwrap();
    managed(&app, &app, json!([{"type": "mark_email_invalid"}])).await;
    let both = json!(["invalid_address", "suppressed"]);
    assert_eq!(reasons(&app, &id, "channel=email").await, both);
    managed(&app, &app, json!([{"type": "lift_email_invalid"}])).await;
    assert_eq!(reasons(&app, &id, "channel=email").await, json!(["suppressed"]));
    assert_eq!(app.count("SELECT count(*) AS n FROM suppressions"), 1);
}

/// MGR-C, CNS-3: a declaration with its legal basis and the wording of today, for the oldest purpose of the channel.
#[tokio::test]
async fn opting_in_to_messages_by_phone_names_its_legal_basis() {
    let app = TestApp::new().await;
    purpose(&app, "sms_offers", "sms").await;
    let basic = app.get("/purposes").await.expect(200);
    let basic = basic.data().iter().find(|one| one["name"] == "sms_basic").unwrap()["id"].clone();
    let path = format!("/purposes/{}", basic.as_str().unwrap());
    app.patch(path).json(&json!({"wording": "I agree to be written to."})).await.expect(200);
    let phone = |last: u8| json!({"phone": format!("+42060112345{last}")});
    let never = contact(&app, phone(1)).await;
    let had_enough = contact(&app, phone(2)).await;
    say(&app, &had_enough, "sms_basic", "withdraw").await;
    let otherwise = contact(&app, phone(3)).await;
    say(&app, &otherwise, "sms_offers", "grant").await;
    let without = contact(&app, json!({"email": "a@x.cz"})).await;
    let known = entries(&app);

    let opt_in = json!([{"type": "set_mobile_opt_in", "legal_basis": "legitimate_interest"}]);
    let job = managed(&app, &app, opt_in.clone()).await;
    expect_counts(&job, "set_mobile_opt_in", [2, 1], &json!({"no_phone": 1}));
    assert_eq!(entries(&app), known + 2);
    for (id, expected) in
        [(&never, "opt_in"), (&had_enough, "opt_in"), (&otherwise, "opt_in"), (&without, "none")]
    {
        assert_eq!(status(&app, id, "sms").await, expected);
    }
    for id in [&never, &had_enough] {
        let entry = &history(&app, id).await[0];
        assert_eq!((&entry["purpose"], &entry["action"]), (&json!("sms_basic"), &json!("grant")));
        assert_eq!(entry["legal_basis"], "legitimate_interest");
        assert_eq!(entry["wording_version"], 2);
        assert_eq!(entry["source"], json!({"type": "contact_manager", "id": job.id()}));
        assert_eq!(status(&app, id, "email").await, "none");
    }
    let again = managed(&app, &app, opt_in).await;
    expect_counts(&again, "set_mobile_opt_in", [0, 3], &json!({"no_phone": 1}));

    let out = managed(&app, &app, json!([{"type": "set_mobile_opt_out"}])).await;
    expect_counts(&out, "set_mobile_opt_out", [4, 0], &json!({}));
    for id in [&never, &had_enough, &otherwise, &without] {
        assert_eq!(status(&app, id, "sms").await, "opt_out");
    }
    let again = managed(&app, &app, json!([{"type": "set_mobile_opt_out"}])).await;
    expect_counts(&again, "set_mobile_opt_out", [0, 4], &json!({}));
    intact(&app).await;

    let faulty = |action: Value| json!({"selection": chosen(), "actions": [action]});
    for (action, pointer) in [
        (json!({"type": "set_mobile_opt_in"}), "#/actions/0/legal_basis"),
        (json!({"type": "set_mobile_opt_in", "legal_basis": "because"}), "#/actions/0/legal_basis"),
        (
            json!({"type": "set_mobile_opt_out", "legal_basis": "consent"}),
            "#/actions/0/legal_basis",
        ),
    ] {
        let refused = app.post("/contact-manager/jobs").json(&faulty(action)).await.expect(422);
        assert_eq!(refused.faults()[0].0, pointer);
    }
}

/// MGR-A, MGR-C: where nothing can be decided on, nothing is said to have been.
#[tokio::test]
async fn a_channel_without_purposes_cannot_be_opted_out_of() {
    let app = TestApp::new().await;
    contact(&app, json!({"phone": "+420601123456"})).await;
    let purposes = app.get("/purposes").await.expect(200);
    let sms = purposes.data().iter().find(|one| one["channel"] == "sms").unwrap();
    let path = format!("/purposes/{}", sms["id"].as_str().unwrap());
    let opt_out = json!({"selection": chosen(), "actions": [{"type": "set_mobile_opt_out"}]});
    let late = app.post("/contact-manager/jobs").json(&opt_out).await.expect(202);
    app.delete(&path).await.expect(204);
    app.run_jobs().await;
    let late = app.get(format!("/contact-manager/jobs/{}", late.id())).await.expect(200);
    assert_eq!(late.json["state"], "failed", "it went between the request and the job: {late:?}");
    for kind in [
        json!({"type": "set_mobile_opt_out"}),
        json!({"type": "set_mobile_opt_in", "legal_basis": "consent"}),
    ] {
        let body = json!({"selection": chosen(), "actions": [kind]});
        let refused = app.post("/contact-manager/jobs").json(&body).await.expect(422);
        assert_eq!(refused.faults()[0].0, "#/actions/0");
        assert_eq!(refused.faults()[0].1, "unknown_purpose");
    }
    let email = managed(&app, &app, json!([{"type": "set_email_opt_out"}])).await;
    expect_counts(&email, "set_email_opt_out", [1, 0], &json!({}));
}

/// MGR-5: who sees a contact only changes nothing at it, and consents need their scope.
#[tokio::test]
async fn who_may_not_change_a_contact_changes_no_status_of_it() {
    let app = TestApp::new().await;
    let (eva, as_eva) = person(&app, "eva", Role::Manager).await;
    let seen = contact(&app, json!({"email": "a@x.cz", "phone": "+420601123456"})).await;
    let owner = format!("/contacts/{seen}/owners/{eva}");
    app.put(owner).json(&json!({"level": "read_only"})).await.expect(200);
    let free = contact(&app, json!({"email": "b@x.cz", "phone": "+420601123457"})).await;
    let skipped = json!({"not_permitted": 1});
    for action in [
        json!({"type": "set_email_opt_out"}),
        json!({"type": "mark_email_invalid"}),
        json!({"type": "set_mobile_opt_in", "legal_basis": "consent"}),
        json!({"type": "set_mobile_opt_out"}),
    ] {
        let job = managed(&app, &as_eva, json!([action])).await;
        expect_counts(&job, action["type"].as_str().unwrap(), [1, 0], &skipped);
    }
    let lift = managed(&app, &as_eva, json!([{"type": "lift_email_invalid"}])).await;
    expect_counts(&lift, "lift_email_invalid", [1, 0], &skipped);
    assert_eq!(status(&app, &seen, "email").await, "none");
    assert_eq!(status(&app, &free, "email").await, "opt_out");
    assert_eq!(history(&app, &seen).await, Vec::<Value>::new());

    let known = entries(&app);
    let narrow = app.with_scopes(&["manager:run", "contacts:read", "contacts:write"]);
    let opt_in = json!([{"type": "set_mobile_opt_in", "legal_basis": "consent"}]);
    let job = managed(&app, &narrow, opt_in).await;
    expect_counts(&job, "set_mobile_opt_in", [0, 0], &json!({"not_permitted": 2}));
    assert_eq!(entries(&app), known);
}

/// PLT-3: each entry and each mark is told to whoever asks for it.
#[tokio::test]
async fn what_changed_is_told_to_webhooks() {
    let app = TestApp::new().await;
    let receiver = kartoteka_tests::receiver::Receiver::start();
    let id = contact(&app, json!({"email": "a@x.cz", "phone": "+420601123456"})).await;
    let events =
        ["consent.granted", "consent.withdrawn", "contact.updated", "contact.mobile_opted_out"];
    let hook = json!({"url": receiver.url("/"), "events": events});
    app.post("/webhooks").json(&hook).await.expect(201);
    let actions = json!([{"type": "mark_email_invalid"}, {"type": "set_mobile_opt_in", "legal_basis": "consent"}]);
    managed(&app, &app, actions).await;
    managed(&app, &app, json!([{"type": "set_mobile_opt_out"}])).await;
    assert_eq!(app.send_webhooks().await, 4);
    let messages = receiver.received();
    let told: Vec<(&str, &Value)> = messages
        .iter()
        .map(|message| (message.event(), &message.json["data"]["changed"]))
        .collect();
    assert_eq!(
        told,
        [
            ("contact.updated", &json!(["email_invalid"])),
            ("consent.granted", &Value::Null),
            ("consent.withdrawn", &Value::Null),
            ("contact.mobile_opted_out", &Value::Null)
        ]
    );
    assert!(messages.iter().all(|message| message.text.contains(&id)));
    assert!(messages.iter().all(|message| message.json["data"]["job_id"].is_string()));
}
