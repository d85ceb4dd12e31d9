//! Fields nobody may set, in every object of every body: OWASP API3:2023 (mass assignment).

use std::collections::BTreeSet;

use kartoteka_tests::TestApp;
use kartoteka_tests::contract::{Operation, operations, resolved};
use kartoteka_tests::examples::UNKNOWN;
use kartoteka_tests::sites::{described, told};
use serde_json::{Value, json};

use super::{figure, path, state_of};
use crate::auth_matrix::furnish;

/// Fields of the server in any request: `workspace_id` would be the worst of them.
const SERVERS: &[&str] = &[
    "id",
    "workspace_id",
    "created_at",
    "updated_at",
    "trashed_at",
    "__proto__",
    "$where",
    UNKNOWN,
];

/// Names of all fields that the operation or its neighbours answer with.
fn answered(operation: &Operation) -> BTreeSet<String> {
    fn names(schema: &'static Value, depth: usize, found: &mut BTreeSet<String>) {
        let schema = resolved(schema);
        if depth == 0 {
            return;
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            found.insert(name.clone());
            names(property, depth - 1, found);
        }
        for form in ["allOf", "oneOf"].iter().filter_map(|key| schema[key].as_array()).flatten() {
            names(form, depth - 1, found);
        }
        if schema["items"].is_object() {
            names(&schema["items"], depth - 1, found);
        }
    }
    let mut found = BTreeSet::new();
    for other in operations().iter().filter(|other| other.path == operation.path) {
        for status in ["200", "201"] {
            let pointer = format!("/responses/{status}/content/application~1json/schema");
            if let Some(schema) = other.object.pointer(&pointer) {
                names(schema, 3, &mut found);
            }
        }
    }
    found
}

/// Whether a problem names the field, or says that the object around it has none of its forms.
fn is_named(told: &[(String, String)], pointer: &str) -> bool {
    told.iter().any(|(at, code)| {
        let named = at == pointer && (code == "unknown_field" || code == "read_only_field");
        named || (code == "invalid_value" && pointer.starts_with(at.as_str()))
    })
}

/// Refused by name, at every depth, and nothing is written.
#[tokio::test]
async fn no_field_of_the_server_can_be_set() {
    let app = TestApp::new().await;
    let things = furnish(&app, app.home(), "ours").await;
    let before = state_of(&app);
    let (mut touched, mut cases) = (0, 0);
    for described in described() {
        let path = path(described.operation, &things);
        let answered = answered(described.operation);
        let names = SERVERS.iter().copied().chain(answered.iter().map(String::as_str));
        let names: BTreeSet<&str> = names.collect();
        let mut seen = BTreeSet::new();
        touched += 1;
        for site in described.sites_once() {
            if !site.body.pointer(&site.at).is_some_and(Value::is_object) {
                continue;
            }
            // its own fields, and names of a map, are none of this test
            let Some(own) = site.schema["properties"].as_object() else { continue };
            // what is answered is tried at the top, where it would be set; the rest everywhere
            let here = names.iter().filter(|name| site.at.is_empty() || SERVERS.contains(name));
            for name in here.filter(|name| !own.contains_key(**name)) {
                let mut body = site.body.clone();
                let object = body.pointer_mut(&site.at).and_then(Value::as_object_mut).unwrap();
                object.insert((*name).to_owned(), json!("1"));
                let place = format!("{}/{name}", site.at);
                assert!(!described.takes(&body), "{place} is open: {body}");
                if !seen.insert(body.to_string()) {
                    continue;
                }
                let answer = described.request(&app, &path, &body).await;
                let pointer = format!("{}{place}", described.root());
                let told = told(&answer.json);
                assert!(
                    is_named(&told, &pointer),
                    "{} {pointer}: {answer:?}\n{body}",
                    described.operation.id()
                );
                cases += 1;
            }
        }
    }
    assert_eq!(before, state_of(&app), "a refused request wrote something");
    assert!(cases > 300, "{cases}");
    figure(
        "fields of the server and unknown ones, at every depth",
        touched,
        cases,
        "all refused by name, nothing written",
    );
}
