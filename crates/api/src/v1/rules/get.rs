//! `GET /rules/{id}`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_domain::scenarios::Kind;

use super::super::definitions;
use super::RuleView;
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Read a rule
///
/// With its present version, and what keeps it from being switched on.
#[utoipa::path(
    tag = "rules",
    operation_id = "get_rule",
    params(("id" = Uuid, Path, description = "The rule")),
    responses((status = 200, description = "The rule", body = RuleView)),
    security(("bearer" = ["scenarios:read"])),
)]
#[get("/rules/{id}")]
pub(crate) async fn get_rule(
    state: State,
    caller: Scoped<scope::ScenariosRead>,
    id: Path<Uuid>,
) -> Result<Done<RuleView>, Problem> {
    definitions::get(state, caller, Kind::Rule, *id).await
}
