//! `POST /contacts/bulk-edit` (CON-6).

use actix_web::post;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::contacts::bulk_edit;

use super::view::{AddressInput, Gender, State as StateWord, TagPut};
use crate::extract::{IdempotencyKey, JsonObject, Scoped, scope};
use crate::problem::Problem;
use crate::reply::{Accepted, Reply};
use crate::state::State;
use crate::v1::jobs::{JobView, location};
use crate::v1::segments::SelectionSchema;

/// Whom to change, and how. Only documentation: the domain reads the body itself, so that all its faults are
/// told at once.
#[derive(Debug, ToSchema)]
#[schema(example = json!({
    "selection": {"where": {"field": "address.city", "op": "eq", "value": "Brno"}},
    "changes": {"tags": {"add": [{"name": "brno", "score": 1}], "remove": ["prague"]}, "language": "cs"}
}))]
#[expect(dead_code, reason = "documents a body that the domain reads")]
pub(crate) struct BulkEdit {
    /// Their ids, 1 to 1,000; or a selection.
    #[schema(max_items = 1000)]
    ids: Option<Vec<Uuid>>,
    /// Whom a selection means when the job begins; or ids. One without conditions is refused.
    #[schema(value_type = Option<SelectionSchema>)]
    selection: Option<Value>,
    /// What becomes of each.
    changes: BulkChanges,
}

/// A change of many contacts: what is absent stays, `null` clears.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "documents a body that the domain reads")]
pub(crate) struct BulkChanges {
    /// Tags put on and taken off.
    #[schema(inline)]
    tags: Option<TagChanges>,
    /// Groups they are put into and taken out of.
    #[schema(inline)]
    groups: Option<GroupChanges>,
    /// Their type: id of a contact type.
    type_id: Option<Uuid>,
    /// State of the business relation.
    #[schema(inline)]
    state: Option<StateWord>,
    /// Points.
    #[schema(minimum = -9_007_199_254_740_991_i64, maximum = 9_007_199_254_740_991_i64)]
    score: Option<i64>,
    /// ISO 639-1.
    #[schema(min_length = 2, max_length = 2)]
    language: Option<String>,
    /// Name in the IANA time zone database.
    time_zone: Option<String>,
    /// Gender.
    #[schema(inline)]
    gender: Option<Gender>,
    /// Company the people work for. It stays where a contact would be left with nothing that identifies it.
    #[schema(max_length = 300)]
    company_name: Option<String>,
    /// Position.
    #[schema(max_length = 200)]
    job_title: Option<String>,
    /// Parts of the postal address.
    #[schema(inline)]
    address: Option<AddressInput>,
    /// Named values; `null` removes one.
    #[schema(value_type = Option<Object>, additional_properties = true)]
    details: Option<Map<String, Value>>,
    /// Whether they take marketing.
    #[schema(nullable = false)]
    subscribed: Option<bool>,
    /// Whether they take no message at all.
    #[schema(nullable = false)]
    muted: Option<bool>,
}

/// Tags put on and taken off.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "documents a body that the domain reads")]
pub(crate) struct TagChanges {
    /// Put on; missing ones are made. Without a score the present one stays.
    #[schema(max_items = 200)]
    add: Option<Vec<TagPut>>,
    /// Taken off, by name.
    #[schema(max_items = 200)]
    remove: Option<Vec<TagNamed>>,
}

/// The name of a tag, bare or in an object.
#[derive(Debug, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "documents a body that the domain reads")]
pub(crate) enum TagNamed {
    /// Only its name.
    Name(String),
    /// Its name.
    Object(TagByName),
}

/// A tag by its name.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "documents a body that the domain reads")]
pub(crate) struct TagByName {
    /// Its name; compared without case.
    #[schema(min_length = 1, max_length = 100, example = "vip")]
    name: String,
}

/// Groups contacts are put into and taken out of.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "documents a body that the domain reads")]
pub(crate) struct GroupChanges {
    /// Put into.
    #[schema(max_items = 200)]
    add: Option<Vec<Uuid>>,
    /// Taken out of.
    #[schema(max_items = 200)]
    remove: Option<Vec<Uuid>>,
}

/// Change many contacts
///
/// A job: it puts down whom the request means when it begins, and goes through them. `counts` of the job say
/// how many were `applied`, `unchanged` and, by reason, `skipped`: `in_trash`, `not_found`, `merged`,
/// `nothing_identifies`, `too_many_details`, `not_permitted`; `GET /jobs/{id}/contacts` says it of each. Consents are never changed so. A selection that means nobody,
/// or has no conditions, is `empty_selection`.
#[utoipa::path(
    tag = "contacts",
    operation_id = "bulk_edit_contacts",
    params(IdempotencyKey),
    request_body = BulkEdit,
    responses((status = 202, description = "The job", body = JobView)),
    security(("bearer" = ["contacts:write"])),
)]
#[post("/contacts/bulk-edit")]
pub(crate) async fn bulk_edit_contacts(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    key: IdempotencyKey,
    body: JsonObject,
) -> Result<Reply, Problem> {
    let JsonObject { members, fingerprint } = body;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let job = bulk_edit::start(tenant, ctx, &members)?;
            Ok(Accepted { location: location(job.id), body: JobView::from(job) })
        })
        .await
}
