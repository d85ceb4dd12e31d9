//! `DELETE /scenarios/{id}`.

use kartoteka_tests::TestApp;
use serde_json::json;

use super::{contact, plain, saved, starts};

/// SCN-3: not while somebody is on the way through it; and what was stays with the contacts.
#[tokio::test]
async fn a_scenario_goes_when_nobody_is_on_the_way_through_it() {
    let app = TestApp::new().await;
    let id = saved(&app, &plain("Welcome")).await;
    let path = format!("/scenarios/{id}");
    let jana = contact(&app, "Jana").await;
    let runs = format!("/contacts/{jana}/scenarios");
    let run = app.post(&runs).json(&json!({"scenario_id": id})).await.expect(201);
    let refused = app.delete(&path).await.expect_problem(409, "in_use", &[]);
    assert_eq!(refused.json["runs"], 1);
    app.delete(run.header("location")).await.expect(204);
    app.delete(&path).await.expect(204);
    app.get(&path).await.expect_problem(404, "not_found", &[]);
    app.delete(&path).await.expect_problem(404, "not_found", &[]);
    app.get(format!("{path}/runs")).await.expect_problem(404, "not_found", &[]);
    assert_eq!(app.get("/scenarios").await.expect(200).data().len(), 0);
    assert_eq!(starts(&app), []);
    let was = app.get(run.header("location")).await.expect(200);
    assert_eq!((&was.json["name"], &was.json["state"]), (&json!("Welcome"), &json!("ended")));
    let start = app.post(&runs).json(&json!({"scenario_id": id})).await;
    start.expect_problem(422, "unknown_reference", &["#/scenario_id"]);
    app.check_invariants();
}
