//! `GET /scenarios`.

use actix_web::get;

use kartoteka_domain::scenarios::Kind;

use super::super::definitions::{self, DefinitionFilter};
use super::ScenarioView;
use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::state::State;

/// List scenarios
///
/// In order of their names.
#[utoipa::path(
    tag = "scenarios",
    operation_id = "list_scenarios",
    params(DefinitionFilter, PageQuery),
    responses((status = 200, description = "A page of scenarios", body = Page<ScenarioView>)),
    security(("bearer" = ["scenarios:read"])),
)]
#[get("/scenarios")]
pub(crate) async fn list_scenarios(
    state: State,
    caller: Scoped<scope::ScenariosRead>,
    filter: Query<DefinitionFilter>,
    page: Query<PageQuery>,
) -> Result<Page<ScenarioView>, Problem> {
    definitions::page(state, caller, Kind::Scenario, filter.into_inner(), page.into_inner()).await
}
