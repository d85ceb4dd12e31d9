//! `GET /contacts/{id}/scenarios/{run_id}`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::definitions::runs;
use kartoteka_domain::ids::{ContactId, RunId};

use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;
use crate::v1::definitions::runs::RunView;

/// Read a run of a contact
///
/// Where it stands, or how it ended.
#[utoipa::path(
    tag = "runs",
    operation_id = "get_contact_scenario",
    params(
        ("id" = Uuid, Path, description = "The contact"),
        ("run_id" = Uuid, Path, description = "The run"),
    ),
    responses((status = 200, description = "The run", body = RunView)),
    security(("bearer" = ["scenarios:read"])),
)]
#[get("/contacts/{id}/scenarios/{run_id}")]
pub(crate) async fn get_contact_scenario(
    state: State,
    caller: Scoped<scope::ScenariosRead>,
    path: Path<(Uuid, Uuid)>,
) -> Result<Done<RunView>, Problem> {
    let (contact, run) = path.into_inner();
    state
        .read(&caller, move |tenant, _| {
            Ok(Done(runs::get(tenant, ContactId(contact), RunId(run))?.into()))
        })
        .await
}
