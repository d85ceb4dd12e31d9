//! `POST /workspace/integrity/verify`.

use actix_web::post;

use kartoteka_app::integrity::verify;

use crate::extract::{Fingerprint, IdempotencyKey, Scoped, scope};
use crate::problem::Problem;
use crate::reply::{Accepted, Reply};
use crate::state::State;
use crate::v1::jobs::{JobView, location};

/// Verify the ledger and the trail
///
/// A job: what is new is sealed, and then every row is held against its seal, and every seal against the one before
/// it. Whatever was changed, removed or put in is found and named; `GET /workspace/integrity` shows it. `counts` of the
/// job: `seals` and `rows` looked at, rows `removed` with purged contacts, and `faults`. A job that finds faults has
/// succeeded. One verification at a time: `conflict`.
#[utoipa::path(
    tag = "integrity",
    operation_id = "verify_integrity",
    params(IdempotencyKey),
    responses((status = 202, description = "The job", body = JobView)),
    security(("bearer" = ["admin"])),
)]
#[post("/workspace/integrity/verify")]
pub(crate) async fn verify_integrity(
    state: State,
    caller: Scoped<scope::Admin>,
    key: IdempotencyKey,
) -> Result<Reply, Problem> {
    state
        .post(&caller, &key, Fingerprint::empty(), move |tenant, ctx| {
            let job = verify::start(tenant, ctx)?;
            Ok(Accepted { location: location(job.id), body: JobView::from(job) })
        })
        .await
}
