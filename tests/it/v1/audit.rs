//! `GET /audit` (AUD-1)

use kartoteka_tests::{PASSWORD, TestApp};
use serde_json::json;

/// AUD-1
#[tokio::test]
async fn the_trail_tells_who_did_what_and_no_secrets() {
    let app = TestApp::new().await;
    let user =
        json!({"email": "eva@example.com", "name": "Eva", "role": "viewer", "password": PASSWORD});
    let id = app.post("/users").header("x-request-id", "r-1").json(&user).await.expect(201).id();
    let change = json!({"role": "editor", "name": "Eva Malá", "password": "staple correct horse"});
    app.patch(format!("/users/{id}")).json(&change).await.expect(200);
    app.delete(format!("/users/{id}")).await.expect(204);

    let trail = app.get(format!("/audit?record_id={id}")).await.expect(200);
    let actions: Vec<_> =
        trail.data().iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["user.delete", "user.update", "user.create"]);
    let [_, update, create] = trail.data() else { panic!("{trail:?}") };
    assert_eq!(create["actor"], json!({"type": "user", "id": app.home().user}));
    assert_eq!(create["record"], json!({"type": "user", "id": id}));
    assert_eq!(create["request_id"], "r-1");
    assert_eq!(create["ip"], "127.0.0.1");
    assert_eq!(
        update["changes"],
        json!({"role": ["viewer", "editor"], "fields": ["name", "password"]})
    );
    for secret in ["eva@example.com", "Eva", "staple", "argon2"] {
        assert!(!trail.text().contains(secret), "{secret}");
    }
}

/// AUD-1
#[tokio::test]
async fn the_trail_is_filtered_and_goes_on() {
    let app = TestApp::new().await;
    for number in 0..5 {
        let client = json!({"name": format!("c{number}"), "scopes": ["contacts:read"]});
        app.post("/clients").json(&client).await.expect(201);
    }
    app.patch("/workspace").json(&json!({"name": "Karta"})).await.expect(200);
    let first = app.get("/audit?action=client.create&limit=3").await.expect(200);
    assert_eq!(first.data().len(), 3);
    let cursor = first.text_at("/next_cursor");
    let rest =
        app.get(format!("/audit?action=client.create&limit=3&cursor={cursor}")).await.expect(200);
    assert_eq!((rest.data().len(), rest.json["next_cursor"].is_null()), (2, true));
    let at = first.data()[0]["at"].as_str().unwrap();
    let before =
        app.get("/audit").query(&[("before", at), ("action", "client.create")]).await.expect(200);
    assert_eq!(before.data().len(), 4);
    let after = app.get("/audit").query(&[("after", at)]).await.expect(200);
    assert_eq!(after.data().len(), 2);
    let actor = app.home().user.to_string();
    assert_eq!(app.get("/audit").query(&[("actor_id", &actor)]).await.expect(200).data().len(), 6);
    app.get("/audit?actor_id=x&before=yesterday").await.expect_problem(
        422,
        "validation_failed",
        &["?actor_id", "?before"],
    );
    assert!(app.other_workspace().get("/audit").await.expect(200).data().is_empty());
}

/// AUD-1: by kind of record, and by the job it was done through.
#[tokio::test]
async fn the_trail_is_filtered_by_type_and_job() {
    let app = TestApp::new().await;
    let import = app.import("E-mail\njana@example.com\n", &json!({})).await;
    let contact = app.post("/contacts").json(&json!({"first_name": "Eva"})).await.expect(201).id();
    let of_type = app.get("/audit?record_type=contact").await.expect(200);
    assert_eq!(of_type.data().len(), 1);
    assert_eq!(of_type.data()[0]["record"]["id"], json!(contact));
    let lines = app.get(format!("/audit?record_id={}", import.id())).await.expect(200);
    let by_job = lines.data().iter().find(|line| line["job_id"].is_string()).unwrap();
    let job = by_job["job_id"].as_str().unwrap();
    let of_job = app.get(format!("/audit?job_id={job}")).await.expect(200);
    assert!(of_job.data().iter().all(|line| line["job_id"] == by_job["job_id"]));
    assert!(of_job.data().contains(by_job));
    let nothing = app.get(format!("/audit?record_type=contact&job_id={job}")).await.expect(200);
    assert!(nothing.data().is_empty());
}
