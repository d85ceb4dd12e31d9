//! Undoing an import (IMP-18).

use actix_web::post;
use uuid::Uuid;

use kartoteka_app::imports::revert;

use crate::extract::{Fingerprint, IdempotencyKey, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::{Accepted, Reply};
use crate::state::State;
use crate::v1::jobs::{JobView, location};

/// Undo an import
///
/// Contacts it made go to the trash, values it changed return to what they were unless they were edited since,
/// tags and consents it added are taken off. `reverted` of the import says how many. When the caller may not delete
/// or change one of the contacts as its owner, nothing is undone: `403 not_permitted` with their number.
#[utoipa::path(
    tag = "imports",
    operation_id = "revert_import",
    params(("id" = Uuid, Path, description = "The import"), IdempotencyKey),
    responses((status = 202, description = "The job that undoes", body = JobView)),
    security(("bearer" = ["imports:write"])),
)]
#[post("/imports/{id}/revert")]
pub(crate) async fn revert_import(
    state: State,
    caller: Scoped<scope::ImportsWrite>,
    id: Path<Uuid>,
    key: IdempotencyKey,
) -> Result<Reply, Problem> {
    let id = *id;
    state
        .post(&caller, &key, Fingerprint::empty(), move |tenant, ctx| {
            let (_, job) = revert::start(tenant, ctx, id.into())?;
            Ok(Accepted { location: location(job.id), body: JobView::from(job) })
        })
        .await
}
