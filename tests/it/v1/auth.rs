//! `POST /auth/token`, `POST /auth/revoke`, and what tokens open.

use chrono::TimeDelta;
use kartoteka_api::{ForeignIssuer, ForeignKeys, KeyRing};
use kartoteka_tests::{Answer, PASSWORD, TestApp};
use serde_json::{Value, json};

async fn login(app: &TestApp, fields: &[(&str, &str)]) -> Answer {
    app.anonymous().post("/auth/token").form(fields).await
}

async fn log_in(app: &TestApp) -> Answer {
    let email = app.home().email.clone();
    login(app, &[("grant_type", "password"), ("username", &email), ("password", PASSWORD)]).await
}

async fn refresh(app: &TestApp, token: &str) -> Answer {
    login(app, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

#[track_caller]
fn expect_oauth(answer: Answer, status: u16, error: &str) -> Answer {
    let answer = answer.expect(status);
    assert_eq!(answer.json["error"], error, "{answer:?}");
    assert_eq!(answer.json["status"], status, "{answer:?}");
    assert_eq!(answer.media_type(), "application/problem+json");
    assert!(!answer.json["error_description"].as_str().unwrap().is_empty());
    answer
}

/// PLT-1
#[tokio::test]
async fn a_password_gives_a_token_that_opens_the_workspace() {
    let app = TestApp::new().await;
    let answer = log_in(&app).await.expect(200);
    assert_eq!(answer.json["token_type"], "Bearer");
    assert_eq!(answer.json["expires_in"], 900);
    assert!(answer.text_at("/scope").contains("admin"));
    assert_eq!(answer.header("cache-control"), "no-store");
    let token = answer.text_at("/access_token");
    let me = app.with_token(&token).get("/users/me").await.expect(200);
    assert_eq!(me.json["user"]["email"], app.home().email);

    app.clock().advance(TimeDelta::seconds(931));
    app.with_token(token).get("/users/me").await.expect_problem(401, "unauthorized", &[]);
}

#[tokio::test]
async fn scope_narrows_a_token() {
    let app = TestApp::new().await;
    let email = app.home().email.clone();
    for (scope, status) in [("contacts:read", 200), ("contacts:read nonsense", 400), ("", 200)] {
        let fields = [
            ("grant_type", "password"),
            ("username", email.as_str()),
            ("password", PASSWORD),
            ("scope", scope),
        ];
        let answer = login(&app, &fields).await;
        match status {
            200 if scope.is_empty() => {
                assert!(answer.expect(200).text_at("/scope").contains("admin"))
            }
            200 => {
                let answer = answer.expect(200);
                assert_eq!(answer.text_at("/scope"), scope);
                let narrowed = app.with_token(answer.text_at("/access_token"));
                narrowed.get("/users").await.expect_problem(403, "forbidden", &[]);
                // the refresh token cannot widen it again
                let again = refresh(&app, &answer.text_at("/refresh_token")).await.expect(200);
                assert_eq!(again.text_at("/scope"), scope);
            }
            _ => drop(expect_oauth(answer, 400, "invalid_scope")),
        }
    }
}

#[tokio::test]
async fn what_does_not_fit_is_refused_alike() {
    let app = TestApp::new().await;
    let email = app.home().email.clone();
    let wrong = |user: &str, password: &str| {
        vec![
            ("grant_type".to_owned(), "password".to_owned()),
            ("username".into(), user.into()),
            ("password".into(), password.into()),
        ]
    };
    let mut bodies = Vec::new();
    for fields in [
        wrong(&email, "not the password"),
        wrong("nobody@example.com", PASSWORD),
        wrong("no address", PASSWORD),
        wrong("' OR 1=1 --", PASSWORD),
    ] {
        let fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let answer = expect_oauth(login(&app, &fields).await, 400, "invalid_grant");
        bodies.push((answer.json["error_description"].clone(), answer.json["detail"].clone()));
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");

    for (fields, error) in [
        (vec![], "invalid_request"),
        (vec![("grant_type", "password")], "invalid_request"),
        (vec![("grant_type", "password"), ("grant_type", "password")], "invalid_request"),
        (
            vec![("grant_type", "password"), ("username", "a\0b"), ("password", "x")],
            "invalid_request",
        ),
        (vec![("grant_type", "implicit")], "unsupported_grant_type"),
        (vec![("grant_type", "refresh_token")], "invalid_request"),
        (vec![("grant_type", "refresh_token"), ("refresh_token", "krt_x")], "invalid_grant"),
    ] {
        expect_oauth(login(&app, &fields).await, 400, error);
    }
    let long = "x".repeat(1001);
    let fields =
        [("grant_type", "password"), ("username", email.as_str()), ("password", long.as_str())];
    let answer = expect_oauth(login(&app, &fields).await, 400, "invalid_request");
    assert!(!answer.text().contains("xxxx"));
    let json = app.anonymous().post("/auth/token").json(&json!({"grant_type": "password"}));
    json.await.expect_problem(415, "unsupported_media_type", &[]);
}

#[tokio::test]
async fn guessing_is_stopped_and_time_lets_go_on() {
    let app = TestApp::new().await;
    let email = app.home().email.clone();
    let guess =
        [("grant_type", "password"), ("username", email.as_str()), ("password", "a wrong guess")];
    for _ in 0..10 {
        expect_oauth(login(&app, &guess).await, 400, "invalid_grant");
    }
    let stopped = login(&app, &guess).await.expect_problem(429, "rate_limited", &[]);
    assert!(stopped.header("retry-after").parse::<u32>().unwrap() > 500);
    log_in(&app).await.expect_problem(429, "rate_limited", &[]);
    app.clock().advance(TimeDelta::minutes(10));
    log_in(&app).await.expect(200);
}

/// RFC 9700, 4.14.2
#[tokio::test]
async fn a_refresh_token_works_once_and_its_reuse_ends_the_login() {
    let app = TestApp::new().await;
    let first = log_in(&app).await.expect(200).text_at("/refresh_token");
    let second = refresh(&app, &first).await.expect(200).text_at("/refresh_token");
    assert_ne!(first, second);
    let third = refresh(&app, &second).await.expect(200).text_at("/refresh_token");
    // somebody uses a stolen one: the revocation stands although the answer is an error
    expect_oauth(refresh(&app, &first).await, 400, "invalid_grant");
    expect_oauth(refresh(&app, &third).await, 400, "invalid_grant");
    assert_eq!(app.count("SELECT count(*) AS n FROM refresh_tokens WHERE revoked_at IS NULL"), 0);
    // another login is not touched
    let other = log_in(&app).await.expect(200).text_at("/refresh_token");
    refresh(&app, &other).await.expect(200);
}

#[tokio::test]
async fn of_two_who_refresh_at_once_one_gets_a_token() {
    let app = TestApp::new().await;
    let token = log_in(&app).await.expect(200).text_at("/refresh_token");
    let (one, other) = tokio::join!(refresh(&app, &token), refresh(&app, &token));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
}

#[tokio::test]
async fn refresh_tokens_end_and_are_kept_as_hashes() {
    let app = TestApp::new().await;
    let token = log_in(&app).await.expect(200).text_at("/refresh_token");
    assert_eq!(
        app.count("SELECT count(*) AS n FROM refresh_tokens WHERE length(token_hash) = 32"),
        1
    );
    app.clock().advance(TimeDelta::days(30));
    expect_oauth(refresh(&app, &token).await, 400, "invalid_grant");
}

/// RFC 7009
#[tokio::test]
async fn revoking_ends_the_login() {
    let app = TestApp::new().await;
    let login = log_in(&app).await.expect(200);
    let token = login.text_at("/refresh_token");
    let revoke = |token: String| {
        let anonymous = app.anonymous();
        async move { anonymous.post("/auth/revoke").form(&[("token", &token)]).await }
    };
    revoke(token.clone()).await.expect(200);
    expect_oauth(refresh(&app, &token).await, 400, "invalid_grant");
    revoke(token).await.expect(200);
    revoke("nonsense".to_owned()).await.expect(200);
    expect_oauth(revoke(login.text_at("/access_token")).await, 400, "unsupported_token_type");
}

#[tokio::test]
async fn a_role_that_shrinks_counts_from_the_next_refresh_on() {
    let app = TestApp::new().await;
    let user = json!({"email": "eva@example.com", "role": "manager", "password": PASSWORD});
    let id = app.post("/users").json(&user).await.expect(201).id();
    let fields =
        [("grant_type", "password"), ("username", "Eva@example.com"), ("password", PASSWORD)];
    let token = login(&app, &fields).await.expect(200).text_at("/refresh_token");
    app.patch(format!("/users/{id}")).json(&json!({"role": "viewer"})).await.expect(200);
    let answer = refresh(&app, &token).await.expect(200);
    assert!(!answer.text_at("/scope").contains("contacts:write"));
}

/// PLT-1
#[tokio::test]
async fn one_address_in_two_workspaces_names_the_workspace_when_the_password_is_the_same() {
    let app = TestApp::new().await;
    let other = app.other_workspace();
    let user = json!({"email": app.home().email, "role": "viewer", "password": PASSWORD});
    other.post("/users").json(&user).await.expect(201);
    expect_oauth(log_in(&app).await, 400, "invalid_request");
    let email = app.home().email.clone();
    for (workspace, admin) in [("Home", true), ("Other 1", false), (&other.id.to_string(), false)] {
        let fields = [
            ("grant_type", "password"),
            ("username", email.as_str()),
            ("password", PASSWORD),
            ("workspace", workspace),
        ];
        let answer = login(&app, &fields).await.expect(200);
        assert_eq!(answer.text_at("/scope").contains("admin"), admin, "{workspace}");
    }
}

/// PLT-1
#[tokio::test]
async fn an_integration_gets_tokens_with_its_scopes_by_form_and_by_basic() {
    let app = TestApp::new().await;
    let new = json!({"name": "shop", "scopes": ["contacts:read", "contacts:write"]});
    let client = app.post("/clients").json(&new).await.expect(201);
    let (id, secret) = (client.text_at("/client_id"), client.text_at("/client_secret"));
    let grant = ("grant_type", "client_credentials");
    let fields = [grant, ("client_id", id.as_str()), ("client_secret", secret.as_str())];
    let answer = login(&app, &fields).await.expect(200);
    assert_eq!(answer.text_at("/scope"), "contacts:read contacts:write");
    assert_eq!(answer.json.get("refresh_token"), None);
    let shop = app.with_token(answer.text_at("/access_token"));
    shop.get("/workspace").await.expect(200);
    shop.get("/users").await.expect_problem(403, "forbidden", &[]);
    shop.get("/users/me").await.expect_problem(404, "not_found", &[]);

    let basic = |id: &str, secret: &str| {
        use base64::Engine;
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
        let request = app.anonymous().post("/auth/token").form(&[grant]);
        request.header("authorization", &format!("Basic {pair}"))
    };
    basic(&id, &secret).await.expect(200);
    for (id, secret) in [(id.as_str(), "kcs_wrong"), ("nobody", &secret), ("", "")] {
        let answer = expect_oauth(basic(id, secret).await, 401, "invalid_client");
        assert!(answer.header("www-authenticate").starts_with("Basic"));
    }

    app.patch(format!("/clients/{id}")).json(&json!({"disabled": true})).await.expect(200);
    expect_oauth(basic(&id, &secret).await, 401, "invalid_client");
    shop.get("/workspace").await.expect_problem(401, "unauthorized", &[]);
}

#[tokio::test]
async fn a_disabled_person_is_out_at_once_in_this_process() {
    let app = TestApp::new().await;
    let user = json!({"email": "eva@example.com", "role": "viewer", "password": PASSWORD});
    let id = app.post("/users").json(&user).await.expect(201).id();
    let fields =
        [("grant_type", "password"), ("username", "eva@example.com"), ("password", PASSWORD)];
    let answer = login(&app, &fields).await.expect(200);
    let eva = app.with_token(answer.text_at("/access_token"));
    eva.get("/workspace").await.expect(200);
    app.patch(format!("/users/{id}")).json(&json!({"disabled": true})).await.expect(200);
    eva.get("/workspace").await.expect_problem(401, "unauthorized", &[]);
    expect_oauth(login(&app, &fields).await, 400, "invalid_grant");
    expect_oauth(refresh(&app, &answer.text_at("/refresh_token")).await, 400, "invalid_grant");
}

#[tokio::test]
async fn tokens_are_refused_with_a_challenge() {
    let app = TestApp::new().await;
    let none = app.anonymous().get("/workspace").await.expect_problem(401, "unauthorized", &[]);
    assert_eq!(none.header("www-authenticate"), "Bearer realm=\"kartoteka\"");
    for token in ["nonsense", "a.b.c", "eyJhbGciOiJub25lIn0.e30."] {
        let answer = app.with_token(token).get("/workspace").await;
        let answer = answer.expect_problem(401, "unauthorized", &[]);
        assert!(answer.header("www-authenticate").contains("invalid_token"));
    }
    let narrow = app.with_scopes(&["contacts:read"]).get("/audit").await;
    let narrow = narrow.expect_problem(403, "forbidden", &[]);
    assert!(narrow.header("www-authenticate").contains("scope=\"admin\""));
}

#[tokio::test]
async fn a_foreign_issuer_is_trusted_by_configuration() {
    let theirs = KeyRing::ephemeral().unwrap();
    let issuer = ForeignIssuer {
        issuer: "https://id.example.com".into(),
        keys: ForeignKeys::Inline(theirs.jwks().to_string()),
    };
    let app = TestApp::with(|settings| settings.foreign_issuers.push(issuer)).await;
    let now = kartoteka_app::clock::Clock::now(app.clock()).timestamp();
    let claims = |workspace: Value| {
        serde_json::from_value(json!({
            "iss": "https://id.example.com", "aud": "kartoteka", "sub": "jana", "ws": workspace,
            "scope": "openid contacts:read", "exp": now + 60, "iat": now
        }))
        .unwrap()
    };
    let token = theirs.sign(&claims(json!(app.home().id))).unwrap();
    let jana = app.with_token(token);
    jana.get("/workspace").await.expect(200);
    jana.get("/audit").await.expect_problem(403, "forbidden", &[]);
    let nowhere = claims(json!("0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a10"));
    let lost = app.with_token(theirs.sign(&nowhere).unwrap());
    lost.get("/workspace").await.expect_problem(401, "unauthorized", &[]);
}

#[tokio::test]
async fn the_public_keys_are_published() {
    let app = TestApp::new().await;
    let keys = app.anonymous().get("/.well-known/jwks.json").await.expect(200);
    assert_eq!(keys.json["keys"][0]["crv"], "Ed25519");
    assert_eq!(keys.json["keys"][0].get("d"), None);
}
