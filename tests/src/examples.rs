//! Requests put together from the document: what lets a test speak of operations it does not know.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use crate::client::{Client, Request};
use crate::contract::{Operation, operations, resolved};

/// A member no schema has.
pub const UNKNOWN: &str = "zzz_unknown";

/// Ids of things in one workspace, by the path of their collection (`/api/v1/contacts`).
#[derive(Clone, Debug, Default)]
pub struct Things(BTreeMap<String, String>);

impl Things {
    /// Remembers one.
    pub fn put(&mut self, collection: &str, id: impl Into<String>) {
        self.0.insert(collection.to_owned(), id.into());
    }

    /// The id of a thing of this collection; a random one where there is none.
    #[must_use]
    pub fn get(&self, collection: &str) -> String {
        self.0.get(collection).cloned().unwrap_or_else(|| Uuid::now_v7().to_string())
    }

    /// All ids.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(String::as_str)
    }

    /// Makes one thing of every kind: with the document's own example for each `POST` that answers 201 and
    /// needs no id in its path.
    pub async fn make(client: &Client) -> Self {
        let mut things = Self::default();
        for (operation, body) in makers() {
            let answer = client.post(operation.path).json(&body).await;
            assert!(
                answer.status == 201,
                "the example of {} should make something: {answer:?}",
                operation.id()
            );
            let id = answer.header("location").rsplit('/').next().unwrap_or_default();
            things.put(operation.path, id);
        }
        things
    }
}

/// Every `POST` that answers 201 and needs no id in its path, with the document's example. The simplest come
/// first: a tag is made as such before a contact would make it by the way.
#[must_use]
pub fn makers() -> Vec<(&'static Operation, Value)> {
    let makes = |operation: &&Operation| {
        operation.method == "POST"
            && operation.is_secured()
            && !operation.path.contains('{')
            && operation.object.pointer("/responses/201").is_some()
    };
    let with_body = |operation| Some((operation, example_body(operation)?));
    let mut makers: Vec<_> = operations().iter().filter(makes).filter_map(with_body).collect();
    makers.sort_by_key(|(_, body)| places(body).len());
    makers
}

/// The example of an operation's JSON body.
#[must_use]
pub fn example_body(operation: &Operation) -> Option<Value> {
    let media = operation.object.pointer("/requestBody/content/application~1json")?;
    if let Some(example) = media.get("example") {
        return Some(example.clone());
    }
    let named = media.get("examples")?.as_object()?;
    named.values().next()?.get("value").cloned()
}

/// The schema of an operation's JSON body.
#[must_use]
pub fn body_schema(operation: &Operation) -> Option<&'static Value> {
    operation.object.pointer("/requestBody/content/application~1json/schema")
}

/// The path with its templates filled: ids by their collection, other words by their examples. `at` may
/// take over one position, counted from 0.
#[must_use]
pub fn path(
    operation: &Operation,
    things: &Things,
    at: impl Fn(usize, &str) -> Option<String>,
) -> String {
    let mut filled: Vec<String> = Vec::new();
    let mut position = 0;
    for part in operation.path.split('/') {
        let Some(name) = part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
            filled.push(part.to_owned());
            continue;
        };
        let collection =
            operation.path.split(part).next().unwrap_or_default().trim_end_matches('/');
        let value = at(position, collection).unwrap_or_else(|| {
            if is_id(operation, name) { things.get(collection) } else { word(operation, name) }
        });
        filled.push(value);
        position += 1;
    }
    filled.join("/")
}

/// Whether a path parameter is an id.
#[must_use]
pub fn is_id(operation: &Operation, name: &str) -> bool {
    let parameter = operation.parameters("path").find(|parameter| parameter["name"] == name);
    parameter.is_some_and(|parameter| resolved(&parameter["schema"])["format"] == "uuid")
}

fn word(operation: &Operation, name: &str) -> String {
    let parameter = operation.parameters("path").find(|parameter| parameter["name"] == name);
    let Some(parameter) = parameter else { return "word".into() };
    let schema = resolved(&parameter["schema"]);
    let places =
        [&parameter["example"], &schema["example"], &schema["enum"][0], &schema["examples"][0]];
    let word = places.into_iter().find_map(Value::as_str).unwrap_or("word");
    word.to_owned()
}

/// A request with the document's example as body, whatever kind of body the operation takes.
pub fn request(client: &Client, operation: &Operation, path: &str) -> Request {
    let request = client.request(operation.method.parse().unwrap(), path);
    let kinds = operation.consumes();
    if let Some(body) = example_body(operation) {
        request.json(&body)
    } else if kinds.contains(&"application/x-www-form-urlencoded") {
        request.form(&[("grant_type", "password")])
    } else if kinds.contains(&"text/csv") || kinds.contains(&"application/octet-stream") {
        request.bytes("text/csv", "E-mail;Jméno\njana@example.com;Jana\n")
    } else if kinds.contains(&"multipart/form-data") {
        let form = reqwest::multipart::Form::new().text("options", "{}").text("file", "E-mail\n");
        request.multipart(form)
    } else {
        request
    }
}

/// Every place in a value, as JSON pointer, the value itself (`""`) first.
#[must_use]
pub fn places(value: &Value) -> Vec<String> {
    fn visit(value: &Value, place: &str, found: &mut Vec<String>) {
        found.push(place.to_owned());
        match value {
            Value::Object(object) => {
                for (name, member) in object {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    visit(member, &format!("{place}/{name}"), found);
                }
            }
            Value::Array(list) => {
                for (index, member) in list.iter().enumerate() {
                    visit(member, &format!("{place}/{index}"), found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    visit(value, "", &mut found);
    found
}

/// The value with another one at a place.
#[must_use]
pub fn with(value: &Value, place: &str, other: Value) -> Value {
    let mut changed = value.clone();
    if let Some(target) = changed.pointer_mut(place) {
        *target = other;
    }
    changed
}
