//! `GET /merges/{id}`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::contacts::merges;
use kartoteka_domain::ids::MergeId;

use super::MergeView;
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Get a merge
#[utoipa::path(
    tag = "merges",
    operation_id = "get_merge",
    params(("id" = Uuid, Path, description = "The merge")),
    responses((status = 200, description = "The merge", body = MergeView)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/merges/{id}")]
pub(crate) async fn get_merge(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    id: Path<Uuid>,
) -> Result<Done<MergeView>, Problem> {
    state.read(&caller, move |tenant, _| Ok(Done(merges::get(tenant, MergeId(*id))?.into()))).await
}
