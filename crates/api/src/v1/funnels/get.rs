//! `GET /funnels/{id}`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::funnels;
use kartoteka_domain::ids::FunnelId;

use super::FunnelView;
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Read a funnel
///
/// With its stages and the number of contacts in each, live and in the trash.
#[utoipa::path(
    tag = "funnels",
    operation_id = "get_funnel",
    params(("id" = Uuid, Path, description = "The funnel")),
    responses((status = 200, description = "The funnel", body = FunnelView)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/funnels/{id}")]
pub(crate) async fn get_funnel(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    id: Path<Uuid>,
) -> Result<Done<FunnelView>, Problem> {
    state
        .read(&caller, move |tenant, _| Ok(Done(funnels::get(tenant, FunnelId(*id))?.into())))
        .await
}
