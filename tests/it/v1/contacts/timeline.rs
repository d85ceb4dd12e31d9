//! The timeline of a contact, and its consents at an instant.

use chrono::TimeDelta;
use kartoteka_app::clock::Clock;
use kartoteka_domain::scopes::Role;
use kartoteka_tests::TestApp;
use serde_json::{Value, json};

use super::notes::person;

/// CON-18
#[tokio::test]
async fn the_timeline_tells_what_happened_newest_first() {
    let app = TestApp::new().await;
    let later = || app.clock().advance(TimeDelta::seconds(1));
    let made = app.post("/contacts").json(&json!({"email": "jana@example.com"})).await.expect(201);
    let id = made.id();
    let path = format!("/contacts/{id}");
    later();
    app.patch(&path).json(&json!({"score": 1, "first_name": "Jana"})).await.expect(200);
    later();
    app.put(format!("{path}/tags/vip")).json(&json!({"score": 5})).await.expect(200);
    later();
    let consent = json!({"purpose": "email_basic", "action": "grant", "legal_basis": "consent"});
    app.post(format!("{path}/consents")).json(&consent).await.expect(201);
    later();
    app.post(format!("{path}/notes")).json(&json!({"text": "poznámka"})).await.expect(201);
    later();
    let (user, client) = person(&app, "eva", Role::Editor).await;
    let secret = json!({"text": "tajná", "private": true});
    client.post(format!("{path}/notes")).json(&secret).await.expect(201);
    later();
    let level = json!({"level": "main"});
    app.put(format!("{path}/owners/{user}")).json(&level).await.expect(200);
    later();
    let company = app.post("/companies").json(&json!({"name": "Dílna"})).await.expect(201).id();
    app.put(format!("/companies/{company}/contacts/{id}")).json(&json!({})).await.expect(200);
    later();
    let now = app.clock().now().to_rfc3339();
    let call = json!({"type": "call", "subject": "Hovor", "done_at": now, "contact_ids": [id]});
    app.post("/activities").json(&call).await.expect(201);
    let future = (app.clock().now() + TimeDelta::days(3)).to_rfc3339();
    let task = json!({"type": "task", "subject": "Zavolat", "due_at": future, "contact_ids": [id]});
    app.post("/activities").json(&task).await.expect(201);
    later();
    app.delete(&path).await.expect(204);
    later();
    app.post(format!("/trash/{id}/restore")).await.expect(200);
    later();
    let import = app.import("E-mail;Město\njana@example.com;Brno\n", &json!({})).await;
    assert_eq!(import.json["summary"]["updated"], 1, "{import:?}");

    let timeline = format!("{path}/timeline");
    let all = app.get(&timeline).await.expect(200);
    let types: Vec<&str> = all.data().iter().map(|entry| entry["type"].as_str().unwrap()).collect();
    assert_eq!(
        types,
        [
            "import", "restored", "trashed", "activity", "linked", "owner", "note", "consent",
            "changed", "tag", "changed", "created"
        ]
        .map(|word| word),
        "{all:?}"
    );
    let entry = |kind: &str| {
        all.data().iter().rev().find(|entry| entry["type"] == kind).cloned().unwrap_or_default()
    };
    assert_eq!(entry("created")["data"], json!({"origin": "manual", "import": null}));
    assert_eq!(entry("created")["actor"], json!({"type": "user", "id": app.home().user}));
    assert_eq!(entry("changed")["data"]["fields"], json!(["first_name", "score"]));
    assert_eq!(entry("tag")["data"], json!({"name": "vip", "score": 5}));
    assert_eq!(entry("consent")["data"]["purpose"], "email_basic");
    assert_eq!(entry("note")["data"], json!({"text": "poznámka", "private": false}));
    assert_eq!(entry("owner")["data"]["level"], json!([null, "main"]));
    assert_eq!(entry("linked")["data"]["id"], json!(company));
    assert_eq!(entry("activity")["data"]["subject"], "Hovor");
    assert_eq!(entry("import")["id"], json!(import.id()));
    assert_eq!(
        entry("import")["data"]["rows"],
        json!([{"row": 1, "outcome": "update", "fields": ["city"]}])
    );

    // page by page nothing is lost or repeated
    let (mut walked, mut cursor) = (Vec::<Value>::new(), String::new());
    loop {
        let page = app.get(format!("{timeline}?limit=5{cursor}")).await.expect(200);
        walked.extend(page.data().iter().cloned());
        let Some(next) = page.json["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(walked, all.data());

    // the author of the private note sees it
    let own = client.get(format!("{timeline}?type=note")).await.expect(200);
    assert_eq!(own.data().len(), 2);
    // who may not read consents does not read them here
    let blind = app.with_scopes(&["contacts:read"]);
    assert!(blind.get(format!("{timeline}?type=consent")).await.expect(200).data().is_empty());
    assert_eq!(blind.get(&timeline).await.expect(200).data().len(), types.len() - 1);
    let noted = entry("note")["at"].as_str().unwrap().to_owned();
    let since = app.get(&timeline).query(&[("after", &noted)]).await.expect(200);
    let until = app.get(&timeline).query(&[("before", &noted)]).await.expect(200);
    assert_eq!(since.data().len() + until.data().len(), types.len());
    assert_eq!(since.data().last().unwrap()["type"], "note");
    // as it stood at that instant, which is among it; the narrower of two bounds counts
    let then = app.get(&timeline).query(&[("as_of", &noted)]).await.expect(200);
    assert_eq!(then.data().len(), until.data().len() + 1);
    assert_eq!(then.data()[0]["type"], "note");
    let both = app.get(&timeline).query(&[("as_of", &noted), ("before", &noted)]).await;
    assert_eq!(both.expect(200).data(), until.data());
    let first = app.get(&timeline).query(&[("as_of", noted.as_str()), ("limit", "1")]).await;
    let cursor = first.expect(200).text_at("/next_cursor");
    let next = [("as_of", noted.as_str()), ("limit", "200"), ("cursor", &cursor)];
    assert_eq!(app.get(&timeline).query(&next).await.expect(200).data(), &then.data()[1..]);
    app.get(format!("{timeline}?type=fax")).await.expect_problem(
        422,
        "validation_failed",
        &["?type"],
    );
    app.other_workspace().get(&timeline).await.expect(404);
}

/// CON-17, CON-18: a contact made by an import says by which.
#[tokio::test]
async fn a_contact_made_by_an_import_says_by_which() {
    let app = TestApp::new().await;
    let import = app.import("E-mail\neva@example.com\n", &json!({})).await;
    let id = app.get("/contacts").await.data()[0]["id"].as_str().unwrap().to_owned();
    let created = app.get(format!("/contacts/{id}/timeline?type=created")).await.expect(200);
    let data = &created.data()[0]["data"];
    assert_eq!((&data["origin"], &data["import"]["id"]), (&json!("import"), &json!(import.id())));
}

/// CNS-5
#[tokio::test]
async fn consents_are_told_as_they_were_at_an_instant() {
    let app = TestApp::new().await;
    let id =
        app.post("/contacts").json(&json!({"email": "jana@example.com"})).await.expect(201).id();
    let path = format!("/contacts/{id}/consents");
    let before = app.clock().now();
    app.clock().advance(TimeDelta::minutes(1));
    let grant = json!({"purpose": "email_basic", "action": "grant", "legal_basis": "consent"});
    let granted = app.post(&path).json(&grant).await.expect(201);
    app.clock().advance(TimeDelta::minutes(1));
    let between = app.clock().now();
    app.clock().advance(TimeDelta::minutes(1));
    let withdraw = json!({"purpose": "email_basic", "action": "withdraw"});
    app.post(&path).json(&withdraw).await.expect(201);
    let email = |answer: &kartoteka_tests::Answer| {
        let current = answer.json["current"].as_array().unwrap().clone();
        let email = current.into_iter().find(|c| c["purpose"] == "email_basic").unwrap();
        (email["state"].clone(), answer.json["history"].as_array().unwrap().len())
    };
    let now = app.get(&path).await.expect(200);
    assert_eq!(email(&now), (json!("withdrawn"), 2));
    for (instant, expected) in [
        (before.to_rfc3339(), (json!("never"), 0)),
        (granted.text_at("/at"), (json!("granted"), 1)),
        (between.to_rfc3339(), (json!("granted"), 1)),
        (app.clock().now().to_rfc3339(), (json!("withdrawn"), 2)),
    ] {
        let then = app.get(&path).query(&[("as_of", &instant)]).await.expect(200);
        assert_eq!(email(&then), expected, "{instant}");
    }
    app.get(format!("{path}?as_of=yesterday")).await.expect_problem(
        422,
        "validation_failed",
        &["?as_of"],
    );
}
