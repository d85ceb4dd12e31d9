//! U+0000 in every string: PostgreSQL has no room for it, so it must be refused before.

use std::time::Duration;

use kartoteka_tests::contract::operations;
use kartoteka_tests::examples;
use kartoteka_tests::sites::{described, is_of, told};
use kartoteka_tests::{Raw, TestApp};
use serde_json::{Value, json};

use super::{figure, path, state_of};
use crate::auth_matrix::furnish;

/// In every text and every name of every body, at every depth.
#[tokio::test]
async fn nul_in_any_text_or_name_is_refused() {
    let app = TestApp::new().await;
    let things = furnish(&app, app.home(), "ours").await;
    let before = state_of(&app);
    let (mut touched, mut cases) = (0, 0);
    for described in described() {
        let path = path(described.operation, &things);
        touched += 1;
        for site in described.sites_once() {
            let here = site.body.pointer(&site.at).cloned().unwrap_or_default();
            let mut attempts = Vec::new();
            if is_of(site.schema, "string") {
                let text = here.as_str().unwrap_or("a");
                attempts.push((site.at.clone(), json!(format!("{text}\0"))));
                attempts.push((site.at.clone(), json!(format!("\0{text}"))));
                attempts.push((site.at.clone(), json!("\0")));
            }
            if let Value::Object(mut object) = here {
                object.insert("a\0b".to_owned(), json!("1"));
                attempts.push((site.at.clone(), Value::Object(object)));
            }
            for (at, value) in attempts {
                let body = examples::with(&site.body, &at, value);
                let answer = described.request(&app, &path, &body).await;
                let pointer = format!("{}{at}", described.root());
                let named = told(&answer.json).iter().any(|(told, _)| {
                    told.starts_with(&pointer) || pointer.starts_with(told.as_str())
                });
                // a wrong password is told as such, whatever is in it
                let refused =
                    [401, 422].contains(&answer.status) || answer.json["results"].is_array();
                assert!(
                    refused && (named || answer.status == 401),
                    "{} {pointer}: {answer:?}",
                    described.operation.id()
                );
                cases += 1;
            }
        }
    }
    assert_eq!(before, state_of(&app), "a refused request wrote something");
    assert!(cases > 300, "{cases}");
    figure(
        "NUL in texts and names of bodies",
        touched,
        cases,
        "all refused in place, nothing written",
    );
}

/// In forms, queries, paths and headers.
#[tokio::test]
async fn nul_outside_of_bodies_is_refused() {
    let app = TestApp::new().await;
    let things = furnish(&app, app.home(), "ours").await;
    let (mut touched, mut cases) = (0, 0);
    for operation in operations() {
        let mut tried = 0;
        let whole = path(operation, &things);
        let positions = operation.path.matches('{').count();
        for position in 0..positions {
            for nul in ["%00", "a%00", "%00a", "a%2500b%00"] {
                let path = examples::path(operation, &things, |at, _| {
                    (at == position).then(|| nul.to_owned())
                });
                let answer = examples::request(&app, operation, &path).await;
                assert!([404, 422].contains(&answer.status), "{}: {answer:?}", operation.id());
                tried += 1;
            }
        }
        for parameter in operation.parameters("query") {
            let name = parameter["name"].as_str().unwrap();
            for value in ["\0", "a\0", "\0a"] {
                let answer =
                    examples::request(&app, operation, &whole).query(&[(name, value)]).await;
                assert!(answer.status == 422, "{} ?{name}: {answer:?}", operation.id());
                assert!(
                    answer.faults().iter().any(|(at, _)| *at == format!("?{name}")),
                    "{answer:?}"
                );
                tried += 1;
            }
            let answer = examples::request(&app, operation, &whole).query(&[("a\0b", "1")]).await;
            assert!(answer.status == 422, "{answer:?}");
        }
        if operation.consumes().contains(&"application/x-www-form-urlencoded") {
            let schema = operation
                .object
                .pointer("/requestBody/content/application~1x-www-form-urlencoded/schema");
            let properties = &kartoteka_tests::contract::resolved(schema.unwrap())["properties"];
            for name in properties.as_object().unwrap().keys() {
                let answer =
                    app.anonymous().post(&whole).form(&[(name, "a\0b"), ("token", "x")]).await;
                assert!(answer.status == 400, "{answer:?}");
                tried += 1;
            }
        }
        touched += usize::from(tried > 0);
        cases += tried;
    }
    for head in [
        "GET /api/v1/contacts HTTP/1.1\r\nhost: x\r\nx-request-id: a\0b\r\n\r\n",
        "GET /api/v1/contacts HTTP/1.1\r\nhost: x\r\nauthorization: Bearer a\0b\r\n\r\n",
        "GET /api/v1/contacts HTTP/1.1\r\nhost: x\r\nx\0: a\r\n\r\n",
        "GET /api/v1/con\0tacts HTTP/1.1\r\nhost: x\r\n\r\n",
        "GE\0T /api/v1/contacts HTTP/1.1\r\nhost: x\r\n\r\n",
    ] {
        let mut raw = Raw::open(app.url()).await;
        raw.send(head).await.unwrap();
        let answer = raw.answer(Duration::from_secs(20)).await;
        assert!(answer.is_none_or(|answer| answer.status == 400), "{head:?}");
        cases += 1;
    }
    app.leave_jobs();
    figure("NUL in paths, queries, forms and heads", touched, cases, "all 4xx");
}
