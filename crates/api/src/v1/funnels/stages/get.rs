//! `GET /funnels/{id}/stages/{stage_id}`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::funnels::stages;
use kartoteka_domain::ids::{FunnelId, StageId};

use super::StageView;
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Read a stage of a funnel
///
/// With the number of contacts that are in it, live and in the trash.
#[utoipa::path(
    tag = "funnels",
    operation_id = "get_funnel_stage",
    params(
        ("id" = Uuid, Path, description = "The funnel"),
        ("stage_id" = Uuid, Path, description = "The stage"),
    ),
    responses((status = 200, description = "The stage", body = StageView)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/funnels/{id}/stages/{stage_id}")]
pub(crate) async fn get_funnel_stage(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    path: Path<(Uuid, Uuid)>,
) -> Result<Done<StageView>, Problem> {
    let (funnel, stage) = path.into_inner();
    let (funnel, stage) = (FunnelId(funnel), StageId(stage));
    state.read(&caller, move |tenant, _| Ok(Done(stages::get(tenant, funnel, stage)?.into()))).await
}
