//! Tests of tags.

use kartoteka_tests::TestApp;
use serde_json::json;

/// CON-7
#[tokio::test]
async fn tags_are_made_read_renamed_and_listed() {
    let app = TestApp::new().await;
    let made = app.post("/tags").json(&json!({"name": " Jarní  akce "})).await.expect(201);
    assert_eq!(made.json["name"], "Jarní akce");
    let read = app.get(made.header("location")).await.expect(200);
    assert_eq!(read.json["contacts"], json!({"live": 0, "trash": 0}));
    app.post("/tags").json(&json!({"name": "JARNÍ AKCE"})).await.expect_problem(
        409,
        "tag_exists",
        &[],
    );
    app.post("/tags").json(&json!({"name": "  "})).await.expect_problem(
        422,
        "validation_failed",
        &["#/name"],
    );
    let vip = app.post("/tags").json(&json!({"name": "vip"})).await.expect(201);
    let path = format!("/tags/{}", vip.id());
    app.patch(&path).json(&json!({"name": "jarní akce"})).await.expect_problem(
        409,
        "tag_exists",
        &[],
    );
    let renamed = app.patch(&path).json(&json!({"name": "VIP"})).await.expect(200);
    assert_eq!(renamed.json["name"], "VIP");
    app.patch(&path).header("if-match", "\"old\"").json(&json!({"name": "x"})).await.expect(412);
    let names = |answer: kartoteka_tests::Answer| -> Vec<String> {
        answer.data().iter().map(|tag| tag["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(app.get("/tags").await.expect(200)), ["Jarní akce", "VIP"]);
    assert_eq!(names(app.get("/tags?q=akce").await.expect(200)), ["Jarní akce"]);
    let page = app.get("/tags?limit=1").await.expect(200);
    let cursor = page.text_at("/next_cursor");
    assert_eq!(names(app.get(format!("/tags?limit=1&cursor={cursor}")).await.expect(200)), ["VIP"]);
    app.get(format!("/tags?q=v&limit=1&cursor={cursor}")).await.expect_problem(
        422,
        "validation_failed",
        &["?cursor"],
    );
    app.other_workspace().get(&path).await.expect(404);
}

/// CON-8: a tag in use, in the trash too, stays; detaching works in the trash.
#[tokio::test]
async fn a_tag_in_use_cannot_be_deleted() {
    let app = TestApp::new().await;
    let mut contacts = Vec::new();
    for name in ["Jana", "Eva", "Ida"] {
        contacts.push(
            app.post("/contacts")
                .json(&json!({"first_name": name, "tags": ["vip"]}))
                .await
                .expect(201)
                .id(),
        );
    }
    app.delete(format!("/contacts/{}", contacts[2])).await.expect(204);
    let tag = app.get("/tags").await.data()[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/tags/{tag}");
    let refused = app.delete(&path).await.expect_problem(409, "tag_in_use", &[]);
    assert_eq!((&refused.json["live"], &refused.json["trash"]), (&json!(2), &json!(1)));
    assert_eq!(app.get(&path).await.json["contacts"], json!({"live": 2, "trash": 1}));
    for contact in &contacts {
        app.delete(format!("/contacts/{contact}/tags/VIP")).await.expect(204);
        app.delete(format!("/contacts/{contact}/tags/vip")).await.expect(204);
    }
    app.delete(&path).await.expect(204);
    app.get(&path).await.expect(404);
    app.delete(&path).await.expect(404);
}

/// CON-11
#[tokio::test]
async fn a_tag_is_put_on_a_contact_with_a_score() {
    let app = TestApp::new().await;
    let made = app.post("/contacts").json(&json!({"first_name": "Jana"})).await.expect(201);
    let path = format!("/contacts/{}/tags", made.id());
    let put =
        app.put(format!("{path}/Na%20jaro%2F2026")).json(&json!({"score": 5})).await.expect(200);
    assert_eq!(put.json["tags"], json!([{"name": "Na jaro/2026", "score": 5}]));
    let kept = app.put(format!("{path}/na%20jaro%2F2026")).json(&json!({})).await.expect(200);
    assert_eq!(kept.json, put.json, "without a score nothing changes");
    let put =
        app.put(format!("{path}/na%20jaro%2F2026")).json(&json!({"score": -1})).await.expect(200);
    assert_eq!(put.json["tags"][0]["score"], -1);
    app.put(format!("{path}/{}", "x".repeat(101))).json(&json!({})).await.expect_problem(
        422,
        "validation_failed",
        &["?name"],
    );
    app.put(format!("{path}/a")).json(&json!({"score": 1.5})).await.expect_problem(
        422,
        "validation_failed",
        &["#/score"],
    );
    app.delete(format!("/contacts/{}", made.id())).await.expect(204);
    app.put(format!("{path}/a")).json(&json!({})).await.expect_problem(409, "conflict", &[]);
}

/// Many at once put the same new tags on contacts: each exists once, and nobody waits for ever.
#[tokio::test]
async fn simultaneous_new_tags_are_made_once() {
    let app = TestApp::new().await;
    let bodies = (0..12).map(|n| {
        let tags = if n % 2 == 0 { ["a", "b", "c"] } else { ["c", "b", "a"] };
        json!({"first_name": format!("{n}"), "tags": tags})
    });
    let bodies: Vec<_> = bodies.collect();
    let calls = bodies.iter().map(|body| async { app.post("/contacts").json(body).await.status });
    assert!(futures_util::future::join_all(calls).await.iter().all(|status| *status == 201));
    assert_eq!(app.count("SELECT count(*) AS n FROM tags"), 3);
    assert_eq!(app.count("SELECT count(*) AS n FROM contact_tags"), 36);
}
