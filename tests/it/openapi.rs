//! The document: committed as generated, complete, true about itself, and the same as the router.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use kartoteka_api::openapi;
use kartoteka_domain::codes::Code;
use kartoteka_domain::scopes::Scope;
use kartoteka_tests::TestApp;
use kartoteka_tests::contract::{self, Operation, operations, resolved};
use serde_json::Value;

#[track_caller]
fn assert_none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

fn committed(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../openapi").join(name);
    std::fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn the_committed_document_is_the_generated_one() {
    for (name, generated) in [
        ("operations.txt", openapi::operations_text()),
        ("openapi.json", openapi::document_text().to_owned()),
    ] {
        let committed = committed(name);
        let line = committed.lines().zip(generated.lines()).position(|(old, new)| old != new);
        assert!(
            committed == generated,
            "openapi/{name} is not what the code says (first difference in line {:?}): run `make openapi`",
            line.map(|line| line + 1)
        );
    }
}

#[tokio::test]
async fn the_served_document_is_the_generated_one() {
    let app = TestApp::new().await;
    let served = app.anonymous().get("/openapi.json").await.expect(200);
    assert_eq!(served.text(), openapi::document_text());
    assert_eq!(served.json["openapi"].as_str().map(|v| v.starts_with("3.1.")), Some(true));
}

#[test]
fn every_operation_is_complete() {
    let mut faults = Vec::new();
    let mut ids = BTreeMap::new();
    let tags: BTreeSet<&str> = openapi::document()["tags"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|tag| tag["name"].as_str())
        .collect();
    for operation in operations() {
        let Operation { method, path, object } = *operation;
        let mut fault = |what: &str| faults.push(format!("{method} {path}: {what}"));
        if object["summary"].as_str().is_none_or(|text| text.len() < 5 || text.ends_with('.')) {
            fault("a summary, without a full stop");
        }
        let tag = object.pointer("/tags/0").and_then(Value::as_str).unwrap_or_default();
        if object["tags"].as_array().is_none_or(|tags| tags.len() != 1) || !tags.contains(tag) {
            fault("exactly one tag, and words for it in openapi/mod.rs");
        }
        let id = operation.id();
        let words = id.split('_').count() > 1;
        if !words || !id.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit()) {
            fault("an operation id verb_noun");
        }
        if let Some(other) = ids.insert(id, path) {
            fault(&format!("the id {id} is also that of {other}"));
        }
        if object.get("security").is_none() {
            fault("security: scopes, or () for the public");
        }
        for scope in operation.scopes() {
            if scope.parse::<Scope>().is_err() {
                fault(&format!("{scope} is no scope"));
            }
        }
        for parameter in object["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap_or_default();
            if parameter["description"].as_str().is_none_or(str::is_empty) {
                fault(&format!("the parameter {name} has no description"));
            }
            if parameter["in"] == "path" && !path.contains(&format!("{{{name}}}")) {
                fault(&format!("the parameter {name} is not in the path"));
            }
        }
        for name in path.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
            if !operation.parameters("path").any(|parameter| parameter["name"] == name) {
                fault(&format!("{{{name}}} is no parameter"));
            }
        }
        for (status, response) in object["responses"].as_object().into_iter().flatten() {
            answer(path, status, resolved(response), &mut fault);
        }
    }
    assert!(operations().len() > 5);
    assert_none(&faults, "every operation has");
}

fn answer(path: &str, status: &str, response: &'static Value, fault: &mut impl FnMut(&str)) {
    if response["description"].as_str().is_none_or(str::is_empty) {
        fault(&format!("{status} has no description"));
    }
    let content = response.get("content").and_then(Value::as_object);
    for (kind, media) in content.into_iter().flatten() {
        let has_example = media.get("example").is_some() || media.get("examples").is_some();
        if status.starts_with('2') && !has_example {
            fault(&format!("{status} {kind} has no example"));
        }
        // who came by a link reads a page
        let page = kind == "text/html" && path.starts_with("/links/");
        if status.starts_with(['4', '5']) && kind != "application/problem+json" && !page {
            fault(&format!("{status} is {kind}, not a problem document"));
        }
    }
    if status.starts_with(['4', '5']) && content.is_none() {
        fault(&format!("{status} has no problem document"));
    }
}

/// Examples are what people try first.
#[test]
fn every_example_fits_its_schema() {
    let mut faults = Vec::new();
    for operation in operations() {
        let body = operation.object.pointer("/requestBody/content");
        let responses = operation.object["responses"].as_object().into_iter().flatten();
        let contents = responses.filter_map(|(_, response)| resolved(response).get("content"));
        for (kind, media) in body.into_iter().chain(contents).filter_map(Value::as_object).flatten()
        {
            let (Some(schema), true) = (media.get("schema"), kind.ends_with("json")) else {
                continue;
            };
            for example in examples(media) {
                for error in contract::faults(schema, example) {
                    faults.push(format!("{}: {error} in {example}", operation.id()));
                }
            }
        }
    }
    assert_none(&faults, "examples that break their schemas");
}

fn examples(media: &Value) -> Vec<&Value> {
    let named = media.get("examples").and_then(Value::as_object).into_iter().flatten();
    let named = named.filter_map(|(_, example)| example.get("value"));
    media.get("example").into_iter().chain(named).collect()
}

#[test]
fn every_property_is_described() {
    let mut faults = Vec::new();
    let schemas = openapi::document()["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        properties(name, schema, &mut faults);
    }
    assert_none(&faults, "properties without a description");
}

fn properties(place: &str, schema: &Value, faults: &mut Vec<String>) {
    // of several forms, the description stands before the forms
    if forms(schema).next().is_some() && schema.get("description").is_some() {
        return;
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let place = format!("{place}.{name}");
        // a reference may stand for itself: the schema it names is described; a tag of a variant is its constant
        let speaks = property.get("description").is_some()
            || property.get("$ref").is_some()
            || forms(property)
                .any(|form| form.get("$ref").is_some() || form.get("description").is_some())
            || property.get("enum").and_then(Value::as_array).is_some_and(|list| list.len() == 1)
            || property.get("const").is_some();
        if !speaks {
            faults.push(place.clone());
        }
        properties(&place, property, faults);
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        for part in schema[key].as_array().into_iter().flatten() {
            properties(place, part, faults);
        }
    }
    if schema["items"].is_object() {
        properties(place, &schema["items"], faults);
    }
}

fn forms(schema: &Value) -> impl Iterator<Item = &Value> {
    ["oneOf", "anyOf"].into_iter().filter_map(|key| schema[key].as_array()).flatten()
}

#[test]
fn every_reference_points_somewhere() {
    fn visit(node: &Value, faults: &mut Vec<String>) {
        match node {
            Value::Object(object) => {
                if let Some(Value::String(target)) = object.get("$ref") {
                    let found =
                        target.strip_prefix('#').and_then(|p| openapi::document().pointer(p));
                    if found.is_none() {
                        faults.push(target.clone());
                    }
                }
                object.values().for_each(|value| visit(value, faults));
            }
            Value::Array(list) => list.iter().for_each(|value| visit(value, faults)),
            _ => {}
        }
    }
    let mut faults = Vec::new();
    visit(openapi::document(), &mut faults);
    assert_none(&faults, "references to nothing");
}

/// A request that names what is not there is refused, so every object a request can send is closed or a map.
#[test]
fn requests_have_closed_schemas() {
    fn visit(
        node: &'static Value,
        place: &str,
        seen: &mut BTreeSet<String>,
        faults: &mut Vec<String>,
    ) {
        if let Some(name) = node.get("$ref").and_then(Value::as_str) {
            if seen.insert(name.to_owned()) {
                visit(resolved(node), name, seen, faults);
            }
            return;
        }
        let open = node.get("properties").is_some()
            && node.get("additionalProperties").is_none()
            && node.get("unevaluatedProperties").is_none();
        if open {
            faults.push(place.to_owned());
        }
        for (name, property) in node["properties"].as_object().into_iter().flatten() {
            visit(property, &format!("{place}.{name}"), seen, faults);
        }
        for key in ["oneOf", "anyOf"] {
            for part in node[key].as_array().into_iter().flatten() {
                visit(part, place, seen, faults);
            }
        }
        if node["items"].is_object() {
            visit(&node["items"], place, seen, faults);
        }
    }
    let (mut faults, mut seen) = (Vec::new(), BTreeSet::new());
    for operation in operations() {
        let content = operation.object.pointer("/requestBody/content/application~1json/schema");
        if let Some(schema) = content {
            visit(schema, operation.id(), &mut seen, &mut faults);
        }
    }
    assert_none(&faults, "objects in requests that take any member");
}

/// OWASP API9:2023: what the router knows and what the document shows are the same.
#[tokio::test]
async fn the_router_and_the_document_know_the_same_operations() {
    let app = TestApp::new().await;
    let nobody = app.anonymous();
    let mut paths: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for operation in operations() {
        paths.entry(operation.path).or_default().insert(operation.method);
    }
    for (template, methods) in &paths {
        let path = fill(template);
        for method in ["GET", "PUT", "POST", "DELETE", "PATCH"] {
            let request = nobody.request(method.parse().unwrap(), &path);
            let answer = request.await;
            if methods.contains(method) {
                assert_ne!(answer.status, 405, "{answer:?}");
                let nowhere = answer.json["detail"] == "There is nothing at this path.";
                assert!(!nowhere, "the router does not know {method} {template}");
                continue;
            }
            // another template may fit the same path as well
            if contract::find(method, &path).is_some() {
                continue;
            }
            let answer = answer.expect_problem(405, "method_not_allowed", &[]);
            let allowed: BTreeSet<&str> = answer.header("allow").split(", ").collect();
            assert!(methods.iter().all(|known| allowed.contains(known)), "{template}: {answer:?}");
            let readable = contract::find("GET", &path).is_some();
            assert_eq!(readable, allowed.contains("HEAD"), "{template}: {answer:?}");
            assert!(!allowed.contains(method), "{answer:?}");
        }
    }
}

fn fill(template: &str) -> String {
    let words = template.split('/').map(|part| {
        if part.starts_with('{') { "0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a10" } else { part }
    });
    words.collect::<Vec<_>>().join("/")
}

/// Every code has its page (RFC 9457, 3.1.1).
#[tokio::test]
async fn every_problem_type_is_a_page() {
    let app = TestApp::new().await;
    for code in Code::ALL {
        let page = app.anonymous().get(format!("/problems/{}", code.as_str())).await.expect(200);
        assert!(
            page.text().contains(code.as_str()) && page.text().contains(code.title()),
            "{code}"
        );
        assert!(page.header("content-security-policy").contains("default-src 'none'"));
    }
}

/// Swagger UI works without the net: its page names no other host.
#[tokio::test]
async fn swagger_ui_comes_from_here() {
    let app = TestApp::new().await;
    let page = app.anonymous().get("/swagger-ui/").await.expect(200);
    assert!(page.text().contains("swagger-ui"));
    assert!(!page.text().contains("https://") && !page.text().contains("//cdn"));
    assert!(page.header("content-security-policy").contains("connect-src 'self'"));
}
