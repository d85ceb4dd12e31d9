//! The manner of the API, seen on any operation: ids, idempotency, limits, HEAD, CORS, probes (PLT-2, PLT-3).

use std::time::Duration;

use kartoteka_api::MetricsAccess;
use kartoteka_tests::{PASSWORD, TestApp};
use serde_json::{Value, json};

fn client(name: &str) -> Value {
    json!({"name": name, "scopes": ["contacts:read"]})
}

/// PLT-3
#[tokio::test]
async fn a_post_with_a_key_happens_once() {
    let app = TestApp::new().await;
    let ask = |name: &str| {
        app.post("/users").header("idempotency-key", "k-1").json(&json!({
            "email": format!("{name}@example.com"), "role": "viewer", "password": PASSWORD
        }))
    };
    let first = ask("eva").await.expect(201);
    let again = ask("eva").await.expect(201);
    assert_eq!(
        (again.bytes.clone(), again.header("location")),
        (first.bytes.clone(), first.header("location"))
    );
    assert_eq!(again.header("etag"), first.header("etag"));
    assert_eq!(
        (first.header("idempotent-replayed"), again.header("idempotent-replayed")),
        ("", "true")
    );
    ask("jan").await.expect_problem(422, "idempotency_key_reused", &[]);
    // the same words on another path, from another workspace and from another client are other keys
    app.post("/clients").header("idempotency-key", "k-2").json(&client("a")).await.expect(201);
    let other = app.other_workspace();
    other.post("/clients").header("idempotency-key", "k-2").json(&client("a")).await.expect(201);
    let integration = app.integration(&["admin"]);
    let theirs =
        integration.post("/clients").header("idempotency-key", "k-2").json(&client("b")).await;
    assert_eq!(theirs.expect(201).header("idempotent-replayed"), "");
    // a day later the key is free again
    app.clock().advance(chrono::TimeDelta::hours(25));
    let admin = app.client_of(
        kartoteka_domain::actor::Actor::User(app.home().user),
        app.home().id,
        &kartoteka_domain::scopes::Role::Administrator.scopes(),
    );
    admin.post("/clients").header("idempotency-key", "k-1").json(&client("c")).await.expect(201);
}

/// PLT-3
#[tokio::test]
async fn a_refused_post_is_not_kept_and_equal_ones_at_once_make_one() {
    let app = TestApp::new().await;
    let bad = app.post("/clients").header("idempotency-key", "k").json(&json!({"name": 1}));
    bad.await.expect(422);
    app.post("/clients").header("idempotency-key", "k").json(&client("a")).await.expect(201);
    let ask = || app.post("/clients").header("idempotency-key", "race").json(&client("race"));
    let (a, b, c) = tokio::join!(ask(), ask(), ask());
    for answer in [a, b, c] {
        let fine = answer.status == 201 || answer.json["code"] == "idempotency_in_progress";
        assert!(fine, "{answer:?}");
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM clients WHERE name = 'race'"), 1);
    for key in ["", "two words", &"x".repeat(256)] {
        let answer = app.post("/clients").header("idempotency-key", key).json(&client("b")).await;
        answer.expect_problem(400, "bad_request", &[]);
    }
}

/// PLT-3
#[tokio::test]
async fn requests_carry_ids_and_limits() {
    let app = TestApp::with(|settings| settings.requests_per_minute = 5).await;
    let first = app.get("/workspace").header("x-request-id", "my-id.1").await.expect(200);
    assert_eq!(first.header("x-request-id"), "my-id.1");
    assert_eq!(first.header("ratelimit-policy"), "\"default\";q=5;w=60");
    assert!(first.header("ratelimit").starts_with("\"default\";r=4;t="));
    let forged = app.get("/workspace").header("x-request-id", "a b\"<script>").await.expect(200);
    assert_eq!(forged.header("x-request-id").len(), 36);
    for _ in 0..3 {
        app.get("/workspace").await.expect(200);
    }
    let refused = app.get("/workspace").await.expect_problem(429, "rate_limited", &[]);
    assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
    assert!(refused.header("ratelimit").starts_with("\"default\";r=0;t="));
    // somebody else goes on, and so do the probes
    app.other_workspace().get("/workspace").await.expect(200);
    app.anonymous().get("/healthz").await.expect(200);
}

/// PLT-3
#[tokio::test]
async fn bodies_are_bounded_typed_and_json() {
    let app = TestApp::with(|settings| {
        settings.json_limit = 1000;
        settings.body_timeout = Duration::from_millis(300);
    })
    .await;
    let long = client(&"x".repeat(2000));
    let answer =
        app.post("/clients").json(&long).await.expect_problem(413, "payload_too_large", &[]);
    assert_eq!(answer.json["limit"], 1000);
    for (kind, body, status, code) in [
        ("text/plain", "{}", 415, "unsupported_media_type"),
        ("application/json", "", 400, "invalid_json"),
        ("application/json", "{", 400, "invalid_json"),
        ("application/json", "{} {}", 400, "invalid_json"),
        ("application/json", "nul", 400, "invalid_json"),
        ("application/json; charset=utf-8", "[]", 422, "invalid_type"),
        ("application/json", "null", 422, "invalid_type"),
        (
            "application/json",
            r#"{"name":"a","name":"b","scopes":["contacts:read"]}"#,
            422,
            "invalid_value",
        ),
    ] {
        let answer = app.post("/clients").bytes(kind, body).await.expect(status);
        assert_eq!(answer.json["code"], code, "{body}");
    }
    let deep = app.post("/clients").bytes("application/json", "[".repeat(500)).await;
    deep.expect_problem(400, "invalid_json", &[]);
    let zipped = app.post("/clients").header("content-encoding", "gzip").json(&client("a")).await;
    zipped.expect_problem(415, "unsupported_media_type", &[]);
}

/// A body that trickles in does not hold its connection for ever.
#[tokio::test]
async fn a_slow_body_is_given_up() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let app = TestApp::with(|settings| settings.body_timeout = Duration::from_millis(300)).await;
    let address = app.url().trim_start_matches("http://").to_owned();
    let mut socket = tokio::net::TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /api/v1/clients HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{",
        app.token().unwrap()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 64];
    let read = tokio::time::timeout(Duration::from_secs(10), socket.read(&mut answer)).await;
    let read = read.unwrap().unwrap();
    let line = String::from_utf8_lossy(&answer[..read]);
    assert!(line.starts_with("HTTP/1.1 408"), "{line}");
}

/// What the schema calls a whole number is one, and what the type cannot hold is a fault, never our failure.
#[tokio::test]
async fn numbers_may_be_written_with_a_point() {
    let app = TestApp::new().await;
    let limit = |text: &str| {
        app.patch("/workspace").bytes("application/json", format!("{{\"contact_limit\":{text}}}"))
    };
    assert_eq!(limit("5e3").await.expect(200).json["contact_limit"], 5000);
    for text in ["5.5", "1e300", "-1.0", "99999999999999999999"] {
        limit(text).await.expect_problem(422, "validation_failed", &["#/contact_limit"]);
    }
    let query = app.post("/contacts/query").bytes("application/json", "{\"limit\": 3.0}");
    query.await.expect(200);
}

#[tokio::test]
async fn head_answers_as_get_without_a_body() {
    let app = TestApp::new().await;
    let get = app.get("/workspace").await.expect(200);
    let head = app.head("/workspace").await.expect(200);
    assert_eq!(head.bytes.len(), 0);
    assert_eq!(head.header("etag"), get.header("etag"));
    assert_eq!(head.header("content-length"), get.bytes.len().to_string());
    app.head("/nowhere").unchecked().await.expect(404);
}

/// PLT-3
#[tokio::test]
async fn a_wrong_method_is_told_what_is_right() {
    let app = TestApp::new().await;
    let answer = app.delete("/workspace").unchecked().await;
    let answer = answer.expect_problem(405, "method_not_allowed", &[]);
    assert_eq!(answer.header("allow"), "GET, HEAD, PATCH");
    app.get("/nowhere").unchecked().await.expect_problem(404, "not_found", &[]);
    app.get("/users/").unchecked().await.expect_problem(404, "not_found", &[]);
}

#[tokio::test]
async fn cross_origin_calls_are_allowed_by_configuration_only() {
    let app =
        TestApp::with(|settings| settings.cors_origins = vec!["https://app.example.com".into()])
            .await;
    let preflight = |origin: &str| {
        app.anonymous()
            .request(reqwest::Method::OPTIONS, "/users")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type")
            .unchecked()
    };
    let allowed = preflight("https://app.example.com").await;
    assert_eq!(allowed.header("access-control-allow-origin"), "https://app.example.com");
    let refused = preflight("https://evil.example.com").await;
    assert_eq!(refused.header("access-control-allow-origin"), "");
    let plain = app.get("/workspace").header("origin", "https://app.example.com").await.expect(200);
    assert_eq!(plain.header("access-control-allow-origin"), "https://app.example.com");
    assert!(plain.header("access-control-expose-headers").to_lowercase().contains("etag"));
    // a page of our own sends Origin too
    let own = app.get("/workspace").header("origin", app.url()).await;
    own.expect(200);
}

/// T15: a pool that is taken answers at once, and goes on afterwards.
#[tokio::test]
async fn a_busy_database_is_said_and_not_waited_for() {
    let app = TestApp::with(|settings| settings.database_wait = Duration::from_millis(100)).await;
    app.get("/workspace").await.expect(200);
    app.clock().advance(chrono::TimeDelta::seconds(6));
    let connection = &mut app.connection();
    use diesel::connection::SimpleConnection;
    connection.batch_execute("BEGIN; LOCK TABLE workspaces IN ACCESS EXCLUSIVE MODE").unwrap();
    let all = (0..12).map(|_| async { app.get("/workspace").await });
    let waiting = tokio::time::timeout(Duration::from_secs(4), futures_util::future::join_all(all));
    let release = async {
        // once somebody was refused, the lock may go
        loop {
            let answer = app.get("/workspace").await;
            if answer.status == 503 {
                assert_eq!(answer.json["code"], "database_busy");
                assert_eq!(answer.header("retry-after"), "1");
                break;
            }
        }
        connection.batch_execute("ROLLBACK").unwrap();
    };
    let (answers, ()) = tokio::join!(waiting, release);
    let answers = answers.unwrap();
    assert!(answers.iter().any(|answer| answer.status == 503));
    for answer in &answers {
        assert!(matches!(answer.status, 200 | 503), "{answer:?}");
    }
    app.get("/workspace").await.expect(200);
}

#[tokio::test]
async fn probes_answer_without_a_token() {
    let app = TestApp::new().await;
    for path in ["/healthz", "/readyz"] {
        let answer = app.anonymous().get(path).await.expect(200);
        assert_eq!(answer.json, json!({"status": "ok"}));
    }
}

#[tokio::test]
async fn metrics_are_closed_behind_a_token_or_open() {
    for (access, token, status) in [
        (MetricsAccess::Closed, None, 404),
        (MetricsAccess::Token("m".into()), None, 401),
        (MetricsAccess::Token("m".into()), Some("n"), 401),
        (MetricsAccess::Token("m".into()), Some("m"), 200),
        (MetricsAccess::Open, None, 200),
    ] {
        let app = TestApp::with(|settings| settings.metrics = access.clone()).await;
        let client = match token {
            Some(token) => app.with_token(token),
            None => app.anonymous(),
        };
        client.get("/metrics").await.expect(status);
    }
}

#[tokio::test]
async fn answers_are_compressed_on_request() {
    let app = TestApp::new().await;
    let answer =
        app.anonymous().get("/openapi.json").header("accept-encoding", "br").await.expect(200);
    assert_eq!(answer.header("content-encoding"), "br");
    let plain = app.anonymous().get("/openapi.json").await.expect(200);
    assert_eq!(plain.json["openapi"], "3.1.0");
    assert!(answer.bytes.len() * 4 < plain.bytes.len());
}
