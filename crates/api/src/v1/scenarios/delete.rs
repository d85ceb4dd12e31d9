//! `DELETE /scenarios/{id}`.

use actix_web::delete;
use uuid::Uuid;

use kartoteka_domain::scenarios::Kind;

use super::super::definitions;
use super::ScenarioView;
use crate::extract::{IfMatch, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::NoContent;
use crate::state::State;

/// Delete a scenario
///
/// Only one that no contact is on its way through: otherwise the answer is `in_use` with the number of `runs`. Switch it
/// off, so that none begin, and let them end or end them. Runs that ended stay with their contacts.
#[utoipa::path(
    tag = "scenarios",
    operation_id = "delete_scenario",
    params(("id" = Uuid, Path, description = "The scenario"), IfMatch),
    responses((status = 204, description = "It is gone")),
    security(("bearer" = ["scenarios:write"])),
)]
#[delete("/scenarios/{id}")]
pub(crate) async fn delete_scenario(
    state: State,
    caller: Scoped<scope::ScenariosWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    definitions::delete::<ScenarioView>(state, caller, Kind::Scenario, *id, if_match).await
}
