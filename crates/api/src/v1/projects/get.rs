//! `GET /projects/{id}`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::projects::Projects;
use kartoteka_app::records;

use super::ProjectView;
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Read a project
#[utoipa::path(
    tag = "projects",
    operation_id = "get_project",
    params(("id" = Uuid, Path, description = "The project")),
    responses((status = 200, description = "The project", body = ProjectView)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/projects/{id}")]
pub(crate) async fn get_project(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    id: Path<Uuid>,
) -> Result<Done<ProjectView>, Problem> {
    state
        .read(&caller, move |tenant, _| {
            Ok(Done(ProjectView::from(records::get::<Projects>(tenant, *id)?)))
        })
        .await
}
