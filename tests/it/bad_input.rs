//! Bad input of every kind, for every operation of the document: a clear problem, never a fault of ours.
//!
//! OWASP API3:2023 (members nobody may set), API4:2023 (resources).

use kartoteka_tests::TestApp;
use kartoteka_tests::contract::{self, Operation, operations};
use kartoteka_tests::examples::{self, Things, UNKNOWN};
use serde_json::{Value, json};

use crate::auth_matrix::furnish;

/// Operations with a JSON body, the body's schema and its example.
fn with_bodies() -> impl Iterator<Item = (&'static Operation, &'static Value, Value)> {
    operations().iter().filter_map(|operation| {
        let schema = examples::body_schema(operation)?;
        Some((operation, schema, examples::example_body(operation)?))
    })
}

fn method(operation: &Operation) -> reqwest::Method {
    operation.method.parse().unwrap()
}

fn somewhere(operation: &Operation) -> String {
    examples::path(operation, &Things::default(), |_, _| None)
}

/// PLT-3
#[tokio::test]
async fn an_unknown_member_is_a_fault_wherever_it_stands() {
    let app = TestApp::new().await;
    let mut tried = 0;
    for (operation, schema, example) in with_bodies() {
        let path = somewhere(operation);
        for place in examples::places(&example) {
            if !example.pointer(&place).is_some_and(Value::is_object) {
                continue;
            }
            for name in [UNKNOWN, "workspace_id"] {
                let mut body = example.clone();
                body.pointer_mut(&place).unwrap()[name] = json!("1");
                if contract::faults(schema, &body).is_empty() {
                    // a map: any name will do
                    continue;
                }
                let answer = app.request(method(operation), &path).json(&body).await;
                let pointer = format!("#{place}/{name}");
                assert!(names(&answer.json, &pointer), "{} {pointer}: {answer:?}", operation.id());
                tried += 1;
            }
        }
    }
    assert!(tried > 10, "{tried}");
}

/// Whether a problem tells that this member is none: the answer itself, or the problem of an item of it.
fn names(answer: &Value, pointer: &str) -> bool {
    let own = answer["errors"].as_array().into_iter().flatten().any(|fault| {
        let (at, code) = (fault["pointer"].as_str().unwrap_or("?"), &fault["code"]);
        let named = at == pointer && (code == "unknown_field" || code == "read_only_field");
        // of several forms the faults of the likeliest are told, or that it has none of them
        named || (code == "invalid_value" && pointer.starts_with(at))
    });
    let items = answer["results"].as_array().into_iter().flatten();
    own || items.into_iter().any(|item| names(&item["problem"], pointer))
}

/// Members that the server writes cannot be written by others.
#[tokio::test]
async fn read_only_members_are_refused() {
    let app = TestApp::new().await;
    for (operation, schema, example) in with_bodies() {
        if !example.is_object() {
            continue;
        }
        for name in ["id", "workspace_id", "created_at", "updated_at", "trashed_at"] {
            let mut body = example.clone();
            body[name] = json!("0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a10");
            if contract::faults(schema, &body).is_empty() {
                continue;
            }
            let answer = app.request(method(operation), &somewhere(operation)).json(&body).await;
            answer.expect(422);
        }
    }
}

#[tokio::test]
async fn a_nul_in_a_text_is_a_fault() {
    let app = TestApp::new().await;
    let things = furnish(&app, app.home(), "ours").await;
    for (operation, _, example) in with_bodies() {
        let path = examples::path(operation, &things, |_, _| None);
        for place in examples::places(&example) {
            if !example.pointer(&place).is_some_and(Value::is_string) {
                continue;
            }
            let body = examples::with(&example, &place, json!("a\0b"));
            let answer = app.request(method(operation), &path).json(&body).await;
            // a secret may be any text; a login with a wrong one is refused as such
            let refused = [400, 401, 422].contains(&answer.status);
            // a batch answers for each item
            let in_item = answer.json["results"].as_array().into_iter().flatten().any(|item| {
                item["problem"]["errors"].as_array().is_some_and(|faults| !faults.is_empty())
            });
            assert!(refused || in_item, "{} {place}: {answer:?}", operation.id());
        }
    }
    for operation in operations().iter().filter(|operation| operation.method == "GET") {
        let path = examples::path(operation, &things, |_, _| None);
        for parameter in operation.parameters("query") {
            let name = parameter["name"].as_str().unwrap();
            let answer = app.get(&path).query(&[(name, "a\0b")]).await;
            assert!(answer.status == 422, "{} ?{name}: {answer:?}", operation.id());
        }
    }
    for operation in operations() {
        if operation.path.contains('{') {
            let path = examples::path(operation, &things, |_, _| Some("a%00b".into()));
            let answer = examples::request(&app, operation, &path).await;
            assert!([404, 422].contains(&answer.status), "{}: {answer:?}", operation.id());
        }
    }
    app.run_jobs().await;
}

/// Whatever stands in a field: no 5xx, and only statuses and bodies that the document promises.
#[tokio::test]
async fn no_value_makes_a_fault_of_ours() {
    let long = "ž".repeat(20_000);
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(9_223_372_036_854_775_807_i64),
        json!(""),
        json!("   "),
        json!("'; DROP TABLE contacts; --"),
        json!("\u{202e}\u{feff}\u{1}💥%_\\"),
        json!(long),
        json!([]),
        json!([[]]),
        json!({}),
        json!({"a": {"b": [1]}}),
    ];
    let app = TestApp::new().await;
    let things = furnish(&app, app.home(), "ours").await;
    for (operation, _, example) in with_bodies() {
        let path = examples::path(operation, &things, |_, _| None);
        for place in examples::places(&example) {
            for value in &values {
                let body = examples::with(&example, &place, value.clone());
                let answer = app.request(method(operation), &path).json(&body).await;
                assert!(answer.status < 500, "{} {place} {value}: {answer:?}", operation.id());
            }
        }
    }
    app.run_jobs().await;
}

#[tokio::test]
async fn no_query_makes_a_fault_of_ours() {
    let app = TestApp::new().await;
    let things = furnish(&app, app.home(), "ours").await;
    let long = "ž".repeat(3000);
    for operation in operations().iter().filter(|operation| operation.method == "GET") {
        let path = examples::path(operation, &things, |_, _| None);
        for parameter in operation.parameters("query") {
            let name = parameter["name"].as_str().unwrap();
            for value in [
                "",
                " ",
                "-1",
                "0",
                "201",
                "1e9",
                "99999999999999999999",
                "null",
                "'",
                "%",
                "\\",
                "💥",
                &long,
            ] {
                let answer = app.get(&path).query(&[(name, value)]).await;
                assert!(answer.status < 500, "{} ?{name}={value}: {answer:?}", operation.id());
            }
            let twice = app.get(&path).query(&[(name, "1"), (name, "2")]).await;
            assert!(twice.status < 500, "{twice:?}");
        }
        let unknown = app.get(&path).query(&[(UNKNOWN, "1")]).await;
        if operation.is_secured() && operation.parameters("query").next().is_some() {
            assert_eq!(unknown.status, 422, "an unknown parameter: {unknown:?}");
        }
    }
}

#[tokio::test]
async fn bodies_that_are_no_json_are_told_so() {
    let app = TestApp::new().await;
    let deep = "[".repeat(100_000);
    for (operation, _, _) in with_bodies() {
        let path = somewhere(operation);
        for body in ["", "{", "{\"a\":}", "\u{feff}{}x", "nonsense", deep.as_str()] {
            let request = app.request(method(operation), &path);
            let answer = request.bytes("application/json", body.as_bytes()).await;
            assert!(
                [400, 422].contains(&answer.status),
                "{} {:.20}: {answer:?}",
                operation.id(),
                body
            );
        }
        let request = app.request(method(operation), &path);
        let answer = request.bytes("application/json", b"{\"a\": \"\xff\xfe\"}".as_slice()).await;
        assert!([400, 422].contains(&answer.status), "not UTF-8: {answer:?}");
        // twice the same member: which one counts would be a guess
        let request = app.request(method(operation), &path);
        let answer =
            request.bytes("application/json", br#"{"name": "a", "name": "b"}"#.as_slice()).await;
        assert!([400, 422].contains(&answer.status), "a member twice: {answer:?}");
        if operation.consumes() == ["application/json"] {
            let request = app.request(method(operation), &path);
            request.bytes("text/plain", "{}").await.expect_problem(
                415,
                "unsupported_media_type",
                &[],
            );
        }
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let app = TestApp::new().await;
    let body = format!("{{\"name\": \"{}\"}}", "x".repeat(1 << 20));
    for (operation, _, _) in with_bodies() {
        let request = app.request(method(operation), &somewhere(operation));
        let answer = request.bytes("application/json", body.clone()).await;
        answer.expect_problem(413, "payload_too_large", &[]);
    }
}

/// RFC 9110, 9.3.2
#[tokio::test]
async fn head_is_get_without_a_body() {
    let app = TestApp::new().await;
    let things = furnish(&app, app.home(), "ours").await;
    for operation in operations().iter().filter(|operation| operation.method == "GET") {
        let path = examples::path(operation, &things, |_, _| None);
        let (get, head) = (app.get(&path).await, app.head(&path).await);
        assert_eq!(get.status, head.status, "{get:?}\n{head:?}");
        assert_eq!(get.header("etag"), head.header("etag"), "{}", operation.id());
        assert_eq!(get.media_type(), head.media_type(), "{}", operation.id());
        assert!(head.bytes.is_empty());
    }
}

/// The answer without what is shown only once, and so is not kept for a second time.
fn unsecret(answer: &Value) -> Value {
    let mut answer = answer.clone();
    if let Some(object) = answer.as_object_mut() {
        object.retain(|name, _| !name.ends_with("secret"));
    }
    answer
}

/// PLT-3: the same `POST` twice happens once.
#[tokio::test]
async fn every_post_knows_idempotency_keys() {
    let app = TestApp::new().await;
    for (operation, body) in examples::makers() {
        let post = |body: Value| {
            app.post(operation.path).header("Idempotency-Key", operation.id()).json(&body)
        };
        let first = post(body.clone()).await.expect(201);
        let second = post(body.clone()).await.expect(201);
        assert_eq!(unsecret(&first.json), unsecret(&second.json), "{}", operation.id());
        assert_eq!(second.header("idempotent-replayed"), "true", "{second:?}");
        assert_eq!(first.header("location"), second.header("location"));
        let mut other = body;
        let place = examples::places(&other).into_iter().find(|place| {
            other.pointer(place).is_some_and(|v| v.as_str().is_some_and(|text| text.len() < 40))
        });
        if let Some(target) = place.and_then(|place| other.pointer_mut(&place)) {
            let changed = format!("{}x", target.as_str().unwrap_or_default());
            *target = json!(changed);
            let answer = post(other).await.expect(422);
            // a value that does not fit is told before the key is looked at
            let code = answer.json["code"].as_str().unwrap_or_default().to_owned();
            assert!(
                ["idempotency_key_reused", "validation_failed"].contains(&code.as_str()),
                "{answer:?}"
            );
        }
    }
    for operation in operations().iter().filter(|o| o.method == "POST" && o.is_secured()) {
        // a question with a body changes nothing
        if operation.scopes().iter().any(|scope| scope.ends_with(":read")) {
            continue;
        }
        let named =
            operation.parameters("header").any(|header| header["name"] == "Idempotency-Key");
        assert!(named, "{} takes no Idempotency-Key", operation.id());
    }
}
