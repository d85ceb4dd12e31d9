//! `GET /groups/{id}`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::classes::{self, Kind};

use super::GroupInUse;
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Read a group
///
/// With the number of contacts that are in it, live and in the trash.
#[utoipa::path(
    tag = "groups",
    operation_id = "get_group",
    params(("id" = Uuid, Path, description = "The group")),
    responses((status = 200, description = "The group", body = GroupInUse)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/groups/{id}")]
pub(crate) async fn get_group(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    id: Path<Uuid>,
) -> Result<Done<GroupInUse>, Problem> {
    state
        .read(&caller, move |tenant, _| Ok(Done(classes::get(tenant, Kind::Group, *id)?.into())))
        .await
}
