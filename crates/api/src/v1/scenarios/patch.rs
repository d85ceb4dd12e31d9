//! `PATCH /scenarios/{id}`.

use actix_web::patch;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_domain::scenarios::Kind;

use super::super::definitions::{self, LimitsSchema, NodesSchema};
use super::ScenarioView;
use crate::extract::{IfMatch, JsonObject, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Changes of a scenario: a merge patch. Lists are replaced as a whole.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"enabled": false, "limits": {"runs_per_contact": 3, "interval": "P30D"}}))]
#[expect(dead_code, reason = "published, and read by the domain")]
pub(crate) struct ScenarioPatch {
    /// Its name; compared without case.
    #[schema(
        nullable = false,
        min_length = 1,
        max_length = 100,
        pattern = r"\S",
        example = "Welcome"
    )]
    pub(crate) name: Option<String>,
    /// What it is for; `null` clears it.
    #[schema(max_length = 1000, example = "Whom we met at the fair")]
    pub(crate) description: Option<String>,
    /// Whether it is started. Runs under way go on when it is switched off.
    #[schema(nullable = false)]
    pub(crate) enabled: Option<bool>,
    /// Its steps; `null` for none yet.
    #[schema(value_type = Option<NodesSchema>)]
    pub(crate) nodes: Option<Value>,
    /// How often one contact may run through it; what is left out of it stays.
    #[schema(value_type = Option<LimitsSchema>)]
    pub(crate) limits: Option<Value>,
}

/// Change a scenario
///
/// Another version is made when what it consists of changes; runs under way go on with theirs. It can be switched on
/// only when it is whole: otherwise all that is missing is told.
#[utoipa::path(
    tag = "scenarios",
    operation_id = "patch_scenario",
    params(("id" = Uuid, Path, description = "The scenario"), IfMatch),
    request_body = ScenarioPatch,
    responses((status = 200, description = "The scenario", body = ScenarioView)),
    security(("bearer" = ["scenarios:write"])),
)]
#[patch("/scenarios/{id}")]
pub(crate) async fn patch_scenario(
    state: State,
    caller: Scoped<scope::ScenariosWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
    body: JsonObject,
) -> Result<Done<ScenarioView>, Problem> {
    definitions::patch(state, caller, Kind::Scenario, *id, if_match, body).await
}
