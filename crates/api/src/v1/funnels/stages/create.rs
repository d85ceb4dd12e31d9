//! `POST /funnels/{id}/stages`.

use actix_web::post;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::funnels::stages;
use kartoteka_domain::ids::FunnelId;

use super::StageView;
use crate::extract::{IdempotencyKey, Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::{Created, Reply};
use crate::state::State;

/// A new stage.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewStage {
    /// Its name; compared without case.
    #[schema(min_length = 1, max_length = 100, example = "Negotiation")]
    pub(crate) name: String,
    /// Its place in the funnel, from 1; the last one when absent, and at most that. Those that stand there make room.
    #[schema(minimum = 1, example = 1)]
    pub(crate) position: Option<i64>,
}

/// Add a stage to a funnel
///
/// A name that another stage of the funnel has is `stage_exists`; a funnel has at most 100 stages.
#[utoipa::path(
    tag = "funnels",
    operation_id = "create_funnel_stage",
    params(("id" = Uuid, Path, description = "The funnel"), IdempotencyKey),
    request_body = NewStage,
    responses((status = 201, description = "The stage", body = StageView)),
    security(("bearer" = ["contacts:write"])),
)]
#[post("/funnels/{id}/stages")]
pub(crate) async fn create_funnel_stage(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    id: Path<Uuid>,
    key: IdempotencyKey,
    body: ValidJson<NewStage>,
) -> Result<Reply, Problem> {
    let ValidJson { value, fingerprint } = body;
    let funnel = *id;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let NewStage { name, position } = value;
            let made = stages::create(tenant, ctx, FunnelId(funnel), &name, position)?;
            let stage = StageView::from(made);
            let location = format!("/api/v1/funnels/{funnel}/stages/{}", stage.id);
            Ok(Created { location, body: stage })
        })
        .await
}
