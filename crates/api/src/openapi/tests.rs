//! The document keeps its own rules.

use std::collections::HashSet;

use super::*;

fn all() -> Vec<(String, &'static Value)> {
    operations(document())
        .map(|(path, method, operation)| (format!("{} {path}", method.to_uppercase()), operation))
        .collect()
}

/// PLT-2
#[test]
fn every_operation_has_an_id_of_its_own_a_summary_and_a_known_tag() {
    let mut ids = HashSet::new();
    let tags: Vec<&str> = document()["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["name"].as_str().unwrap())
        .collect();
    for (name, operation) in all() {
        let id = operation["operationId"].as_str().unwrap_or_default();
        assert!(
            id.contains('_') && id.to_lowercase() == id,
            "{name}: operation id {id:?} is no verb_noun"
        );
        assert!(ids.insert(id), "{name}: operation id {id:?} stands twice");
        let summary = operation["summary"].as_str().unwrap_or_default();
        assert!(
            !summary.trim().is_empty() && !summary.ends_with('.'),
            "{name}: summary {summary:?}"
        );
        let tag = operation["tags"][0].as_str().unwrap_or_default();
        assert!(tags.contains(&tag), "{name}: tag {tag:?} has no description in openapi/mod.rs");
    }
}

/// PLT-2
#[test]
fn every_operation_says_who_may() {
    let scopes: HashSet<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
    for (name, operation) in all() {
        let security = operation["security"].as_array();
        let security =
            security.unwrap_or_else(|| panic!("{name}: neither scopes nor security(())"));
        for needed in security.iter().filter_map(Value::as_object).flat_map(|item| item.values()) {
            for scope in needed.as_array().unwrap() {
                assert!(scopes.contains(scope.as_str().unwrap()), "{name}: scope {scope}");
            }
        }
        if name.contains(" /api/v1/") && !name.contains("/auth/") {
            assert!(security.iter().any(|item| item.get("oauth2").is_some()), "{name} is public");
        }
    }
}

/// PLT-2
#[test]
fn every_answer_is_described_and_every_success_has_an_example() {
    for (name, operation) in all() {
        let mut success = false;
        for (status, response) in operation["responses"].as_object().unwrap() {
            if response.get("$ref").is_some() {
                continue;
            }
            let words = response["description"].as_str().unwrap_or_default();
            assert!(!words.is_empty(), "{name} {status}: no description");
            success |= status.starts_with('2') || status.starts_with('3');
            for (kind, media) in response["content"].as_object().into_iter().flatten() {
                let shown = media.get("example").or_else(|| media.get("examples"));
                assert!(
                    !status.starts_with('2') || shown.is_some_and(|value| !value.is_null()),
                    "{name} {status} {kind}: no example"
                );
            }
        }
        assert!(success, "{name}: no success answer");
        let mut seen = HashSet::new();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let place = (parameter["in"].as_str(), parameter["name"].as_str());
            assert!(seen.insert(place), "{name}: parameter {place:?} stands twice");
            let words = parameter["description"].as_str().unwrap_or_default();
            assert!(
                !words.is_empty(),
                "{name}: parameter {} has no description",
                parameter["name"]
            );
        }
        for (_, media) in operation
            .pointer("/requestBody/content")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            assert!(
                media.get("example").is_some() || media.get("examples").is_some(),
                "{name}: request without example"
            );
        }
    }
}

/// PLT-2
#[test]
fn every_property_is_described() {
    for (name, schema) in document()["components"]["schemas"].as_object().unwrap() {
        for (property, schema) in schema["properties"].as_object().into_iter().flatten() {
            let choices = schema.get("oneOf").or_else(|| schema.get("allOf"));
            let described = |schema: &Value| {
                schema.get("description").is_some() || schema.get("$ref").is_some()
            };
            let inside =
                choices.and_then(Value::as_array).is_some_and(|list| list.iter().any(described));
            assert!(described(schema) || inside, "{name}.{property} has no description");
        }
    }
}

/// PLT-2
#[test]
fn every_example_fits_its_schema() {
    for (name, operation) in all() {
        let bodies = operation["responses"].as_object().unwrap().values();
        let bodies = bodies.chain(operation.get("requestBody"));
        let media = bodies.filter_map(|body| body["content"].get("application/json"));
        for media in media {
            let Some(schema) = media.get("schema") else { continue };
            let whole = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "allOf": [schema],
                "components": {"schemas": document()["components"]["schemas"]},
            });
            let validator =
                jsonschema::options().should_validate_formats(true).build(&whole).unwrap();
            let faults: Vec<String> = validator
                .iter_errors(&media["example"])
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(faults.is_empty(), "{name}: {faults:?}");
        }
    }
}

#[test]
fn writes_take_if_match_or_an_idempotency_key() {
    for (name, operation) in all() {
        let public =
            operation["security"].as_array().unwrap().iter().all(|item| item == &json!({}));
        let named = |wanted: &str| {
            let list = operation["parameters"].as_array().into_iter().flatten();
            list.into_iter().any(|parameter| parameter["name"] == wanted)
        };
        // questions that are too long for a URL change nothing: asking twice is asking twice
        let id = operation["operationId"].as_str().unwrap();
        let asks = ["count_", "query_", "recount_"].iter().any(|verb| id.starts_with(verb));
        if name.starts_with("POST ") && !public && !asks {
            assert!(named("Idempotency-Key"), "{name} takes no Idempotency-Key");
        }
        if name.starts_with("PATCH ") {
            assert!(named("If-Match"), "{name} takes no If-Match");
        }
    }
}

#[test]
fn it_is_openapi_3_1() {
    assert_eq!(document()["openapi"], "3.1.0");
    assert!(operations_text().contains("get_health"));
}
