//! Details, score and state.

use kartoteka_tests::TestApp;
use serde_json::{Value, json};

use super::{contact, counts, managed, named, read, undone};

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
