//! `DELETE /projects/{id}`.

use actix_web::delete;
use uuid::Uuid;

use kartoteka_app::projects::{ProjectRow, Projects};
use kartoteka_app::records;

use super::ProjectView;
use crate::extract::{IfMatch, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::NoContent;
use crate::state::State;

/// Delete a project
///
/// Only one that nothing is linked to and that no segment, rule or scenario names: otherwise the answer is `409 in_use`
/// with the numbers of contacts, activities, segments, and `definitions` (rules and scenarios).
#[utoipa::path(
    tag = "projects",
    operation_id = "delete_project",
    params(("id" = Uuid, Path, description = "The project"), IfMatch),
    responses((status = 204, description = "It is gone")),
    security(("bearer" = ["contacts:write"])),
)]
#[delete("/projects/{id}")]
pub(crate) async fn delete_project(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &ProjectRow| if_match.check(&ProjectView::from(now.clone()));
            records::delete::<Projects, Problem>(tenant, ctx, *id, guard)?;
            Ok(NoContent)
        })
        .await
}
