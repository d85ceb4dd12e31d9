//! `PATCH /scenarios/{id}`.

use kartoteka_tests::TestApp;
use serde_json::json;

use super::{contact, doing, line, plain, saved, starts};

/// SCN-1, SCN-4: switched off nothing starts it, switched on all does; a switch makes no version.
#[tokio::test]
async fn switching_off_takes_the_events_away() {
    let app = TestApp::new().await;
    let id = saved(&app, &plain("Welcome")).await;
    let path = format!("/scenarios/{id}");
    assert_eq!(starts(&app).len(), 1);
    let off = app.patch(&path).json(&json!({"enabled": false})).await.expect(200);
    assert_eq!((&off.json["enabled"], &off.json["version"]), (&json!(false), &json!(1)));
    assert_eq!(starts(&app), []);
    let nodes =
        line(json!({"type": "date.reached", "field": "birth_date", "anniversary": true}), &[]);
    app.patch(&path).json(&json!({"nodes": nodes})).await.expect(200);
    assert_eq!(starts(&app), []);
    let on = app.patch(&path).json(&json!({"enabled": true})).await.expect(200);
    assert_eq!(on.json["version"], 2);
    let params = json!({"field": "birth_date", "anniversary": true});
    assert_eq!(starts(&app), [("date.reached".to_owned(), params)]);
    app.check_invariants();
}

/// SCN-1: a run goes on with what it began with; a version nobody went through is not kept.
#[tokio::test]
async fn a_version_stays_for_who_went_through_it() {
    let app = TestApp::new().await;
    let id = saved(&app, &plain("Welcome")).await;
    let path = format!("/scenarios/{id}");
    let change = |score: i64| {
        let step = doing(json!({"type": "set_score", "score": score}));
        json!({"nodes": line(json!({"type": "contact.created"}), &[step])})
    };
    let versions = || app.count("SELECT count(*) AS n FROM definition_versions");
    assert_eq!(app.patch(&path).json(&change(1)).await.expect(200).json["version"], 2);
    assert_eq!(versions(), 1);
    let jana = contact(&app, "Jana").await;
    let start = json!({"scenario_id": id});
    let run = app.post(format!("/contacts/{jana}/scenarios")).json(&start).await.expect(201);
    assert_eq!(app.patch(&path).json(&change(2)).await.expect(200).json["version"], 3);
    assert_eq!(app.patch(&path).json(&change(3)).await.expect(200).json["version"], 4);
    assert_eq!(versions(), 2);
    let read = app.get(run.header("location")).await.expect(200);
    assert_eq!(read.json["version"], 2);
    let kept = app.rows("SELECT body FROM definition_versions WHERE version = 2");
    assert_eq!(kept[0]["body"]["nodes"][1]["action"]["score"], 1);
    app.check_invariants();
}

/// SCN-1: a national number means what it meant when it was written, in whatever region the workspace is by now.
#[tokio::test]
async fn numbers_in_conditions_keep_their_region() {
    let app = TestApp::new().await;
    let region = |code: &'static str| app.patch("/workspace").json(&json!({"phone_region": code}));
    region("CZ").await.expect(200);
    let condition = |number: &str| json!({"field": "phone", "op": "eq", "value": number});
    let rule = json!({"name": "R", "conditions": [condition("601 123 456")], "event": {"type": "contact.created"},
        "actions": [{"type": "set_score", "score": 1}]});
    let made = app.post("/rules").json(&rule).await.expect(201);
    let path = format!("/rules/{}", made.id());
    let kept = || {
        app.rows(
            "SELECT phone_region, version FROM definition_versions ORDER BY version DESC LIMIT 1",
        )
        .remove(0)
    };
    // there it is no number
    region("US").await.expect(200);
    for patch in
        [json!({"name": "S"}), json!({"enabled": true}), json!({"limits": {"runs_per_contact": 2}})]
    {
        app.patch(&path).json(&patch).await.expect(200);
    }
    assert_eq!(kept(), json!({"phone_region": "CZ", "version": 2}));
    app.patch(&path)
        .json(&json!({"conditions": [condition("601 123 456")], "delay": "P1D"}))
        .await
        .expect_problem(422, "invalid_phone", &["#/conditions/0/value"]);
    let own = json!({"conditions": [condition("(202) 555-0100")]});
    app.patch(&path).json(&own).await.expect(200);
    assert_eq!(kept(), json!({"phone_region": "US", "version": 3}));
}

/// A merge patch: what is absent stays, what is null is cleared, what is the same changes nothing.
#[tokio::test]
async fn changes_are_merged() {
    let app = TestApp::new().await;
    let mut body = plain("Welcome");
    body["limits"] = json!({"runs_per_contact": 1, "interval": "P1D"});
    body["description"] = json!("d");
    let made = app.post("/scenarios").json(&body).await.expect(201);
    let path = format!("/scenarios/{}", made.id());
    let patch = json!({"limits": {"interval": null}, "description": null});
    let after = app.patch(&path).json(&patch).await.expect(200);
    assert_eq!(after.json["limits"], json!({"runs_per_contact": 1}));
    assert_eq!(after.json["description"], json!(null));
    assert_eq!(after.json["nodes"], made.json["nodes"]);
    let same = app.patch(&path).json(&patch).await.expect(200);
    assert_eq!(same.json, after.json);
    app.patch(&path)
        .json(&json!({"name": null, "enabled": null, "colour": null, "nodes": null}))
        .await
        .expect_problem(422, "validation_failed", &["#/name", "#/enabled", "#/colour"]);
    let lines = "SELECT changes FROM audit_entries WHERE action = 'scenario.update'";
    assert_eq!(
        app.rows(lines),
        [json!({"changes": {"fields": ["limits", "description"], "version": 2}})]
    );
}

/// PLT-3: a lost race is told, and so is what is not there.
#[tokio::test]
async fn somebody_elses_change_is_not_written_over() {
    let app = TestApp::new().await;
    let made = app.post("/scenarios").json(&plain("Welcome")).await.expect(201);
    let path = format!("/scenarios/{}", made.id());
    let tag = made.header("etag").to_owned();
    let renamed = json!({"name": "Hello"});
    app.patch(&path).header("if-match", &tag).json(&renamed).await.expect(200);
    let late = app.patch(&path).header("if-match", &tag).json(&json!({"name": "Late"})).await;
    late.expect_problem(412, "precondition_failed", &[]);
    let late = app.delete(&path).header("if-match", &tag).await;
    late.expect_problem(412, "precondition_failed", &[]);
    let other = app.other_workspace();
    other.patch(&path).json(&renamed).await.expect_problem(404, "not_found", &[]);
    let rule = path.replace("scenarios", "rules");
    app.patch(&rule).json(&renamed).await.expect_problem(404, "not_found", &[]);
    app.get(&rule).await.expect_problem(404, "not_found", &[]);
}
