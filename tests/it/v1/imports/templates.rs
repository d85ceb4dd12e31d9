//! Saved mappings.

use serde_json::json;
use uuid::Uuid;

use kartoteka_tests::TestApp;

fn options() -> serde_json::Value {
    json!({
        "first_row": "header",
        "mapping": { "columns": [{ "index": 0, "target": "email", "policy": "fill_empty", "clear_empty": false }], "phone_region": "PL", "strict": true },
        "matching": { "mode": "match", "key": "email", "outcomes": { "none": { "action": "import", "tags": ["shop"], "consents": [] } } }
    })
}

/// IMP-19
#[tokio::test]
async fn a_mapping_is_saved_read_changed_and_removed() {
    let app = TestApp::new().await;
    let made = app
        .post("/import-templates")
        .json(&json!({ "name": "Shop", "options": options() }))
        .await
        .expect(201);
    let id = made.id();
    assert_eq!(made.header("location"), format!("/api/v1/import-templates/{id}"));
    assert_eq!(made.json["options"], options());
    let read = app.get(made.header("location")).await.expect(200);
    assert_eq!(read.json, made.json);
    let etag = read.header("etag").to_owned();
    assert!(!etag.is_empty());

    app.post("/import-templates")
        .json(&json!({ "name": "Shop", "options": {} }))
        .await
        .expect_problem(409, "template_exists", &[]);
    let second = app
        .post("/import-templates")
        .json(&json!({ "name": "Fair", "options": {} }))
        .await
        .expect(201)
        .id();
    let list = app.get("/import-templates").await.expect(200);
    assert_eq!(
        list.data().iter().map(|one| one["id"].as_str().unwrap()).collect::<Vec<_>>(),
        [second.as_str(), id.as_str()]
    );
    let page = app.get("/import-templates?limit=1").await.expect(200);
    let next = app
        .get("/import-templates")
        .query(&[("limit", "1"), ("cursor", &page.text_at("/next_cursor"))])
        .await
        .expect(200);
    assert_eq!(
        (next.data()[0]["id"].as_str(), &next.json["next_cursor"]),
        (Some(id.as_str()), &json!(null))
    );

    let path = format!("/import-templates/{id}");
    app.clock().advance(chrono::TimeDelta::seconds(5));
    let renamed = app
        .patch(&path)
        .header("if-match", &etag)
        .json(&json!({ "name": "Shop 2" }))
        .await
        .expect(200);
    assert_eq!(
        (renamed.json["name"].as_str(), &renamed.json["options"]),
        (Some("Shop 2"), &options())
    );
    app.patch(&path)
        .header("if-match", &etag)
        .json(&json!({ "name": "Shop 3" }))
        .await
        .expect_problem(412, "precondition_failed", &[]);
    app.patch(&path).json(&json!({ "name": "Fair" })).await.expect_problem(
        409,
        "template_exists",
        &[],
    );
    let emptied = app.patch(&path).json(&json!({ "options": {} })).await.expect(200);
    assert_eq!(emptied.json["options"], json!({}));

    app.delete(&path).await.expect(204);
    for answer in [
        app.get(&path).await,
        app.patch(&path).json(&json!({ "name": "x" })).await,
        app.delete(&path).await,
    ] {
        answer.expect_problem(404, "not_found", &[]);
    }
    assert_eq!(app.get("/import-templates").await.expect(200).data().len(), 1);
}

/// IMP-19
#[tokio::test]
async fn faults_of_a_saved_mapping_are_told_when_it_is_saved() {
    let app = TestApp::new().await;
    let faulty = json!({
        "encoding": "klingon",
        "mapping": { "columns": [{ "index": 0, "target": "emial" }], "date_format": "D/M" },
        "matching": { "mode": "match", "key": "name" }
    });
    let pointers = [
        "#/options/encoding",
        "#/options/mapping/columns/0/target",
        "#/options/mapping/date_format",
        "#/options/matching/key",
    ];
    app.post("/import-templates")
        .json(&json!({ "name": "x", "options": faulty }))
        .await
        .expect_problem(422, "validation_failed", &pointers);
    let id = app
        .post("/import-templates")
        .json(&json!({ "name": "x", "options": {} }))
        .await
        .expect(201)
        .id();
    app.patch(format!("/import-templates/{id}"))
        .json(&json!({ "options": faulty }))
        .await
        .expect_problem(422, "validation_failed", &pointers);
    for (body, pointers) in [
        (json!({}), vec!["#/name", "#/options"]),
        (json!({ "name": "", "options": {} }), vec!["#/name"]),
        (json!({ "name": "y", "options": { "colour": 1 } }), vec!["#/options/colour"]),
    ] {
        app.post("/import-templates").json(&body).await.expect_problem(
            422,
            "validation_failed",
            &pointers,
        );
    }
}

/// IMP-19
#[tokio::test]
async fn saved_mappings_belong_to_their_workspace() {
    let app = TestApp::new().await;
    let id = app
        .post("/import-templates")
        .json(&json!({ "name": "Shop", "options": {} }))
        .await
        .expect(201)
        .id();
    let other = app.other_workspace();
    for path in [format!("/import-templates/{id}"), format!("/import-templates/{}", Uuid::now_v7())]
    {
        other.get(&path).await.expect(404);
        other.patch(&path).json(&json!({ "name": "x" })).await.expect(404);
        other.delete(&path).await.expect(404);
    }
    other
        .post("/import-templates")
        .json(&json!({ "name": "Shop", "options": {} }))
        .await
        .expect(201);
    let reader = app.with_scopes(&["imports:read"]);
    reader.get(format!("/import-templates/{id}")).await.expect(200);
    reader.delete(format!("/import-templates/{id}")).await.expect(403);
    app.anonymous().get("/import-templates").await.expect(401);
}
