//! `POST /scenarios`.

use kartoteka_domain::scenarios::MAX_DEFINITIONS;
use kartoteka_tests::TestApp;
use serde_json::{Value, json};

use super::{doing, line, plain, starts};

/// SCN-1, SCN-4: what is saved is answered, and what starts it is looked for from now on.
#[tokio::test]
async fn a_whole_scenario_is_saved_and_its_events_start_it() {
    let app = TestApp::new().await;
    let mut body = plain("Welcome");
    body["description"] = json!(" For the fair ");
    body["limits"] = json!({"runs_per_contact": 1, "interval": "P30D"});
    let second = json!({"id": "second", "type": "start", "next": "end",
        "event": {"type": "contact.tag_added", "tag": "  VIP "}});
    body["nodes"].as_array_mut().unwrap().push(second);
    let made = app.post("/scenarios").json(&body).await.expect(201);
    assert_eq!(made.json["name"], "Welcome");
    assert_eq!(made.json["description"], "For the fair");
    assert_eq!(made.json["version"], 1);
    assert_eq!(made.json["problems"], json!([]));
    assert_eq!(made.json["nodes"], body["nodes"]);
    assert_eq!(made.json["limits"], body["limits"]);
    let read = app.get(made.header("location")).await.expect(200);
    assert_eq!(read.json, made.json);
    assert_eq!(
        starts(&app),
        [
            ("contact.note_added".to_owned(), json!({})),
            ("contact.tag_added".to_owned(), json!({"tag": "vip"})),
        ]
    );
    let lines = "SELECT count(*) AS n FROM audit_entries WHERE action = 'scenario.create' AND record_type = 'scenario'";
    assert_eq!(app.count(lines), 1);
    app.check_invariants();
}

/// SCN-1: a bound, so that lists and erasures know what they read.
#[tokio::test]
async fn a_workspace_has_so_many_scenarios_and_no_more() {
    let app = TestApp::new().await;
    app.execute(&format!(
        "INSERT INTO definitions (workspace_id, id, type, name, name_key, enabled, version, created_at, updated_at, deleted_at) \
         SELECT '{}', gen_random_uuid(), 'scenario', 'n' || n, 'n' || n, false, 1, now(), now(), \
         CASE WHEN n = 0 THEN now() END FROM generate_series(0, {}) AS n",
        app.home().id,
        MAX_DEFINITIONS - 1
    ));
    let last = app.post("/scenarios").json(&plain("Last")).await.expect(201).id();
    let refused = app.post("/scenarios").json(&plain("More")).await;
    let refused = refused.expect_problem(422, "too_many", &[]);
    assert_eq!(refused.json["limit"], MAX_DEFINITIONS);
    app.post("/rules").json(&json!({"name": "More"})).await.expect(201);
    app.other_workspace().post("/scenarios").json(&plain("More")).await.expect(201);
    app.delete(format!("/scenarios/{last}")).await.expect(204);
    app.post("/scenarios").json(&plain("More")).await.expect(201);
}

/// SCN-1: what it lacks is told also where a condition names a national number, which has no region of its own.
#[tokio::test]
async fn a_draft_with_a_national_number_says_what_it_lacks() {
    let app = TestApp::new().await;
    app.patch("/workspace").json(&json!({"phone_region": "CZ"})).await.expect(200);
    let mut body = plain("Half");
    body["enabled"] = json!(false);
    body["nodes"][0]["next"] = json!("asked");
    body["nodes"]
        .as_array_mut()
        .unwrap()
        .push(json!({"id": "asked", "type": "condition", "yes": "step0",
        "filter": {"field": "phone", "op": "eq", "value": "601123456"}}));
    let made = app.post("/scenarios").json(&body).await.expect(201);
    app.patch("/workspace").json(&json!({"phone_region": "PL"})).await.expect(200);
    let read = app.get(made.header("location")).await.expect(200);
    let listed = app.get("/scenarios").await.expect(200).data()[0].clone();
    for one in [&made.json, &read.json, &listed] {
        let problems = one["problems"].as_array().unwrap();
        let told: Vec<_> = problems.iter().map(|one| (&one["pointer"], &one["code"])).collect();
        assert_eq!(told, [(&json!("#/nodes/3/no"), &json!("missing_field"))]);
    }
}

/// SCN-1: half a scenario is kept, and says what it lacks; it is not switched on.
#[tokio::test]
async fn a_draft_may_be_half_made_but_not_switched_on() {
    let app = TestApp::new().await;
    let mut body = plain("Half");
    body["enabled"] = json!(false);
    body["nodes"][1]["next"] = Value::Null;
    let made = app.post("/scenarios").json(&body).await.expect(201);
    let problems = made.json["problems"].as_array().unwrap();
    let told: Vec<_> = problems.iter().map(|one| (&one["pointer"], &one["code"])).collect();
    assert!(told.contains(&(&json!("#/nodes/1/next"), &json!("missing_field"))), "{told:?}");
    assert!(told.contains(&(&json!("#/nodes/2"), &json!("invalid_graph"))), "{told:?}");
    assert_eq!(starts(&app), []);
    body["name"] = json!("Whole?");
    body["enabled"] = json!(true);
    app.post("/scenarios").json(&body).await.expect_problem(
        422,
        "validation_failed",
        &["#/nodes/1/next", "#/nodes/2"],
    );
    let path = format!("/scenarios/{}", made.id());
    app.patch(&path).json(&json!({"enabled": true})).await.expect_problem(
        422,
        "validation_failed",
        &["#/nodes/1/next", "#/nodes/2"],
    );
    app.post("/scenarios").json(&json!({"name": "Nothing yet"})).await.expect(201);
    assert_eq!(app.count("SELECT count(*) AS n FROM definitions"), 2);
}

/// SCN-1, SCN-4: all faults of head, steps, events, actions and conditions at once, also of what does not exist.
#[tokio::test]
async fn all_faults_are_told_at_once() {
    let app = TestApp::new().await;
    let other = app.other_workspace();
    let foreign = other
        .post("/segments")
        .json(&json!({"name": "S", "filter": {"field": "tag", "op": "has", "value": "a"}}));
    let foreign = foreign.await.expect(201).id();
    let nodes = json!([
        {"id": "a", "type": "start", "event": {"type": "contact.eaten"}, "next": "b"},
        {"id": "b", "type": "condition", "filter": {"field": "segment", "op": "eq", "value": foreign}, "yes": "c", "no": "c"},
        {"id": "c", "type": "action", "action": {"type": "assign_owner", "user_id": other.user, "level": "king"}, "next": "d"},
        {"id": "d", "type": "action", "action": {"type": "call_webhook", "webhook_id": foreign}, "next": "e"},
        {"id": "e", "type": "action", "action": {"type": "set_email_opt_in", "legal_basis": "consent", "purpose": "none"}, "next": "f"},
        {"id": "f", "type": "wait", "for": "PT1S", "next": "f"},
        {"id": "f", "type": "end", "next": "a"}
    ]);
    let body = json!({"name": " ", "colour": "red", "version": 5, "nodes": nodes, "limits": {"interval": 7}});
    app.post("/scenarios").json(&body).await.expect_problem(
        422,
        "validation_failed",
        &[
            "#/name",
            "#/colour",
            "#/version",
            "#/limits/interval",
            "#/nodes/0/event/type",
            "#/nodes/1/filter/value",
            "#/nodes/2/action/level",
            "#/nodes/2/action/user_id",
            "#/nodes/3/action/webhook_id",
            "#/nodes/4/action/purpose",
            "#/nodes/5/for",
            "#/nodes/6/next",
        ],
    );
    let twice =
        json!({"name": "T", "nodes": [{"id": "e", "type": "end"}, {"id": "e", "type": "end"}]});
    app.post("/scenarios").json(&twice).await.expect_problem(
        422,
        "invalid_graph",
        &["#/nodes/1/id"],
    );
    assert_eq!(app.count("SELECT count(*) AS n FROM definitions"), 0);
}

/// SCN-10: a loop that does not wait is never switched on.
#[tokio::test]
async fn a_loop_needs_a_wait() {
    let app = TestApp::new().await;
    let looped = |wait: Value| {
        let mut nodes = line(
            json!({"type": "contact.created"}),
            &[
                wait,
                json!({"type": "condition", "filter": {"field": "subscribed", "op": "eq", "value": true}}),
            ],
        );
        let asked = nodes[2].as_object_mut().unwrap();
        asked.remove("next");
        asked.insert("yes".into(), json!("step0"));
        asked.insert("no".into(), json!("end"));
        json!({"name": "Loop", "enabled": true, "nodes": nodes})
    };
    let quick = looped(doing(json!({"type": "change_score", "by": 1})));
    let answer = app.post("/scenarios").json(&quick).await;
    answer.expect_problem(422, "invalid_graph", &["#/nodes/1", "#/nodes/2"]);
    let over = looped(json!({"type": "wait", "until": "2020-01-01T00:00:00Z"}));
    let answer = app.post("/scenarios").json(&over).await;
    answer.expect_problem(422, "invalid_graph", &["#/nodes/1", "#/nodes/2"]);
    app.post("/scenarios").json(&looped(json!({"type": "wait", "for": "PT1M"}))).await.expect(201);
}

/// The largest there may be is saved; one more step, or more bytes, is not.
#[tokio::test]
async fn a_scenario_has_a_size() {
    let app = TestApp::new().await;
    let step = doing(json!({"type": "change_score", "by": 1}));
    let sized = |steps: usize| {
        json!({"name": "Long", "enabled": true,
            "nodes": line(json!({"type": "contact.created"}), &vec![step.clone(); steps])})
    };
    app.post("/scenarios").json(&sized(498)).await.expect(201);
    app.post("/scenarios").json(&sized(499)).await.expect_problem(422, "too_many", &["#/nodes"]);
    let letter = doing(json!({"type": "send_email", "subject": "s", "text": "x".repeat(20_000)}));
    let heavy = json!({"name": "Heavy", "nodes": line(json!({"type": "contact.created"}), &vec![letter; 14])});
    app.post("/scenarios").json(&heavy).await.expect_problem(422, "too_long", &["#/nodes"]);
}

/// SCN-1: names are unique without case, among scenarios; and free again after a deletion.
#[tokio::test]
async fn a_name_is_taken_once() {
    let app = TestApp::new().await;
    let id = super::saved(&app, &plain("Welcome")).await;
    let again = app.post("/scenarios").json(&plain("  WELCOME ")).await;
    again.expect_problem(409, "scenario_exists", &[]);
    app.post("/rules").json(&json!({"name": "Welcome"})).await.expect(201);
    app.other_workspace().post("/scenarios").json(&plain("Welcome")).await.expect(201);
    app.delete(format!("/scenarios/{id}")).await.expect(204);
    app.post("/scenarios").json(&plain("welcome")).await.expect(201);
    app.post("/scenarios").json(&json!({"name": "Other"})).await.expect(201);
    let found = app.get("/scenarios?q=oth").await.expect(200);
    let path = format!("/scenarios/{}", found.data()[0]["id"].as_str().unwrap());
    let renamed = app.patch(path).json(&json!({"name": "WELCOME"})).await;
    renamed.expect_problem(409, "scenario_exists", &[]);
}
