//! `GET /erasures/{id}`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::erasures;
use kartoteka_domain::ids::ErasureId;

use super::ErasureView;
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Read an erasure
///
/// What became of it; nothing in it is personal.
#[utoipa::path(
    tag = "erasures",
    operation_id = "get_erasure",
    params(("id" = Uuid, Path, description = "The erasure")),
    responses((status = 200, description = "The erasure", body = ErasureView)),
    security(("bearer" = ["contacts:delete"])),
)]
#[get("/erasures/{id}")]
pub(crate) async fn get_erasure(
    state: State,
    caller: Scoped<scope::ContactsDelete>,
    id: Path<Uuid>,
) -> Result<Done<ErasureView>, Problem> {
    state
        .read(&caller, move |tenant, _| Ok(Done(erasures::get(tenant, ErasureId(*id))?.into())))
        .await
}
