//! `DELETE /funnels/{id}/stages/{stage_id}`.

use actix_web::delete;
use uuid::Uuid;

use kartoteka_app::funnels::{CountedStage, stages};
use kartoteka_domain::ids::{FunnelId, StageId};

use super::StageView;
use crate::extract::{IfMatch, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::NoContent;
use crate::state::State;

/// Delete a stage of a funnel
///
/// Only one that nobody is in: otherwise the answer is `stage_in_use` with `live` and `trash`, the numbers of contacts
/// that are, and `segments` and `definitions` (rules and scenarios), the numbers of those that name it. The stages behind it move up.
#[utoipa::path(
    tag = "funnels",
    operation_id = "delete_funnel_stage",
    params(
        ("id" = Uuid, Path, description = "The funnel"),
        ("stage_id" = Uuid, Path, description = "The stage"),
        IfMatch,
    ),
    responses((status = 204, description = "It is gone")),
    security(("bearer" = ["contacts:write"])),
)]
#[delete("/funnels/{id}/stages/{stage_id}")]
pub(crate) async fn delete_funnel_stage(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    path: Path<(Uuid, Uuid)>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    let (funnel, stage) = path.into_inner();
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &CountedStage| if_match.check(&StageView::from(now.clone()));
            stages::delete(tenant, ctx, FunnelId(funnel), StageId(stage), guard)?;
            Ok(NoContent)
        })
        .await
}
