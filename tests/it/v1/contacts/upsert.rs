//! `PUT /contacts/by/{key}/{value}` and `POST /contacts/batch`

use kartoteka_tests::TestApp;
use serde_json::{Value, json};

#[tokio::test]
async fn a_key_makes_changes_and_leaves() {
    let app = TestApp::new().await;
    let made = app
        .put("/contacts/by/email/Jana%40X.cz")
        .json(&json!({"first_name": "Jana"}))
        .await
        .expect(201);
    assert_eq!(made.json["result"], "created");
    assert_eq!(made.json["contact"]["email"], "Jana@X.cz");
    assert_eq!(made.json["changed"], json!(["first_name", "email"]));
    let id = made.text_at("/contact/id");
    assert_eq!(made.header("location"), format!("/api/v1/contacts/{id}"));
    let same = app
        .put("/contacts/by/email/jana@x.cz")
        .json(&json!({"first_name": "Jana"}))
        .await
        .expect(200);
    assert_eq!((&same.json["result"], &same.json["changed"]), (&json!("unchanged"), &json!([])));
    assert_eq!(
        same.json["contact"], made.json["contact"],
        "a key in another spelling does not respell the contact"
    );
    let body =
        json!({"last_name": "Nová", "external_id": "A/1", "tags": ["vip"], "details": {"a": 1}});
    let updated = app.put("/contacts/by/email/jana@x.cz").json(&body).await.expect(200);
    assert_eq!(updated.json["changed"], json!(["external_id", "last_name", "details.a", "tags"]));
    let by_id = app
        .put("/contacts/by/external_id/A%2F1")
        .json(&json!({"first_name": null}))
        .await
        .expect(200);
    assert_eq!(
        (&by_id.json["result"], &by_id.json["contact"]["id"]),
        (&json!("updated"), &json!(id))
    );
    app.put("/contacts/by/external_id/B").json(&json!({"external_id": "C"})).await.expect_problem(
        422,
        "validation_failed",
        &["#/external_id"],
    );
    app.put("/contacts/by/email/nonsense").json(&json!({"phone": "1"})).await.expect_problem(
        422,
        "validation_failed",
        &["?value", "#/phone"],
    );
    app.put("/contacts/by/shoe_size/43").json(&json!({})).await.expect(404);
}

#[tokio::test]
async fn a_key_of_several_or_in_the_trash_is_refused() {
    let app = TestApp::new().await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.push(app.post("/contacts").json(&json!({"email": "a@x.cz"})).await.expect(201).id());
    }
    let refused = app
        .put("/contacts/by/email/a@x.cz")
        .json(&json!({"score": 1}))
        .await
        .expect_problem(409, "ambiguous_key", &[]);
    assert_eq!(refused.json["contact_ids"], json!(ids));
    app.delete(format!("/contacts/{}", ids[0])).await.expect(204);
    let one = app.put("/contacts/by/email/a@x.cz").json(&json!({"score": 1})).await.expect(200);
    assert_eq!(one.text_at("/contact/id"), ids[1]);
    app.delete(format!("/contacts/{}", ids[1])).await.expect(204);
    let refused = app
        .put("/contacts/by/email/a@x.cz")
        .json(&json!({"score": 2}))
        .await
        .expect_problem(409, "conflict", &[]);
    assert_eq!(refused.json["in_trash"], json!(true));
    assert_eq!(app.count("SELECT count(*) AS n FROM contacts"), 2);
}

/// Twenty callers with one key make one contact.
#[tokio::test]
async fn simultaneous_upserts_of_one_key_make_one_contact() {
    let app = TestApp::new().await;
    for key in ["email/a@x.cz", "external_id/A-1"] {
        let calls = (0..20).map(|n| {
            let app = &app;
            async move { app.put(format!("/contacts/by/{key}")).json(&json!({"score": n})).await }
        });
        let answers = futures_util::future::join_all(calls).await;
        let created = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(
            (created, answers.iter().filter(|answer| answer.status == 200).count()),
            (1, 19)
        );
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM contacts"), 2);
    assert_eq!(app.count("SELECT sum(live)::bigint AS n FROM workspace_usage"), 2);
}

#[tokio::test]
async fn an_upsert_that_was_meant_for_another_version_is_refused() {
    let app = TestApp::new().await;
    app.put("/contacts/by/external_id/A")
        .header("if-match", "*")
        .json(&json!({}))
        .await
        .expect(412);
    app.put("/contacts/by/external_id/A").json(&json!({})).await.expect(201);
    app.put("/contacts/by/external_id/A")
        .header("if-match", "\"old\"")
        .json(&json!({"score": 1}))
        .await
        .expect(412);
    app.put("/contacts/by/external_id/A")
        .header("if-match", "*")
        .json(&json!({"score": 1}))
        .await
        .expect(200);
}

fn results(answer: &kartoteka_tests::Answer) -> Vec<&str> {
    answer.json["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["result"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn one_bad_item_does_not_stop_the_batch() {
    let app = TestApp::new().await;
    app.post("/contacts")
        .json(&json!({"email": "old@x.cz", "tags": [{"name": "vip", "score": 3}]}))
        .await
        .expect(201);
    for _ in 0..2 {
        app.post("/contacts").json(&json!({"external_id": "twice"})).await.expect(201);
    }
    let answer = app.post("/contacts/batch").json(&json!({"items": [
        {"key": "email", "contact": {"email": "new@x.cz", "first_name": "New", "tags": ["spring"]}},
        {"key": "email", "contact": {"email": "OLD@x.cz", "tags": ["vip", "spring"]}},
        {"key": "email", "contact": {"email": "nonsense", "phone": "1"}},
        {"key": "email", "contact": {"first_name": "No key"}},
        {"key": "shoe_size", "contact": {}},
        {"key": "external_id", "contact": {"external_id": "twice"}},
        5,
        {"key": "email", "contact": {"email": "NEW@x.cz", "external_id": "N"}},
        {"key": "external_id", "contact": {"external_id": "N", "last_name": "Later"}},
        {"key": "email", "contact": {"email": "new@x.cz", "email_status": "x"}},
        {"key": "email", "contact": {"email": "NEW@x.cz"}}
    ]})).await.expect(200);
    assert_eq!(
        results(&answer),
        [
            "created",
            "updated",
            "failed",
            "failed",
            "failed",
            "failed",
            "failed",
            "updated",
            "updated",
            "failed",
            "unchanged"
        ]
    );
    assert_eq!(
        answer.json["counts"],
        json!({"created": 1, "updated": 3, "unchanged": 1, "failed": 6})
    );
    let problem = &answer.json["results"][2]["problem"];
    assert_eq!(problem["errors"][0]["pointer"], "#/items/2/contact/email");
    assert_eq!(answer.json["results"][5]["problem"]["code"], "ambiguous_key");
    let id = answer.text_at("/results/0/contact_id");
    let new = app.get(format!("/contacts/{id}")).await.expect(200);
    assert_eq!(
        (&new.json["name"], &new.json["external_id"], &new.json["email"]),
        (&json!("New Later"), &json!("N"), &json!("NEW@x.cz"))
    );
    assert_eq!(new.json["tags"], json!([{"name": "spring", "score": 0}]));
    let old = app.get("/contacts?email=old@x.cz").await.expect(200);
    assert_eq!(
        old.data()[0]["tags"],
        json!([{"name": "spring", "score": 0}, {"name": "vip", "score": 3}])
    );
    assert_eq!(app.count("SELECT count(*) AS n FROM contacts"), 4);
    assert_eq!(app.count("SELECT sum(live)::bigint AS n FROM workspace_usage"), 4);
}

/// TRS-3: what fits is done, what does not is refused item by item.
#[tokio::test]
async fn a_batch_fills_up_to_the_limit() {
    let app = TestApp::new().await;
    super::create::set_limit(&app, 3);
    let items: Vec<Value> = (0..5)
        .map(|n| json!({"key": "external_id", "contact": {"external_id": n.to_string()}}))
        .collect();
    let answer = app.post("/contacts/batch").json(&json!({"items": items})).await.expect(200);
    assert_eq!(results(&answer), ["created", "created", "created", "failed", "failed"]);
    assert_eq!(answer.json["results"][4]["problem"]["code"], "contact_limit_reached");
}

#[tokio::test]
async fn a_batch_has_bounds() {
    let app = TestApp::new().await;
    app.post("/contacts/batch").json(&json!({"items": []})).await.expect_problem(
        422,
        "empty_selection",
        &[],
    );
    app.post("/contacts/batch").json(&json!({})).await.expect_problem(
        422,
        "validation_failed",
        &["#/items"],
    );
    app.post("/contacts/batch").json(&json!({"items": {}, "x": 1})).await.expect_problem(
        422,
        "validation_failed",
        &["#/items", "#/x"],
    );
    let items = |n: usize| -> Value {
        (0..n).map(|n| json!({"key": "external_id", "contact": {"external_id": n.to_string(), "tags": ["all"]}})).collect()
    };
    app.post("/contacts/batch").json(&json!({"items": items(1001)})).await.expect_problem(
        422,
        "validation_failed",
        &["#/items"],
    );
    let answer = app.post("/contacts/batch").json(&json!({"items": items(1000)})).await.expect(200);
    assert_eq!(answer.json["counts"]["created"], 1000);
    assert_eq!(app.count("SELECT count(*) AS n FROM contact_tags"), 1000);
    let again = app.post("/contacts/batch").json(&json!({"items": items(1000)})).await.expect(200);
    assert_eq!(again.json["counts"]["unchanged"], 1000);
}
