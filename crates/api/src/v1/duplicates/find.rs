//! `POST /duplicates/find`.

use actix_web::post;
use serde_json::Value;
use utoipa::ToSchema;

use kartoteka_app::duplicates::find;

use crate::extract::{IdempotencyKey, JsonObject, Scoped, scope};
use crate::problem::Problem;
use crate::reply::{Accepted, Reply};
use crate::state::State;
use crate::v1::jobs::{JobView, location};
use crate::v1::segments::SelectionSchema;

/// Among whom to search. Only documentation: the domain reads the body itself, so that all its faults are told at
/// once.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"selection": {"where": {"field": "address.city", "op": "eq", "value": "Brno"}}}))]
#[expect(dead_code, reason = "documents a body that the domain reads")]
pub(crate) struct FindDuplicates {
    /// Among whom; all living contacts when it is missing.
    #[schema(value_type = Option<SelectionSchema>)]
    selection: Option<Value>,
}

/// Search for duplicates
///
/// A job: it compares the contacts that the selection means when it begins, and keeps the pairs that seem to be one
/// for `GET /duplicates`, in place of what was known of them. Same e-mail, phone and external id count, and names,
/// birth dates, addresses and companies that are alike; familiar forms of names, names that changed places, slips and
/// swapped days and months are seen. What agreement is worth is learnt from the contacts themselves where there are
/// enough. `counts` of the job: `contacts` looked at, pairs `compared`, and `pairs` found, rejected ones among them. One
/// search at a time: `conflict`.
#[utoipa::path(
    tag = "duplicates",
    operation_id = "find_duplicates",
    params(IdempotencyKey),
    request_body = FindDuplicates,
    responses((status = 202, description = "The job", body = JobView)),
    security(("bearer" = ["contacts:write"])),
)]
#[post("/duplicates/find")]
pub(crate) async fn find_duplicates(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    key: IdempotencyKey,
    body: JsonObject,
) -> Result<Reply, Problem> {
    let JsonObject { members, fingerprint } = body;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let job = find::start(tenant, ctx, &members)?;
            Ok(Accepted { location: location(job.id), body: JobView::from(job) })
        })
        .await
}
