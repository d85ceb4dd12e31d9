//! `POST /contact-manager/jobs/{id}/cancel`.

use actix_web::post;
use uuid::Uuid;

use kartoteka_app::contact_manager;

use super::view::ContactManagerJobView;
use crate::extract::{Fingerprint, IdempotencyKey, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::{Done, Reply};
use crate::state::State;

/// Stop a job of the contact manager
///
/// One that waits for its time or a worker ends at once; one that runs ends after its present chunk, and what it has done
/// stays, the links that it made too: undo gives back what can be given back.
#[utoipa::path(
    tag = "contact-manager",
    operation_id = "cancel_contact_manager_job",
    params(("id" = Uuid, Path, description = "The job"), IdempotencyKey),
    responses((status = 200, description = "The job", body = ContactManagerJobView)),
    security(("bearer" = ["manager:run"])),
)]
#[post("/contact-manager/jobs/{id}/cancel")]
pub(crate) async fn cancel_contact_manager_job(
    state: State,
    caller: Scoped<scope::ManagerRun>,
    id: Path<Uuid>,
    key: IdempotencyKey,
) -> Result<Reply, Problem> {
    let id = *id;
    state
        .post(&caller, &key, Fingerprint::empty(), move |tenant, ctx| {
            Ok(Done(ContactManagerJobView::from(contact_manager::cancel(tenant, ctx, id.into())?)))
        })
        .await
}
