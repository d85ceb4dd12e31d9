//! `GET /purposes/{id}`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::consents::purposes;
use kartoteka_domain::ids::PurposeId;

use super::PurposeWithVersions;
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Read a purpose
///
/// With all wordings it ever had.
#[utoipa::path(
    tag = "purposes",
    operation_id = "get_purpose",
    params(("id" = Uuid, Path, description = "The purpose")),
    responses((status = 200, description = "The purpose", body = PurposeWithVersions)),
    security(("bearer" = ["consents:read"])),
)]
#[get("/purposes/{id}")]
pub(crate) async fn get_purpose(
    state: State,
    caller: Scoped<scope::ConsentsRead>,
    id: Path<Uuid>,
) -> Result<Done<PurposeWithVersions>, Problem> {
    state
        .read(&caller, move |tenant, _| Ok(Done(purposes::get(tenant, PurposeId(*id))?.into())))
        .await
}
