//! `GET /contacts?segment_id=`, and lists beside it

use kartoteka_tests::{Answer, TestApp};
use serde_json::{Value, json};

use super::{has, is_in, leaf, names, people, saved};

fn first_names(answer: &Answer) -> Vec<&Value> {
    answer.data().iter().map(|one| &one["first_name"]).collect()
}

/// SEG-1, SEG-5: a segment narrows every list of contacts, beside whatever else narrows it.
#[tokio::test]
async fn lists_of_contacts_are_narrowed_by_a_segment() {
    let app = TestApp::new().await;
    people(&app, &[("Ada", &["a"]), ("Bea", &["a", "b"]), ("Cyd", &["b"]), ("Dan", &["a"])]).await;
    let id = saved(&app, "a", has("a")).await;
    let list = format!("/contacts?segment_id={id}&sort=first_name");
    assert_eq!(first_names(&app.get(&list).await.expect(200)), ["Ada", "Bea", "Dan"]);
    assert_eq!(first_names(&app.get(format!("{list}&tag=b")).await.expect(200)), ["Bea"]);
    assert_eq!(first_names(&app.get(format!("{list}&q=da")).await.expect(200)), ["Ada", "Dan"]);
    let count = app.get(format!("/contacts/count?segment_id={id}&tag=b")).await.expect(200);
    assert_eq!(count.json, json!({"contacts": 1}));
    let page = app.get(format!("{list}&limit=2")).await.expect(200);
    let cursor = page.text_at("/next_cursor");
    let rest = app.get(format!("{list}&limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!(first_names(&rest), ["Dan"]);
    app.get(format!("/contacts?sort=first_name&cursor={cursor}")).await.expect_problem(
        422,
        "invalid_cursor",
        &["?cursor"],
    );
    // the newest first, by the quick look
    assert_eq!(
        first_names(&app.get(format!("/contacts?segment_id={id}")).await),
        ["Dan", "Bea", "Ada"]
    );
    let dan =
        app.get("/contacts?first_name=dan").await.data()[0]["id"].as_str().unwrap().to_owned();
    app.delete(format!("/contacts/{dan}")).await.expect(204);
    assert_eq!(first_names(&app.get(&list).await.expect(200)), ["Ada", "Bea"]);
    for trash in [format!("{list}&trash=true"), format!("/trash?segment_id={id}")] {
        assert_eq!(first_names(&app.get(&trash).await.expect(200)), ["Dan"], "{trash}");
    }
    app.get("/contacts?segment_id=x").await.expect(422);
    app.get(format!("/contacts?segment_id={}&sort=x&email=y", uuid::Uuid::nil()))
        .await
        .expect_problem(422, "validation_failed", &["?email", "?segment_id", "?sort"]);
}

/// SEG-1: (segments or include) and not exclude and where.
#[tokio::test]
async fn the_parts_of_a_selection_combine() {
    let app = TestApp::new().await;
    people(
        &app,
        &[
            ("Ada", &["a"]),
            ("Bea", &["b"]),
            ("Cyd", &["c"]),
            ("Dan", &["a", "x"]),
            ("Eva", &["a", "y"]),
        ],
    )
    .await;
    let a = saved(&app, "a", has("a")).await;
    let b = saved(&app, "b", has("b")).await;
    for (selection, expected) in [
        (json!({"segments": [a]}), &["Ada", "Dan", "Eva"][..]),
        (json!({"segments": [a, b]}), &["Ada", "Bea", "Dan", "Eva"]),
        (json!({"segments": [b], "include": has("c")}), &["Bea", "Cyd"]),
        (json!({"segments": [a], "exclude": has("x")}), &["Ada", "Eva"]),
        (json!({"segments": [a], "exclude": has("x"), "where": has("y")}), &["Eva"]),
        (json!({"where": is_in(&a), "exclude": is_in(&b)}), &["Ada", "Dan", "Eva"]),
        (json!({"exclude": leaf("segment", "in", json!([a, b]))}), &["Cyd"]),
        (json!({"where": leaf("segment", "not_in", json!([a]))}), &["Bea", "Cyd"]),
        (json!({"where": {"not": leaf("segment", "ne", a.clone())}}), &["Ada", "Dan", "Eva"]),
    ] {
        assert_eq!(names(&app, selection.clone()).await, expected, "{selection}");
        let count = app.post("/contacts/count").json(&json!({"selection": selection})).await;
        assert_eq!(count.expect(200).json["contacts"], expected.len(), "{selection}");
    }
}

/// SEG-1: a cursor goes on with the segment as it was, or not at all.
#[tokio::test]
async fn a_cursor_knows_the_segment_it_was_made_of() {
    let app = TestApp::new().await;
    people(&app, &[("Ada", &["a"]), ("Bea", &["a"]), ("Cyd", &["a"])]).await;
    let id = saved(&app, "a", has("a")).await;
    let mut body = json!({"selection": {"segments": [id]}, "limit": 2});
    body["cursor"] =
        app.post("/contacts/query").json(&body).await.expect(200).json["next_cursor"].clone();
    assert_eq!(app.post("/contacts/query").json(&body).await.expect(200).data().len(), 1);
    app.patch(format!("/segments/{id}")).json(&json!({"name": "A"})).await.expect(200);
    app.post("/contacts/query").json(&body).await.expect(200);
    app.patch(format!("/segments/{id}")).json(&json!({"filter": has("b")})).await.expect(200);
    app.post("/contacts/query").json(&body).await.expect_problem(
        422,
        "invalid_cursor",
        &["#/cursor"],
    );
}
