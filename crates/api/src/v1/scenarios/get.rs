//! `GET /scenarios/{id}`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_domain::scenarios::Kind;

use super::super::definitions;
use super::ScenarioView;
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Read a scenario
///
/// With its present version, and what keeps it from being switched on.
#[utoipa::path(
    tag = "scenarios",
    operation_id = "get_scenario",
    params(("id" = Uuid, Path, description = "The scenario")),
    responses((status = 200, description = "The scenario", body = ScenarioView)),
    security(("bearer" = ["scenarios:read"])),
)]
#[get("/scenarios/{id}")]
pub(crate) async fn get_scenario(
    state: State,
    caller: Scoped<scope::ScenariosRead>,
    id: Path<Uuid>,
) -> Result<Done<ScenarioView>, Problem> {
    definitions::get(state, caller, Kind::Scenario, *id).await
}
