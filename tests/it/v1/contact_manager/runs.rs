//! Rules and scenarios run for many contacts (MGR-K, MGR-L).

use chrono::{DateTime, TimeDelta, Utc};
use kartoteka_tests::TestApp;
use serde_json::{Value, json};

use super::{asked, contact, counts, job_path, managed, named, outcomes};
use crate::v1::scenarios::{doing, line, plain, saved};

fn running(scenario: &str) -> Value {
    json!([{ "type": "run_scenario", "scenario_id": scenario }])
}

fn ruling(rule: &str, check_conditions: bool) -> Value {
    json!([{ "type": "run_rule", "rule_id": rule, "check_conditions": check_conditions }])
}

async fn rule(app: &TestApp, more: Value) -> String {
    let mut rule = json!({
        "name": "R", "enabled": true, "event": { "type": "contact.note_added" },
        "actions": [{ "type": "set_score", "score": 1 }]
    });
    rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.post("/rules").json(&rule).await.expect(201).id()
}

async fn people(app: &TestApp, names: &[&str]) -> Vec<String> {
    let mut ids = Vec::new();
    for name in names {
        ids.push(contact(app, json!({ "first_name": name, "last_name": "Nováková" })).await);
    }
    ids
}

async fn refused(app: &TestApp, actions: Value, code: &str, pointer: &str) {
    let body = json!({ "selection": named("Nováková"), "actions": actions });
    let answer = app.post("/contact-manager/jobs").json(&body).await;
    answer.expect_problem(422, code, &[pointer]);
}

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

/// MGR-L: each contact goes on behind the start, its wait honoured; limits per contact do not bind; who is on the way
/// is left alone, who came to the end goes again.
#[tokio::test]
async fn a_scenario_is_run_for_everybody_selected() {
    let app = TestApp::new().await;
    let ids = people(&app, &["Jana", "Eva", "Ida"]).await;
    contact(&app, json!({ "last_name": "Other" })).await;
    let nodes = line(
        json!({ "type": "contact.created" }),
        &[
            json!({ "type": "wait", "for": "P2D" }),
            doing(json!({ "type": "set_score", "score": 5 })),
        ],
    );
    let body = json!({ "name": "S", "enabled": true, "nodes": nodes,
        "limits": { "runs_per_contact": 1, "interval": "P30D" } });
    let scenario = saved(&app, &body).await;
    let by_hand = app.post(format!("/contacts/{}/scenarios", ids[0]));
    by_hand.json(&json!({ "scenario_id": scenario })).await.expect(201);
    let job = managed(&app, named("Nováková"), running(&scenario)).await;
    let expected = json!({ "run_scenario": counts(2, 0, json!({ "already_running": 1 })) });
    assert_eq!(job.json["outcomes"], expected);
    let runs = app.get(format!("/scenarios/{scenario}/runs")).await.expect(200);
    let of_job: Vec<&Value> = runs.data().iter().filter(|run| run["job_id"] == job.id()).collect();
    assert_eq!(of_job.len(), 2);
    for run in of_job {
        assert_eq!((&run["origin"], &run["node"]), (&json!("contact_manager"), &json!("step0")));
        assert_eq!(run["state"], "queued");
        assert_eq!(time(&run["due_at"]) - time(&run["created_at"]), TimeDelta::days(2));
    }
    let flags =
        app.rows("SELECT DISTINCT waits, skip_event, respect_limits, check_conditions FROM runs");
    let expected = json!({ "waits": true, "skip_event": true, "respect_limits": false, "check_conditions": true });
    assert_eq!(flags, [expected]);
    app.execute("UPDATE runs SET state = 'done', ended_at = now()");
    let again = managed(&app, named("Nováková"), running(&scenario)).await;
    assert_eq!(again.json["outcomes"]["run_scenario"]["applied"], 3);
    let lines = format!(
        "SELECT count(*) AS n FROM audit_entries WHERE action = 'run.create' AND job_id = '{}'",
        again.id()
    );
    assert_eq!(app.count(&lines), 3);
    app.check_invariants();
}

/// MGR-L: one start event, switched on, of this workspace; asked again when the job runs.
#[tokio::test]
async fn not_every_scenario_can_be_run_for_many() {
    let app = TestApp::new().await;
    people(&app, &["Jana"]).await;
    let at = "#/actions/0/scenario_id";
    let mut two = plain("Two");
    let second = json!({ "id": "second", "type": "start", "event": { "type": "contact.created" }, "next": "end" });
    two["nodes"].as_array_mut().unwrap().push(second);
    let two = saved(&app, &two).await;
    refused(&app, running(&two), "invalid_value", at).await;
    let foreign = app.other_workspace().post("/scenarios").json(&plain("S")).await.expect(201).id();
    refused(&app, running(&foreign), "unknown_reference", at).await;
    let off = saved(&app, &json!({ "name": "Off" })).await;
    refused(&app, running(&off), "scenario_disabled", at).await;
    let scenario = saved(&app, &plain("S")).await;
    let job = asked(&app, named("Nováková"), running(&scenario)).await;
    app.patch(format!("/scenarios/{scenario}"))
        .json(&json!({ "enabled": false }))
        .await
        .expect(200);
    app.run_jobs().await;
    let job = app.get(job_path(&job)).await.expect(200);
    assert_eq!(job.json["state"], "failed");
    assert_eq!(job.json["problem"]["code"], "scenario_disabled");
    assert_eq!(app.count("SELECT count(*) AS n FROM runs"), 0);
}

/// MGR-K: its limits per contact do bind, over all runs before, whoever started them.
#[tokio::test]
async fn the_limits_of_a_rule_bind() {
    let app = TestApp::new().await;
    let ids = people(&app, &["Jana", "Eva"]).await;
    let limits = json!({ "limits": { "runs_per_contact": 2, "interval": "P7D" } });
    let rule = rule(&app, limits).await;
    let run = async |applied: i64, skipped: Value| {
        let job = managed(&app, named("Nováková"), ruling(&rule, true)).await;
        assert_eq!(job.json["outcomes"], json!({ "run_rule": counts(applied, 0, skipped) }));
        job
    };
    let end = || app.execute("UPDATE runs SET state = 'done', ended_at = now(), origin = 'event'");
    run(2, json!({})).await;
    run(0, json!({ "already_running": 2 })).await;
    end();
    run(0, json!({ "interval_not_over": 2 })).await;
    let earlier = |days: i64| {
        app.execute(&format!("UPDATE runs SET created_at = created_at - interval '{days} days'"))
    };
    earlier(6);
    run(0, json!({ "interval_not_over": 2 })).await;
    earlier(2);
    // one of them has gone twice already
    app.execute(&format!(
        "INSERT INTO runs (workspace_id, id, definition_id, version, contact_id, state, origin, actor_type, node, due_at, \
         created_at, ended_at) SELECT workspace_id, gen_random_uuid(), definition_id, version, contact_id, 'failed', 'manual', \
         'system', node, due_at, created_at - interval '90 days', now() FROM runs WHERE contact_id = '{}'",
        ids[0]
    ));
    let job = run(1, json!({ "run_limit_reached": 1 })).await;
    let told = outcomes(&app, &job.id(), "&outcome=skipped").await;
    let expected =
        (ids[0].clone(), json!("run_rule"), json!("skipped"), json!("run_limit_reached"));
    assert_eq!(told, [expected]);
    end();
    run(0, json!({ "run_limit_reached": 2 })).await;
    app.check_invariants();
}

/// MGR-K: conditions are asked or not, which the run keeps; delays are honoured either way.
#[tokio::test]
async fn a_rule_keeps_whether_its_conditions_are_asked() {
    let app = TestApp::new().await;
    people(&app, &["Jana"]).await;
    let asked = json!({ "delay": "PT1H", "conditions": [{ "field": "subscribed", "op": "eq", "value": true }] });
    let rule = rule(&app, asked).await;
    for check in [true, false] {
        managed(&app, named("Nováková"), ruling(&rule, check)).await;
        let runs = app.get(format!("/rules/{rule}/runs?state=queued")).await.expect(200);
        let [run] = runs.data() else { panic!("{runs:?}") };
        assert_eq!(run["check_conditions"], check);
        assert_eq!((&run["rule_id"], &run["node"]), (&json!(rule), &json!("conditions")));
        assert_eq!(time(&run["due_at"]) - time(&run["created_at"]), TimeDelta::hours(1));
        app.execute("UPDATE runs SET state = 'done', ended_at = now()");
    }
    let respects = app.rows("SELECT DISTINCT respect_limits FROM runs");
    assert_eq!(respects, [json!({ "respect_limits": true })]);
}

/// MGR-K: switched on, and of this workspace; a scenario is no rule.
#[tokio::test]
async fn not_every_rule_can_be_run() {
    let app = TestApp::new().await;
    people(&app, &["Jana"]).await;
    let at = "#/actions/0/rule_id";
    let off = app.post("/rules").json(&json!({ "name": "Off" })).await.expect(201).id();
    refused(&app, ruling(&off, true), "rule_disabled", at).await;
    let scenario = saved(&app, &plain("S")).await;
    refused(&app, ruling(&scenario, true), "unknown_reference", at).await;
    let both = json!([
        { "type": "run_rule", "rule_id": off, "check_conditions": true },
        { "type": "run_scenario", "scenario_id": off },
    ]);
    let body = json!({ "selection": named("Nováková"), "actions": both });
    let answer = app.post("/contact-manager/jobs").json(&body).await;
    let pointers = ["#/actions/0/rule_id", "#/actions/1/scenario_id"];
    answer.expect_problem(422, "validation_failed", &pointers);
}

/// MGR-4: what was started cannot be called back, and a job that is cancelled leaves what it started.
#[tokio::test]
async fn runs_cannot_be_undone() {
    let app = TestApp::new().await;
    people(&app, &["Jana"]).await;
    let scenario = saved(&app, &plain("S")).await;
    let job = managed(&app, named("Nováková"), running(&scenario)).await;
    let undo = app.post(format!("/contact-manager/jobs/{}/undo", job.id())).await;
    let undo = undo.expect_problem(409, "job_not_undoable", &[]);
    assert_eq!(undo.json["reason"], "not_reversible");
    assert_eq!(app.count("SELECT count(*) AS n FROM runs WHERE state = 'queued'"), 1);
}

/// MGR-K, MGR-L: one statement for a chunk, and two jobs at once start nobody twice.
#[tokio::test]
async fn two_jobs_start_each_contact_once() {
    let app = TestApp::new().await;
    people(&app, &["a", "b", "c", "d"]).await;
    let scenario = saved(&app, &plain("S")).await;
    let one = asked(&app, named("Nováková"), running(&scenario)).await;
    let two = asked(&app, named("Nováková"), running(&scenario)).await;
    app.run_jobs().await;
    let mut applied = 0;
    for job in [one, two] {
        let job = app.get(job_path(&job)).await.expect(200);
        applied += job.json["outcomes"]["run_scenario"]["applied"].as_i64().unwrap();
    }
    assert_eq!(applied, 4);
    assert_eq!(app.count("SELECT count(*) AS n FROM runs"), 4);
}
