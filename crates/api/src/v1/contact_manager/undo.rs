//! `POST /contact-manager/jobs/{id}/undo`.

use actix_web::post;
use uuid::Uuid;

use kartoteka_app::contact_manager::undo;

use super::view::ContactManagerJobView;
use crate::extract::{Fingerprint, IdempotencyKey, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::{Accepted, Reply};
use crate::state::State;
use crate::v1::jobs::location;

/// Undo a job of the contact manager
///
/// A job that gives back what the other one changed, action by action from the last, where it still is as the other left
/// it: tags, details, score, state, stages, owners, and contacts in the trash. Who was changed since is skipped:
/// `changed_since`. What cannot be undone stays (`undo.actions` of a job says what can). A job that did not get to its end
/// can be undone too. Undoing an action needs the scope that doing it needs, when it is asked for and when it is done:
/// without it every contact is `not_permitted`. `job_not_undoable` says by `reason` why not: `not_ended`, `not_reversible`,
/// `undone`, `is_undo`, `list_gone`.
#[utoipa::path(
    tag = "contact-manager",
    operation_id = "undo_contact_manager_job",
    params(("id" = Uuid, Path, description = "The job"), IdempotencyKey),
    responses((status = 202, description = "The job that undoes it", body = ContactManagerJobView)),
    security(("bearer" = ["manager:run"])),
)]
#[post("/contact-manager/jobs/{id}/undo")]
pub(crate) async fn undo_contact_manager_job(
    state: State,
    caller: Scoped<scope::ManagerRun>,
    id: Path<Uuid>,
    key: IdempotencyKey,
) -> Result<Reply, Problem> {
    let id = *id;
    let scopes = caller.scopes.clone();
    state
        .post(&caller, &key, Fingerprint::empty(), move |tenant, ctx| {
            let job = undo::start(tenant, ctx, id.into(), &scopes)?;
            Ok(Accepted { location: location(job.job.id), body: ContactManagerJobView::from(job) })
        })
        .await
}
