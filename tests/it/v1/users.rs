//! `/users`

use kartoteka_tests::{PASSWORD, TestApp};
use serde_json::{Value, json};

fn eva() -> Value {
    json!({"email": "Eva@Example.com", "name": " Eva Malá ", "role": "editor", "password": "correct horse battery"})
}

/// PLT-1
#[tokio::test]
async fn a_person_is_added_changed_and_removed() {
    let app = TestApp::new().await;
    let made = app.post("/users").json(&eva()).await.expect(201);
    assert_eq!(made.json["email"], "Eva@Example.com");
    assert_eq!(made.json["name"], "Eva Malá");
    assert_eq!(made.json["disabled"], false);
    assert_eq!(made.json.get("password"), None);
    let path = format!("/users/{}", made.id());
    assert_eq!(made.header("location"), format!("/api/v1{path}"));
    let got = app.get(&path).await.expect(200);
    assert_eq!(got.json, made.json);
    assert_eq!(got.header("etag"), made.header("etag"));
    let unchanged = app.get(&path).header("if-none-match", got.header("etag")).await;
    assert_eq!((unchanged.status, unchanged.bytes.len()), (304, 0));

    let changes = json!({"name": null, "role": "viewer"});
    let stale = app.patch(&path).header("if-match", "\"stale\"").json(&changes).await;
    stale.expect_problem(412, "precondition_failed", &[]);
    let changed =
        app.patch(&path).header("if-match", got.header("etag")).json(&changes).await.expect(200);
    assert_eq!((&changed.json["name"], &changed.json["role"]), (&Value::Null, &json!("viewer")));
    assert_ne!(changed.header("etag"), got.header("etag"));
    app.delete(&path).header("if-match", got.header("etag")).await.expect_problem(
        412,
        "precondition_failed",
        &[],
    );
    app.delete(&path).await.expect(204);
    app.get(&path).await.expect_problem(404, "not_found", &[]);
    app.delete(&path).await.expect_problem(404, "not_found", &[]);
}

#[tokio::test]
async fn all_faults_are_told_at_once() {
    let app = TestApp::new().await;
    let answer = app
        .post("/users")
        .json(&json!({"id": "x", "email": 7, "role": "king", "pasword": "x"}))
        .await;
    let answer = answer.expect_problem(
        422,
        "validation_failed",
        &["#/id", "#/email", "#/role", "#/pasword", "#/password"],
    );
    let faults = answer.faults();
    for (pointer, code) in [
        ("#/id", "read_only_field"),
        ("#/email", "invalid_type"),
        ("#/role", "invalid_value"),
        ("#/pasword", "unknown_field"),
        ("#/password", "missing_field"),
    ] {
        assert!(faults.contains(&(pointer.to_owned(), code.to_owned())), "{pointer}: {faults:?}");
    }
    let weak = json!({"email": "not an address", "role": "viewer", "password": "short"});
    let answer = app.post("/users").json(&weak).await;
    answer.expect_problem(422, "validation_failed", &["#/email", "#/password"]);
    let nul =
        json!({"email": "a@example.com", "name": "a\0b", "role": "viewer", "password": PASSWORD});
    let answer =
        app.post("/users").json(&nul).await.expect_problem(422, "validation_failed", &["#/name"]);
    assert_eq!(answer.faults()[0].1, "nul_character");
    app.patch(format!("/users/{}", app.home().user))
        .json(&json!({"role": null}))
        .await
        .expect_problem(422, "validation_failed", &["#/role"]);
}

#[tokio::test]
async fn an_address_is_taken_once_in_a_workspace() {
    let app = TestApp::new().await;
    app.post("/users").json(&eva()).await.expect(201);
    let mut again = eva();
    again["email"] = json!("eva@EXAMPLE.com");
    app.post("/users").json(&again).await.expect_problem(409, "user_exists", &[]);
    app.other_workspace().post("/users").json(&eva()).await.expect(201);
}

/// PLT-1
#[tokio::test]
async fn the_last_administrator_stays() {
    let app = TestApp::new().await;
    let path = format!("/users/{}", app.home().user);
    for change in [json!({"role": "viewer"}), json!({"disabled": true})] {
        app.patch(&path).json(&change).await.expect_problem(409, "last_administrator", &[]);
    }
    app.delete(&path).await.expect_problem(409, "last_administrator", &[]);
    let mut other = eva();
    other["role"] = json!("administrator");
    let second = app.post("/users").json(&other).await.expect(201).id();
    app.patch(format!("/users/{second}")).json(&json!({"disabled": true})).await.expect(200);
    // a disabled one does not count
    app.delete(&path).await.expect_problem(409, "last_administrator", &[]);
    app.patch(format!("/users/{second}")).json(&json!({"disabled": false})).await.expect(200);
    // of two who remove each other at once, one stays
    let (one, two) = tokio::join!(app.delete(&path), app.delete(format!("/users/{second}")));
    assert!(one.status == 204 || two.status == 204);
    assert_eq!(app.count("SELECT count(*) AS n FROM users WHERE role = 'administrator'"), 1);
}

#[tokio::test]
async fn a_person_changes_their_own_password() {
    let app = TestApp::new().await;
    let email = app.home().email.clone();
    let log_in = |password: &'static str| {
        let (anonymous, email) = (app.anonymous(), email.clone());
        async move {
            let fields =
                [("grant_type", "password"), ("username", email.as_str()), ("password", password)];
            anonymous.post("/auth/token").form(&fields).await
        }
    };
    let refresh = log_in(PASSWORD).await.expect(200).text_at("/refresh_token");
    let change = |current: &str, new: &str| {
        app.put("/users/me/password").json(&json!({"current_password": current, "password": new}))
    };
    let wrong = change("not it, sorry", "staple correct horse").await;
    wrong.expect_problem(422, "validation_failed", &["#/current_password"]);
    change(PASSWORD, "short").await.expect_problem(422, "validation_failed", &["#/password"]);
    change(PASSWORD, "staple correct horse").await.expect(204);
    log_in(PASSWORD).await.expect(400);
    log_in("staple correct horse").await.expect(200);
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    app.anonymous().post("/auth/token").form(&fields).await.expect(400);
}

#[tokio::test]
async fn people_are_listed_page_by_page() {
    let app = TestApp::new().await;
    for number in 0..4 {
        let mut user = eva();
        user["email"] = json!(format!("eva{number}@example.com"));
        app.post("/users").json(&user).await.expect(201);
    }
    let mut seen = Vec::new();
    let mut next = "/users?limit=2".to_owned();
    loop {
        let page = app.get(&next).await.expect(200);
        seen.extend(page.data().iter().map(|user| user["email"].as_str().unwrap().to_owned()));
        let Some(cursor) = page.json["next_cursor"].as_str() else {
            assert_eq!(page.header("link"), "");
            break;
        };
        next = format!("/users?limit=2&cursor={cursor}");
        assert_eq!(page.header("link"), format!("</api/v1{next}>; rel=\"next\""));
    }
    assert_eq!(seen.len(), 5);
    app.get("/users?limit=0&lmit=3&cursor=x").await.expect_problem(
        422,
        "validation_failed",
        &["?limit", "?lmit"],
    );
    app.get("/users?cursor=x").await.expect_problem(422, "validation_failed", &["?cursor"]);
}

#[tokio::test]
async fn people_of_another_workspace_are_not_there() {
    let app = TestApp::new().await;
    let other = app.other_workspace();
    let path = format!("/users/{}", other.user);
    app.get(&path).await.expect_problem(404, "not_found", &[]);
    app.patch(&path).json(&json!({"role": "viewer"})).await.expect_problem(404, "not_found", &[]);
    app.patch(&path).json(&json!({"password": PASSWORD})).await.expect_problem(
        404,
        "not_found",
        &[],
    );
    app.delete(&path).await.expect_problem(404, "not_found", &[]);
    app.get("/users/not-an-id").await.expect_problem(404, "not_found", &[]);
    other.get(&path).await.expect(200);
}
