//! `PATCH /projects/{id}`.

use actix_web::patch;
use uuid::Uuid;

use kartoteka_app::projects::{self, ProjectRow};
use kartoteka_domain::projects::ProjectPatch;

use super::{ProjectChanges, ProjectView};
use crate::extract::{IfMatch, Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Change a project
///
/// A merge patch (RFC 7396): what is absent stays, `null` clears.
#[utoipa::path(
    tag = "projects",
    operation_id = "patch_project",
    params(("id" = Uuid, Path, description = "The project"), IfMatch),
    request_body = ProjectChanges,
    responses((status = 200, description = "The project", body = ProjectView)),
    security(("bearer" = ["contacts:write"])),
)]
#[patch("/projects/{id}")]
pub(crate) async fn patch_project(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
    body: ValidJson<ProjectChanges>,
) -> Result<Done<ProjectView>, Problem> {
    let patch = ProjectPatch::from(body.into_inner());
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &ProjectRow| if_match.check(&ProjectView::from(now.clone()));
            Ok(Done(projects::update(tenant, ctx, *id, &patch, guard)?.into()))
        })
        .await
}
