//! `GET /projects`.

use actix_web::get;
use serde::Deserialize;
use utoipa::IntoParams;

use kartoteka_app::projects::Projects;
use kartoteka_app::records::Equal;

use super::{ProjectState, ProjectView};
use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::state::State;
use crate::v1::records::{self as shared, ListQuery};

/// Which projects.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ProjectFilter {
    /// How far it is.
    #[param(inline)]
    state: Option<ProjectState>,
}

/// List projects
///
/// Newest first, unless `sort` says otherwise: by `name`, `state`, `from`, `to`, `created_at`,
/// `updated_at`.
#[utoipa::path(
    tag = "projects",
    operation_id = "list_projects",
    params(ListQuery, ProjectFilter, PageQuery),
    responses((status = 200, description = "A page of projects", body = Page<ProjectView>)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/projects")]
pub(crate) async fn list_projects(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    list: Query<ListQuery>,
    filter: Query<ProjectFilter>,
    page: Query<PageQuery>,
) -> Result<Page<ProjectView>, Problem> {
    let ProjectFilter { state: wanted } = filter.into_inner();
    let mut equal = Vec::new();
    if let Some(word) = wanted {
        equal.push(Equal::Text("state", word.as_str().to_owned()));
    }
    state
        .read(&caller, move |tenant, _| {
            shared::answer::<Projects, ProjectView>(tenant, "projects", &list, equal, &page)
        })
        .await
}
