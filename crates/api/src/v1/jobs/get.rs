//! One job.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::jobs;

use super::JobView;
use crate::extract::{AnyScope, Path, Scoped};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Where a job stands
///
/// Whoever has a token of the workspace may look. Poll it, or follow its events.
#[utoipa::path(
    tag = "jobs",
    operation_id = "get_job",
    params(("id" = Uuid, Path, description = "The job")),
    responses((status = 200, description = "The job", body = JobView)),
    security(("bearer" = [])),
)]
#[get("/jobs/{id}")]
pub(crate) async fn get_job(
    state: State,
    caller: Scoped<AnyScope>,
    id: Path<Uuid>,
) -> Result<Done<JobView>, Problem> {
    let id = *id;
    state.read(&caller, move |tenant, _ctx| Ok(Done(jobs::get(tenant, id.into())?.into()))).await
}
