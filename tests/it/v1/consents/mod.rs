//! Tests of purposes, the ledger, its proof and the gate.

mod proof;

mod links;
mod preferences;
mod requests;

use diesel::RunQueryDsl;
use diesel::sql_types::{Binary, Uuid as SqlUuid};
use kartoteka_app::consents::suppression;
use kartoteka_domain::consents::ledger::Channel;
use kartoteka_tests::{Answer, Client, TestApp};
use serde_json::{Value, json};

async fn contact(app: &Client, body: Value) -> String {
    let id = app.post("/contacts").json(&body).await.expect(201).id();
    format!("/contacts/{id}")
}

/// CNS-1..3: entries are added, never changed; channels follow from them.
#[tokio::test]
async fn the_ledger_keeps_everything_and_channels_follow() {
    let app = TestApp::new().await;
    let path = contact(&app, json!({"email": "jana@x.cz"})).await;
    let granted = app.post(format!("{path}/consents")).json(&json!({"purpose": "email_basic", "action": "grant",
        "legal_basis": "consent", "evidence": {"ip": "203.0.113.7", "user_agent": "M", "form": "f1"}})).await.expect(201);
    assert_eq!(
        granted.json["evidence"],
        json!({"form": "f1", "ip": "203.0.113.7", "user_agent": "M"})
    );
    assert_eq!(granted.json["source"], json!({"type": "card", "id": null}));
    assert_eq!(
        (&granted.json["wording_version"], &granted.json["actor"]["type"]),
        (&json!(1), &json!("user"))
    );
    assert_eq!(app.get(&path).await.json["communication"]["email"], "opt_in");
    let client = app.integration(&["consents:write"]);
    let withdrawn = client
        .post(format!("{path}/consents"))
        .json(&json!({"purpose": "email_basic", "action": "withdraw"}))
        .await
        .expect(201);
    assert_eq!(
        (&withdrawn.json["source"]["type"], &withdrawn.json["evidence"]),
        (&json!("api"), &Value::Null)
    );
    assert_eq!(app.get(&path).await.json["communication"]["email"], "opt_out");
    let read = app.get(format!("{path}/consents")).await.expect(200);
    let state = |n: usize| {
        (
            read.json["current"][n]["purpose"].as_str().unwrap(),
            read.json["current"][n]["state"].as_str().unwrap(),
        )
    };
    assert_eq!((state(0), state(1)), (("email_basic", "withdrawn"), ("sms_basic", "never")));
    assert_eq!(read.json["history"], json!([withdrawn.json, granted.json]));
    let page = app.get(format!("{path}/consents?limit=1")).await.expect(200);
    let cursor = page.text_at("/next_cursor");
    let rest = app.get(format!("{path}/consents?limit=1&cursor={cursor}")).await.expect(200);
    assert_eq!(rest.json["history"], json!([granted.json]));
    assert_eq!(
        app.count("SELECT count(*) AS n FROM audit_entries WHERE action LIKE 'consent.%'"),
        2
    );
}

#[tokio::test]
async fn a_faulty_declaration_changes_nothing() {
    let app = TestApp::new().await;
    let path = contact(&app, json!({"email": "jana@x.cz"})).await;
    let consents = format!("{path}/consents");
    app.post(&consents)
        .json(&json!({"purpose": "nonsense", "action": "grant", "evidence": {"ip": "x"}}))
        .await
        .expect_problem(422, "validation_failed", &["#/purpose", "#/legal_basis", "#/evidence/ip"]);
    app.post(&consents)
        .json(&json!({"purpose": "email_basic", "action": "give", "legal_basis": "because"}))
        .await
        .expect_problem(422, "validation_failed", &["#/action", "#/legal_basis"]);
    assert_eq!(app.count("SELECT count(*) AS n FROM consent_entries"), 0);
    app.delete(&path).await.expect(204);
    app.post(&consents)
        .json(&json!({"purpose": "email_basic", "action": "grant", "legal_basis": "consent"}))
        .await
        .expect_problem(409, "conflict", &[]);
    app.post(&consents)
        .json(&json!({"purpose": "email_basic", "action": "withdraw"}))
        .await
        .expect(201);
    app.post(format!("/contacts/{}/consents", uuid::Uuid::nil()))
        .json(&json!({"purpose": "email_basic", "action": "withdraw"}))
        .await
        .expect(404);
}

/// CNS-2: a new wording is a new version; what was agreed to before stays what it was.
#[tokio::test]
async fn purposes_have_versions_of_their_wording() {
    let app = TestApp::new().await;
    let body = json!({"name": "email_events", "channel": "email", "title": "Invitations", "wording": "I agree."});
    let made = app.post("/purposes").json(&body).await.expect(201);
    app.post("/purposes").json(&body).await.expect_problem(409, "purpose_exists", &[]);
    app.post("/purposes")
        .json(&json!({"name": "No name!", "channel": "fax", "title": " ", "wording": "x"}))
        .await
        .expect_problem(422, "validation_failed", &["#/name", "#/channel", "#/title"]);
    let path = made.header("location").to_owned();
    let contact = contact(&app, json!({"email": "jana@x.cz"})).await;
    let declare = json!({"purpose": "email_events", "action": "grant", "legal_basis": "consent"});
    app.post(format!("{contact}/consents")).json(&declare).await.expect(201);
    let changed = app.patch(&path).json(&json!({"wording": "I really agree."})).await.expect(200);
    assert_eq!(
        (&changed.json["version"], changed.json["versions"].as_array().unwrap().len()),
        (&json!(2), 2)
    );
    app.patch(&path).json(&json!({"title": "Events"})).await.expect(200);
    app.patch(&path).json(&json!({"name": "x"})).await.expect_problem(
        422,
        "validation_failed",
        &["#/name"],
    );
    app.patch(&path)
        .header("if-match", made.header("etag"))
        .json(&json!({"title": "x"}))
        .await
        .expect(412);
    app.post(format!("{contact}/consents")).json(&declare).await.expect(201);
    let read = app.get(format!("{contact}/consents")).await.expect(200);
    let wordings: Vec<_> = read.json["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["wording"].as_str().unwrap())
        .collect();
    assert_eq!(wordings, ["I really agree.", "I agree."]);
    app.delete(&path).await.expect_problem(409, "purpose_in_use", &[]);
    let unused = app
        .post("/purposes")
        .json(&json!({"name": "post_gifts", "channel": "post", "title": "Gifts", "wording": "x"}))
        .await
        .expect(201);
    app.delete(unused.header("location")).await.expect(204);
    let names: Vec<String> = app
        .get("/purposes")
        .await
        .expect(200)
        .data()
        .iter()
        .map(|p| p["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["email_basic", "email_events", "sms_basic"]);
    app.other_workspace().get(&path).await.expect(404);
}

fn reasons(answer: Answer) -> Vec<String> {
    let answer = answer.expect(200);
    let reasons: Vec<String> = answer.json["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(answer.json["allowed"], json!(reasons.is_empty()));
    reasons
}

/// CNS-1, CNS-8, EVT-5, EVT-6: the gate sees each obstacle, and tells all of them in order.
#[tokio::test]
async fn the_gate_tells_all_reasons_in_order() {
    let app = TestApp::new().await;
    let path = contact(&app, json!({"email": "Jana@X.cz"})).await;
    let ask = |query: &str| {
        let request = app.get(format!("{path}/can-send?{query}"));
        async move { reasons(request.await) }
    };
    let marketing = "channel=email&purpose=email_basic&kind=marketing";
    let none: Vec<String> = Vec::new();
    assert_eq!(ask(marketing).await, ["no_consent"]);
    assert_eq!(ask("channel=email").await, ["no_consent"]);
    assert_eq!(ask("channel=email&kind=transactional").await, none);
    assert_eq!(ask("channel=sms").await, ["no_address", "no_consent"]);
    assert_eq!(ask("channel=post&kind=transactional").await, ["no_address"]);
    app.post(format!("{path}/consents"))
        .json(&json!({"purpose": "email_basic", "action": "grant", "legal_basis": "consent"}))
        .await
        .expect(201);
    assert_eq!(ask(marketing).await, none);
    assert_eq!(ask("channel=email").await, none);
    app.put(format!("{path}/subscription")).json(&json!({"subscribed": false})).await.expect(200);
    assert_eq!(ask(marketing).await, ["unsubscribed"]);
    assert_eq!(ask("channel=email&kind=transactional").await, none);
    app.put(format!("{path}/mute")).json(&json!({"muted": true})).await.expect(200);
    assert_eq!(ask("channel=email&kind=transactional").await, ["muted"]);
    let hash = suppression::hash(&app.settings().secret, Channel::Email, "jana@x.cz");
    diesel::sql_query("INSERT INTO suppressions VALUES ($1, 'email', $2, 'bounce', now())")
        .bind::<SqlUuid, _>(app.home().id.0)
        .bind::<Binary, _>(hash)
        .execute(&mut app.connection())
        .unwrap();
    diesel::sql_query("UPDATE contacts SET email_invalid_at = now()")
        .execute(&mut app.connection())
        .unwrap();
    app.post(format!("{path}/consents"))
        .json(&json!({"purpose": "email_basic", "action": "withdraw"}))
        .await
        .expect(201);
    app.delete(&path).await.expect(204);
    assert_eq!(
        ask(marketing).await,
        ["in_trash", "muted", "invalid_address", "suppressed", "unsubscribed", "no_consent"]
    );
    app.get(format!("{path}/can-send?channel=sms&purpose=email_basic")).await.expect_problem(
        422,
        "validation_failed",
        &["?purpose"],
    );
    app.get(format!("{path}/can-send?channel=email&purpose=none")).await.expect_problem(
        422,
        "validation_failed",
        &["?purpose"],
    );
    app.get(format!("{path}/can-send")).await.expect_problem(
        422,
        "validation_failed",
        &["?channel"],
    );
}
