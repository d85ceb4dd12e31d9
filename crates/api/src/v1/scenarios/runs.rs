//! `GET /scenarios/{id}/runs` and `GET /scenarios/{id}/runs/count`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_domain::scenarios::Kind;

use super::super::definitions::runs::{self, RunCounts, RunQuery, RunView};
use crate::extract::{Path, Query, Scoped, scope};
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// List the runs of a scenario
///
/// Newest first, of all versions.
#[utoipa::path(
    tag = "scenarios",
    operation_id = "list_scenario_runs",
    params(("id" = Uuid, Path, description = "The scenario"), RunQuery, PageQuery),
    responses((status = 200, description = "A page of runs", body = Page<RunView>)),
    security(("bearer" = ["scenarios:read"])),
)]
#[get("/scenarios/{id}/runs")]
pub(crate) async fn list_scenario_runs(
    state: State,
    caller: Scoped<scope::ScenariosRead>,
    id: Path<Uuid>,
    filter: Query<RunQuery>,
    page: Query<PageQuery>,
) -> Result<Page<RunView>, Problem> {
    runs::page(state, caller, Kind::Scenario, *id, filter.into_inner(), page.into_inner()).await
}

/// Count the runs of a scenario
///
/// By state, of all versions.
#[utoipa::path(
    tag = "scenarios",
    operation_id = "count_scenario_runs",
    params(("id" = Uuid, Path, description = "The scenario")),
    responses((status = 200, description = "How many there are", body = RunCounts)),
    security(("bearer" = ["scenarios:read"])),
)]
#[get("/scenarios/{id}/runs/count")]
pub(crate) async fn count_scenario_runs(
    state: State,
    caller: Scoped<scope::ScenariosRead>,
    id: Path<Uuid>,
) -> Result<Done<RunCounts>, Problem> {
    runs::count(state, caller, Kind::Scenario, *id).await
}
