//! `GET /contact-manager/jobs/{id}`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::contact_manager;

use super::view::ContactManagerJobView;
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Where a job of the contact manager stands
///
/// With what became of the contacts so far, by action. `GET /jobs/{id}/events` follows it.
#[utoipa::path(
    tag = "contact-manager",
    operation_id = "get_contact_manager_job",
    params(("id" = Uuid, Path, description = "The job")),
    responses((status = 200, description = "The job", body = ContactManagerJobView)),
    security(("bearer" = ["manager:run"])),
)]
#[get("/contact-manager/jobs/{id}")]
pub(crate) async fn get_contact_manager_job(
    state: State,
    caller: Scoped<scope::ManagerRun>,
    id: Path<Uuid>,
) -> Result<Done<ContactManagerJobView>, Problem> {
    let id = *id;
    state
        .read(&caller, move |tenant, ctx| {
            Ok(Done(contact_manager::get(tenant, ctx, id.into())?.into()))
        })
        .await
}
