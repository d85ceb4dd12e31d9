//! Examples: those of the handlers and types, and where they give none, one put together from the schema.

use serde_json::{Map, Value, json};

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
        let example = media.get("schema").map(|schema| of(schema, schemas, &[]));
        if let (Some(example), Value::Object(media)) = (example, media) {
            media.insert("example".into(), example);
        }
    }
}

/// An example of a schema; `within` names the schemas around it, so that one inside itself ends.
fn of(schema: &Value, schemas: &Value, within: &[&str]) -> Value {
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if let Some(example) = schema.pointer("/examples/0") {
        return example.clone();
    }
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let name = name.trim_start_matches("#/components/schemas/");
        if within.contains(&name) {
            return Value::Null;
        }
        let within = [within, &[name]].concat();
        return schemas.get(name).map_or(Value::Null, |schema| of(schema, schemas, &within));
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
            return of(choice, schemas, within);
        }
    }
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        let mut whole = Map::new();
        for part in parts {
            if let Value::Object(members) = of(part, schemas, within) {
                whole.extend(members);
            }
        }
        return Value::Object(whole);
    }
    by_type(schema, schemas, within)
}

fn by_type(schema: &Value, schemas: &Value, within: &[&str]) -> Value {
    match type_of(schema) {
        Some("object") => {
            let required = schema.get("required").and_then(Value::as_array);
            let needed = |name: &str| required.is_some_and(|list| list.iter().any(|n| n == name));
            let members = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
            let members = members
                .map(|(name, schema)| (name.clone(), of(schema, schemas, within)))
                .filter(|(name, value)| !value.is_null() || needed(name));
            Value::Object(members.collect())
        }
        Some("array") => match schema.get("items").map(|items| of(items, schemas, within)) {
            Some(item) if !item.is_null() => json!([item]),
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
