//! Contacts put into stages and taken out by the contact manager.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use diesel::RunQueryDsl;
use kartoteka_tests::TestApp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::funnels::funnel;
use super::super::scenarios::{doing, line};
use super::super::webhooks::starting::{started, starts_by};
use super::{asked, contact, counts, job_path, managed, named, outcomes, read, undone};

const NOWHERE: [&str; 0] = [];

async fn people(app: &TestApp, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..count {
        let name = format!("{n}");
        ids.push(contact(app, json!({"first_name": name, "last_name": "N"})).await);
    }
    ids
}

async fn enter(app: &TestApp, contact: &str, stage: &str) {
    app.put(format!("/contacts/{contact}/stages/{stage}")).await.expect(200);
}

async fn leave(app: &TestApp, contact: &str, stage: &str) {
    app.delete(format!("/contacts/{contact}/stages/{stage}")).await.expect(204);
}

/// Names of the stages of a contact, and since when it is in each.
async fn stays(app: &TestApp, contact: &str) -> Vec<(String, Value)> {
    let list = app.get(format!("/contacts/{contact}/stages")).await.expect(200);
    let stay = |one: &Value| (one["name"].as_str().unwrap().into(), one["entered_at"].clone());
    list.data().iter().map(stay).collect()
}

async fn stages(app: &TestApp, contact: &str) -> Vec<String> {
    stays(app, contact).await.into_iter().map(|(name, _)| name).collect()
}

/// MGR-I, SCN-4: who was not in the stage enters it, and that is told; nobody else is touched.
#[tokio::test]
async fn contacts_enter_a_stage_and_start_what_waits_for_it() {
    let app = TestApp::new().await;
    let (sales, of) = funnel(&app, "Prodej", &["Lead", "Offer"]).await;
    let ids = people(&app, 4).await;
    enter(&app, &ids[0], &of[1]).await;
    enter(&app, &ids[1], &of[0]).await;
    app.delete(format!("/contacts/{}", ids[3])).await.expect(204);
    starts_by(&app, app.home(), &["contact.stage_entered"]);
    let before = read(&app, &ids[0]).await;
    let action = json!([{"type": "add_to_stage", "stage_id": of[1], "funnel_id": sales}]);
    let job = managed(&app, named("N"), action).await;
    assert_eq!(job.json["outcomes"], json!({"add_to_stage": counts(2, 1, json!({}))}));
    assert_eq!(read(&app, &ids[0]).await, before, "it was there");
    assert_eq!(stages(&app, &ids[1]).await, ["Lead", "Offer"]);
    assert_eq!(stages(&app, &ids[2]).await, ["Offer"]);
    let data = json!({"stage_id": of[1], "funnel_id": sales});
    let event = |id: &String| ("contact.stage_entered".to_owned(), id.clone(), data.clone());
    assert_eq!(started(&app), [event(&ids[1]), event(&ids[2])]);
    let trail = app.get(format!("/audit?record_id={}", ids[2])).await.expect(200);
    assert_eq!(trail.data()[0]["changes"], json!({"fields": ["funnel_stages"], "stage_id": of[1]}));
    assert_eq!(trail.data()[0]["job_id"], job.id());
    app.check_invariants();
}

/// MGR-4: undone where the contact is in the stage since the job put it there.
#[tokio::test]
async fn who_was_put_into_a_stage_is_taken_out_again() {
    let app = TestApp::new().await;
    let (_, of) = funnel(&app, "f", &["a", "b"]).await;
    let ids = people(&app, 5).await;
    enter(&app, &ids[0], &of[0]).await;
    enter(&app, &ids[1], &of[1]).await;
    let job = managed(&app, named("N"), json!([{"type": "add_to_stage", "stage_id": of[0]}])).await;
    starts_by(&app, app.home(), &["contact.stage_entered"]);
    leave(&app, &ids[2], &of[0]).await;
    // out and in again is not as the job left it
    leave(&app, &ids[3], &of[0]).await;
    app.clock().advance(TimeDelta::milliseconds(5));
    enter(&app, &ids[3], &of[0]).await;
    let told = started(&app).len();
    let undo = undone(&app, &job.id()).await;
    let expected = json!({"add_to_stage": counts(2, 0, json!({"changed_since": 2}))});
    assert_eq!(undo.json["outcomes"], expected);
    for (id, expected) in ids.iter().zip([&["a"][..], &["b"], &[], &["a"], &[]]) {
        assert_eq!(stages(&app, id).await, expected);
    }
    assert_eq!(started(&app).len(), told, "leaving starts nothing");
    app.check_invariants();
}

/// MGR-I: out of one stage, or of all of a funnel; who is in none is unchanged.
#[tokio::test]
async fn contacts_leave_one_stage_or_a_whole_funnel() {
    let app = TestApp::new().await;
    let (sales, of) = funnel(&app, "f", &["a", "b", "c"]).await;
    let (_, other) = funnel(&app, "g", &["x"]).await;
    let ids = people(&app, 3).await;
    for (id, entered) in ids.iter().zip([&[0, 1, 2][..], &[1], &[]]) {
        enter(&app, id, &other[0]).await;
        for stage in entered {
            enter(&app, id, &of[*stage]).await;
        }
    }
    starts_by(&app, app.home(), &["contact.stage_entered"]);
    let one = json!([{"type": "remove_from_funnel", "stage_id": of[1]}]);
    let one = managed(&app, named("N"), one).await;
    assert_eq!(one.json["outcomes"], json!({"remove_from_funnel": counts(2, 1, json!({}))}));
    assert_eq!(stages(&app, &ids[0]).await, ["a", "c", "x"]);
    assert_eq!(stages(&app, &ids[1]).await, ["x"]);
    let all = json!([{"type": "remove_from_funnel", "stage_id": "all", "funnel_id": sales}]);
    let all = managed(&app, named("N"), all).await;
    assert_eq!(all.json["outcomes"], json!({"remove_from_funnel": counts(1, 2, json!({}))}));
    let rows = outcomes(&app, &all.id(), "&outcome=applied").await;
    let expected = (ids[0].clone(), json!("remove_from_funnel"), json!("applied"), Value::Null);
    assert_eq!(rows, [expected]);
    for id in &ids {
        assert_eq!(stages(&app, id).await, ["x"], "other funnels stay");
    }
    assert_eq!(started(&app), [], "leaving starts nothing");
}

/// MGR-4: back where they were, since when they were there; not where they went elsewhere meanwhile.
#[tokio::test]
async fn who_was_taken_out_is_put_back_where_it_was() {
    let app = TestApp::new().await;
    let (sales, of) = funnel(&app, "f", &["a", "b", "c"]).await;
    let ids = people(&app, 4).await;
    for id in &ids {
        enter(&app, id, &of[0]).await;
        enter(&app, id, &of[2]).await;
    }
    let before = stays(&app, &ids[0]).await;
    app.clock().advance(TimeDelta::seconds(5));
    let all = json!([{"type": "remove_from_funnel", "stage_id": "all", "funnel_id": sales}]);
    let job = managed(&app, named("N"), all).await;
    assert_eq!(stages(&app, &ids[0]).await, NOWHERE);
    enter(&app, &ids[1], &of[1]).await;
    enter(&app, &ids[2], &of[0]).await;
    let undo = undone(&app, &job.id()).await;
    let expected = json!({"remove_from_funnel": counts(2, 0, json!({"changed_since": 2}))});
    assert_eq!(undo.json["outcomes"], expected);
    assert_eq!(stays(&app, &ids[0]).await, before);
    assert_eq!(stays(&app, &ids[3]).await.len(), 2);
    assert_eq!(stages(&app, &ids[1]).await, ["b"]);
    assert_eq!(stages(&app, &ids[2]).await, ["a"]);

    // of one stage: the others do not matter; one that is gone is not given back
    let one = json!([{"type": "remove_from_funnel", "stage_id": of[0]}]);
    let job = managed(&app, named("N"), one.clone()).await;
    assert_eq!(job.json["outcomes"], json!({"remove_from_funnel": counts(3, 1, json!({}))}));
    enter(&app, &ids[0], &of[1]).await;
    let undo = undone(&app, &job.id()).await;
    assert_eq!(undo.json["outcomes"], json!({"remove_from_funnel": counts(3, 0, json!({}))}));
    assert_eq!(stages(&app, &ids[0]).await, ["a", "b", "c"]);
    let job = managed(&app, named("N"), one).await;
    app.delete(format!("/funnels/{sales}/stages/{}", of[0])).await.expect(204);
    let undo = undone(&app, &job.id()).await;
    let expected = json!({"remove_from_funnel": counts(0, 0, json!({"changed_since": 3}))});
    assert_eq!(undo.json["outcomes"], expected);
    app.check_invariants();
}

/// Asks for a job that is refused with this code at these places.
async fn refused(app: &TestApp, actions: Value, code: &str, at: &[&str]) {
    let body = json!({"selection": named("N"), "actions": actions});
    app.post("/contact-manager/jobs").json(&body).await.expect_problem(422, code, at);
}

/// MGR-I: what is not there, not of the funnel, or not said, with its place.
#[tokio::test]
async fn a_job_names_stages_and_funnels_that_are_there() {
    let app = TestApp::new().await;
    let ids = people(&app, 1).await;
    let at_funnel = ["#/actions/0/funnel_id"];
    let all = json!([{"type": "remove_from_funnel", "stage_id": "all"}]);
    refused(&app, all.clone(), "missing_field", &at_funnel).await;
    let (sales, of) = funnel(&app, "f", &["a"]).await;
    enter(&app, &ids[0], &of[0]).await;
    let job = managed(&app, named("N"), all.clone()).await;
    let expected = json!({"remove_from_funnel": counts(1, 0, json!({}))});
    assert_eq!(job.json["outcomes"], expected, "the only one is meant");
    undone(&app, &job.id()).await;
    assert_eq!(stages(&app, &ids[0]).await, ["a"]);
    let (other, _) = funnel(&app, "g", &["x"]).await;
    refused(&app, all, "missing_field", &at_funnel).await;
    let made = json!({"name": "f", "stages": ["a"]});
    let foreign = app.other_workspace().post("/funnels").json(&made).await.expect(201);
    let unknown = Uuid::now_v7();
    for stage in [json!(unknown), json!(sales), foreign.json["stages"][0]["id"].clone()] {
        let actions = json!([
            {"type": "add_to_stage", "stage_id": stage},
            {"type": "remove_from_funnel", "stage_id": Uuid::now_v7(), "funnel_id": unknown},
        ]);
        let places = ["#/actions/0/stage_id", "#/actions/1/stage_id", "#/actions/1/funnel_id"];
        refused(&app, actions, "unknown_reference", &places).await;
    }
    for kind in ["add_to_stage", "remove_from_funnel"] {
        let actions = json!([{"type": kind, "stage_id": of[0], "funnel_id": other}]);
        refused(&app, actions, "invalid_value", &at_funnel).await;
    }
    let all = json!([{"type": "remove_from_funnel", "stage_id": "all", "funnel_id": foreign.id()}]);
    refused(&app, all, "unknown_reference", &at_funnel).await;
}

/// MGR-I: what goes before the job begins makes it fail, and nobody is touched.
#[tokio::test]
async fn a_stage_that_is_gone_when_the_job_begins_fails_it() {
    let app = TestApp::new().await;
    let (sales, of) = funnel(&app, "f", &["a", "b"]).await;
    let ids = people(&app, 2).await;
    let job = asked(&app, named("N"), json!([{"type": "add_to_stage", "stage_id": of[0]}])).await;
    app.delete(format!("/funnels/{sales}/stages/{}", of[0])).await.expect(204);
    app.run_jobs().await;
    let job = app.get(job_path(&job)).await.expect(200);
    assert_eq!(job.json["state"], "failed", "{job:?}");
    assert_eq!(job.json["problem"]["code"], "unknown_reference");
    assert_eq!(stages(&app, &ids[0]).await, NOWHERE);
    app.check_invariants();
}

/// MGR-I: who goes from one stage to another in one job ends in the new one, whatever of the funnel was left.
#[tokio::test]
async fn a_job_moves_contacts_to_another_stage() {
    let app = TestApp::new().await;
    let (sales, of) = funnel(&app, "f", &["a", "b", "c"]).await;
    let ids = people(&app, 2).await;
    enter(&app, &ids[0], &of[0]).await;
    enter(&app, &ids[0], &of[1]).await;
    let actions = json!([
        {"type": "add_to_stage", "stage_id": of[2]},
        {"type": "remove_from_funnel", "stage_id": "all", "funnel_id": sales},
    ]);
    let job = managed(&app, named("N"), actions).await;
    assert_eq!(
        job.json["outcomes"],
        json!({"add_to_stage": counts(2, 0, json!({})),
            "remove_from_funnel": counts(1, 1, json!({}))})
    );
    for id in &ids {
        assert_eq!(stages(&app, id).await, ["c"]);
    }
    undone(&app, &job.id()).await;
    assert_eq!(stages(&app, &ids[0]).await, ["a", "b"]);
    assert_eq!(stages(&app, &ids[1]).await, NOWHERE);
}

/// MGR-I: all stages are those of the funnel there was when the job was asked for, whatever there is when it begins.
#[tokio::test]
async fn the_only_funnel_is_the_one_of_when_it_was_asked_for() {
    let app = TestApp::new().await;
    let (sales, _) = funnel(&app, "f", &["a"]).await;
    let ids = people(&app, 1).await;
    let at = chrono::Utc::now() + TimeDelta::minutes(4);
    let all = json!([{"type": "remove_from_funnel", "stage_id": "all"}]);
    let body = json!({"selection": named("N"), "run_at": at, "actions": all});
    let job = app.post("/contact-manager/jobs").json(&body).await.expect(202);
    assert_eq!(job.json["actions"][0]["funnel_id"], sales, "it is said which");
    app.delete(format!("/funnels/{sales}")).await.expect(204);
    let (_, of) = funnel(&app, "g", &["x"]).await;
    enter(&app, &ids[0], &of[0]).await;
    app.clock().advance(TimeDelta::minutes(5));
    app.run_jobs().await;
    let job = app.get(job_path(&job)).await.expect(200);
    assert_eq!(job.json["state"], "failed", "{job:?}");
    assert_eq!(job.json["problem"]["code"], "unknown_reference");
    assert_eq!(stages(&app, &ids[0]).await, ["x"]);
}

/// MGR-I: who removes a funnel holds it and then its stages, so nobody holds a stage and waits for its funnel.
#[tokio::test(flavor = "multi_thread")]
async fn a_funnel_is_held_before_its_stages() {
    let app = TestApp::new().await;
    let (sales, of) = funnel(&app, "f", &["a", "b"]).await;
    people(&app, 1).await;
    let manager = json!({"selection": named("N"), "actions": [
        {"type": "remove_from_funnel", "stage_id": of[0]},
        {"type": "add_to_stage", "stage_id": of[1], "funnel_id": sales}]});
    let event = json!({"type": "contact.stage_entered", "stage_id": of[0]});
    let out = doing(json!({"type": "remove_from_funnel", "funnel_id": sales}));
    let scenario = json!({"name": "S", "nodes": line(event, &[out])});
    for (path, body, status) in
        [("/contact-manager/jobs", manager, 202), ("/scenarios", scenario, 201)]
    {
        let mut holder = app.connection();
        let mut run = |sql: &str| diesel::sql_query(sql).execute(&mut holder);
        run("BEGIN").unwrap();
        run("SELECT 1 FROM funnels FOR UPDATE").unwrap();
        let asked = async {
            let answer = app.post(path).json(&body).await;
            answer.expect(status);
        };
        let removing = async {
            let begun = Instant::now();
            let waiting = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() \
                AND wait_event_type = 'Lock'";
            while app.count(waiting) == 0 {
                assert!(begun.elapsed() < Duration::from_secs(60), "nobody waits");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            run("SELECT 1 FROM funnel_stages FOR UPDATE NOWAIT").unwrap();
            run("ROLLBACK").unwrap();
        };
        futures_util::future::join(asked, removing).await;
    }
    app.run_jobs().await;
}
