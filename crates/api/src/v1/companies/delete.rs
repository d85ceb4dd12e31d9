//! `DELETE /companies/{id}`.

use actix_web::delete;
use uuid::Uuid;

use kartoteka_app::companies::{Companies, CompanyRow};
use kartoteka_app::records;

use super::CompanyView;
use crate::extract::{IfMatch, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::NoContent;
use crate::state::State;

/// Delete a company
///
/// Only one that nothing is linked to and that no segment, rule or scenario names: otherwise the answer is `409 in_use`
/// with the numbers of contacts, opportunities, activities, segments, and `definitions` (rules and scenarios).
#[utoipa::path(
    tag = "companies",
    operation_id = "delete_company",
    params(("id" = Uuid, Path, description = "The company"), IfMatch),
    responses((status = 204, description = "It is gone")),
    security(("bearer" = ["contacts:write"])),
)]
#[delete("/companies/{id}")]
pub(crate) async fn delete_company(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &CompanyRow| if_match.check(&CompanyView::from(now.clone()));
            records::delete::<Companies, Problem>(tenant, ctx, *id, guard)?;
            Ok(NoContent)
        })
        .await
}
