//! Details, score and state.

use kartoteka_domain::scopes::Role;
use kartoteka_tests::TestApp;
use serde_json::{Value, json};

use super::{contact, counts, managed, named, read, undone};
use crate::v1::contacts::notes::person;

/// MGR-E, MGR-4: a detail is written and removed; what it wrote over comes back by undoing, and goes with the contact.
#[tokio::test]
async fn one_detail_is_written_and_removed() {
    let app = TestApp::new().await;
    let full: serde_json::Map<String, Value> =
        (0..200).map(|n| (format!("d{n}"), json!(n))).collect();
    let has =
        contact(&app, json!({"last_name": "N", "details": {"size": "42", "old": 1, "keep": "x"}}))
            .await;
    let none = contact(&app, json!({"last_name": "N"})).await;
    let same = contact(&app, json!({"last_name": "N", "details": {"size": 43}})).await;
    let full = app.post("/contacts").json(&json!({"last_name": "N", "details": full})).await;
    let full = if full.status == 201 { Some(full.id()) } else { None };
    let actions = json!([{"type": "remove_detail", "name": "old"}, {"type": "set_detail", "name": "size", "value": 43}]);
    let job = managed(&app, named("N"), actions).await;
    let skipped = if full.is_some() { json!({"too_many_details": 1}) } else { json!({}) };
    assert_eq!(job.json["outcomes"]["set_detail"], counts(2, 1, skipped));
    assert_eq!(read(&app, &has).await["details"], json!({"keep": "x", "size": 43}));
    assert_eq!(read(&app, &none).await["details"], json!({"size": 43}));

    undone(&app, &job.id()).await;
    assert_eq!(read(&app, &has).await["details"], json!({"keep": "x", "old": 1, "size": "42"}));
    assert_eq!(read(&app, &none).await["details"], json!({}));
    assert_eq!(read(&app, &same).await["details"], json!({"size": 43}));
}

/// MGR-E: what the definition of a field says holds for many, too.
#[tokio::test]
async fn a_value_that_does_not_fit_its_field_is_refused() {
    let app = TestApp::new().await;
    contact(&app, json!({"last_name": "N"})).await;
    app.post("/fields").json(&json!({"name": "size", "type": "number"})).await.expect(201);
    let body = json!({"selection": named("N"), "actions": [{"type": "set_detail", "name": "size", "value": "big"}]});
    let refused = app.post("/contact-manager/jobs").json(&body).await.expect(422);
    assert_eq!(refused.json["errors"][0]["pointer"], "#/actions/0/value", "{refused:?}");
}

/// MGR-F, MGR-H, MGR-4: the score is an absolute value, the state is one of three.
#[tokio::test]
async fn score_and_state_are_written() {
    let app = TestApp::new().await;
    let one = contact(&app, json!({"last_name": "N", "score": 50, "state": "partner"})).await;
    let two = contact(&app, json!({"last_name": "N", "score": 7})).await;
    let actions =
        json!([{"type": "set_state", "state": "customer"}, {"type": "set_score", "score": 7}]);
    let job = managed(&app, named("N"), actions).await;
    assert_eq!(
        job.json["outcomes"],
        json!({"set_score": counts(1, 1, json!({})), "set_state": counts(2, 0, json!({}))})
    );
    let now = read(&app, &one).await;
    assert_eq!((&now["score"], &now["state"]), (&json!(7), &json!("customer")));
    // somebody changes one of both in between: that stays
    app.patch(format!("/contacts/{one}")).json(&json!({"score": 8})).await.expect(200);
    let undo = undone(&app, &job.id()).await;
    assert_eq!(
        undo.json["outcomes"],
        json!({"set_score": counts(0, 0, json!({"changed_since": 1})), "set_state": counts(2, 0, json!({}))})
    );
    let now = read(&app, &one).await;
    assert_eq!((&now["score"], &now["state"]), (&json!(8), &json!("partner")));
    assert_eq!(read(&app, &two).await["state"], "prospect");
}

/// MGR-3: a chunk counts in one place, however many of its actions change what imports match by: two jobs at once never wait
/// for each other there.
#[tokio::test]
async fn a_job_moves_the_revision_on_in_one_place() {
    let app = TestApp::new().await;
    let (eva, _) = person(&app, "eva", Role::Manager).await;
    for _ in 0..8 {
        contact(&app, json!({"last_name": "N", "details": {"b": 1}})).await;
    }
    let shards = || {
        let sql = "SELECT shard, revision FROM workspace_usage ORDER BY workspace_id, shard";
        let revision = |row: &Value| row["revision"].as_i64().unwrap();
        app.rows(sql).iter().map(revision).collect::<Vec<_>>()
    };
    let moved = |before: &[i64]| -> Vec<i64> {
        let by = shards().into_iter().zip(before).map(|(now, before)| now - before);
        by.filter(|by| *by != 0).collect()
    };
    let before = shards();
    let job = managed(
        &app,
        named("N"),
        json!([
        {"type": "set_detail", "name": "a", "value": 1}, {"type": "remove_detail", "name": "b"},
        {"type": "assign_owner", "user_id": eva, "level": "main"}]),
    )
    .await;
    assert_eq!(moved(&before), [1]);
    let before = shards();
    undone(&app, &job.id()).await;
    assert_eq!(moved(&before), [1]);
    // what imports do not go by does not make their plans old
    let before = shards();
    managed(&app, named("N"), json!([{"type": "set_score", "score": 9}])).await;
    assert_eq!(moved(&before), [0; 0]);
    let before = shards();
    managed(&app, named("N"), json!([{"type": "delete", "mode": "purge"}])).await;
    assert_eq!(moved(&before), [2]);
    app.check_invariants();
}
