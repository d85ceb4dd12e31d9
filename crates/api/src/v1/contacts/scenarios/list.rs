//! `GET /contacts/{id}/scenarios`.

use actix_web::get;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use kartoteka_app::definitions::runs::{self, RunFilter};
use kartoteka_domain::ids::ContactId;

use crate::extract::{Path, Query, Scoped, scope};
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::state::State;
use crate::v1::definitions::runs::RunView;

/// Which runs.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ContactRunQuery {
    /// Those that have ended too.
    #[serde(default)]
    #[param(default = false)]
    all: bool,
}

/// List the scenarios of a contact
///
/// The runs through scenarios and rules that it is on, newest first; with `all`, those that have ended too.
#[utoipa::path(
    tag = "runs",
    operation_id = "list_contact_scenarios",
    params(("id" = Uuid, Path, description = "The contact"), ContactRunQuery, PageQuery),
    responses((status = 200, description = "A page of runs", body = Page<RunView>)),
    security(("bearer" = ["scenarios:read"])),
)]
#[get("/contacts/{id}/scenarios")]
pub(crate) async fn list_contact_scenarios(
    state: State,
    caller: Scoped<scope::ScenariosRead>,
    id: Path<Uuid>,
    filter: Query<ContactRunQuery>,
    page: Query<PageQuery>,
) -> Result<Page<RunView>, Problem> {
    let active = !filter.all;
    let list = format!("contact runs {} {active}", *id);
    let before: Option<Uuid> = page.after(&list)?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, _| {
            let filter = RunFilter { active, before, ..RunFilter::default() };
            let found = runs::of_contact(tenant, ContactId(*id), filter, limit + 1)?;
            Page::cut(&list, found, limit, |run| run.id, RunView::from)
        })
        .await
}
