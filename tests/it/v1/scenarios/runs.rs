//! Runs: `/contacts/{id}/scenarios`, `/scenarios/{id}/runs`.

use chrono::{DateTime, Utc};
use kartoteka_tests::TestApp;
use serde_json::{Value, json};

use super::{contact, doing, line, plain, saved};

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

/// SCN-3, MGR-L: the event is skipped, a wait behind the start is honoured.
#[tokio::test]
async fn a_contact_is_started_behind_the_event() {
    let app = TestApp::new().await;
    let wait = json!({"type": "wait", "for": "P2D"});
    let act = doing(json!({"type": "set_score", "score": 5}));
    let waiting = json!({"name": "Wait", "enabled": true,
        "nodes": line(json!({"type": "contact.created"}), &[wait, act])});
    let waiting = saved(&app, &waiting).await;
    let at_once = saved(&app, &plain("At once")).await;
    let jana = contact(&app, "Jana").await;
    let path = format!("/contacts/{jana}/scenarios");
    let run = app.post(&path).json(&json!({"scenario_id": waiting})).await.expect(201);
    assert_eq!(run.json["node"], "step0");
    assert_eq!((&run.json["state"], &run.json["origin"]), (&json!("queued"), &json!("manual")));
    assert_eq!(run.json["scenario_id"], waiting.as_str());
    assert_eq!(run.json["actor"], json!({"type": "user", "id": app.home().user}));
    let waits = time(&run.json["due_at"]) - time(&run.json["created_at"]);
    assert_eq!(waits.num_seconds(), 2 * 24 * 3600);
    let other = app.post(&path).json(&json!({"scenario_id": at_once})).await.expect(201);
    assert_eq!(other.json["due_at"], other.json["created_at"]);
    let rows = app.rows("SELECT waits, skip_event, respect_limits FROM runs ORDER BY id");
    let flags = |waits: bool| json!({"waits": waits, "skip_event": true, "respect_limits": false});
    assert_eq!(rows, [flags(true), flags(false)]);
    let active = app.get(&path).await.expect(200);
    let ids: Vec<_> = active.data().iter().map(|one| &one["id"]).collect();
    assert_eq!(ids, [&other.json["id"], &run.json["id"]]);
    assert_eq!(app.get(run.header("location")).await.expect(200).json, run.json);
    app.check_invariants();
}

/// SCN-3
#[tokio::test]
async fn a_run_is_ended_by_hand_and_stays_to_be_seen() {
    let app = TestApp::new().await;
    let id = saved(&app, &plain("Welcome")).await;
    let jana = contact(&app, "Jana").await;
    let path = format!("/contacts/{jana}/scenarios");
    let start = json!({"scenario_id": id});
    let run = app.post(&path).json(&start).await.expect(201);
    let twice = app.post(&path).json(&start).await;
    twice.expect_problem(409, "already_running", &[]);
    // as if a worker had taken it up
    app.execute("UPDATE runs SET state = 'running', lease_owner = 'w', lease_until = now(), lease_epoch = 1");
    app.delete(run.header("location")).await.expect(204);
    let lease = app.rows("SELECT lease_owner, lease_epoch FROM runs");
    assert_eq!(lease, [json!({"lease_owner": null, "lease_epoch": 2})]);
    app.delete(run.header("location")).await.expect_problem(409, "conflict", &[]);
    assert_eq!(app.get(&path).await.expect(200).data().len(), 0);
    let all = app.get(format!("{path}?all=true")).await.expect(200);
    assert_eq!(all.data()[0]["state"], "ended");
    assert_eq!(all.data()[0]["reason"], "by_hand");
    app.post(&path).json(&start).await.expect(201);
    let counts = app.get(format!("/scenarios/{id}/runs/count")).await.expect(200);
    let expected =
        json!({"runs": 2, "queued": 1, "running": 0, "done": 0, "ended": 1, "failed": 0});
    assert_eq!(counts.json, expected);
    let told = app.rows("SELECT changes FROM audit_entries WHERE action = 'run.create'");
    let expected = json!({"contact_id": jana, "definition_id": id, "version": 1});
    assert!(told.iter().any(|line| line["changes"] == expected), "{told:?}");
    let lines = "SELECT count(*) AS n FROM audit_entries WHERE record_type = 'run' AND action IN ('run.create', 'run.end')";
    assert_eq!(app.count(lines), 3);
}

/// SCN-3: what is switched off, in the trash, not there, or not the caller's to change, is refused.
#[tokio::test]
async fn not_every_contact_can_be_started_on_every_scenario() {
    let app = TestApp::new().await;
    let id = saved(&app, &plain("Welcome")).await;
    let start = json!({"scenario_id": id});
    let jana = contact(&app, "Jana").await;
    let path = format!("/contacts/{jana}/scenarios");
    let other = app.other_workspace();
    other.post(&path).json(&start).await.expect_problem(404, "not_found", &[]);
    other.get(&path).await.expect_problem(404, "not_found", &[]);
    let theirs = other.post("/contacts").json(&json!({"first_name": "T"})).await.expect(201).id();
    let foreign = other.post(format!("/contacts/{theirs}/scenarios")).json(&start).await;
    foreign.expect_problem(422, "unknown_reference", &["#/scenario_id"]);
    app.patch(format!("/scenarios/{id}")).json(&json!({"enabled": false})).await.expect(200);
    app.post(&path).json(&start).await.expect_problem(409, "scenario_disabled", &[]);
    app.patch(format!("/scenarios/{id}")).json(&json!({"enabled": true})).await.expect(200);
    let user = json!({"email": "reader@example.com", "role": "editor", "password": kartoteka_tests::PASSWORD});
    let user = app.post("/users").json(&user).await.expect(201).id();
    app.put(format!("/contacts/{jana}/owners/{}", app.home().user))
        .json(&json!({"level": "main"}))
        .await
        .expect(200);
    app.put(format!("/contacts/{jana}/owners/{user}"))
        .json(&json!({"level": "read_only"}))
        .await
        .expect(200);
    let login = [
        ("grant_type", "password"),
        ("username", "reader@example.com"),
        ("password", kartoteka_tests::PASSWORD),
    ];
    let token = app.anonymous().post("/auth/token").form(&login).await.expect(200);
    let reader = app.with_token(token.text_at("/access_token"));
    reader.post(&path).json(&start).await.expect_problem(403, "not_permitted", &[]);
    let run = app.post(&path).json(&start).await.expect(201);
    reader.delete(run.header("location")).await.expect_problem(403, "not_permitted", &[]);
    app.delete(format!("/contacts/{jana}")).await.expect(204);
    app.post(&path).json(&start).await.expect_problem(409, "conflict", &[]);
    app.delete(run.header("location")).await.expect(204);
}

/// SCN-4: of several starts one is named.
#[tokio::test]
async fn of_several_starts_one_is_said() {
    let app = TestApp::new().await;
    let mut body = plain("Two");
    let second = json!({"id": "second", "type": "start", "event": {"type": "contact.created"}, "next": "end"});
    body["nodes"].as_array_mut().unwrap().push(second);
    let id = saved(&app, &body).await;
    let jana = contact(&app, "Jana").await;
    let path = format!("/contacts/{jana}/scenarios");
    let none = app.post(&path).json(&json!({"scenario_id": id})).await;
    none.expect_problem(422, "missing_field", &["#/start"]);
    let wrong = app.post(&path).json(&json!({"scenario_id": id, "start": "step0"})).await;
    wrong.expect_problem(422, "unknown_reference", &["#/start"]);
    let run =
        app.post(&path).json(&json!({"scenario_id": id, "start": "second"})).await.expect(201);
    assert_eq!(run.json["node"], "end");
}

/// SCN-3: two who start it at once start it once.
#[tokio::test]
async fn two_at_once_start_one_run() {
    let app = TestApp::new().await;
    let id = saved(&app, &plain("Welcome")).await;
    let jana = contact(&app, "Jana").await;
    let path = format!("/contacts/{jana}/scenarios");
    let start = json!({"scenario_id": id});
    let post = || app.post(&path).json(&start);
    let (a, b, c) = tokio::join!(post(), post(), post());
    let mut statuses = [a.status, b.status, c.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409]);
    assert_eq!(app.count("SELECT count(*) AS n FROM runs"), 1);
}

/// SCN-3: pages by state and by contact.
#[tokio::test]
async fn runs_of_a_scenario_are_listed() {
    let app = TestApp::new().await;
    let id = saved(&app, &plain("Welcome")).await;
    let mut people = Vec::new();
    for name in ["a", "b", "c"] {
        let person = contact(&app, name).await;
        let run =
            app.post(format!("/contacts/{person}/scenarios")).json(&json!({"scenario_id": id}));
        people.push((person, run.await.expect(201)));
    }
    app.delete(people[1].1.header("location")).await.expect(204);
    let path = format!("/scenarios/{id}/runs");
    let of = |page: &kartoteka_tests::Answer| -> Vec<String> {
        page.data().iter().map(|run| run["contact_id"].as_str().unwrap().to_owned()).collect()
    };
    let first = app.get(format!("{path}?limit=2")).await.expect(200);
    assert_eq!(of(&first), [people[2].0.clone(), people[1].0.clone()]);
    let cursor = first.json["next_cursor"].as_str().unwrap();
    let second = app.get(format!("{path}?limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!(of(&second), [people[0].0.clone()]);
    assert_eq!(second.json["next_cursor"], json!(null));
    let ended = app.get(format!("{path}?state=ended")).await.expect(200);
    assert_eq!(of(&ended), [people[1].0.clone()]);
    let one = app.get(format!("{path}?contact_id={}", people[0].0)).await.expect(200);
    assert_eq!(of(&one), [people[0].0.clone()]);
    app.other_workspace().get(&path).await.expect_problem(404, "not_found", &[]);
}

/// TRS-2, CON-16: a purge takes the runs, a merge gives them to the winner, undoing gives them back; an export has them.
#[tokio::test]
async fn runs_go_where_the_contact_goes() {
    let app = TestApp::new().await;
    let id = saved(&app, &plain("Welcome")).await;
    let (winner, loser) = (contact(&app, "Winner").await, contact(&app, "Loser").await);
    let run = app.post(format!("/contacts/{loser}/scenarios")).json(&json!({"scenario_id": id}));
    let run = run.await.expect(201);
    let export = app.get(format!("/contacts/{loser}/export")).await.expect(200);
    assert_eq!(export.json["runs"][0]["id"], run.json["id"]);
    assert_eq!(export.json["runs"][0]["name"], "Welcome");
    let merge = json!({"winner_id": winner, "loser_ids": [loser]});
    let merge = app.post("/contacts/merge").json(&merge).await.expect(200);
    let of =
        |contact: &str| format!("SELECT count(*) AS n FROM runs WHERE contact_id = '{contact}'");
    assert_eq!((app.count(&of(&winner)), app.count(&of(&loser))), (1, 0));
    app.post(format!("/merges/{}/undo", merge.id())).await.expect(200);
    assert_eq!((app.count(&of(&winner)), app.count(&of(&loser))), (0, 1));
    app.delete(format!("/contacts/{loser}")).await.expect(204);
    app.delete(format!("/trash/{loser}")).await.expect(204);
    assert_eq!(app.count("SELECT count(*) AS n FROM runs"), 0);
    app.check_invariants();
}

/// CON-16, SCN-10: of one who was several people the same is not done twice.
#[tokio::test]
async fn a_merged_contact_is_on_its_way_once() {
    let app = TestApp::new().await;
    let (first, second) = (saved(&app, &plain("First")).await, saved(&app, &plain("Second")).await);
    let mut people = Vec::new();
    for name in ["Winner", "One", "Two"] {
        people.push(contact(&app, name).await);
    }
    let start = |person: usize, scenario: &str| {
        app.post(format!("/contacts/{}/scenarios", people[person]))
            .json(&json!({"scenario_id": scenario}))
    };
    // through the first all of them, through the second both losers; one went through it before
    let mut runs = Vec::new();
    for (person, scenario) in [(2, &second), (0, &first), (1, &first), (2, &first), (1, &second)] {
        runs.push(start(person, scenario).await.expect(201));
    }
    app.delete(runs[0].header("location")).await.expect(204);
    runs.push(start(2, &second).await.expect(201));
    let merge = json!({"winner_id": people[0], "loser_ids": [people[1], people[2]]});
    let merge = app.post("/contacts/merge").json(&merge).await.expect(200);
    let of = |run: &kartoteka_tests::Answer| {
        app.rows(&format!(
            "SELECT contact_id, state, reason, lease_epoch FROM runs WHERE id = '{}'",
            run.id()
        ))
        .remove(0)
    };
    let expected = |person: usize, state: &str, reason: Option<&str>| {
        let epoch = i64::from(state == "ended");
        json!({"contact_id": people[person], "state": state, "reason": reason, "lease_epoch": epoch})
    };
    let winners = [
        expected(0, "ended", Some("by_hand")),
        expected(0, "queued", None),
        expected(0, "ended", Some("merged")),
        expected(0, "ended", Some("merged")),
        expected(0, "queued", None),
        expected(0, "ended", Some("merged")),
    ];
    assert_eq!(runs.iter().map(of).collect::<Vec<_>>(), winners);
    let told = app.rows(
        "SELECT record_id, changes FROM audit_entries WHERE action = 'run.end' AND changes ->> 'fields' IS NOT NULL ORDER BY id",
    );
    assert_eq!(told.len(), 4, "{told:?}");
    let shown = app.get(format!("/contacts/{}/scenarios?all=true", people[0])).await.expect(200);
    assert_eq!(shown.data().iter().filter(|run| run["reason"] == "merged").count(), 3);
    app.post(format!("/merges/{}/undo", merge.id())).await.expect(200);
    let back = [
        expected(2, "ended", Some("by_hand")),
        expected(0, "queued", None),
        expected(1, "ended", Some("merged")),
        expected(2, "ended", Some("merged")),
        expected(1, "queued", None),
        expected(2, "ended", Some("merged")),
    ];
    assert_eq!(runs.iter().map(of).collect::<Vec<_>>(), back);
    app.check_invariants();
}
