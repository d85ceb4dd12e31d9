//! `PATCH /funnels/{id}`.

use actix_web::patch;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::funnels::{self, Whole};
use kartoteka_domain::ids::FunnelId;

use super::FunnelView;
use crate::extract::{IfMatch, Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Changes of a funnel.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct FunnelPatch {
    /// Its name; compared without case.
    #[serde(default)]
    #[schema(nullable = false, min_length = 1, max_length = 100, example = "Wholesale")]
    pub(crate) name: Option<String>,
}

/// Change a funnel
///
/// Its name; its stages have operations of their own.
#[utoipa::path(
    tag = "funnels",
    operation_id = "patch_funnel",
    params(("id" = Uuid, Path, description = "The funnel"), IfMatch),
    request_body = FunnelPatch,
    responses((status = 200, description = "The funnel", body = FunnelView)),
    security(("bearer" = ["contacts:write"])),
)]
#[patch("/funnels/{id}")]
pub(crate) async fn patch_funnel(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
    body: ValidJson<FunnelPatch>,
) -> Result<Done<FunnelView>, Problem> {
    let FunnelPatch { name } = body.into_inner();
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &Whole| if_match.check(&FunnelView::from(now.clone()));
            let name = name.as_deref();
            Ok(Done(funnels::update(tenant, ctx, FunnelId(*id), name, guard)?.into()))
        })
        .await
}
