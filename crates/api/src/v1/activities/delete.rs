//! `DELETE /activities/{id}`.

use actix_web::delete;
use uuid::Uuid;

use kartoteka_app::activities::{self, ActivityRow};
use kartoteka_domain::ids::ActivityId;

use super::ActivityView;
use crate::extract::{IfMatch, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::NoContent;
use crate::state::State;

/// Delete an activity
#[utoipa::path(
    tag = "activities",
    operation_id = "delete_activity",
    params(("id" = Uuid, Path, description = "The activity"), IfMatch),
    responses((status = 204, description = "It is gone")),
    security(("bearer" = ["contacts:write"])),
)]
#[delete("/activities/{id}")]
pub(crate) async fn delete_activity(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &ActivityRow| if_match.check(&ActivityView::from(now.clone()));
            activities::delete(tenant, ctx, ActivityId(*id), guard)?;
            Ok(NoContent)
        })
        .await
}
