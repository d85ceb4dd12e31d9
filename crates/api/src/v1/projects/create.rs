//! `POST /projects`.

use actix_web::post;

use kartoteka_app::projects;

use super::{NewProject, ProjectView};
use crate::extract::{IdempotencyKey, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::{Created, Reply};
use crate::state::State;

/// Create a project
#[utoipa::path(
    tag = "projects",
    operation_id = "create_project",
    params(IdempotencyKey),
    request_body = NewProject,
    responses((status = 201, description = "The project", body = ProjectView)),
    security(("bearer" = ["contacts:write"])),
)]
#[post("/projects")]
pub(crate) async fn create_project(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    key: IdempotencyKey,
    body: ValidJson<NewProject>,
) -> Result<Reply, Problem> {
    let ValidJson { value, fingerprint } = body;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let made = ProjectView::from(projects::create(tenant, ctx, &value.into())?);
            Ok(Created { location: format!("/api/v1/projects/{}", made.id), body: made })
        })
        .await
}
