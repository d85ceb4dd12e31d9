//! Tests of funnels and their stages.

mod contacts;
mod stages;

use kartoteka_tests::{Answer, TestApp};
use serde_json::{Value, json};

/// Makes a funnel with these stages; its id and theirs.
pub(crate) async fn funnel(app: &TestApp, name: &str, stages: &[&str]) -> (String, Vec<String>) {
    let made =
        app.post("/funnels").json(&json!({"name": name, "stages": stages})).await.expect(201);
    let ids = made.json["stages"].as_array().unwrap().iter();
    (made.id(), ids.map(|stage| stage["id"].as_str().unwrap().to_owned()).collect())
}

/// Names and places of stages.
fn places(stages: &Value) -> Vec<(String, i64)> {
    let stages = stages.as_array().unwrap().iter();
    stages
        .map(|stage| (stage["name"].as_str().unwrap().into(), stage["position"].as_i64().unwrap()))
        .collect()
}

fn in_order(names: &[&str]) -> Vec<(String, i64)> {
    names.iter().zip(1..).map(|(name, place)| ((*name).to_owned(), place)).collect()
}

fn names(answer: &Answer) -> Vec<String> {
    answer.data().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

/// MGR-I
#[tokio::test]
async fn funnels_are_made_read_renamed_listed_and_deleted() {
    let app = TestApp::new().await;
    let body = json!({"name": " Velkoobchod  2026", "stages": ["Lead", {"name": " Nabídka "}, "Objednávka"]});
    let made = app.post("/funnels").json(&body).await.expect(201);
    assert_eq!(made.json["name"], "Velkoobchod 2026");
    assert_eq!(places(&made.json["stages"]), in_order(&["Lead", "Nabídka", "Objednávka"]));
    assert_eq!(made.json["stages"][0]["contacts"], json!({"live": 0, "trash": 0}));
    let path = made.header("location").to_owned();
    let read = app.get(&path).await.expect(200);
    assert_eq!((&read.json, read.header("etag")), (&made.json, made.header("etag")));
    app.post("/funnels").json(&json!({"name": "VELKOOBCHOD 2026"})).await.expect_problem(
        409,
        "funnel_exists",
        &[],
    );
    let bare =
        app.post("/funnels").json(&json!({"name": "e-shop", "stages": null})).await.expect(201);
    assert_eq!(bare.json["stages"], json!([]));
    let list = app.get("/funnels").await.expect(200);
    assert_eq!(names(&list), ["e-shop", "Velkoobchod 2026"]);
    assert_eq!(places(&list.data()[1]["stages"]), in_order(&["Lead", "Nabídka", "Objednávka"]));
    assert_eq!(names(&app.get("/funnels?q=SHOP").await.expect(200)), ["e-shop"]);
    let page = app.get("/funnels?limit=1").await.expect(200);
    let next = format!("/funnels?limit=1&cursor={}", page.text_at("/next_cursor"));
    assert_eq!(names(&app.get(next).await.expect(200)), ["Velkoobchod 2026"]);

    app.patch(&path).json(&json!({"name": "E-SHOP"})).await.expect_problem(
        409,
        "funnel_exists",
        &[],
    );
    app.patch(&path).header("if-match", "\"old\"").json(&json!({"name": "x"})).await.expect(412);
    let renamed = app
        .patch(&path)
        .header("if-match", made.header("etag"))
        .json(&json!({"name": "Velkoobchod"}))
        .await
        .expect(200);
    assert_eq!(renamed.json["name"], "Velkoobchod");
    assert!(renamed.text_at("/updated_at") > made.text_at("/updated_at"));
    let same = app.patch(&path).json(&json!({})).await.expect(200);
    assert_eq!(same.json, renamed.json, "nothing changes nothing");
    let other = app.other_workspace();
    other.get(&path).await.expect_problem(404, "not_found", &[]);
    other.patch(&path).json(&json!({"name": "x"})).await.expect(404);
    other.delete(&path).await.expect(404);
    assert_eq!(other.get("/funnels").await.expect(200).data().len(), 0);
    other.post("/funnels").json(&json!({"name": "Velkoobchod"})).await.expect(201);

    app.delete(&path).header("if-match", "\"old\"").await.expect(412);
    app.delete(&path).await.expect(204);
    app.get(&path).await.expect(404);
    app.delete(&path).await.expect(404);
    let trail = app.get("/audit?limit=200").await.expect(200);
    let actions: Vec<_> =
        trail.data().iter().map(|line| line["action"].as_str().unwrap()).collect();
    for (action, times) in [
        ("funnel.create", 2),
        ("funnel_stage.create", 3),
        ("funnel.update", 1),
        ("funnel_stage.delete", 3),
        ("funnel.delete", 1),
    ] {
        assert_eq!(actions.iter().filter(|one| **one == action).count(), times, "{action}");
    }
}

/// MGR-I: all faults at once.
#[tokio::test]
async fn what_is_wrong_with_a_new_funnel_is_told_at_once() {
    let app = TestApp::new().await;
    let body = json!({"name": " ", "stages": ["a", " ", {"name": "A"}, "b"]});
    app.post("/funnels").json(&body).await.expect_problem(
        422,
        "validation_failed",
        &["#/name", "#/stages/1", "#/stages/2/name"],
    );
    for (body, code, at) in [
        (json!({"stages": []}), "missing_field", "#/name"),
        (json!({"name": "a", "stages": [{"title": "a"}]}), "validation_failed", "#/stages/0/name"),
        (json!({"name": "a", "stages": [5]}), "invalid_type", "#/stages/0"),
        (json!({"name": "a", "stages": ["x".repeat(101)]}), "too_long", "#/stages/0"),
        (json!({"name": "a", "stages": [""]}), "too_short", "#/stages/0"),
        (json!({"name": "a", "stages": vec!["s"; 101]}), "too_many", "#/stages"),
        (json!({"name": "a", "colour": "red"}), "unknown_field", "#/colour"),
        (json!({"name": "x".repeat(101)}), "too_long", "#/name"),
    ] {
        let refused = app.post("/funnels").json(&body).await.expect(422);
        let named = refused.json["errors"].as_array().unwrap().iter();
        let found = named.filter(|error| error["pointer"] == at).count();
        assert!(found > 0 && refused.json["code"] == code, "{body}: {refused:?}");
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM funnels"), 0);
}

/// MGR-I: with their limit, which several at once do not pass.
#[tokio::test]
async fn a_workspace_has_at_most_a_hundred_funnels() {
    let app = TestApp::new().await;
    app.execute(
        "INSERT INTO funnels (workspace_id, id, name, name_key, created_at, updated_at) \
         SELECT w.id, gen_random_uuid(), n::text, n::text, now(), now() FROM workspaces w, generate_series(1, 98) AS n \
         WHERE w.name = 'Home'",
    );
    let bodies: Vec<Value> = (0..6).map(|n| json!({"name": format!("f{n}")})).collect();
    let made = bodies.iter().map(|body| async { app.post("/funnels").json(body).await.status });
    let mut made = futures_util::future::join_all(made).await;
    made.sort_unstable();
    assert_eq!(made, [201, 201, 422, 422, 422, 422]);
    let refused = app.post("/funnels").json(&json!({"name": "more"})).await;
    assert_eq!(refused.expect_problem(422, "too_many", &[]).json["limit"], 100);
}
