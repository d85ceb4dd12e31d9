//! The contract: every answer a test sees has to be one that the document promises.
//!
//! utoipa does not tie `responses(…)` to what a handler returns. Here the operation is found by method and
//! path; the status must be documented, the media type too, the body must fit its schema, and the headers
//! that the manner of the API promises must be there.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use jsonschema::Validator;
use kartoteka_api::openapi;
use serde_json::{Value, json};

use crate::answer::Answer;

/// Served beside the document's operations: the document itself and the pages that show it.
const BESIDE: &[&str] = &["/", "/openapi.json", "/swagger-ui"];

/// Panics when the answer is none that the document promises.
pub fn check(answer: &Answer) {
    let breaches = breaches(answer);
    assert!(
        breaches.is_empty(),
        "the answer breaks the contract of the document:\n  {}\n{answer:?}",
        breaches.join("\n  ")
    );
}

/// An operation of the document.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// Path with its templates.
    pub path: &'static str,
    /// Method in capitals.
    pub method: &'static str,
    /// The operation object.
    pub object: &'static Value,
}

impl Operation {
    /// `operationId`
    #[must_use]
    pub fn id(&self) -> &'static str {
        self.object["operationId"].as_str().unwrap_or_default()
    }

    /// Its parameters in a place (`path`, `query`, `header`).
    pub fn parameters(&self, place: &str) -> impl Iterator<Item = &'static Value> {
        let list = self.object["parameters"].as_array().into_iter().flatten();
        list.filter(move |parameter| parameter["in"] == place)
    }

    /// Whether it needs a token.
    #[must_use]
    pub fn is_secured(&self) -> bool {
        let list = self.object["security"].as_array().into_iter().flatten();
        list.filter_map(Value::as_object).any(|item| !item.is_empty())
    }

    /// The scopes it needs.
    #[must_use]
    pub fn scopes(&self) -> Vec<&'static str> {
        let list = self.object["security"].as_array().into_iter().flatten();
        let scopes = list.filter_map(|item| item.get("bearer").and_then(Value::as_array)).flatten();
        scopes.filter_map(Value::as_str).collect()
    }

    /// The media types its body may have.
    #[must_use]
    pub fn consumes(&self) -> Vec<&'static str> {
        let content = self.object.pointer("/requestBody/content").and_then(Value::as_object);
        content.into_iter().flatten().map(|(kind, _)| kind.as_str()).collect()
    }
}

/// All operations, in the order of the document.
#[must_use]
pub fn operations() -> &'static [Operation] {
    static ALL: LazyLock<Vec<Operation>> = LazyLock::new(|| {
        openapi::operations(openapi::document())
            .map(|(path, method, object)| Operation {
                path,
                method: match method {
                    "get" => "GET",
                    "put" => "PUT",
                    "post" => "POST",
                    "delete" => "DELETE",
                    _ => "PATCH",
                },
                object,
            })
            .collect()
    });
    &ALL
}

/// The operation that a request means; where several templates fit, the one with the most words, whatever its
/// methods are: `DELETE /contacts/batch` is none.
#[must_use]
pub fn find(method: &str, path: &str) -> Option<Operation> {
    let method = if method == "HEAD" { "GET" } else { method };
    let parameters = |o: &&Operation| o.path.matches('{').count();
    let fitting = || operations().iter().filter(|o| fits(o.path, path));
    let fewest = fitting().map(|o| parameters(&o)).min();
    fitting().filter(|o| Some(parameters(o)) == fewest).find(|o| o.method == method).copied()
}

fn fits(template: &str, path: &str) -> bool {
    let (wanted, given): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    wanted.len() == given.len()
        && wanted.iter().zip(given).all(|(part, word)| part.starts_with('{') || *part == word)
}

fn breaches(answer: &Answer) -> Vec<String> {
    let mut found = Vec::new();
    always(answer, &mut found);
    if answer.method == "OPTIONS" {
        return found;
    }
    let beside = BESIDE.iter().any(|path| {
        answer.path == *path || (path.len() > 1 && answer.path.starts_with(&format!("{path}/")))
    });
    let Some(operation) = find(&answer.method, &answer.path) else {
        if !(beside || [404, 405].contains(&answer.status)) {
            found.push(format!("{} {} is not in the document", answer.method, answer.path));
        }
        if answer.status >= 400 {
            problem(answer, &mut found);
        }
        return found;
    };
    let status = answer.status.to_string();
    let responses = &operation.object["responses"];
    let class = format!("{}XX", &status[..1]);
    let Some(response) = [&status, &class].iter().find_map(|key| responses.get(key.as_str()))
    else {
        // a path that no route takes as an id is nothing, whatever the operation says
        if answer.status != 304 {
            found.push(format!("{} does not document the status {status}", operation.id()));
        }
        return found;
    };
    let response = resolved(response);
    body(answer, &operation, response, &mut found);
    let headers = response.get("headers").and_then(Value::as_object).into_iter().flatten();
    for (name, header) in headers {
        if header["required"] != false && answer.header(name).is_empty() {
            found.push(format!("the header {name} is promised"));
        }
    }
    promised_headers(answer, &operation, &mut found);
    found
}

/// What holds for every answer.
fn always(answer: &Answer, found: &mut Vec<String>) {
    if answer.header("x-request-id").is_empty() {
        found.push("every answer has an X-Request-Id".into());
    }
    if answer.header("x-content-type-options") != "nosniff" {
        found.push("every answer has X-Content-Type-Options: nosniff".into());
    }
    if answer.path.starts_with("/api/") && answer.header("cache-control") != "no-store" {
        found.push("answers of the API may be personal: Cache-Control: no-store".into());
    }
    let needed: &[&str] = match answer.status {
        401 => &["www-authenticate"],
        405 => &["allow"],
        429 | 503 => &["retry-after"],
        201 | 202 => &["location"],
        _ => &[],
    };
    for name in needed {
        if answer.header(name).is_empty() {
            found.push(format!("{} needs the header {name}", answer.status));
        }
    }
    let location = answer.header("location");
    if [201, 202].contains(&answer.status) && find("GET", location).is_none() {
        found.push(format!("Location {location:?} is no path of the document"));
    }
}

fn promised_headers(answer: &Answer, operation: &Operation, found: &mut Vec<String>) {
    let changeable = operations().iter().any(|other| {
        other.path == operation.path
            && other.parameters("header").any(|header| header["name"] == "If-Match")
    });
    let answers_resource = ["GET", "HEAD", "PATCH", "PUT"].contains(&answer.method.as_str());
    if changeable && answers_resource && answer.status == 200 && answer.header("etag").is_empty() {
        found.push("a resource that takes If-Match needs an ETag".into());
    }
}

fn body(answer: &Answer, operation: &Operation, response: &Value, found: &mut Vec<String>) {
    if answer.method == "HEAD" {
        if !answer.bytes.is_empty() {
            found.push("the answer to HEAD has no body".into());
        }
        return;
    }
    let content = response.get("content").and_then(Value::as_object);
    let Some(content) = content.filter(|content| !content.is_empty()) else {
        if !answer.bytes.is_empty() {
            found.push(format!("{} documents no body for {}", operation.id(), answer.status));
        }
        return;
    };
    let kind = answer.media_type();
    // who came by a link reads a page
    if answer.status >= 400 && !(kind == "text/html" && answer.path.starts_with("/links/")) {
        problem(answer, found);
    }
    let Some(media) = content.get(kind) else {
        let known: Vec<_> = content.keys().collect();
        found.push(format!("{} documents {known:?}, not {kind:?}", operation.id()));
        return;
    };
    if !kind.ends_with("json") {
        return;
    }
    let Some(schema) = media.get("schema") else { return };
    if serde_json::from_slice::<Value>(&answer.bytes).is_err() {
        found.push("the body is not JSON".into());
        return;
    }
    let errors = faults(schema, &answer.json);
    found.extend(errors);
}

/// A problem document tells the same as the answer around it.
fn problem(answer: &Answer, found: &mut Vec<String>) {
    if answer.media_type() != "application/problem+json" {
        if answer.method != "HEAD" {
            found.push("an error is a problem document".into());
        }
        return;
    }
    if answer.method == "HEAD" {
        return;
    }
    let document = &answer.json;
    found.extend(faults(&json!({"$ref": "#/components/schemas/Problem"}), document));
    let code = document["code"].as_str().unwrap_or_default();
    if document["status"] != answer.status {
        found.push("status in the problem is not the answer's".into());
    }
    if document["type"] != format!("/problems/{code}") {
        found.push("type of the problem is not the page of its code".into());
    }
    if kartoteka_domain::codes::Code::from_wire(code).is_none() {
        found.push(format!("{code:?} is no code"));
    }
    if document["request_id"] != answer.header("x-request-id") {
        found.push("request_id is not X-Request-Id".into());
    }
    for fault in document["errors"].as_array().into_iter().flatten() {
        let pointer = fault["pointer"].as_str().unwrap_or_default();
        if !(pointer.starts_with('#') || pointer.starts_with('?')) {
            found.push(format!("{pointer:?} is no pointer"));
        }
        let code = fault["code"].as_str().unwrap_or_default();
        if kartoteka_domain::codes::Code::from_wire(code).is_none() {
            found.push(format!("{code:?} is no code"));
        }
    }
}

/// What of `value` does not fit a schema of the document.
#[must_use]
pub fn faults(schema: &Value, value: &Value) -> Vec<String> {
    static COMPILED: LazyLock<Mutex<HashMap<String, &'static Validator>>> =
        LazyLock::new(Mutex::default);
    let key = schema.to_string();
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let validator = compiled.entry(key).or_insert_with(|| compile(schema));
    validator
        .iter_errors(value)
        .map(|error| format!("#{}: {error}", error.instance_path().as_str()))
        .collect()
}

fn compile(schema: &Value) -> &'static Validator {
    let mut whole = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "allOf": [schema],
    });
    if schema.to_string().contains("$ref") {
        whole["components"] = openapi::document()["components"].clone();
    }
    let built = jsonschema::options().should_validate_formats(true).build(&whole);
    Box::leak(Box::new(built.unwrap_or_else(|error| panic!("{schema}: {error}"))))
}

/// Whether `value` fits a schema of the document; much faster than [`faults`] where they are not told.
#[must_use]
pub fn fits_schema(schema: &'static Value, value: &Value) -> bool {
    static COMPILED: LazyLock<Mutex<HashMap<usize, &'static Validator>>> =
        LazyLock::new(Mutex::default);
    let address = std::ptr::from_ref(schema).addr();
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    compiled.entry(address).or_insert_with(|| compile(schema)).is_valid(value)
}

/// What a `$ref` of the document points to; anything else as it is.
#[must_use]
pub fn resolved(node: &'static Value) -> &'static Value {
    let target = node.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix('#'));
    target.map_or(node, |pointer| {
        openapi::document().pointer(pointer).unwrap_or_else(|| panic!("{pointer} points nowhere"))
    })
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    fn answer(path: &str, status: u16, headers: &[(&'static str, &str)], body: &Value) -> Answer {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        let bytes = serde_json::to_vec(body).unwrap();
        Answer::new("GET".into(), path.into(), status, map, bytes)
    }

    const GOOD: [(&str, &str); 3] = [
        ("content-type", "application/json"),
        ("x-request-id", "1"),
        ("x-content-type-options", "nosniff"),
    ];

    #[test]
    fn a_promised_answer_passes() {
        let good = answer("/healthz", 200, &GOOD, &json!({"status": "ok"}));
        assert_eq!(breaches(&good), Vec::<String>::new());
    }

    #[test]
    fn each_kind_of_breach_is_seen() {
        let problem = [("content-type", "application/problem+json"), GOOD[1], GOOD[2]];
        let about = json!({"type": "/problems/not_found", "title": "", "status": 404, "detail": "",
            "code": "not_found", "request_id": "1"});
        let mut untrue = about.clone();
        untrue["status"] = json!(500);
        for (answer, word) in [
            (answer("/healthz", 200, &GOOD, &json!({"status": 7})), "#/status"),
            (answer("/healthz", 200, &GOOD, &json!({})), "required"),
            (answer("/healthz", 418, &GOOD, &json!({"status": "ok"})), "418"),
            (answer("/healthz", 200, &GOOD[..2], &json!({"status": "ok"})), "nosniff"),
            (answer("/healthz", 200, &problem, &json!({"status": "ok"})), "documents"),
            (answer("/nowhere", 200, &GOOD, &json!({})), "not in the document"),
            (answer("/nowhere", 404, &GOOD, &json!({})), "problem document"),
            (answer("/nowhere", 404, &problem, &untrue), "status in the problem"),
        ] {
            let found = breaches(&answer);
            assert!(found.iter().any(|breach| breach.contains(word)), "{word}: {found:?}");
        }
        assert_eq!(breaches(&answer("/nowhere", 404, &problem, &about)), Vec::<String>::new());
    }
}
