//! Stopping a job.

use actix_web::post;
use uuid::Uuid;

use kartoteka_app::jobs;
use kartoteka_domain::scopes::Scope;

use super::JobView;
use crate::extract::{AnyScope, Fingerprint, IdempotencyKey, Path, Scoped};
use crate::problem::Problem;
use crate::reply::{Done, Reply};
use crate::state::State;

/// Stop a job
///
/// A job nobody works on yet ends at once; one that runs ends after its present step, and what it has done
/// stays. Needs the scope that was needed to start it: `imports:write` for imports.
#[utoipa::path(
    tag = "jobs",
    operation_id = "cancel_job",
    params(("id" = Uuid, Path, description = "The job"), IdempotencyKey),
    responses((status = 200, description = "The job", body = JobView)),
    security(("bearer" = [])),
)]
#[post("/jobs/{id}/cancel")]
pub(crate) async fn cancel_job(
    state: State,
    caller: Scoped<AnyScope>,
    id: Path<Uuid>,
    key: IdempotencyKey,
) -> Result<Reply, Problem> {
    let id = *id;
    let asking = (*caller).clone();
    state
        .post(&caller, &key, Fingerprint::empty(), move |tenant, ctx| {
            let job = jobs::get(tenant, id.into())?;
            let needed =
                if job.kind.starts_with("import_") { Scope::ImportsWrite } else { Scope::Admin };
            asking.require(needed)?;
            Ok(Done(JobView::from(jobs::cancel(tenant, ctx, id.into())?)))
        })
        .await
}
