//! Stopping a job.

use actix_web::post;
use uuid::Uuid;

use kartoteka_app::contacts::bulk_edit;
use kartoteka_app::duplicates::find;
use kartoteka_app::webhooks::replay;
use kartoteka_app::{contact_manager, jobs};
use kartoteka_domain::scopes::Scope;

use super::JobView;
use crate::extract::{AnyScope, Fingerprint, IdempotencyKey, Path, Scoped};
use crate::problem::Problem;
use crate::reply::{Done, Reply};
use crate::state::State;

/// Stop a job
///
/// A job nobody works on yet ends at once; one that runs ends after its present step, and what it has done
/// stays. Needs the scope that is needed to start one: `imports:write` for imports, `manager:run` for jobs of the contact
/// manager, `contacts:write` for bulk edits and searches for duplicates, `webhooks:write` for what is told to a webhook again,
/// `admin` for all others.
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
            asking.require(needed(&job.kind))?;
            Ok(Done(JobView::from(jobs::cancel(tenant, ctx, id.into())?)))
        })
        .await
}

/// The scope that is needed to start a job of this kind, and so to stop one.
fn needed(kind: &str) -> Scope {
    match kind {
        contact_manager::KIND | contact_manager::undo::KIND => Scope::ManagerRun,
        bulk_edit::KIND | find::KIND => Scope::ContactsWrite,
        replay::KIND => Scope::WebhooksWrite,
        _ if kind.starts_with("import_") => Scope::ImportsWrite,
        _ => Scope::Admin,
    }
}
