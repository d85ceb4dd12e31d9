//! `PATCH /funnels/{id}/stages/{stage_id}`.

use actix_web::patch;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::funnels::{CountedStage, stages};
use kartoteka_domain::ids::{FunnelId, StageId};

use super::StageView;
use crate::extract::{IfMatch, Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Changes of a stage.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct StagePatch {
    /// Its name; compared without case.
    #[serde(default)]
    #[schema(nullable = false, min_length = 1, max_length = 100, example = "Negotiation")]
    pub(crate) name: Option<String>,
    /// Its place in the funnel, from 1 to that of the last one; the other stages keep their order.
    #[serde(default)]
    #[schema(nullable = false, minimum = 1, example = 1)]
    pub(crate) position: Option<i64>,
}

/// Change a stage of a funnel
///
/// Its name, its place, or both. A new name is shown wherever the stage is.
#[utoipa::path(
    tag = "funnels",
    operation_id = "patch_funnel_stage",
    params(
        ("id" = Uuid, Path, description = "The funnel"),
        ("stage_id" = Uuid, Path, description = "The stage"),
        IfMatch,
    ),
    request_body = StagePatch,
    responses((status = 200, description = "The stage", body = StageView)),
    security(("bearer" = ["contacts:write"])),
)]
#[patch("/funnels/{id}/stages/{stage_id}")]
pub(crate) async fn patch_funnel_stage(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    path: Path<(Uuid, Uuid)>,
    if_match: IfMatch,
    body: ValidJson<StagePatch>,
) -> Result<Done<StageView>, Problem> {
    let (funnel, stage) = path.into_inner();
    let StagePatch { name, position } = body.into_inner();
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &CountedStage| if_match.check(&StageView::from(now.clone()));
            let (funnel, stage) = (FunnelId(funnel), StageId(stage));
            let changes = (name.as_deref(), position);
            Ok(Done(stages::update(tenant, ctx, funnel, stage, changes, guard)?.into()))
        })
        .await
}
