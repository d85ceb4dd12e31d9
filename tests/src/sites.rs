//! Every place of a request that the document describes, with a request in which that place is filled: what
//! lets a test break one rule after the other without knowing any operation.

use serde_json::{Map, Value, json};

use crate::client::{Client, Request};
use crate::contract::{self, Operation, operations};
use crate::examples;

/// A place in a body.
#[derive(Clone, Debug)]
pub struct Site {
    /// JSON pointer of the place: `/address/city`.
    pub at: String,
    /// The schema of the place, without a reference.
    pub schema: &'static Value,
    /// A body in which the place is filled.
    pub body: Value,
}

/// How the body of an operation travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// As the body.
    Json,
    /// As the field `options` of a form that also has a file.
    Options,
}

/// An operation whose body is described, and that description.
#[derive(Clone, Copy, Debug)]
pub struct Described {
    /// The operation.
    pub operation: &'static Operation,
    /// The schema of the body, or of `options`.
    pub schema: &'static Value,
    /// How it travels.
    pub carrier: Carrier,
}

/// All operations that take JSON, as body or inside a form.
#[must_use]
pub fn described() -> Vec<Described> {
    let json = operations().iter().filter_map(|operation| {
        let schema = examples::body_schema(operation)?;
        Some(Described { operation, schema, carrier: Carrier::Json })
    });
    let forms = operations().iter().filter_map(|operation| {
        let form = operation.object.pointer("/requestBody/content/multipart~1form-data/schema")?;
        let schema = contract::resolved(form).pointer("/properties/options")?;
        Some(Described { operation, schema, carrier: Carrier::Options })
    });
    json.chain(forms).collect()
}

impl Described {
    /// Where the body begins in the pointers of problems.
    #[must_use]
    pub fn root(&self) -> &'static str {
        match self.carrier {
            Carrier::Json => "#",
            Carrier::Options => "#/options",
        }
    }

    /// A request with this body.
    pub fn request(&self, client: &Client, path: &str, body: &Value) -> Request {
        self.request_text(client, path, body.to_string())
    }

    /// A request with this text as body.
    pub fn request_text(&self, client: &Client, path: &str, body: impl Into<Vec<u8>>) -> Request {
        let request = client.request(self.operation.method.parse().unwrap(), path);
        match self.carrier {
            Carrier::Json => request.bytes("application/json", body),
            Carrier::Options => {
                let options = reqwest::multipart::Part::bytes(body.into());
                let form = reqwest::multipart::Form::new()
                    .part("options", options)
                    .text("file", "E-mail\nform@example.com\n");
                request.multipart(form)
            }
        }
    }

    /// Whether the document takes `body`.
    #[must_use]
    pub fn takes(&self, body: &Value) -> bool {
        fits(self.schema, body)
    }

    /// Every place of the body, but each schema that stands in several places only in the first of them.
    #[must_use]
    pub fn sites_once(&self) -> Vec<Site> {
        let mut seen = std::collections::HashSet::new();
        let mut sites = self.sites();
        sites.retain(|site| seen.insert(std::ptr::from_ref(site.schema).addr()));
        sites
    }

    /// Every place of the body.
    #[must_use]
    pub fn sites(&self) -> Vec<Site> {
        let example = match self.carrier {
            Carrier::Json => examples::example_body(self.operation),
            Carrier::Options => None,
        };
        let body = example.or_else(|| sample(self.schema, 0)).unwrap_or_else(|| json!({}));
        let mut sites = Vec::new();
        walk(self.schema, "", &body, &mut Vec::new(), &mut sites);
        sites
    }
}

/// Visits `schema` at `at` of `body`, where something stands that fits it. A schema that contains itself is
/// visited once on each way down.
fn walk(
    schema: &'static Value,
    at: &str,
    body: &Value,
    trail: &mut Vec<&'static str>,
    sites: &mut Vec<Site>,
) {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        if !trail.contains(&name) {
            trail.push(name);
            walk(contract::resolved(schema), at, body, trail, sites);
            trail.pop();
        }
        return;
    }
    sites.push(Site { at: at.to_owned(), schema, body: body.clone() });
    let here = body.pointer(at).cloned().unwrap_or(Value::Null);
    for form in
        ["oneOf", "anyOf", "allOf"].iter().filter_map(|key| schema[key].as_array()).flatten()
    {
        let fits = !here.is_null() && fits(form, &here);
        let value = if fits { Some(here.clone()) } else { sample(form, 0) };
        let Some(value) = value.filter(|value| !value.is_null()) else { continue };
        walk(form, at, &examples::with(body, at, value), trail, sites);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let Some(mut object) = here.as_object().cloned() else { continue };
        if object.get(name).is_none_or(Value::is_null) {
            let Some(value) = sample(property, 0) else { continue };
            object.insert(name.clone(), value);
        }
        let below = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        let body = examples::with(body, at, Value::Object(object));
        walk(property, &below, &body, trail, sites);
    }
    if let Some(items) = schema.get("items").filter(|items| items.is_object()) {
        let first = here.as_array().and_then(|list| list.first().cloned());
        if let Some(item) = first.or_else(|| sample(items, 0)) {
            let least = number(schema, "minItems").unwrap_or(0).max(1);
            let list = vec![item; usize::try_from(least).unwrap()];
            let body = examples::with(body, at, json!(list));
            walk(items, &format!("{at}/0"), &body, trail, sites);
        }
    }
}

fn number(schema: &Value, rule: &str) -> Option<i64> {
    schema.get(rule).and_then(Value::as_i64)
}

/// Whether a schema speaks of values of this type.
#[must_use]
pub fn is_of(schema: &Value, kind: &str) -> bool {
    match &schema["type"] {
        Value::String(only) => only == kind,
        Value::Array(kinds) => kinds.iter().any(|one| one == kind),
        _ => false,
    }
}

/// Something that fits the schema.
#[must_use]
pub fn sample(schema: &'static Value, depth: usize) -> Option<Value> {
    if depth > 12 {
        return None;
    }
    if schema.get("$ref").is_some() {
        return sample(contract::resolved(schema), depth + 1);
    }
    let given = [schema.get("const"), schema.get("example"), schema.pointer("/examples/0")];
    if let Some(value) = given.into_iter().flatten().find(|value| !value.is_null()) {
        return Some(value.clone());
    }
    if let Some(value) = schema.pointer("/enum/0") {
        return Some(value.clone());
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        let mut forms = schema[key].as_array().into_iter().flatten();
        let found = forms.find_map(|form| sample(form, depth + 1).filter(|value| !value.is_null()));
        if found.is_some() {
            return found;
        }
    }
    if is_of(schema, "object") {
        let mut object = Map::new();
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            object.insert(name.to_owned(), sample(&schema["properties"][name], depth + 1)?);
        }
        return Some(Value::Object(object));
    }
    if is_of(schema, "array") {
        let least = usize::try_from(number(schema, "minItems").unwrap_or(0).max(1)).unwrap();
        return Some(json!(vec![sample(&schema["items"], depth + 1)?; least]));
    }
    if is_of(schema, "string") {
        let words = match schema["format"].as_str() {
            Some("uuid") => return Some(json!("0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a10")),
            Some("date") => return Some(json!("2026-05-01")),
            Some("date-time") => return Some(json!("2026-05-01T10:00:00Z")),
            _ => ["Word", "word", "cs", "CZ", "detail:size", "consent:email_basic", "email"],
        };
        return words.into_iter().map(Value::from).find(|word| fits(schema, word));
    }
    if is_of(schema, "integer") || is_of(schema, "number") {
        return Some(json!(number(schema, "minimum").unwrap_or(1).max(1)));
    }
    is_of(schema, "boolean")
        .then(|| json!(true))
        .or_else(|| is_of(schema, "null").then_some(Value::Null))
}

fn fits(schema: &'static Value, value: &Value) -> bool {
    contract::fits_schema(schema, value)
}

/// A rule of a schema, a value that breaks it, and one that just keeps it where there is one.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The keyword.
    pub word: &'static str,
    /// Breaks it.
    pub broken: Value,
    /// Keeps it to the last.
    pub kept: Option<Value>,
}

/// Every rule of a place, each with the value next to its border.
#[must_use]
pub fn rules(schema: &'static Value) -> Vec<Rule> {
    let mut rules = Vec::new();
    let mut rule = |word, broken, kept: Option<Value>| {
        let kept = kept.filter(|value| fits(schema, value));
        if !fits(schema, &broken) {
            rules.push(Rule { word, broken, kept });
        }
    };
    if schema.get("enum").is_some() {
        rule("enum", json!("zzz_none_of_them"), schema.pointer("/enum/0").cloned());
    } else if is_of(schema, "string") {
        texts(schema, &mut rule);
    }
    for (word, step, past) in [("maximum", 1, 1e19), ("minimum", -1, -1e19)] {
        if let Some(border) = number(schema, word) {
            let beyond = border.checked_add(step).map(Value::from);
            // past 64 bits only a double goes on
            rule(word, beyond.unwrap_or_else(|| json!(past)), Some(json!(border)));
        }
    }
    if is_of(schema, "array")
        && let Some(item) = sample(&schema["items"], 0)
    {
        let list = |length: i64| json!(vec![item.clone(); usize::try_from(length).unwrap()]);
        if let Some(most) = number(schema, "maxItems") {
            rule("maxItems", list(most + 1), Some(list(most)));
        }
        if let Some(least) = number(schema, "minItems").filter(|least| *least > 0) {
            rule("minItems", list(least - 1), Some(list(least)));
        }
    }
    for (kind, other) in [
        ("string", json!(7)),
        ("integer", json!("x")),
        ("integer", json!(1.5)),
        ("boolean", json!("true")),
        ("array", json!({})),
        ("object", json!([])),
    ] {
        if is_of(schema, kind) {
            rule("type", other, None);
        }
    }
    rules
}

fn texts(schema: &'static Value, rule: &mut impl FnMut(&'static str, Value, Option<Value>)) {
    let start = sample(schema, 0);
    let start = start.as_ref().and_then(Value::as_str).unwrap_or_default();
    let long = |length: i64| {
        let length = usize::try_from(length).unwrap();
        let kept: String = start.chars().take(length).collect();
        json!(format!("{kept}{}", "a".repeat(length - kept.chars().count())))
    };
    if let Some(most) = number(schema, "maxLength") {
        rule("maxLength", long(most + 1), Some(long(most)));
        // characters count, not bytes
        rule("maxLength", json!("ž".repeat(usize::try_from(most + 1).unwrap())), None);
    }
    if let Some(least) = number(schema, "minLength").filter(|least| *least > 0) {
        rule("minLength", long(least - 1), Some(long(least)));
    }
    if schema.get("pattern").is_some() {
        for word in ["", " ", "Ž", "9x", "\t"] {
            rule("pattern", json!(word), None);
        }
    }
    match schema["format"].as_str() {
        Some("uuid") => {
            rule("format", json!("not-an-id"), None);
            rule("format", json!("0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a1"), None);
        }
        Some("date") => {
            rule("format", json!("2025-02-29"), Some(json!("2024-02-29")));
            rule("format", json!("1. 5. 2026"), None);
        }
        Some("date-time") => {
            rule("format", json!("2026-05-01"), Some(json!("2026-05-01T10:00:00Z")));
            rule("format", json!("2026-05-01T25:00:00Z"), None);
        }
        _ => {}
    }
}

/// The pointers of all faults that a problem tells, those of items of a batch too.
#[must_use]
pub fn told(answer: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let own = answer["errors"].as_array().into_iter().flatten();
    let mut told: Vec<_> =
        own.map(|fault| (text(&fault["pointer"]), text(&fault["code"]))).collect();
    for item in answer["results"].as_array().into_iter().flatten() {
        told.extend(self::told(&item["problem"]));
    }
    told
}
