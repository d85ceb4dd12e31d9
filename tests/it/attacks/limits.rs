//! Every rule of the document, broken by the smallest step, and kept to the last: OWASP API4:2023.

use std::collections::{BTreeMap, BTreeSet};

use kartoteka_tests::TestApp;
use kartoteka_tests::contract::operations;
use kartoteka_tests::examples;
use kartoteka_tests::sites::{described, rules, told};
use serde_json::Value;

use super::{figure, path, state_of};
use crate::auth_matrix::furnish;

/// Codes that say that a size is wrong: none of them may be told of a value that just fits.
const OF_SIZE: &[&str] = &["too_long", "too_short", "too_many", "out_of_range"];

fn summary(words: &BTreeMap<&str, usize>) -> String {
    let words: Vec<String> = words.iter().map(|(word, count)| format!("{word} {count}")).collect();
    words.join(", ")
}

/// One step over: 422 that points at the place, and nothing is written. Exactly at the border: taken.
#[tokio::test]
async fn one_step_over_a_limit_is_refused_and_the_limit_itself_is_not() {
    let app = TestApp::new().await;
    let things = furnish(&app, app.home(), "ours").await;
    let before = state_of(&app);
    let (mut touched, mut over, mut words) = (0, 0, BTreeMap::new());
    let mut kept = Vec::new();
    for described in described() {
        let path = path(described.operation, &things);
        let mut seen = BTreeSet::new();
        touched += 1;
        for site in described.sites_once() {
            for rule in rules(site.schema) {
                let body = examples::with(&site.body, &site.at, rule.broken.clone());
                // of several forms another one may take it
                if described.takes(&body) || !seen.insert(body.to_string()) {
                    continue;
                }
                let answer = described.request(&app, &path, &body).await;
                let pointer = format!("{}{}", described.root(), site.at);
                let told = told(&answer.json);
                // that a value has none of its forms is told where the forms begin
                let around = ["invalid_value", "invalid_type", "invalid_filter"];
                let here = told.iter().any(|(at, code)| {
                    *at == pointer
                        || at.starts_with(&format!("{pointer}/"))
                        || are_neighbours(at, &pointer)
                        || (around.contains(&code.as_str())
                            && at != "#"
                            && pointer.starts_with(at.as_str()))
                });
                let refused = answer.status == 422 || answer.json["results"].is_array();
                assert!(
                    refused && here,
                    "{} {} at {pointer}: {answer:?}",
                    described.operation.id(),
                    rule.word
                );
                over += 1;
                *words.entry(rule.word).or_insert(0_usize) += 1;
                if let Some(value) = rule.kept {
                    kept.push((
                        described,
                        path.clone(),
                        pointer,
                        examples::with(&site.body, &site.at, value),
                    ));
                }
            }
        }
    }
    assert_eq!(before, state_of(&app), "a refused request wrote something");
    assert!(over > 500, "{over}");
    figure(
        "one step over each limit of a body",
        touched,
        over,
        &format!("all refused in place, nothing written ({})", summary(&words)),
    );
    let (mut exact, mut taken) = (0, 0);
    for (described, path, pointer, body) in kept {
        if !described.takes(&body) {
            continue;
        }
        let answer = described.request(&app, &path, &body).await;
        assert!(answer.status < 500, "{} {pointer}: {answer:?}", described.operation.id());
        let wrong = told(&answer.json)
            .into_iter()
            .find(|(at, code)| *at == pointer && OF_SIZE.contains(&code.as_str()));
        assert!(
            wrong.is_none(),
            "{} refuses what its limit allows: {answer:?}",
            described.operation.id()
        );
        exact += 1;
        taken += usize::from(answer.status < 300);
    }
    app.leave_jobs();
    assert!(exact > 50 && taken > 20, "{exact} {taken}");
    figure(
        "exactly at each limit of a body",
        touched,
        exact,
        &format!(
            "no limit told, {taken} carried out, the others refused for their meaning or state"
        ),
    );
}

/// The same for the query: lengths, page sizes, words, dates, numbers.
#[tokio::test]
async fn queries_have_the_same_limits() {
    let app = TestApp::new().await;
    let things = furnish(&app, app.home(), "ours").await;
    let (mut touched, mut over, mut exact) = (0, 0, 0);
    for operation in operations().iter().filter(|operation| operation.method == "GET") {
        let path = path(operation, &things);
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let parameters: Vec<_> = operation.parameters("query").collect();
        touched += usize::from(!parameters.is_empty());
        for parameter in parameters {
            let name = parameter["name"].as_str().unwrap();
            for rule in rules(&parameter["schema"]) {
                if rule.word == "type" && parameter["schema"]["type"] == "string" {
                    continue;
                }
                let wrong = if rule.word == "type" { "x".to_owned() } else { text(&rule.broken) };
                let answer = app.get(&path).query(&[(name, &wrong)]).await.expect(422);
                let at = format!("?{name}");
                let told_of: Vec<_> = answer.faults();
                assert!(told_of.iter().any(|(pointer, _)| *pointer == at), "{at}: {answer:?}");
                over += 1;
                let Some(value) = rule.kept else { continue };
                let answer = app.get(&path).query(&[(name, &text(&value))]).await;
                let wrong = answer
                    .faults()
                    .into_iter()
                    .find(|(pointer, code)| *pointer == at && OF_SIZE.contains(&code.as_str()));
                assert!(answer.status < 500 && wrong.is_none(), "{answer:?}");
                exact += 1;
            }
        }
        for longer in [20_000, 60_000] {
            let answer = app.get(&path).query(&[("q", &"q".repeat(longer))]).await;
            assert!(answer.status < 500, "{answer:?}");
            over += 1;
        }
    }
    figure("limits of query parameters", touched, over, "all 422 in place");
    figure(
        "exactly at the limits of query parameters",
        touched,
        exact,
        "none refused for its size",
    );
}

/// Headers that the document bounds.
#[tokio::test]
async fn headers_have_limits() {
    let app = TestApp::new().await;
    let things = furnish(&app, app.home(), "ours").await;
    let (mut touched, mut cases) = (0, 0);
    for operation in operations().iter().filter(|operation| operation.is_secured()) {
        let path = path(operation, &things);
        for parameter in operation.parameters("header") {
            let name = parameter["name"].as_str().unwrap();
            let mut tried = 0;
            for rule in rules(&parameter["schema"]) {
                let Some(value) = rule.broken.as_str().filter(|value| value.is_ascii()) else {
                    continue;
                };
                if reqwest::header::HeaderValue::from_str(value).is_err() {
                    continue;
                }
                let answer = examples::request(&app, operation, &path).header(name, value).await;
                assert!([400, 422].contains(&answer.status), "{name}: {value}: {answer:?}");
                tried += 1;
            }
            assert!(tried > 1 || name != "Idempotency-Key", "{name} has no limits: {parameter}");
            // whatever stands in a header is none of our faults
            for value in
                [b"\xff\xfe".as_slice(), b"\"", b"W/", b"*, *", &[b','; 60_000], &[b'a'; 60_000]]
            {
                let request = examples::request(&app, operation, &path).header_bytes(name, value);
                let answer = request.await;
                assert!(answer.status < 500, "{answer:?}");
                tried += 1;
            }
            cases += tried;
            touched += 1;
        }
    }
    app.leave_jobs();
    figure("limits of headers", touched, cases, "too long or odd ones 4xx, none 5xx");
}

/// A megabyte of JSON is read, one byte more is not.
#[tokio::test]
async fn a_body_may_be_as_long_as_the_limit_and_no_longer() {
    let app = TestApp::new().await;
    let things = furnish(&app, app.home(), "ours").await;
    let limit = app.settings().json_limit;
    let mut cases = 0;
    for described in described() {
        let path = path(described.operation, &things);
        let Some(site) = described.sites().into_iter().next() else { continue };
        let text = site.body.to_string();
        let padded = |length: usize| format!("{text}{}", " ".repeat(length - text.len()));
        let answer = described.request_text(&app, &path, padded(limit)).await;
        assert!(answer.status < 500 && answer.status != 413, "{answer:?}");
        let answer = described.request_text(&app, &path, padded(limit + 1)).await;
        assert!([413, 422].contains(&answer.status), "{answer:?}");
        cases += 2;
    }
    app.leave_jobs();
    figure("bodies of the limit and one byte more", cases / 2, cases, "read, and refused");
}

/// Whether both are items of one list: of two bounds of a range that do not go together, either may be told.
fn are_neighbours(one: &str, other: &str) -> bool {
    let item = |pointer: &str| {
        let (list, index) = pointer.rsplit_once('/')?;
        index.parse::<usize>().ok().map(|_| list.to_owned())
    };
    item(one).is_some_and(|list| item(other) == Some(list))
}
