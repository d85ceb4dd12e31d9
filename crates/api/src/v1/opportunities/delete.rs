//! `DELETE /opportunities/{id}`.

use actix_web::delete;
use uuid::Uuid;

use kartoteka_app::opportunities::{Opportunities, OpportunityRow};
use kartoteka_app::records;

use super::OpportunityView;
use crate::extract::{IfMatch, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::NoContent;
use crate::state::State;

/// Delete an opportunity
///
/// Only one that nothing is linked to and that no segment, rule or scenario names: otherwise the answer is `409 in_use`
/// with the numbers of contacts, activities, segments, and `definitions` (rules and scenarios).
#[utoipa::path(
    tag = "opportunities",
    operation_id = "delete_opportunity",
    params(("id" = Uuid, Path, description = "The opportunity"), IfMatch),
    responses((status = 204, description = "It is gone")),
    security(("bearer" = ["contacts:write"])),
)]
#[delete("/opportunities/{id}")]
pub(crate) async fn delete_opportunity(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &OpportunityRow| if_match.check(&OpportunityView::from(now.clone()));
            records::delete::<Opportunities, Problem>(tenant, ctx, *id, guard)?;
            Ok(NoContent)
        })
        .await
}
