//! The first start: a workspace and its administrator, once, however many processes start.

use kartoteka_app::access::bootstrap::{Installation, ensure};
use kartoteka_app::access::maintenance::sweep;
use kartoteka_app::access::secrets::Entropy;
use kartoteka_app::clock::Clock;
use kartoteka_tests::TestApp;
use serde_json::json;

fn wanted(password: Option<&str>) -> Installation {
    Installation {
        workspace: "main".into(),
        email: "admin@example.com".into(),
        password: password.map(str::to_owned),
    }
}

/// PLT-1
#[tokio::test(flavor = "multi_thread")]
async fn of_several_processes_one_makes_the_administrator_who_can_log_in() {
    let app = TestApp::new().await;
    let now = app.clock().now();
    let started: Vec<_> = (0..3)
        .map(|_| {
            let db = app.db().clone();
            let start = move || ensure(&db, &wanted(None), &Entropy::random(), now).unwrap();
            tokio::task::spawn_blocking(start)
        })
        .collect();
    let mut passwords = Vec::new();
    let mut workspaces = Vec::new();
    for start in started {
        let installed = start.await.unwrap();
        passwords.extend(installed.password);
        workspaces.push(installed.workspace);
    }
    workspaces.dedup();
    assert_eq!((workspaces.len(), passwords.len()), (1, 1));
    let fields = [
        ("grant_type", "password"),
        ("username", "admin@example.com"),
        ("password", &passwords[0]),
    ];
    let answer = app.anonymous().post("/auth/token").form(&fields).await.expect(200);
    let admin = app.with_token(answer.text_at("/access_token"));
    let purposes = admin.get("/purposes").await.expect(200);
    assert_eq!(purposes.data().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weak_password_of_the_configuration_makes_nothing() {
    let app = TestApp::new().await;
    let (db, now) = (app.db().clone(), app.clock().now());
    let start = move || ensure(&db, &wanted(Some("password")), &Entropy::random(), now).is_err();
    assert!(tokio::task::spawn_blocking(start).await.unwrap());
    assert_eq!(app.count("SELECT count(*) AS n FROM workspaces WHERE name = 'main'"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_outlived_its_time_is_swept() {
    let app = TestApp::new().await;
    let client = json!({"name": "shop", "scopes": ["contacts:read"]});
    app.post("/clients").header("idempotency-key", "k").json(&client).await.expect(201);
    let (db, now) = (app.db().clone(), app.clock().now());
    let swept = tokio::task::spawn_blocking(move || {
        let early = sweep(&db, now).unwrap();
        (early, sweep(&db, now + chrono::TimeDelta::hours(25)).unwrap())
    });
    assert_eq!(swept.await.unwrap(), (0, 1));
}
