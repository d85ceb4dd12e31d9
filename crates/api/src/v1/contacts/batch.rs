//! `POST /contacts/batch`.

use actix_web::post;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::contacts::batch::{self, Outcome, Upserted};
use kartoteka_domain::codes::Code;
use kartoteka_domain::faults::Fault;

use super::view::ContactInput;
use crate::extract::strict::escape;
use crate::extract::{IdempotencyKey, JsonObject, Scoped, scope};
use crate::problem::{Problem, ProblemBody};
use crate::reply::{Done, Reply};
use crate::state::State;

/// Many upserts.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"items": [
    {"key": "email", "contact": {"email": "jana@example.cz", "first_name": "Jana"}},
    {"key": "external_id", "contact": {"external_id": "A-17", "last_name": "Dvořák"}}
]}))]
#[expect(dead_code, reason = "documents a body that is read item by item")]
pub(crate) struct ContactBatch {
    /// Up to 1,000, worked off in their order. Each is read on its own, so a fault in one stops none of the others.
    #[schema(max_items = 1000)]
    items: Vec<BatchItem>,
}

/// An upsert.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "documents what the use case reads")]
pub(crate) struct BatchItem {
    /// `external_id` or `email`: what the contact is found by.
    #[schema(example = "email")]
    key: String,
    /// The contact; it holds the key's value.
    contact: ContactInput,
}

/// What became of a batch.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "counts": {"created": 1, "updated": 0, "unchanged": 0, "failed": 0},
    "results": [{"index": 0, "result": "created", "contact_id": "0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a10",
        "changed": ["email", "first_name"], "problem": null}]
}))]
pub(crate) struct BatchResult {
    /// How many items ended how.
    pub(crate) counts: BatchCounts,
    /// A result for each item, in their order.
    pub(crate) results: Vec<ItemResult>,
}

/// How many items ended how.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct BatchCounts {
    /// Contacts made.
    pub(crate) created: usize,
    /// Contacts changed.
    pub(crate) updated: usize,
    /// Contacts that were like that already.
    pub(crate) unchanged: usize,
    /// Items that were refused.
    pub(crate) failed: usize,
}

/// What became of one item.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ItemResult {
    /// Place in the request, from 0.
    pub(crate) index: usize,
    /// `created`, `updated`, `unchanged` or `failed`.
    #[schema(example = "created")]
    pub(crate) result: &'static str,
    /// The contact; `null` when the item failed.
    #[schema(required = true)]
    pub(crate) contact_id: Option<Uuid>,
    /// Names of the fields that changed.
    pub(crate) changed: Vec<String>,
    /// Why it failed: the problem document that the item alone would have got.
    #[schema(required = true, value_type = Option<ProblemBody>)]
    pub(crate) problem: Option<Value>,
}

/// Create or change many contacts by their keys
///
/// Up to 1,000 upserts, as `PUT /contacts/by/{key}/{value}` does them, each with a result of its own. An item
/// sees what the items before it did; one that fails stops none of the others.
#[utoipa::path(
    tag = "contacts",
    operation_id = "batch_contacts",
    params(IdempotencyKey),
    request_body = ContactBatch,
    responses((status = 200, description = "What became of each item", body = BatchResult)),
    security(("bearer" = ["contacts:write"])),
)]
#[post("/contacts/batch")]
pub(crate) async fn batch_contacts(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    key: IdempotencyKey,
    body: JsonObject,
) -> Result<Reply, Problem> {
    let JsonObject { members, fingerprint } = body;
    let items = items(members)?;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let outcomes = batch::batch(tenant, ctx, &items)?;
            let mut counts = BatchCounts::default();
            let results = outcomes
                .into_iter()
                .enumerate()
                .map(|(index, outcome)| result(index, outcome, &mut counts))
                .collect();
            Ok(Done(BatchResult { counts, results }))
        })
        .await
}

/// The items, unread: a fault in one of them is a result, not a refusal of the request.
fn items(members: Map<String, Value>) -> Result<Vec<Value>, Problem> {
    let mut faults = Vec::new();
    let mut found = None;
    for (name, value) in members {
        match (name.as_str(), value) {
            ("items", Value::Array(items)) => found = Some(items),
            ("items", _) => {
                faults.push(Fault::new("#/items", Code::InvalidType, "The items are a list."));
            }
            _ => {
                let at = format!("#/{}", escape(&name));
                faults.push(Fault::new(at, Code::UnknownField, Code::UnknownField.title()));
            }
        }
    }
    match found {
        Some(items) if faults.is_empty() => Ok(items),
        None if faults.is_empty() => {
            Err(Problem::fault("#/items", Code::MissingField, Code::MissingField.title()))
        }
        _ => Err(Problem::invalid(faults)),
    }
}

fn result(index: usize, outcome: Outcome, counts: &mut BatchCounts) -> ItemResult {
    match outcome {
        Outcome::Done { contact, result, changed } => {
            match result {
                Upserted::Created => counts.created += 1,
                Upserted::Updated => counts.updated += 1,
                Upserted::Unchanged => counts.unchanged += 1,
            }
            let contact_id = Some(contact.0);
            ItemResult { index, result: result.as_str(), contact_id, changed, problem: None }
        }
        Outcome::Refused(error) => {
            counts.failed += 1;
            let problem = Some(Problem::from(error).document());
            ItemResult { index, result: "failed", contact_id: None, changed: Vec::new(), problem }
        }
    }
}
