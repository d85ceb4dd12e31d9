//! `GET /fields/{id}`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::fields;
use kartoteka_domain::ids::FieldId;

use super::FieldInUse;
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Read a field
///
/// With the number of contacts that have a value of it, live and in the trash.
#[utoipa::path(
    tag = "fields",
    operation_id = "get_field",
    params(("id" = Uuid, Path, description = "The field")),
    responses((status = 200, description = "The field", body = FieldInUse)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/fields/{id}")]
pub(crate) async fn get_field(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    id: Path<Uuid>,
) -> Result<Done<FieldInUse>, Problem> {
    state.read(&caller, move |tenant, _| Ok(Done(fields::get(tenant, FieldId(*id))?.into()))).await
}
