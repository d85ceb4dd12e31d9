//! Tests of automation rules.

use kartoteka_tests::TestApp;
use serde_json::json;

use super::scenarios::starts;

/// SCN-2, SCN-4
#[tokio::test]
async fn a_rule_is_made_changed_and_deleted() {
    let app = TestApp::new().await;
    let body = json!({
        "name": "Thank", "enabled": true, "event": {"type": "booking.upcoming", "before": "P1D"}, "delay": "PT1H",
        "conditions": [{"field": "subscribed", "op": "eq", "value": true}],
        "actions": [{"type": "change_score", "by": 5}, {"type": "add_tags", "tags": ["noted"], "delay": "P1D"}],
        "limits": {"runs_per_contact": 3, "interval": "P7D"}
    });
    let made = app.post("/rules").json(&body).await.expect(201);
    for (member, value) in body.as_object().unwrap() {
        assert_eq!(&made.json[member], value, "{member}");
    }
    assert_eq!(app.get(made.header("location")).await.expect(200).json, made.json);
    assert_eq!(starts(&app), [("booking.upcoming".to_owned(), json!({"before": "P1D"}))]);
    let path = format!("/rules/{}", made.id());
    let patch = json!({"event": {"before": "PT2H"}, "delay": null, "conditions": null});
    let after = app.patch(&path).json(&patch).await.expect(200);
    assert_eq!(after.json["event"], json!({"type": "booking.upcoming", "before": "PT2H"}));
    assert_eq!((&after.json["delay"], &after.json["conditions"]), (&json!(null), &json!([])));
    assert_eq!(after.json["version"], 2);
    assert_eq!(starts(&app), [("booking.upcoming".to_owned(), json!({"before": "PT2H"}))]);
    assert_eq!(app.get("/rules").await.expect(200).data().len(), 1);
    assert_eq!(app.get(format!("{path}/runs")).await.expect(200).data().len(), 0);
    assert_eq!(app.get(format!("{path}/runs/count")).await.expect(200).json["runs"], 0);
    app.delete(&path).await.expect(204);
    assert_eq!(starts(&app), []);
    app.get(&path).await.expect_problem(404, "not_found", &[]);
    app.check_invariants();
}

/// SCN-2: a rule without an event or an action is a draft.
#[tokio::test]
async fn a_rule_that_does_nothing_is_not_switched_on() {
    let app = TestApp::new().await;
    let made = app.post("/rules").json(&json!({"name": "Draft"})).await.expect(201);
    let problems = made.json["problems"].as_array().unwrap();
    let told: Vec<_> = problems.iter().map(|one| one["pointer"].as_str().unwrap()).collect();
    assert_eq!(told, ["#/event", "#/actions"]);
    let path = format!("/rules/{}", made.id());
    app.patch(&path).json(&json!({"enabled": true})).await.expect_problem(
        422,
        "missing_field",
        &["#/event", "#/actions"],
    );
    let whole = json!({"enabled": true, "event": {"type": "event.custom", "name": "seen"},
        "actions": [{"type": "set_state", "state": "customer"}]});
    let on = app.patch(&path).json(&whole).await.expect(200);
    assert_eq!(on.json["problems"], json!([]));
    assert_eq!(starts(&app), [("event.custom".to_owned(), json!({"name": "seen"}))]);
    app.post("/rules").json(&json!({"name": "DRAFT"})).await.expect_problem(
        409,
        "rule_exists",
        &[],
    );
}

/// SCN-2: all at once.
#[tokio::test]
async fn all_faults_of_a_rule_are_told_at_once() {
    let app = TestApp::new().await;
    let body = json!({
        "nodes": [], "event": {"type": "contact.tag_added", "tag": 5}, "delay": "soon",
        "conditions": [{"field": "tag", "op": "has"}, {"field": "consent:none", "op": "eq", "value": "granted"}],
        "actions": [{"type": "add_note", "text": ""}, {"type": "send_email", "subject": "s", "delay": "P9Y"}],
        "limits": {"runs_per_contact": 10_001}
    });
    app.post("/rules").json(&body).await.expect_problem(
        422,
        "validation_failed",
        &[
            "#/nodes",
            "#/name",
            "#/event/tag",
            "#/delay",
            "#/conditions/0/value",
            "#/conditions/1/field",
            "#/actions/0/text",
            "#/actions/1/text",
            "#/actions/1/delay",
            "#/limits/runs_per_contact",
        ],
    );
    assert_eq!(app.count("SELECT count(*) AS n FROM definitions"), 0);
}
