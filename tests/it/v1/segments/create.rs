//! `POST /segments`, `GET /segments/{id}`

use kartoteka_tests::TestApp;
use serde_json::{Value, json};

use super::{has, leaf, saved};

/// SEG-5
#[tokio::test]
async fn a_filter_is_saved_as_it_was_written() {
    let app = TestApp::new().await;
    let filter = json!({"and": [has("VIP"), {"not": leaf("phone", "eq", "601 123 456")}]});
    let body = json!({"name": " VIPs  in Brno ", "description": "  ", "filter": filter});
    let made = app.post("/segments").json(&body).await.expect(201);
    assert_eq!(made.header("location"), format!("/api/v1/segments/{}", made.id()));
    assert_eq!(made.json["name"], "VIPs in Brno");
    assert_eq!(made.json["description"], Value::Null);
    assert_eq!((&made.json["filter"], &made.json["selection"]), (&filter, &Value::Null));
    assert_eq!((&made.json["uses"], &made.json["used_by"]), (&json!(0), &json!([])));
    let read = app.get(made.header("location")).await.expect(200);
    assert_eq!(read.json, made.json);
    assert_eq!(read.header("etag"), made.header("etag"));
    app.other_workspace().get(made.header("location")).await.expect(404);
    assert_eq!(
        app.count("SELECT count(*) AS n FROM audit_entries WHERE action = 'segment.create'"),
        1
    );
}

/// SEG-1, SEG-5: one segment can be a whole selection.
#[tokio::test]
async fn a_selection_is_saved_as_it_was_written() {
    let app = TestApp::new().await;
    let vip = saved(&app, "VIP", has("vip")).await;
    let selection = json!({
        "segments": [vip],
        "include": has("jaro"),
        "exclude": leaf("muted", "eq", true),
        "where": leaf("created_at", "within_last", "P90D")
    });
    let body = json!({"name": "Spring", "selection": selection});
    let made = app.post("/segments").json(&body).await.expect(201);
    assert_eq!((&made.json["filter"], &made.json["selection"]), (&Value::Null, &selection));
    let used = app.get(format!("/segments/{vip}")).await.expect(200);
    assert_eq!(used.json["uses"], 1);
    let spring = json!([{"type": "segment", "id": made.id(), "name": "Spring"}]);
    assert_eq!(used.json["used_by"], spring);
}

/// SEG-5
#[tokio::test]
async fn names_are_unique_without_case() {
    let app = TestApp::new().await;
    saved(&app, "Žluté boty", has("a")).await;
    let again = json!({"name": "žluté  BOTY", "filter": has("b")});
    app.post("/segments").json(&again).await.expect_problem(409, "segment_exists", &[]);
    app.other_workspace().post("/segments").json(&again).await.expect(201);
}

/// SEG-3: faults of the name, of the description and of every node of the tree, at once.
#[tokio::test]
async fn all_faults_are_told_at_once() {
    let app = TestApp::new().await;
    let filter = json!({"or": [
        leaf("address.city", "near", "Brno"),
        {"not": leaf("consent:fax", "eq", "granted")},
        leaf("segment", "in", json!([uuid::Uuid::from_u128(7), "x"]))
    ]});
    let body =
        json!({"name": "\u{7}", "description": "x".repeat(2001), "colour": 1, "filter": filter});
    app.post("/segments").json(&body).await.expect_problem(
        422,
        "validation_failed",
        &[
            "#/colour",
            "#/description",
            "#/name",
            "#/filter/or/0/op",
            "#/filter/or/1/not/field",
            "#/filter/or/2/value/0",
            "#/filter/or/2/value/1",
        ],
    );
    let control = json!({"name": "\u{7}", "filter": {"and": []}});
    app.post("/segments").json(&control).await.expect_problem(
        422,
        "validation_failed",
        &["#/name", "#/filter/and"],
    );
    for (body, pointer) in [
        (json!({"name": "a"}), "#/filter"),
        (json!({"name": "a", "filter": null, "selection": null}), "#/filter"),
        (json!({"name": "a", "filter": has("b"), "selection": {}}), "#/selection"),
        (json!({"name": "a", "filter": []}), "#/filter"),
        (json!({"name": "a", "selection": {"where": {}}}), "#/selection/where"),
        (json!({"name": "a", "selection": {"filter": {}}}), "#/selection/filter"),
        (json!({"name": " ", "filter": has("b")}), "#/name"),
        (json!({"filter": has("b")}), "#/name"),
        (json!({"name": "a\u{0}", "filter": has("b")}), "#/name"),
        (json!({"name": "a", "filter": has("b\u{0}")}), "#/filter/value"),
    ] {
        let answer = app.post("/segments").json(&body).await;
        answer.expect_problem(422, "validation_failed", &[pointer]);
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM segments"), 0);
}

/// SEG-3: a tree that is kept is bounded in bytes too.
#[tokio::test]
async fn a_tree_of_many_bytes_is_not_kept() {
    let app = TestApp::new().await;
    let values =
        |length: usize| -> Vec<String> { (0..1_000).map(|n| format!("{n:0>length$}")).collect() };
    let body =
        |length| json!({"name": "long", "filter": leaf("external_id", "in", values(length))});
    app.post("/segments").json(&body(300)).await.expect_problem(422, "too_long", &["#/filter"]);
    app.post("/segments").json(&body(200)).await.expect(201);
}

/// SEG-5: what another workspace has saved is unknown here.
#[tokio::test]
async fn segments_of_another_workspace_are_unknown() {
    let app = TestApp::new().await;
    let vip = saved(&app, "VIP", has("vip")).await;
    let other = app.other_workspace();
    let body = json!({"name": "theirs", "filter": super::is_in(&vip)});
    let answer = other.post("/segments").json(&body).await;
    let answer = answer.expect_problem(422, "unknown_reference", &["#/filter/value"]);
    assert_eq!(answer.faults().len(), 1);
    let body = json!({"selection": {"segments": [vip]}});
    other.post("/contacts/count").json(&body).await.expect_problem(
        422,
        "unknown_reference",
        &["#/selection/segments/0"],
    );
    other.get(format!("/contacts?segment_id={vip}")).await.expect_problem(
        422,
        "unknown_reference",
        &["?segment_id"],
    );
    other.post(format!("/segments/{vip}/count")).await.expect(404);
}

/// PLT-1: a repeated request makes one segment.
#[tokio::test]
async fn a_repeated_request_is_answered_once() {
    let app = TestApp::new().await;
    let body = json!({"name": "VIP", "filter": has("vip")});
    let post = || app.post("/segments").header("idempotency-key", "k").json(&body);
    let (first, again) = (post().await.expect(201), post().await.expect(201));
    assert_eq!(first.json, again.json);
    let other = json!({"name": "VIP", "filter": has("vop")});
    app.post("/segments").header("idempotency-key", "k").json(&other).await.expect_problem(
        422,
        "idempotency_key_reused",
        &[],
    );
}

/// PLT-3
#[tokio::test]
async fn segments_need_their_scopes() {
    let app = TestApp::new().await;
    let vip = saved(&app, "VIP", has("vip")).await;
    let reader = app.with_scopes(&["segments:read"]);
    reader.get(format!("/segments/{vip}")).await.expect(200);
    reader.post(format!("/segments/{vip}/count")).await.expect(200);
    let body = json!({"name": "x", "filter": has("x")});
    reader.post("/segments").json(&body).await.expect(403);
    app.with_scopes(&["contacts:write"]).get("/segments").await.expect(403);
    app.with_scopes(&["contacts:read"])
        .get(format!("/contacts?segment_id={vip}"))
        .await
        .expect(200);
}
