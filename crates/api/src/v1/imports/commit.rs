//! The commit.

use actix_web::post;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::imports::commit::{self, Outcome};
use kartoteka_domain::codes::Code;

use super::PlanView;
use crate::extract::{IdempotencyKey, Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::{Accepted, Reply};
use crate::state::State;
use crate::v1::jobs::{JobView, location};

/// Which plan is to be written.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CommitBody {
    /// `hash` of the plan that was looked at.
    #[schema(min_length = 1, max_length = 100, example = "9f86d081884c7d659a2feaa0c55ad015")]
    pub plan_hash: String,
}

/// Commit the plan
///
/// Starts the job that writes the contacts. When the base changed so that the plan no longer holds, nothing is
/// written: `409 plan_outdated` carries the new plan under `plan`, and its hash can be committed.
#[utoipa::path(
    tag = "imports",
    operation_id = "commit_import",
    params(("id" = Uuid, Path, description = "The import"), IdempotencyKey),
    request_body = CommitBody,
    responses((status = 202, description = "The job that writes", body = JobView)),
    security(("bearer" = ["imports:write"])),
)]
#[post("/imports/{id}/commit")]
pub(crate) async fn commit_import(
    state: State,
    caller: Scoped<scope::ImportsWrite>,
    id: Path<Uuid>,
    key: IdempotencyKey,
    body: ValidJson<CommitBody>,
) -> Result<Reply, Problem> {
    let id = *id;
    let ValidJson { value, fingerprint } = body;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            Ok(match commit::commit(tenant, ctx, id.into(), &value.plan_hash)? {
                Outcome::Accepted(_, job) => {
                    Reply::from(Accepted { location: location(job.id), body: JobView::from(*job) })
                }
                Outcome::Outdated(plan) => {
                    let detail = "The base changed since the plan was made; look at the new plan and commit its hash.";
                    let plan = json!(PlanView::from(*plan));
                    Problem::new(Code::PlanOutdated, detail).with_member("plan", plan).into()
                }
            })
        })
        .await
}
