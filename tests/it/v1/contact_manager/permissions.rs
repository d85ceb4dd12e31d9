//! Who may do what: what is not allowed is skipped with its reason, never done.

use std::time::{Duration, Instant};

use diesel::RunQueryDsl;
use kartoteka_api::{ForeignIssuer, ForeignKeys, KeyRing};
use kartoteka_app::clock::Clock;
use kartoteka_domain::actor::Actor;
use kartoteka_domain::scopes::{Role, parse_scopes};
use kartoteka_tests::{Client, TestApp};
use serde_json::{Value, json};

use super::{asked, contact, counts, managed, named, outcomes, read};
use crate::v1::contacts::notes::person;
use crate::v1::scenarios::{doing, line, saved};

/// MGR-5: contacts that somebody only sees are left alone by every action, and it is said.
#[tokio::test]
async fn contacts_of_a_read_only_owner_are_skipped() {
    let app = TestApp::new().await;
    let (eva, client) = person(&app, "eva", Role::Manager).await;
    let seen = contact(&app, json!({"last_name": "N"})).await;
    let free = contact(&app, json!({"last_name": "N"})).await;
    let owner = format!("/contacts/{seen}/owners/{eva}");
    app.put(owner).json(&json!({"level": "read_only"})).await.expect(200);
    let body = json!({"selection": named("N"), "actions": [
        {"type": "set_score", "score": 5}, {"type": "add_tags", "tags": ["x"]}, {"type": "set_state", "state": "partner"}]});
    let job = client.post("/contact-manager/jobs").json(&body).await.expect(202).id();
    app.run_jobs().await;
    let job = app.get(format!("/contact-manager/jobs/{job}")).await.expect(200);
    let one = counts(1, 0, json!({"not_permitted": 1}));
    assert_eq!(job.json["outcomes"], json!({"add_tags": one, "set_score": one, "set_state": one}));
    let rows = outcomes(&app, &job.id(), "&outcome=skipped&action=set_score").await;
    assert_eq!(
        rows,
        [(seen.clone(), json!("set_score"), json!("skipped"), json!("not_permitted"))]
    );
    assert_eq!(read(&app, &seen).await["score"], 0);
    assert_eq!(read(&app, &free).await["score"], 5);
}

/// MGR-5: a co-owner changes, but does not delete.
#[tokio::test]
async fn a_co_owner_does_not_delete() {
    let app = TestApp::new().await;
    let (eva, client) = person(&app, "eva", Role::Manager).await;
    let shared = contact(&app, json!({"last_name": "N"})).await;
    let free = contact(&app, json!({"last_name": "N"})).await;
    let owner = format!("/contacts/{shared}/owners/{eva}");
    app.put(owner).json(&json!({"level": "co_owner"})).await.expect(200);
    for mode in ["trash", "purge"] {
        let body = json!({"selection": named("N"), "actions": [{"type": "delete", "mode": mode}]});
        let job = client.post("/contact-manager/jobs").json(&body).await.expect(202).id();
        app.run_jobs().await;
        let job = app.get(format!("/contact-manager/jobs/{job}")).await.expect(200);
        let deleted = i64::from(mode == "trash");
        let all = json!({"delete": counts(deleted, 0, json!({"not_permitted": 1}))});
        assert_eq!(job.json["outcomes"], all, "{mode}");
    }
    assert!(read(&app, &shared).await["trashed_at"].is_null());
    assert!(read(&app, &free).await["trashed_at"].is_string());
}

/// An integration with these scopes: its id and its client.
async fn integration(app: &TestApp, scopes: &str) -> (String, Client) {
    let words: Vec<&str> = scopes.split(' ').collect();
    let made =
        app.post("/clients").json(&json!({"name": "bulk", "scopes": words})).await.expect(201);
    let id = made.text_at("/client_id");
    let actor = Actor::Client(id.parse().unwrap());
    (id, app.client_of(actor, app.home().id, &parse_scopes(scopes).unwrap()))
}

/// MGR-5: what the scopes of a token do not allow is skipped, and what they do not allow any more when the job runs.
#[tokio::test]
async fn limited_scopes_skip_what_they_do_not_allow() {
    let app = TestApp::new().await;
    let id = contact(&app, json!({"last_name": "N"})).await;
    let (client, limited) = integration(&app, "manager:run").await;
    let body = |actions: Value| json!({"selection": named("N"), "actions": actions});
    let delete = body(json!([{"type": "delete", "mode": "trash"}]));
    let score = body(json!([{"type": "set_score", "score": 5}]));
    let job = limited.post("/contact-manager/jobs").json(&delete).await.expect(202).id();
    app.run_jobs().await;
    let done = app.get(format!("/contact-manager/jobs/{job}")).await.expect(200);
    assert_eq!(done.json["outcomes"], json!({"delete": counts(0, 0, json!({"not_permitted": 1}))}));
    assert!(read(&app, &id).await["trashed_at"].is_null());
    // allowed when it was asked for, and not when it runs
    let job = limited.post("/contact-manager/jobs").json(&score).await.expect(202).id();
    app.patch(format!("/clients/{client}"))
        .json(&json!({"scopes": ["contacts:read"]}))
        .await
        .expect(200);
    app.run_jobs().await;
    let done = app.get(format!("/contact-manager/jobs/{job}")).await.expect(200);
    assert_eq!(
        done.json["outcomes"],
        json!({"set_score": counts(0, 0, json!({"not_permitted": 1}))})
    );
    assert_eq!(read(&app, &id).await["score"], 0);
}

/// The outcomes of a job in which nobody was touched, because whoever asked for it may not.
fn nobody(action: &str, contacts: i64) -> Value {
    json!({action: counts(0, 0, json!({"not_permitted": contacts}))})
}

async fn outcomes_of(app: &TestApp, job: &str) -> Value {
    let job = app.get(format!("/contact-manager/jobs/{job}")).await.expect(200);
    assert_eq!(job.json["state"], "succeeded", "{job:?}");
    job.json["outcomes"].clone()
}

/// MGR-5: who is removed may not more than who is disabled.
#[tokio::test]
async fn who_was_removed_has_no_rights_left() {
    let app = TestApp::new().await;
    let id = contact(&app, json!({"last_name": "N"})).await;
    let (eva, as_eva) = person(&app, "eva", Role::Manager).await;
    let (client, as_client) = integration(&app, "manager:run contacts:delete").await;
    let delete = json!({"selection": named("N"), "actions": [{"type": "delete", "mode": "purge"}]});
    let mut jobs = Vec::new();
    for by in [&as_eva, &as_client] {
        jobs.push(by.post("/contact-manager/jobs").json(&delete).await.expect(202).id());
    }
    app.delete(format!("/users/{eva}")).await.expect(204);
    app.delete(format!("/clients/{client}")).await.expect(204);
    app.run_jobs().await;
    for job in &jobs {
        assert_eq!(outcomes_of(&app, job).await, nobody("delete", 1));
    }
    assert!(read(&app, &id).await["trashed_at"].is_null());
}

/// MGR-5: whom a foreign issuer vouches for never had a row here, and keeps the rights of the token.
#[tokio::test]
async fn somebody_of_a_foreign_issuer_may_what_their_token_says() {
    let theirs = KeyRing::ephemeral().unwrap();
    let issuer = ForeignIssuer {
        issuer: "https://id.example.com".into(),
        keys: ForeignKeys::Inline(theirs.jwks().to_string()),
    };
    let app = TestApp::with(|settings| settings.foreign_issuers.push(issuer)).await;
    contact(&app, json!({"last_name": "N"})).await;
    let now = app.clock().now().timestamp();
    let claims = json!({
        "iss": "https://id.example.com", "aud": "kartoteka", "sub": "jana", "ws": app.home().id,
        "scope": "manager:run", "exp": now + 60, "iat": now
    });
    let token = theirs.sign(&serde_json::from_value(claims).unwrap()).unwrap();
    let jana = app.with_token(token);
    let actions = json!([{"type": "set_score", "score": 5}, {"type": "set_email_opt_out"}]);
    let body = json!({"selection": named("N"), "actions": actions});
    let job = jana.post("/contact-manager/jobs").json(&body).await.expect(202).id();
    app.run_jobs().await;
    assert_eq!(
        outcomes_of(&app, &job).await,
        json!({"set_score": counts(1, 0, json!({})),
            "set_email_opt_out": counts(0, 0, json!({"not_permitted": 1}))})
    );
}

/// MGR-5, MGR-K, MGR-L: starting for many needs what starting for one needs, whose steps do what takes other scopes.
#[tokio::test]
async fn rules_and_scenarios_are_not_run_without_their_scope() {
    let app = TestApp::new().await;
    let id = contact(&app, json!({"last_name": "N"})).await;
    let nodes = line(
        json!({"type": "contact.created"}),
        &[doing(json!({"type": "set_score", "score": 5}))],
    );
    let scenario = saved(&app, &json!({"name": "S", "enabled": true, "nodes": nodes})).await;
    let rule = json!({"name": "R", "enabled": true, "event": {"type": "contact.note_added"},
        "actions": [{"type": "set_score", "score": 1}]});
    let rule = app.post("/rules").json(&rule).await.expect(201).id();
    let (_, limited) = integration(&app, "manager:run contacts:read").await;
    let one = limited.post(format!("/contacts/{id}/scenarios"));
    one.json(&json!({"scenario_id": scenario})).await.expect(403);
    let actions = json!([
        {"type": "run_rule", "rule_id": rule, "check_conditions": false},
        {"type": "run_scenario", "scenario_id": scenario},
    ]);
    let body = json!({"selection": named("N"), "actions": actions});
    let job = limited.post("/contact-manager/jobs").json(&body).await.expect(202).id();
    app.run_jobs().await;
    let skipped = counts(0, 0, json!({"not_permitted": 1}));
    assert_eq!(
        outcomes_of(&app, &job).await,
        json!({"run_rule": skipped, "run_scenario": skipped})
    );
    assert_eq!(app.count("SELECT count(*) AS n FROM runs"), 0);
    let matrix = app.get("/contact-manager/actions").await.expect(200);
    let of =
        |key: &str| matrix.data().iter().find(|one| one["key"] == key).unwrap()["scope"].clone();
    assert_eq!(
        (of("run_rule"), of("run_scenario")),
        (json!("scenarios:write"), json!("scenarios:write"))
    );
    let (_, wider) = integration(&app, "manager:run scenarios:write").await;
    let job = wider.post("/contact-manager/jobs").json(&body).await.expect(202).id();
    app.run_jobs().await;
    let one = counts(1, 0, json!({}));
    assert_eq!(outcomes_of(&app, &job).await, json!({"run_rule": one, "run_scenario": one}));
}

/// MGR-4, MGR-5: undoing takes what doing takes, when it is asked for and when it is done.
#[tokio::test]
async fn who_may_not_do_it_does_not_undo_it() {
    let app = TestApp::new().await;
    let id = contact(&app, json!({"last_name": "N"})).await;
    let job = managed(&app, named("N"), json!([{"type": "delete", "mode": "trash"}])).await.id();
    let undo = format!("/contact-manager/jobs/{job}/undo");
    let (_, limited) = integration(&app, "manager:run").await;
    let by_limited = limited.post(&undo).await.expect(202).id();
    app.run_jobs().await;
    assert_eq!(outcomes_of(&app, &by_limited).await, nobody("delete", 1));
    assert!(read(&app, &id).await["trashed_at"].is_string());

    let other = contact(&app, json!({"last_name": "M"})).await;
    let job = managed(&app, named("M"), json!([{"type": "set_score", "score": 5}])).await.id();
    let (eva, as_eva) = person(&app, "eva", Role::Manager).await;
    let undo = as_eva.post(format!("/contact-manager/jobs/{job}/undo")).await.expect(202).id();
    app.patch(format!("/users/{eva}")).json(&json!({"disabled": true})).await.expect(200);
    app.run_jobs().await;
    assert_eq!(outcomes_of(&app, &undo).await, nobody("set_score", 1));
    assert_eq!(read(&app, &other).await["score"], 5);
}

/// MGR-5: somebody is disabled while their job is at work: what is left of it is not done.
#[tokio::test(flavor = "multi_thread")]
async fn rights_are_asked_for_each_chunk_anew() {
    let app = TestApp::new().await;
    let rows: String = (0..400).map(|n| format!("n{n}@example.com,N\n")).collect();
    app.import(format!("E-mail,Příjmení\n{rows}"), &json!({})).await;
    let (eva, as_eva) = person(&app, "eva", Role::Manager).await;
    let body = json!({"selection": named("N"), "actions": [{"type": "set_score", "score": 5}]});
    let job = as_eva.post("/contact-manager/jobs").json(&body).await.expect(202).id();
    // in chunks of 200, of which the second has to wait
    app.execute("UPDATE jobs SET crashes = 2 WHERE state = 'queued'");
    let mut holder = app.connection();
    let mut run = |sql: &str| diesel::sql_query(sql).execute(&mut holder).unwrap();
    run("BEGIN");
    run(
        "SELECT 1 FROM contacts WHERE id = (SELECT id FROM contacts ORDER BY id OFFSET 300 LIMIT 1) FOR UPDATE",
    );
    let disabled = async {
        let begun = Instant::now();
        let done = "SELECT count(*) AS n FROM jobs WHERE progress_done = 200";
        while app.count(done) == 0 {
            assert!(begun.elapsed() < Duration::from_secs(60), "it does not get on");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        app.patch(format!("/users/{eva}")).json(&json!({"disabled": true})).await.expect(200);
        run("COMMIT");
    };
    futures_util::future::join(app.run_jobs(), disabled).await;
    let half = counts(200, 0, json!({"not_permitted": 200}));
    assert_eq!(outcomes_of(&app, &job).await, json!({"set_score": half}));
    assert_eq!(app.count("SELECT count(*) AS n FROM contacts WHERE score = 5"), 200);
}

/// MGR-5: which contacts a job was about is for those who may read contacts.
#[tokio::test]
async fn the_contacts_of_a_job_are_read_by_those_who_read_contacts() {
    let app = TestApp::new().await;
    contact(&app, json!({"last_name": "N"})).await;
    let job = asked(&app, named("N"), json!([{"type": "remove_tags", "tags": ["zzz"]}])).await;
    let path = format!("/contact-manager/jobs/{}/contacts", job.id());
    app.with_scopes(&["manager:run"]).get(&path).await.expect_problem(403, "forbidden", &[]);
    app.with_scopes(&["manager:run", "contacts:read"]).get(&path).await.expect(200);
    app.run_jobs().await;
}
