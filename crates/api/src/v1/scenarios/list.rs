//! `GET /scenarios`.

use actix_web::get;

use kartoteka_domain::scenarios::Kind;

use super::super::definitions::DefinitionFilter;
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
    let filter = filter.into_inner();
    let after: Option<String> = page.after(&filter.list(Kind::Scenario))?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, _| {
            filter.page(tenant, Kind::Scenario, after.as_deref(), limit)
        })
        .await
}
