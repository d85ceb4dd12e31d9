//! Examples: those of the handlers and types, and where they give none, one put together from the schema.

use serde_json::{Map, Value, json};

/// Deeper than this an example ends: schemas may contain themselves.
const DEPTH: usize = 6;

/// Gives every JSON body and success answer without an example one.
pub(super) fn fill(document: &mut Value) {
    let schemas = document.pointer("/components/schemas").cloned().unwrap_or_default();
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else { return };
    for operation in
        paths.values_mut().filter_map(Value::as_object_mut).flat_map(|o| o.values_mut())
    {
        if let Some(content) = operation.pointer_mut("/requestBody/content") {
            fill_content(content, &schemas);
        }
        let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else {
            continue;
        };
        for (_, response) in responses.iter_mut().filter(|(status, _)| status.starts_with('2')) {
            if let Some(content) = response.get_mut("content") {
                fill_content(content, &schemas);
            }
        }
    }
}

fn fill_content(content: &mut Value, schemas: &Value) {
    for media in content.as_object_mut().into_iter().flat_map(|o| o.values_mut()) {
        if media.get("example").is_some() || media.get("examples").is_some() {
            continue;
        }
        let example = media.get("schema").map(|schema| of(schema, schemas, 0));
        if let Some(example) = example {
            media["example"] = example;
        }
    }
}

/// An example of a schema.
pub(super) fn of(schema: &Value, schemas: &Value, depth: usize) -> Value {
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if let Some(example) = schema.pointer("/examples/0") {
        return example.clone();
    }
    if depth > DEPTH {
        return Value::Null;
    }
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let name = name.trim_start_matches("#/components/schemas/");
        return schemas.get(name).map_or(Value::Null, |schema| of(schema, schemas, depth + 1));
    }
    if let Some(value) = schema.get("default").or_else(|| schema.get("const")) {
        return value.clone();
    }
    if let Some(value) = schema.pointer("/enum/0") {
        return value.clone();
    }
    for key in ["oneOf", "anyOf"] {
        let choices = schema.get(key).and_then(Value::as_array).into_iter().flatten();
        let is_null = |choice: &&Value| choice.get("type").and_then(Value::as_str) == Some("null");
        let mut choices = choices.filter(|choice| !is_null(choice));
        if let Some(choice) = choices.next() {
            return of(choice, schemas, depth + 1);
        }
    }
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        let mut whole = Map::new();
        for part in parts {
            if let Value::Object(members) = of(part, schemas, depth + 1) {
                whole.extend(members);
            }
        }
        return Value::Object(whole);
    }
    by_type(schema, schemas, depth)
}

fn by_type(schema: &Value, schemas: &Value, depth: usize) -> Value {
    match type_of(schema) {
        Some("object") => {
            let members = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
            let members =
                members.map(|(name, schema)| (name.clone(), of(schema, schemas, depth + 1)));
            Value::Object(members.collect())
        }
        Some("array") => match schema.get("items") {
            Some(items) if items.is_object() => json!([of(items, schemas, depth + 1)]),
            _ => json!([]),
        },
        Some("integer" | "number") => {
            schema.get("minimum").filter(|n| n.as_i64() > Some(0)).cloned().unwrap_or(json!(1))
        }
        Some("boolean") => json!(true),
        Some("string") => json!(match schema.get("format").and_then(Value::as_str) {
            Some("uuid") => "0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a10",
            Some("date-time") => "2026-05-01T10:00:00Z",
            Some("date") => "2026-05-01",
            Some("email") => "jana@example.com",
            Some("uri") => "https://example.com/",
            _ => "text",
        }),
        _ => Value::Null,
    }
}

/// The type, or the first that is not `null`.
fn type_of(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(word) => Some(word),
        Value::Array(words) => words.iter().filter_map(Value::as_str).find(|word| *word != "null"),
        _ => None,
    }
}
