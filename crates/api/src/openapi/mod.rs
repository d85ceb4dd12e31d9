//! The OpenAPI document: collected from the handlers, completed here, built once.
//!
//! Handlers say what is theirs (id, summary, tag, parameters, success answer, scopes). What is the same for
//! all of them is added here, so that it cannot be forgotten: the problems an operation can answer with,
//! the OAuth 2 flows beside the bearer token, closed request schemas, examples.

mod complete;
mod examples;
pub mod schemas;

use std::fmt::Write as _;
use std::sync::OnceLock;

use serde_json::{Value, json};
use utoipa::OpenApi;
use utoipa_actix_web::AppExt;

use kartoteka_domain::scopes::Scope;

use crate::problem::{FaultBody, ProblemBody};
use crate::v1::webhooks::message::{self, WebhookMessage};

const DESCRIPTION: &str = "Contacts, consents and imports of one workspace.\n\n\
    Take a token with **Authorize** (flow `password` with an e-mail and password, or `clientCredentials` with an \
    integration's id and secret), then try any operation.\n\n\
    Every error is a problem document (RFC 9457) with a `code`; input is answered with all its faults at once. \
    Lists go on with `next_cursor`. A `POST` with an `Idempotency-Key` happens once. `If-Match` with an `ETag` \
    keeps two people from overwriting each other.";

#[derive(OpenApi)]
#[openapi(components(schemas(ProblemBody, FaultBody, WebhookMessage)))]
struct Base;

/// The whole document.
#[must_use]
pub fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(build)
}

/// The document as it is committed and served.
#[must_use]
pub fn document_text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let mut text = serde_json::to_string_pretty(document()).unwrap_or_default();
        text.push('\n');
        text
    })
}

/// The API in one screen: tag, operation id, method and path of every operation, sorted.
#[must_use]
pub fn operations_text() -> String {
    let mut lines: Vec<String> = operations(document())
        .map(|(path, method, operation)| {
            let tag = operation.pointer("/tags/0").and_then(Value::as_str).unwrap_or("-");
            let id = operation.get("operationId").and_then(Value::as_str).unwrap_or("-");
            let mut line = String::new();
            let _ = write!(line, "{tag:<18} {id:<32} {:<7} {path}", method.to_uppercase());
            line
        })
        .collect();
    lines.sort();
    lines.push(String::new());
    lines.join("\n")
}

/// Path, method and operation, in the order of the document.
pub fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    const METHODS: &[&str] = &["get", "put", "post", "delete", "patch"];
    let paths = document.get("paths").and_then(Value::as_object).into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let members = item.as_object().into_iter().flatten();
        members
            .filter(|(method, _)| METHODS.contains(&method.as_str()))
            .map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

fn build() -> Value {
    let (_, collected) = actix_web::App::new()
        .into_utoipa_app()
        .openapi(Base::openapi())
        .configure(crate::routes)
        .split_for_parts();
    let mut document = serde_json::to_value(collected).unwrap_or_default();
    let info = json!({
        "title": "Kartoteka", "version": env!("CARGO_PKG_VERSION"), "description": DESCRIPTION,
        "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"}
    });
    set(&mut document, "", "info", info);
    set(&mut document, "", "servers", json!([{"url": "/", "description": "this server"}]));
    set(&mut document, "/components", "securitySchemes", security_schemes());
    if let Some(schemas) =
        document.pointer_mut("/components/schemas").and_then(Value::as_object_mut)
    {
        crate::v1::definitions::publish(schemas);
        crate::v1::segments::publish(schemas);
    }
    set(&mut document, "", "webhooks", message::published());
    complete::all(&mut document);
    let tags = tags(&document);
    set(&mut document, "", "tags", tags);
    document
}

/// Sets a member of the object at `pointer`.
fn set(document: &mut Value, pointer: &str, name: &str, value: Value) {
    if let Some(Value::Object(object)) = document.pointer_mut(pointer) {
        object.insert(name.to_owned(), value);
    }
}

fn security_schemes() -> Value {
    let scopes: serde_json::Map<String, Value> = Scope::ALL
        .iter()
        .map(|scope| (scope.as_str().to_owned(), json!(scope.meaning())))
        .collect();
    json!({
        "oauth2": {
            "type": "oauth2",
            "description": "A token by e-mail and password, or by the id and secret of an integration.",
            "flows": {
                "password": {"tokenUrl": "/api/v1/auth/token", "refreshUrl": "/api/v1/auth/token", "scopes": scopes},
                "clientCredentials": {"tokenUrl": "/api/v1/auth/token", "scopes": scopes}
            }
        },
        "bearer": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "An access token that you already have."
        }
    })
}

fn tags(document: &Value) -> Value {
    const WORDS: &[(&str, &str)] = &[
        ("auth", "Tokens"),
        ("users", "People who may log in"),
        ("clients", "Integrations"),
        ("workspace", "Settings and use of the workspace"),
        ("audit", "Who did what"),
        ("contacts", "The people and companies the workspace keeps"),
        ("notes", "What people write about contacts"),
        ("owners", "Who answers for contacts"),
        ("companies", "Companies that contacts are linked to"),
        ("opportunities", "Business that may come about"),
        ("projects", "Work that contacts have a part in"),
        ("activities", "Calls, meetings, tasks, letters and e-mails"),
        ("tags", "Words put on contacts"),
        ("groups", "Groups of contacts"),
        ("contact_types", "Types of contacts"),
        ("funnels", "Sales funnels, and which contacts are in which stage"),
        ("coupons", "Codes that contacts redeem"),
        ("fields", "User-defined fields and flags of contacts"),
        ("consents", "Who agreed to what"),
        ("purposes", "What consent can be given for"),
        ("trash", "Deleted contacts"),
        ("erasures", "Erasing persons, and what was erased"),
        ("segments", "Saved selections"),
        ("rules", "What is done by itself when something happens"),
        ("scenarios", "What happens with a contact, step by step"),
        ("runs", "Contacts on their way through rules and scenarios"),
        ("imports", "Lists on their way into the base"),
        ("import_templates", "Saved mappings"),
        ("duplicates", "Contacts that seem to be one"),
        (
            "contact-manager",
            "Actions on exactly the contacts of a selection, with an outcome for each",
        ),
        ("merges", "Contacts that were merged into one, and parting them again"),
        ("documents", "Files that Kartoteka made"),
        ("tracking", "Who came by a link"),
        ("jobs", "Long work"),
        ("integrity", "Whether anybody changed the consent ledger or the audit trail"),
        ("webhooks", "Telling other systems what happens"),
        ("links", "Pages behind the links in messages"),
        ("service", "The server itself"),
    ];
    let used: Vec<&str> = operations(document)
        .filter_map(|(_, _, operation)| operation.pointer("/tags/0").and_then(Value::as_str))
        .collect();
    let known = WORDS.iter().filter(|(name, _)| used.contains(name));
    Value::Array(known.map(|(name, words)| json!({"name": name, "description": words})).collect())
}

#[cfg(test)]
mod tests;
