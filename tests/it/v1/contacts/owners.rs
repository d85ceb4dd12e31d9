//! Owners of a contact, and what each of them may do.

use kartoteka_domain::scopes::Role;
use kartoteka_tests::{Answer, Client, TestApp};
use serde_json::{Value, json};

use super::notes::person;

async fn contact(app: &TestApp, name: &str) -> String {
    let body = json!({"first_name": name, "email": format!("{name}@example.com")});
    app.post("/contacts").json(&body).await.expect(201).id()
}

async fn own(app: &TestApp, contact: &str, user: &str, level: &str) -> Answer {
    app.put(format!("/contacts/{contact}/owners/{user}")).json(&json!({"level": level})).await
}

async fn remove(app: &TestApp, path: String) -> Answer {
    app.delete(path).await
}

/// CON-12
#[tokio::test]
async fn owners_are_made_changed_shown_and_taken_away() {
    let app = TestApp::new().await;
    let id = contact(&app, "jana").await;
    let (eva, _) = person(&app, "eva", Role::Manager).await;
    let (petr, _) = person(&app, "petr", Role::Editor).await;
    assert!(app.get(format!("/contacts/{id}/owners")).await.expect(200).data().is_empty());
    let first = own(&app, &id, &petr, "co_owner").await.expect(200);
    assert_eq!(
        first.json,
        json!({"user_id": petr, "email": "petr@example.com", "level": "co_owner"})
    );
    let second = own(&app, &id, &eva, "main").await.expect(200);
    let both = json!([second.json, first.json]);
    assert_eq!(app.get(format!("/contacts/{id}")).await.json["owners"], both);
    assert_eq!(app.get("/contacts").await.data()[0]["owners"], both, "in lists too");
    let list = format!("/contacts/{id}/owners");
    assert_eq!(json!(app.get(&list).await.data()), both);
    let page = app.get(format!("{list}?limit=1")).await.expect(200);
    assert_eq!(page.data(), std::slice::from_ref(&second.json));
    let cursor = page.text_at("/next_cursor");
    let rest = app.get(format!("{list}?limit=1&cursor={cursor}")).await.expect(200);
    assert_eq!(
        (json!(rest.data()), &rest.json["next_cursor"]),
        (json!([first.json]), &Value::Null)
    );
    let path = format!("{list}/{petr}");
    assert_eq!(app.get(&path).await.expect(200).header("etag"), first.header("etag"));
    let stale = app.put(&path).header("if-match", "\"old\"").json(&json!({"level": "main"})).await;
    stale.expect_problem(412, "precondition_failed", &[]);
    own(&app, &id, &petr, "read_only").await.expect(200);
    app.delete(&path).header("if-match", first.header("etag")).await.expect(412);
    app.delete(&path).await.expect(204);
    app.get(&path).await.expect(404);
    app.delete(&path).await.expect(404);
    let nobody = uuid::Uuid::now_v7().to_string();
    own(&app, &id, &nobody, "main").await.expect_problem(404, "not_found", &[]);
    own(&app, &nobody, &petr, "main").await.expect_problem(404, "not_found", &[]);
    own(&app, &id, &petr, "boss").await.expect_problem(422, "validation_failed", &["#/level"]);
    let other = app.other_workspace();
    other.get(&list).await.expect(404);
    own(&app, &id, &other.user.to_string(), "main").await.expect(404);
    let trail = app.get(format!("/audit?record_id={id}&action=contact.owner")).await.expect(200);
    let levels: Vec<&Value> = trail.data().iter().map(|line| &line["changes"]["level"]).collect();
    assert_eq!(
        levels,
        [
            &json!(["read_only", null]),
            &json!(["co_owner", "read_only"]),
            &json!([null, "main"]),
            &json!([null, "co_owner"])
        ]
    );
}

/// CON-12
#[tokio::test]
async fn the_last_owner_stays_also_when_two_are_taken_away_at_once() {
    let app = TestApp::new().await;
    let (eva, _) = person(&app, "eva", Role::Manager).await;
    let (petr, _) = person(&app, "petr", Role::Editor).await;
    let id = contact(&app, "jana").await;
    own(&app, &id, &eva, "main").await.expect(200);
    let path = |user: &str| format!("/contacts/{id}/owners/{user}");
    app.delete(path(&eva)).await.expect_problem(409, "last_owner", &[]);
    for _ in 0..10 {
        own(&app, &id, &eva, "main").await.expect(200);
        own(&app, &id, &petr, "main").await.expect(200);
        let (one, two) =
            futures_util::future::join(remove(&app, path(&eva)), remove(&app, path(&petr))).await;
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 409]);
        assert_eq!(app.count("SELECT count(*) AS n FROM contact_owners"), 1);
    }
}

/// Everything that changes a contact: what the answer should be for somebody who may.
async fn changes(client: &Client, id: &str, note: &str) -> Vec<(&'static str, u16)> {
    let path = format!("/contacts/{id}");
    let consent = json!({"purpose": "email_basic", "action": "grant", "legal_basis": "consent"});
    let item = json!({"items": [
        {"key": "email", "contact": {"email": "jana@example.com", "score": 1}}]});
    let batch = client.post("/contacts/batch").json(&item).await;
    let of_item = match batch.json["results"][0]["problem"]["code"].as_str() {
        Some("not_permitted") => 403,
        _ => batch.status,
    };
    vec![
        ("patch", client.patch(&path).json(&json!({"score": 2})).await.status),
        ("batch", of_item),
        (
            "upsert",
            client
                .put("/contacts/by/email/jana@example.com")
                .json(&json!({"score": 3}))
                .await
                .status,
        ),
        ("tag", client.put(format!("{path}/tags/a")).json(&json!({})).await.status),
        ("untag", client.delete(format!("{path}/tags/a")).await.status),
        ("consent", client.post(format!("{path}/consents")).json(&consent).await.status),
        (
            "subscription",
            client
                .put(format!("{path}/subscription"))
                .json(&json!({"subscribed": false}))
                .await
                .status,
        ),
        ("mute", client.put(format!("{path}/mute")).json(&json!({"muted": true})).await.status),
        ("note", client.post(format!("{path}/notes")).json(&json!({"text": "x"})).await.status),
        (
            "change a note",
            client.patch(format!("{path}/notes/{note}")).json(&json!({"text": "y"})).await.status,
        ),
    ]
}

/// CON-12
#[tokio::test]
async fn each_level_may_what_it_says_everywhere() {
    let app = TestApp::new().await;
    let id = contact(&app, "jana").await;
    let note = app.post(format!("/contacts/{id}/notes")).json(&json!({"text": "x"})).await.id();
    let (owner, client) = person(&app, "eva", Role::Manager).await;
    let (third, _) = person(&app, "petr", Role::Editor).await;
    own(&app, &id, &third, "main").await.expect(200);
    let path = format!("/contacts/{id}");
    let ids = json!({"ids": [uuid::Uuid::nil(), id]});
    for (level, changing, deleting) in
        [("read_only", false, false), ("co_owner", true, false), ("main", true, true)]
    {
        own(&app, &id, &owner, level).await.expect(200);
        client.get(&path).await.expect(200);
        for (what, status) in changes(&client, &id, &note).await {
            let expected = if changing { status / 100 == 2 } else { status == 403 };
            assert!(expected, "{level} {what}: {status}");
        }
        let transfer =
            client.put(format!("{path}/owners/{third}")).json(&json!({"level": "main"})).await;
        assert_eq!(transfer.status, if deleting { 200 } else { 403 }, "{level}");
        if deleting {
            client.delete(format!("{path}/owners/{third}")).await.expect(204);
            client.delete(&path).await.expect(204);
            client.post(format!("/trash/{id}/restore")).await.expect(200);
            let trashed = client.post("/contacts/bulk-delete").json(&ids).await.expect(200);
            assert_eq!(trashed.json["trashed"], 1);
            client.delete(format!("/trash/{id}")).await.expect(204);
            continue;
        }
        client.delete(format!("{path}/owners/{third}")).await.expect_problem(
            403,
            "not_permitted",
            &[],
        );
        client.delete(&path).await.expect_problem(403, "not_permitted", &[]);
        let bulk = client.post("/contacts/bulk-delete").json(&ids).await;
        bulk.expect_problem(403, "not_permitted", &["#/ids/1"]);
        // in the trash it is the same
        app.delete(&path).await.expect(204);
        client.delete(format!("/trash/{id}")).await.expect_problem(403, "not_permitted", &[]);
        client.post("/trash/purge").json(&ids).await.expect_problem(
            403,
            "not_permitted",
            &["#/ids/1"],
        );
        if changing {
            assert_eq!(client.post("/trash/restore").json(&ids).await.json["restored"], 1);
        } else {
            client.post(format!("/trash/{id}/restore")).await.expect_problem(
                403,
                "not_permitted",
                &[],
            );
            client.post("/trash/restore").json(&ids).await.expect_problem(
                403,
                "not_permitted",
                &["#/ids/1"],
            );
            app.post(format!("/trash/{id}/restore")).await.expect(200);
        }
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM contact_owners"), 0);
    app.check_invariants();
}

/// CON-12: ownership binds people, and only those who own something of the contact.
#[tokio::test]
async fn integrations_administrators_and_strangers_are_bound_by_their_scopes_alone() {
    let app = TestApp::new().await;
    let id = contact(&app, "jana").await;
    let (eva, _) = person(&app, "eva", Role::Manager).await;
    let (_, stranger) = person(&app, "petr", Role::Editor).await;
    own(&app, &id, &eva, "main").await.expect(200);
    own(&app, &id, &app.home().user.to_string(), "read_only").await.expect(200);
    let integration = app.integration(&["contacts:read", "contacts:write"]);
    for (score, client) in [(1, (**app.home()).clone()), (2, stranger), (3, integration)] {
        let patched = client.patch(format!("/contacts/{id}")).json(&json!({"score": score})).await;
        assert_eq!(patched.expect(200).json["score"], score);
    }
}

/// CON-12: who alone owns contacts cannot be removed; who owns them with others can.
#[tokio::test]
async fn the_only_owner_of_contacts_cannot_be_removed() {
    let app = TestApp::new().await;
    let (eva, _) = person(&app, "eva", Role::Manager).await;
    let (petr, _) = person(&app, "petr", Role::Editor).await;
    let (living, trashed) = (contact(&app, "jana").await, contact(&app, "ida").await);
    own(&app, &living, &eva, "main").await.expect(200);
    own(&app, &trashed, &eva, "main").await.expect(200);
    app.delete(format!("/contacts/{trashed}")).await.expect(204);
    own(&app, &trashed, &petr, "main").await.expect_problem(409, "conflict", &[]);
    let path = format!("/users/{eva}");
    let refused = app.delete(&path).await.expect_problem(409, "in_use", &[]);
    assert_eq!(refused.json["contacts"], json!({"live": 1, "trash": 1}));
    app.post(format!("/trash/{trashed}/restore")).await.expect(200);
    own(&app, &trashed, &petr, "main").await.expect(200);
    own(&app, &living, &petr, "read_only").await.expect(200);
    // two at once: one of them stays
    let (one, two) =
        futures_util::future::join(remove(&app, path), remove(&app, format!("/users/{petr}")))
            .await;
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
    assert_eq!(app.count("SELECT count(*) AS n FROM contact_owners"), 2);
}

/// SEG-2
#[tokio::test]
async fn contacts_are_selected_by_owner() {
    let app = TestApp::new().await;
    let (eva, _) = person(&app, "eva", Role::Manager).await;
    let (owned, free) = (contact(&app, "jana").await, contact(&app, "ida").await);
    own(&app, &owned, &eva, "main").await.expect(200);
    for (op, value, expected) in [
        ("has", json!(eva), vec![&owned]),
        ("in", json!([eva, app.home().user]), vec![&owned]),
        ("has_not", json!(eva), vec![&free]),
        ("has", json!(app.home().user), vec![]),
        ("is_empty", Value::Null, vec![&free]),
        ("is_not_empty", Value::Null, vec![&owned]),
    ] {
        let leaf = json!({"field": "owner", "op": op, "value": value});
        let found = app.post("/contacts/query").json(&json!({"selection": {"where": leaf}})).await;
        let found = found.expect(200);
        let ids: Vec<&str> = found.data().iter().map(|c| c["id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "{op}");
    }
    let unknown = json!({"field": "owner", "op": "has", "value": uuid::Uuid::now_v7()});
    app.post("/contacts/count")
        .json(&json!({"selection": {"where": unknown}}))
        .await
        .expect_problem(422, "unknown_reference", &["#/selection/where/value"]);
}

/// CON-12, IMP-13: what its owner only sees, their import leaves out, and the plan says so.
#[tokio::test]
async fn an_import_leaves_out_contacts_its_user_only_sees() {
    let app = TestApp::new().await;
    let (eva, client) = person(&app, "eva", Role::Manager).await;
    let (seen, co_owned, trashed) =
        (contact(&app, "jana").await, contact(&app, "ida").await, contact(&app, "ada").await);
    contact(&app, "ola").await;
    own(&app, &seen, &eva, "read_only").await.expect(200);
    own(&app, &co_owned, &eva, "co_owner").await.expect(200);
    own(&app, &trashed, &eva, "read_only").await.expect(200);
    app.delete(format!("/contacts/{trashed}")).await.expect(204);
    let list = "E-mail;Město\njana@example.com;Brno\nida@example.com;Brno\nada@example.com;Brno\n\
        ola@example.com;Brno\nnova@example.com;Brno\n";
    let options = json!({"matching": {"mode": "match", "key": "email", "outcomes": {
        "none": {"action": "import"}, "one": {"action": "update"}, "many": {"action": "skip"},
        "in_trash": {"action": "restore_and_update"}}}});
    let import = app.import_into(&client, list, &options).await;
    let summary = &import.json["summary"];
    assert_eq!(
        (&summary["updated"], &summary["skipped"], &summary["created"], &summary["restored"]),
        (&json!(2), &json!(2), &json!(1), &json!(0)),
        "{import:?}"
    );
    let rows = app.get(format!("/imports/{}/rows?outcome=skip", import.id())).await.expect(200);
    let told: Vec<(&Value, &Value)> =
        rows.data().iter().map(|row| (&row["contact_id"], &row["problems"][0]["code"])).collect();
    let code = json!("not_permitted");
    assert_eq!(told, [(&json!(seen), &code), (&json!(trashed), &code)]);
    let city = |id: &str| {
        let path = format!("/contacts/{id}");
        let app = &app;
        async move { app.get(path).await.json["address"]["city"].clone() }
    };
    assert_eq!((city(&seen).await, city(&co_owned).await), (Value::Null, json!("Brno")));
    // nor does undoing somebody else's import go round it
    let made = app.import("E-mail\nmade@example.com\n", &json!({})).await;
    let id = app.get("/contacts?email=made@example.com").await.data()[0]["id"].clone();
    own(&app, id.as_str().unwrap(), &eva, "co_owner").await.expect(200);
    let undo = format!("/imports/{}/revert", made.id());
    let refused = client.post(&undo).await.expect_problem(403, "not_permitted", &[]);
    assert_eq!(refused.json["contacts"], 1);
    own(&app, id.as_str().unwrap(), &eva, "main").await.expect(200);
    client.post(&undo).await.expect(202);
    app.run_jobs().await;
    assert_eq!(app.get(format!("/imports/{}", made.id())).await.json["reverted"]["reverted"], 1);
    // for somebody else it is an import like any other
    let import = app.import(list, &options).await;
    assert_eq!(
        (&import.json["summary"]["updated"], &import.json["summary"]["restored"]),
        (&json!(1), &json!(1))
    );
    app.check_invariants();
}
