//! HTTP itself: requests that two readers would read differently, odd paths, methods, media types, origins.

use std::collections::BTreeSet;
use std::time::Duration;

use kartoteka_tests::contract::operations;
use kartoteka_tests::examples::{self, Things};
use kartoteka_tests::{Raw, TestApp};
use serde_json::json;

use super::{figure, path};
use crate::auth_matrix::{everything_of, furnish};

const PATIENCE: Duration = Duration::from_secs(20);

/// Request smuggling (RFC 9112, 6 and 11.2): what is hidden in a body is never carried out.
#[tokio::test]
async fn nothing_can_be_smuggled_behind_a_request() {
    let app = TestApp::new().await;
    let token = app.token().unwrap().to_owned();
    let hidden = r#"{"last_name":"Smuggled"}"#;
    let hidden = format!(
        "POST /api/v1/contacts HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{hidden}",
        hidden.len()
    );
    let length = hidden.len();
    let head = format!(
        "POST /api/v1/contacts/count HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n"
    );
    let chunk = format!("{:x}\r\n{hidden}\r\n0\r\n\r\n", length);
    let attempts = [
        (
            "length and chunks",
            format!("content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"),
        ),
        (
            "chunks and length",
            format!(
                "transfer-encoding: chunked\r\ncontent-length: {length}\r\n\r\n0\r\n\r\n{hidden}"
            ),
        ),
        ("two lengths", format!("content-length: 0\r\ncontent-length: {length}\r\n\r\n{hidden}")),
        (
            "the same length twice",
            format!("content-length: 0\r\ncontent-length: 0\r\n\r\n{hidden}"),
        ),
        ("a list of lengths", format!("content-length: 0, {length}\r\n\r\n{hidden}")),
        ("a length with a sign", format!("content-length: +0\r\n\r\n{hidden}")),
        ("a length below zero", format!("content-length: -1\r\n\r\n{hidden}")),
        ("a length in hexadecimal", format!("content-length: 0x0\r\n\r\n{hidden}")),
        (
            "a length beyond numbers",
            format!("content-length: 18446744073709551616\r\n\r\n{hidden}"),
        ),
        ("a blank before the colon", format!("content-length : 0\r\n\r\n{hidden}")),
        ("a folded line", format!("x-a: b\r\n content-length: 0\r\n\r\n{hidden}")),
        ("folded chunks", format!("transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n{hidden}")),
        (
            "chunks twice",
            format!(
                "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"
            ),
        ),
        (
            "chunks and another coding",
            format!("transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n{hidden}"),
        ),
        ("a coding like chunks", format!("transfer-encoding: xchunked\r\n\r\n0\r\n\r\n{hidden}")),
        ("chunks with a tab", format!("transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n{hidden}")),
        ("a chunk of a negative size", format!("transfer-encoding: chunked\r\n\r\n-1\r\n{hidden}")),
        (
            "a chunk beyond numbers",
            format!("transfer-encoding: chunked\r\n\r\n10000000000000000\r\n{hidden}"),
        ),
        ("a chunk that is no number", format!("transfer-encoding: chunked\r\n\r\nzz\r\n{hidden}")),
        ("bare line ends", format!("content-length: 0\n\n{hidden}")),
        ("a bare CR", format!("x-a: b\rcontent-length: 0\r\n\r\n{hidden}")),
        ("two hosts", format!("host: y\r\ncontent-length: 0\r\n\r\n{hidden}")),
        ("a body that is a request", format!("content-length: {length}\r\n\r\n{hidden}")),
        ("a chunk that is a request", format!("transfer-encoding: chunked\r\n\r\n{chunk}")),
        ("200 headers", format!("{}content-length: 0\r\n\r\n{hidden}", "x-a: b\r\n".repeat(200))),
        (
            "a head of 200 KiB",
            format!("x-a: {}\r\ncontent-length: 0\r\n\r\n{hidden}", "b".repeat(200 << 10)),
        ),
    ];
    for (what, rest) in &attempts {
        let mut raw = Raw::open(app.url()).await;
        let _ = raw.send(format!("{head}{rest}")).await;
        let _ = raw.finish().await;
        let answer = raw.answer(PATIENCE).await;
        assert!(
            answer.as_ref().is_none_or(|answer| (400..500).contains(&answer.status)),
            "{what}: {answer:?}"
        );
        assert!(raw.is_closed(PATIENCE).await, "{what}: the connection stays open");
        // a length of nothing is right, and what follows it is a request of its own, sent openly
        let honest = what.contains("bare line ends");
        let smuggled = app.count("SELECT count(*) AS n FROM contacts WHERE last_name = 'Smuggled'");
        assert!(smuggled == 0 || honest, "{what}: carried out what was hidden");
        app.execute("DELETE FROM contacts");
        app.execute("UPDATE workspace_usage SET live = 0");
    }
    app.get("/healthz").await.expect(200);
    figure(
        "requests that hide another one",
        1,
        attempts.len(),
        "all 4xx or closed, nothing carried out",
    );
}

/// Turns a path into one like it.
type Spoil = fn(&str) -> String;

/// Paths that mean another place to another reader.
#[tokio::test]
async fn odd_paths_lead_nowhere() {
    let app = TestApp::new().await;
    let things = furnish(&app, app.home(), "ours").await;
    let before = everything_of(&app, app.home().id);
    let token = app.token().unwrap().to_owned();
    let spoil: [(&str, Spoil); 14] = [
        ("two slashes", |path| path.replacen("/api/v1/", "/api/v1//", 1)),
        ("two slashes in front", |path| format!("/{path}")),
        ("a slash at the end", |path| format!("{path}/")),
        ("up and down again", |path| path.replacen("/api/v1/", "/api/v1/x/../", 1)),
        ("up and down again, encoded", |path| path.replacen("/api/v1/", "/api/v1/x/%2e%2e/", 1)),
        ("a dot", |path| path.replacen("/api/v1/", "/api/v1/./", 1)),
        ("an encoded slash", |path| path.replacen("/api/v1/", "/api/v1%2f", 1)),
        ("a backslash", |path| path.replacen("/api/v1/", "/api/v1\\", 1)),
        ("a slash, overlong", |path| path.replacen("/api/v1/", "/api/v1%c0%af", 1)),
        ("a percent sign alone", |path| format!("{path}%")),
        ("a percent sign and nonsense", |path| format!("{path}%zz")),
        ("not UTF-8", |path| format!("{path}%ff%fe")),
        ("in capitals", |path| path.to_uppercase()),
        ("a parameter in the path", |path| path.replacen("/api/v1/", "/api/v1;x=1/", 1)),
    ];
    let mut cases = 0;
    let secured: Vec<_> = operations().iter().filter(|o| o.is_secured()).collect();
    for operation in &secured {
        let path = path(operation, &things);
        for (what, spoil) in &spoil {
            let target = spoil(&path);
            let mut raw = Raw::open(app.url()).await;
            let answer = raw.ask(format!(
                "{} {target} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
                operation.method
            )).await;
            let named = operation.path.ends_with('}');
            // a name may be any text, so the last part of such a path is one
            let refused = [400, 404, 405].contains(&answer.status)
                || (named && [204, 415, 422].contains(&answer.status));
            assert!(refused, "{what}: {target}: {answer:?}");
            let told = answer.json["code"].is_string();
            assert!(told || [204, 400].contains(&answer.status), "{what}: {answer:?}");
            cases += 1;
        }
    }
    assert_eq!(before, everything_of(&app, app.home().id), "a refused request changed something");
    figure("odd paths", secured.len(), cases, "all 4xx, nothing changed");
}

/// RFC 9110, 15.5.6: every other method is told which there are.
#[tokio::test]
async fn methods_that_are_none_are_told_which_there_are() {
    let app = TestApp::new().await;
    let paths: BTreeSet<String> =
        operations().iter().map(|operation| path(operation, &Things::default())).collect();
    let methods = ["OPTIONS", "TRACE", "PROPFIND", "LINK", "get", "QUERY", "X"];
    for path in &paths {
        for method in methods {
            let answer = app.request(method.parse().unwrap(), path).unchecked().await;
            assert!(answer.status == 405, "{method} {path}: {answer:?}");
            assert!(!answer.header("allow").is_empty(), "{method} {path}: {answer:?}");
            assert_eq!(answer.media_type(), "application/problem+json", "{answer:?}");
        }
    }
    figure("methods that are none", paths.len(), paths.len() * methods.len(), "all 405 with Allow");
}

/// RFC 9110, 15.5.16: a body of another kind is refused, not guessed.
#[tokio::test]
async fn bodies_of_another_kind_are_refused() {
    let app = TestApp::new().await;
    let things = furnish(&app, app.home(), "ours").await;
    // one that takes data: a step that is over would be told first
    let mut things = things;
    things.put("/api/v1/imports", app.post("/imports").json(&json!({})).await.expect(201).id());
    let before = everything_of(&app, app.home().id);
    let kinds = [
        "text/xml",
        "application/xml",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "application/json-patch+json",
        "application/yaml",
        "image/png",
        "text/html",
        "*/*",
        "json",
        ",",
        "application/json, text/plain",
    ];
    let (mut touched, mut cases) = (0, 0);
    for operation in
        operations().iter().filter(|operation| operation.object.get("requestBody").is_some())
    {
        let path = path(operation, &things);
        touched += 1;
        for kind in kinds.iter().filter(|kind| !operation.consumes().contains(*kind)) {
            let request = app.request(operation.method.parse().unwrap(), &path);
            request.bytes(kind, "{}").await.expect_problem(415, "unsupported_media_type", &[]);
            cases += 1;
        }
        if !operation.consumes().contains(&"text/csv") {
            app.request(operation.method.parse().unwrap(), &path).await.expect(415);
            cases += 1;
        }
    }
    assert_eq!(before, everything_of(&app, app.home().id), "a refused request changed something");
    figure("bodies of another kind, or of none", touched, cases, "all 415, nothing changed");
}

/// RFC 9110, 12: whatever somebody would rather have, the answer is one that the document promises.
#[tokio::test]
async fn no_wish_for_another_form_breaks_an_answer() {
    let app = TestApp::new().await;
    let things = furnish(&app, app.home(), "ours").await;
    let wishes = [
        ("accept", "application/xml"),
        ("accept", "*/*;q=0"),
        ("accept", "text/html;q=1, */*;q=0"),
        ("accept", "nonsense"),
        ("accept-encoding", "identity;q=0"),
        ("accept-encoding", "*;q=0"),
        ("accept-encoding", "zstd, identity;q=0"),
        ("accept-encoding", "nonsense;q=2, ,"),
        ("accept-language", "x-klingon;q=0"),
        ("accept-charset", "utf-7"),
        ("range", "bytes=0-0,-1,5-"),
        ("expect", "100-continue"),
        ("upgrade", "websocket"),
        ("if-none-match", "\"x\", W/\"y\", *x"),
        ("if-modified-since", "yesterday"),
        ("x-http-method-override", "DELETE"),
        ("x-forwarded-host", "evil.example"),
        ("x-original-url", "/api/v1/users"),
    ];
    let (mut touched, mut cases) = (0, 0);
    for operation in operations().iter().filter(|operation| operation.method == "GET") {
        let path = path(operation, &things);
        let usual = app.get(&path).await.status;
        touched += 1;
        for (name, value) in wishes {
            let answer = app.get(&path).header(name, value).await;
            assert_eq!(answer.status, usual, "{name}: {value}: {answer:?}");
            assert!(!answer.text().contains("evil.example"), "{answer:?}");
            cases += 1;
        }
    }
    figure("wishes for other forms and overrides", touched, cases, "all answered as usual");
}

/// The same-origin policy is only lifted for origins that are configured, letter for letter.
#[tokio::test]
async fn other_origins_are_told_nothing() {
    let friend = "https://front.example";
    let app = TestApp::with(|settings| settings.cors_origins = vec![friend.to_owned()]).await;
    let nobody = TestApp::new().await;
    let evil = [
        "https://evil.example",
        "null",
        "https://front.example.evil.example",
        "https://evilfront.example",
        "http://front.example",
        "https://front.example:8443",
        "https://FRONT.example",
        "https://front.example/",
        "https://front.example https://evil.example",
        "*",
        "file://",
        "nonsense",
    ];
    let mut cases = 0;
    for operation in operations() {
        let path = path(operation, &Things::default());
        for origin in evil {
            for app in [&app, &nobody] {
                let answer = examples::request(&app.anonymous(), operation, &path)
                    .header("origin", origin)
                    .await;
                assert_eq!(
                    answer.header("access-control-allow-origin"),
                    "",
                    "{origin}: {answer:?}"
                );
                cases += 1;
            }
        }
        let preflight = app.anonymous().request(reqwest::Method::OPTIONS, &path);
        let preflight = preflight
            .header("origin", evil[0])
            .header("access-control-request-method", operation.method);
        let answer = preflight.unchecked().await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{answer:?}");
        let answer =
            examples::request(&app.anonymous(), operation, &path).header("origin", friend).await;
        assert_eq!(answer.header("access-control-allow-origin"), friend, "{answer:?}");
        // credentials of the browser are never asked for: tokens are sent by the page itself
        assert_eq!(answer.header("access-control-allow-credentials"), "", "{answer:?}");
        cases += 2;
    }
    figure("origins that are not allowed", operations().len(), cases, "none allowed");
}
