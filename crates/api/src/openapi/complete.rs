//! What is added to every operation.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use kartoteka_domain::contacts::patch::{MAX_DETAIL_CHARS, MAX_DETAIL_NAME_CHARS};
use kartoteka_domain::scopes::Scope;
use serde_json::{Map, Value, json};

use super::examples;

/// Completes the document in place.
pub(super) fn all(document: &mut Value) {
    bound_integers(document);
    close_request_schemas(document);
    complete_contact(document);
    name_scopes(document);
    examples::fill(document);
    let mut used = BTreeSet::new();
    each_operation(document, |path, method, operation| {
        secure(operation);
        unfill(operation);
        for (status, name) in problems(path, method, operation) {
            used.insert(name);
            let reference = json!({"$ref": format!("#/components/responses/{name}")});
            if let Some(Value::Object(responses)) = operation.get_mut("responses") {
                responses.entry(status).or_insert(reference);
            }
        }
    });
    let shared: Map<String, Value> = PROBLEMS
        .iter()
        .filter(|problem| used.contains(problem.name))
        .map(|problem| (problem.name.to_owned(), problem.response()))
        .collect();
    super::set(document, "/components", "responses", Value::Object(shared));
}

fn each_operation(document: &mut Value, mut change: impl FnMut(&str, &str, &mut Value)) {
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else { return };
    for (path, item) in paths {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            if operation.get("responses").is_some() {
                change(path, method, operation);
            }
        }
    }
}

/// `security(("bearer" = ["contacts:read"]))` of a handler also holds for tokens got by Authorize.
fn secure(operation: &mut Value) {
    let Some(list) = operation.get_mut("security").and_then(Value::as_array_mut) else { return };
    let scopes = list.iter().find_map(|item| item.get("bearer").cloned());
    if let Some(scopes) = scopes
        && !list.iter().any(|item| item.get("oauth2").is_some())
    {
        list.insert(0, json!({ "oauth2": scopes }));
    }
}

/// Swagger UI fills its form with the examples of parameters: a list would be filtered by all of them at
/// once. Those of optional ones go into the description.
fn unfill(operation: &mut Value) {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        let optional = parameter.get("required").and_then(Value::as_bool) != Some(true);
        let Some(object) = parameter.as_object_mut().filter(|_| optional) else { continue };
        let Some(example) = object.remove("example") else { continue };
        let example = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
        if let Some(Value::String(description)) = object.get_mut("description") {
            let _ = write!(description, " For example `{example}`.");
        }
    }
}

struct Shared {
    status: &'static str,
    name: &'static str,
    description: &'static str,
    code: &'static str,
}

impl Shared {
    fn response(&self) -> Value {
        let code = kartoteka_domain::codes::Code::from_wire(self.code);
        let title = code.map(kartoteka_domain::codes::Code::title).unwrap_or_default();
        let status: u16 = self.status.parse().unwrap_or_default();
        json!({
            "description": self.description,
            "content": {"application/problem+json": {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": {"type": format!("/problems/{}", self.code), "title": title, "status": status,
                    "detail": self.description, "code": self.code,
                    "request_id": "0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a10"}
            }}
        })
    }
}

const fn shared(
    status: &'static str,
    name: &'static str,
    code: &'static str,
    description: &'static str,
) -> Shared {
    Shared { status, name, description, code }
}

const PROBLEMS: &[Shared] = &[
    shared(
        "400",
        "BadRequest",
        "bad_request",
        "The request cannot be understood, or its body is not JSON.",
    ),
    shared("401", "Unauthorized", "unauthorized", "No access token, or one that is not valid."),
    shared(
        "403",
        "Forbidden",
        "forbidden",
        "The token lacks the scope, or the caller's level as an owner does not allow it.",
    ),
    shared("404", "NotFound", "not_found", "There is nothing with this id in the workspace."),
    shared("408", "RequestTimeout", "request_timeout", "The body did not arrive in time."),
    shared(
        "409",
        "Conflict",
        "conflict",
        "It contradicts what is there, or the first request with this idempotency key still runs.",
    ),
    shared(
        "412",
        "PreconditionFailed",
        "precondition_failed",
        "It is not what If-Match says any more.",
    ),
    shared("413", "PayloadTooLarge", "payload_too_large", "The body is over the limit."),
    shared(
        "415",
        "UnsupportedMediaType",
        "unsupported_media_type",
        "The content type is not one this operation reads.",
    ),
    shared(
        "422",
        "ValidationFailed",
        "validation_failed",
        "The input has faults; errors lists all of them.",
    ),
    shared(
        "429",
        "RateLimited",
        "rate_limited",
        "Too many requests; Retry-After says when to go on.",
    ),
    shared(
        "500",
        "InternalError",
        "internal_error",
        "Something went wrong on our side; it is in our log.",
    ),
    shared(
        "503",
        "DatabaseBusy",
        "database_busy",
        "The database cannot take this right now; Retry-After says when to try again.",
    ),
    shared("507", "StorageFull", "storage_full", "There is no room left to store this."),
];

/// The problems an operation can answer with, from what it takes.
fn problems(path: &str, method: &str, operation: &Value) -> Vec<(&'static str, &'static str)> {
    let parameters = operation.get("parameters").and_then(Value::as_array);
    let any = |place: &str| {
        parameters.is_some_and(|list| {
            list.iter().any(|p| p.get("in").and_then(Value::as_str) == Some(place))
        })
    };
    let named = |name: &str| {
        parameters.is_some_and(|list| {
            list.iter().any(|p| p.get("name").and_then(Value::as_str) == Some(name))
        })
    };
    let body = operation.get("requestBody").is_some();
    let link = path.starts_with("/links/");
    let api = path.starts_with("/api/") || link;
    let secured = operation.get("security").and_then(Value::as_array).is_some_and(|list| {
        list.iter().any(|item| item.as_object().is_some_and(|o| !o.is_empty()))
    });
    let writes = method != "get";
    let applies = |status: &str| match status {
        "400" => body || named("Idempotency-Key"),
        "401" | "403" => secured,
        "404" => any("path"),
        "408" | "413" | "415" => body,
        "409" => secured && writes,
        "412" => named("If-Match"),
        "422" => body || any("query") || named("Idempotency-Key"),
        "429" => api,
        "503" => api,
        "507" => (secured || link) && writes,
        _ => true,
    };
    PROBLEMS.iter().filter(|p| applies(p.status)).map(|p| (p.status, p.name)).collect()
}

/// `format: int32` is a hint to generators and no rule: without bounds a large number would pass the schema.
fn bound_integers(node: &mut Value) {
    match node {
        Value::Object(object) => {
            if object.get("format").and_then(Value::as_str) == Some("int32") {
                object.entry("minimum").or_insert_with(|| json!(i32::MIN));
                object.entry("maximum").or_insert_with(|| json!(i32::MAX));
            }
            if object.get("format").and_then(Value::as_str) == Some("int64") {
                object.entry("minimum").or_insert_with(|| json!(i64::MIN));
                object.entry("maximum").or_insert_with(|| json!(i64::MAX));
            }
            object.values_mut().for_each(bound_integers);
        }
        Value::Array(list) => list.iter_mut().for_each(bound_integers),
        _ => {}
    }
}

/// Schemas that requests reach take no members they do not name. Forms do: OAuth has servers ignore
/// parameters they do not know, and refuse any that stands there twice (RFC 6749, 3.2).
fn close_request_schemas(document: &mut Value) {
    let mut reached = BTreeSet::new();
    let mut waiting = Vec::new();
    let mut forms = Vec::new();
    let bodies = super::operations(document)
        .filter_map(|(_, _, operation)| operation.pointer("/requestBody/content")?.as_object());
    for (kind, media) in bodies.flatten() {
        let form = kind == "application/x-www-form-urlencoded";
        references(media, if form { &mut forms } else { &mut waiting });
    }
    while let Some(name) = waiting.pop() {
        if reached.insert(name.clone())
            && let Some(schema) = document.pointer(&format!("/components/schemas/{name}"))
        {
            references(schema, &mut waiting);
        }
    }
    let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut)
    else {
        return;
    };
    for name in reached {
        if let Some(schema) = schemas.get_mut(&name) {
            close(schema);
        }
    }
    for name in forms {
        if let Some(Value::Object(schema)) = schemas.get_mut(&name) {
            schema.entry("additionalProperties").or_insert_with(|| json!({"type": "string"}));
        }
    }
}

/// What the domain reads of a contact, which types cannot say. Empty text is no value, so that a form can be
/// sent as it is: a format, a list of words or a shortest length must not say otherwise. Details are flat.
fn complete_contact(document: &mut Value) {
    let fields = document.pointer_mut("/components/schemas/ContactInput/properties");
    if let Some(fields) = fields.and_then(Value::as_object_mut) {
        fields.values_mut().for_each(admit_empty);
    }
    for schema in ["ContactInput", "BulkChanges"] {
        let details = format!("/components/schemas/{schema}/properties/details");
        let Some(Value::Object(details)) = document.pointer_mut(&details) else { continue };
        details.insert(
            "propertyNames".to_owned(),
            json!({"minLength": 1, "maxLength": MAX_DETAIL_NAME_CHARS, "pattern": "\\S"}),
        );
        details.insert(
            "additionalProperties".to_owned(),
            json!({"type": ["string", "number", "boolean", "null"], "maxLength": MAX_DETAIL_CHARS}),
        );
    }
}

/// Requests name scopes that there are.
fn name_scopes(document: &mut Value) {
    let words: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
    for schema in ["NewClient", "ClientPatch"] {
        let pointer = format!("/components/schemas/{schema}/properties/scopes");
        if let Some(scopes) = document.pointer_mut(&pointer) {
            super::set(scopes, "", "items", json!({"type": "string", "enum": words}));
        }
    }
}

fn admit_empty(field: &mut Value) {
    let empty = || json!({"type": "string", "maxLength": 0});
    let Value::Object(object) = field else { return };
    let description = object.get("description").cloned();
    object.remove("minLength");
    if object.get("format").and_then(Value::as_str) == Some("date") {
        object.remove("description");
        let date = Value::Object(std::mem::take(object));
        object.insert("anyOf".to_owned(), json!([date, empty()]));
        object.extend(description.map(|text| ("description".to_owned(), text)));
        return;
    }
    let Some(Value::Array(parts)) = object.get_mut("oneOf") else { return };
    for part in parts.iter_mut() {
        let members = part.get_mut("properties").and_then(Value::as_object_mut);
        members.into_iter().flat_map(Map::values_mut).for_each(admit_empty);
    }
    if parts.iter().any(|part| part.get("enum").is_some()) {
        parts.push(empty());
    }
}

fn references(node: &Value, found: &mut Vec<String>) {
    match node {
        Value::Object(object) => {
            if let Some(name) = object.get("$ref").and_then(Value::as_str)
                && let Some(name) = name.strip_prefix("#/components/schemas/")
            {
                found.push(name.to_owned());
            }
            object.values().for_each(|value| references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

fn close(node: &mut Value) {
    let Value::Object(object) = node else { return };
    if let Some(Value::Array(parts)) = object.get_mut("allOf") {
        // each part would refuse the members of the others: the whole is closed instead
        let flat = parts.iter().any(|part| part.get("properties").is_some());
        if flat {
            object.entry("unevaluatedProperties").or_insert(Value::Bool(false));
        }
        return;
    }
    if object.get("properties").is_some() {
        object.entry("additionalProperties").or_insert(Value::Bool(false));
    }
    for key in ["properties", "items", "oneOf", "anyOf", "prefixItems"] {
        match object.get_mut(key) {
            Some(Value::Object(members)) if key == "properties" => {
                members.values_mut().for_each(close);
            }
            Some(Value::Array(list)) => list.iter_mut().for_each(close),
            Some(other) => close(other),
            None => {}
        }
    }
}
