//! Jobs as such: whom they mean, when they run, what is refused, who may.

use chrono::{TimeDelta, Utc};
use kartoteka_tests::{Answer, TestApp};
use serde_json::{Value, json};

use super::{asked, contact, counts, job_path, managed, named, read};

/// MGR-1: the number and some of those a job would be about.
#[tokio::test]
async fn a_recount_says_how_many_and_shows_some() {
    let app = TestApp::new().await;
    for n in 0..12 {
        contact(&app, json!({"last_name": "N", "first_name": format!("n{n}")})).await;
    }
    contact(&app, json!({"last_name": "M"})).await;
    let answer = app
        .post("/contact-manager/recount")
        .json(&json!({"selection": named("N")}))
        .await
        .expect(200);
    assert_eq!(answer.json["contacts"], 12);
    let sample = answer.json["sample"].as_array().unwrap();
    assert_eq!((sample.len(), &sample[0]["first_name"]), (10, &json!("n11")));
    let all = app.post("/contact-manager/recount").json(&json!({})).await.expect(200);
    assert_eq!(all.json["contacts"], 13);
    let bad = json!({"selection": {"where": {"field": "nonsense", "op": "eq", "value": 1}}});
    app.post("/contact-manager/recount").json(&bad).await.expect(422);
}

/// MGR-2: the matrix names every action with its schema, limits, triggers and whether it can be undone.
#[tokio::test]
async fn the_matrix_is_an_endpoint() {
    let app = TestApp::new().await;
    let answer = app.get("/contact-manager/actions").await.expect(200);
    let actions = answer.data();
    assert_eq!(actions.len(), 23);
    for action in actions {
        let schema = &action["schema"];
        assert_eq!(
            schema["properties"]["type"]["pattern"],
            format!("^{}$", action["key"].as_str().unwrap())
        );
        jsonschema::validator_for(schema).unwrap();
        assert!(!schema.to_string().contains("$ref"), "{schema}");
    }
    let named = |key: &str| actions.iter().find(|action| action["key"] == key).unwrap();
    assert_eq!(named("generate_links")["limits"]["contacts"], 10_000);
    assert_eq!(named("add_note")["limits"]["characters"], 1_024);
    assert_eq!(named("delete")["scope"], "contacts:delete");
    let starting: Vec<_> = actions
        .iter()
        .filter(|action| action["starts_scenarios"] == true)
        .map(|action| action["key"].clone())
        .collect();
    assert_eq!(
        starting,
        ["set_mobile_opt_out", "add_to_stage", "run_rule", "run_scenario", "add_note"]
    );
}

/// MGR-3: whoever comes to fit after the job began is not among them, and who is taken out of the selection by its first
/// action still gets the second.
#[tokio::test]
async fn the_selection_is_frozen_when_the_job_starts() {
    let app = TestApp::new().await;
    let selection = json!({"where": {"field": "tag", "op": "has", "value": "in"}});
    let one = contact(&app, json!({"last_name": "N", "tags": ["in"]})).await;
    let asked = asked(
        &app,
        selection.clone(),
        json!([{"type": "set_score", "score": 5}, {"type": "remove_tags", "tags": ["in"]}]),
    )
    .await;
    assert_eq!(asked.json["state"], "queued");
    let late = contact(&app, json!({"last_name": "N", "tags": ["in"]})).await;
    app.run_jobs().await;
    for id in [&one, &late] {
        let now = read(&app, id).await;
        assert_eq!((&now["score"], &now["tags"]), (&json!(5), &json!([])));
    }
    let after = contact(&app, json!({"last_name": "N", "tags": ["in"]})).await;
    app.run_jobs().await;
    assert_eq!(read(&app, &after).await["score"], 0);
}

/// MGR: a job waits for its time, may be stopped while it waits, and means those who fit then.
#[tokio::test]
async fn a_job_waits_for_its_time() {
    let app = TestApp::new().await;
    let at = Utc::now() + TimeDelta::minutes(5);
    let selection = json!({"where": {"field": "last_name", "op": "eq", "value": "N"}});
    let body = json!({"selection": selection, "run_at": at, "actions": [{"type": "set_score", "score": 5}]});
    let job = app.post("/contact-manager/jobs").json(&body).await.expect(202);
    let other = app.post("/contact-manager/jobs").json(&body).await.expect(202);
    let id = contact(&app, json!({"last_name": "N"})).await;
    app.run_jobs().await;
    let waiting = app.get(job_path(&job)).await.expect(200);
    assert_eq!(
        (&waiting.json["state"], &waiting.json["run_at"]),
        (&json!("queued"), &job.json["run_at"])
    );
    let stopped =
        app.post(format!("/contact-manager/jobs/{}/cancel", other.id())).await.expect(200);
    assert_eq!(stopped.json["state"], "cancelled");
    app.post(format!("/contact-manager/jobs/{}/cancel", other.id())).await.expect(409);
    assert_eq!(app.get("/contact-manager/jobs").await.expect(200).data().len(), 2);
    app.clock().advance(TimeDelta::minutes(6));
    app.run_jobs().await;
    let done = app.get(job_path(&job)).await.expect(200);
    assert_eq!(done.json["outcomes"], json!({"set_score": counts(1, 0, json!({}))}), "{done:?}");
    assert_eq!(read(&app, &id).await["score"], 5);
}

/// MGR: all faults at once: of the actions, of what they refer to, of the selection.
#[tokio::test]
async fn all_faults_are_told_at_once() {
    let app = TestApp::new().await;
    app.post("/fields").json(&json!({"name": "size", "type": "number"})).await.expect(201);
    let body = json!({"selection": {"where": {"field": "nonsense", "op": "eq", "value": 1}}, "when": 1,
        "actions": [{"type": "set_email_opt_in"}, {"type": "set_detail", "name": "size", "value": "x"}, {"type": "set_score"}]});
    let refused = app.post("/contact-manager/jobs").json(&body).await.expect(422);
    let pointers: Vec<_> = refused.json["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["pointer"].clone())
        .collect();
    for pointer in [
        "#/when",
        "#/actions/0/type",
        "#/actions/1/value",
        "#/actions/2/score",
        "#/selection/where/field",
    ] {
        assert!(pointers.contains(&json!(pointer)), "{pointer} in {pointers:?}");
    }
    // that nobody is meant is one of them
    let body = json!({"actions": [{"type": "dance"}, {"type": "set_score"}]});
    let refused = app.post("/contact-manager/jobs").json(&body).await;
    let places = ["#/actions/0/type", "#/actions/1/score", "#/selection"];
    let refused = refused.expect_problem(422, "validation_failed", &places);
    assert!(refused.faults().contains(&("#/selection".to_owned(), "missing_field".to_owned())));
    // nobody, and everybody without saying so
    for selection in [json!({}), json!(null), named("nobody")] {
        let body = json!({"selection": selection, "actions": [{"type": "set_score", "score": 1}]});
        let refused = app.post("/contact-manager/jobs").json(&body).await.expect(422);
        assert_eq!(refused.json["code"], "empty_selection", "{refused:?}");
    }
}

/// MGR-A: consent to e-mail is not given for many, and the answer says where it is.
#[tokio::test]
async fn opting_in_to_email_is_refused_and_told_where() {
    let app = TestApp::new().await;
    contact(&app, json!({"last_name": "N"})).await;
    let body = json!({"selection": named("N"), "actions": [{"type": "set_email_opt_in"}]});
    let refused = app.post("/contact-manager/jobs").json(&body).await.expect(422);
    assert_eq!(refused.json["code"], "opt_in_not_here");
    assert!(
        refused.json["errors"][0]["detail"].as_str().unwrap().contains("/contacts/{id}/consents")
    );
}

/// MGR-3: a page of outcomes goes on by cursor over contacts and actions, whatever is asked for: as the whole list with the
/// others left out.
#[tokio::test]
async fn outcomes_are_paged() {
    let app = TestApp::new().await;
    // runs of one, two and three that end the same, other ones for each action
    let contacts = [
        json!({"last_name": "N", "details": {"size": "1"}}),
        json!({"last_name": "N", "state": "partner", "score": 1}),
        json!({"last_name": "N", "state": "partner", "details": {"size": "1"}}),
        json!({"last_name": "N"}),
        json!({"last_name": "N"}),
        json!({"last_name": "N", "state": "partner", "score": 1, "details": {"size": "2"}}),
        json!({"last_name": "N"}),
    ];
    let mut expected = Vec::new();
    for body in &contacts {
        let id = contact(&app, body.clone()).await;
        for action in ["add_tags_from_details", "set_score", "set_state"] {
            expected.push((id.clone(), json!(action)));
        }
    }
    let actions = json!([
        {"type": "set_state", "state": "partner"},
        {"type": "set_score", "score": 1},
        {"type": "add_tags_from_details", "prefix": "size ", "details": ["size"]},
    ]);
    let job = managed(&app, named("N"), actions).await.id();
    let whole = paged(&app, &job, "?limit=200").await;
    let whom =
        |row: &Value| (row["contact_id"].as_str().unwrap().to_owned(), row["action"].clone());
    assert_eq!(whole.iter().map(whom).collect::<Vec<_>>(), expected);

    let asked = [
        json!({}),
        json!({"outcome": "applied"}),
        json!({"outcome": "unchanged"}),
        json!({"outcome": "skipped"}),
        json!({"reason": "no_detail"}),
        json!({"action": "set_state"}),
        json!({"action": "set_score", "outcome": "applied"}),
        json!({"action": "add_tags_from_details", "outcome": "skipped", "reason": "no_detail"}),
        json!({"action": "set_state", "outcome": "skipped"}),
    ];
    for wanted in asked {
        let wanted = wanted.as_object().unwrap();
        let fits = |row: &&Value| wanted.iter().all(|(name, value)| row[name] == *value);
        let fitting: Vec<Value> = whole.iter().filter(fits).cloned().collect();
        let query: String = wanted
            .iter()
            .map(|(name, value)| format!("&{name}={}", value.as_str().unwrap()))
            .collect();
        for limit in [1, 2, 3, 5, 200] {
            let found = paged(&app, &job, &format!("?limit={limit}{query}")).await;
            assert_eq!(found, fitting, "{limit} at once of {wanted:?}");
        }
    }
    // of an action: one that is none is told, of one that is not of this job there is nothing
    let of =
        |action: &str| app.get(format!("/contact-manager/jobs/{job}/contacts?action={action}"));
    assert_eq!(of("set_score").await.expect(200).data().len(), 7);
    assert_eq!(of("add_tags").await.expect(200).data().len(), 0);
    of("set_scor").await.expect_problem(422, "invalid_value", &["?action"]);
    // the common view of jobs knows them too
    let common = app.get(format!("/jobs/{job}/contacts")).await.expect(200);
    assert_eq!(common.data().len(), 21);
}

/// All pages of the contacts of a job.
async fn paged(app: &TestApp, job: &str, query: &str) -> Vec<Value> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/contact-manager/jobs/{job}/contacts{query}{cursor}");
        let page = app.get(path).await.expect(200);
        found.extend_from_slice(page.data());
        match page.json["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

/// MGR, PLT: the answer is the job as it is seen among all jobs, and more.
#[tokio::test]
async fn the_answer_is_the_job_that_is_seen_among_all_jobs() {
    let app = TestApp::new().await;
    contact(&app, json!({"last_name": "N"})).await;
    let segment = json!({"name": "s", "filter": named("N")["where"]});
    let segment = app.post("/segments").json(&segment).await.expect(201).id();
    let actions = json!([{"type": "set_score", "score": 3}]);
    let job = asked(&app, json!({"segments": [segment]}), actions).await;
    assert_eq!(job.json["subject"], json!({"type": "segment", "id": segment}));
    let same = |whole: &Answer, common: &Answer| {
        for (member, value) in common.json.as_object().unwrap() {
            assert_eq!(&whole.json[member], value, "{member}");
        }
    };
    same(&job, &app.get(job.header("location")).await.expect(200));
    app.run_jobs().await;
    let (done, common) = (
        app.get(job_path(&job)).await.expect(200),
        app.get(job.header("location")).await.expect(200),
    );
    same(&done, &common);
    assert_eq!(common.json["counts"], json!({"set_score": counts(1, 0, json!({}))}));
    let undo = app.post(format!("{}/undo", job_path(&job))).await.expect(202);
    assert_eq!(undo.header("location"), format!("/api/v1/jobs/{}", undo.id()));
    assert_eq!(undo.json["subject"], json!({"type": "job", "id": job.id()}));
    same(&undo, &app.get(undo.header("location")).await.expect(200));
    app.run_jobs().await;
}

/// MGR-3, PLT: who may start a job may stop it, wherever they see it.
#[tokio::test]
async fn a_job_is_stopped_by_who_may_start_one() {
    let app = TestApp::new().await;
    contact(&app, json!({"last_name": "N"})).await;
    let score = json!([{"type": "set_score", "score": 3}]);
    let manager = app.with_scopes(&["manager:run"]);
    let other = app.with_scopes(&["contacts:write", "imports:write"]);
    let done = managed(&app, named("N"), score.clone()).await;
    let waiting = asked(&app, named("N"), score).await;
    let undo = app.post(format!("{}/undo", job_path(&done))).await.expect(202);
    let changes = json!({"selection": named("N"), "changes": {"score": 1}});
    let edit = app.post("/contacts/bulk-edit").json(&changes).await.expect(202);
    for (job, may, may_not) in
        [(&waiting, &manager, &other), (&undo, &manager, &other), (&edit, &other, &manager)]
    {
        let path = format!("/jobs/{}/cancel", job.id());
        may_not.post(&path).await.expect_problem(403, "forbidden", &[]);
        assert_eq!(may.post(&path).await.expect(200).json["state"], "cancelled");
    }
}
