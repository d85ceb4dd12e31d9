//! `DELETE /funnels/{id}`.

use actix_web::delete;
use uuid::Uuid;

use kartoteka_app::funnels::{self, Whole};
use kartoteka_domain::ids::FunnelId;

use super::FunnelView;
use crate::extract::{IfMatch, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::NoContent;
use crate::state::State;

/// Delete a funnel
///
/// With its stages. Only one that nobody is in: otherwise the answer is `funnel_in_use` with `live` and `trash`, the
/// numbers of contacts in its stages, and `segments` and `definitions` (rules and scenarios), the numbers of those that name it
/// or one of them.
#[utoipa::path(
    tag = "funnels",
    operation_id = "delete_funnel",
    params(("id" = Uuid, Path, description = "The funnel"), IfMatch),
    responses((status = 204, description = "It is gone")),
    security(("bearer" = ["contacts:write"])),
)]
#[delete("/funnels/{id}")]
pub(crate) async fn delete_funnel(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &Whole| if_match.check(&FunnelView::from(now.clone()));
            funnels::delete(tenant, ctx, FunnelId(*id), guard)?;
            Ok(NoContent)
        })
        .await
}
