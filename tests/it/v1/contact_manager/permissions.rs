//! Who may do what: what is not allowed is skipped with its reason, never done.

use kartoteka_domain::actor::Actor;
use kartoteka_domain::scopes::{Role, parse_scopes};
use kartoteka_tests::{Client, TestApp};
use serde_json::{Value, json};

use super::{contact, counts, named, outcomes, read};
use crate::v1::contacts::notes::person;

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
