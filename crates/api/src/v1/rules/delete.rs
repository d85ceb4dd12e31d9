//! `DELETE /rules/{id}`.

use actix_web::delete;
use uuid::Uuid;

use kartoteka_domain::scenarios::Kind;

use super::super::definitions;
use super::RuleView;
use crate::extract::{IfMatch, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::NoContent;
use crate::state::State;

/// Delete a rule
///
/// Only one that no contact is on its way through: otherwise the answer is `in_use` with the number of `runs`. Switch it
/// off, so that none begin, and let them end or end them. Runs that ended stay with their contacts.
#[utoipa::path(
    tag = "rules",
    operation_id = "delete_rule",
    params(("id" = Uuid, Path, description = "The rule"), IfMatch),
    responses((status = 204, description = "It is gone")),
    security(("bearer" = ["scenarios:write"])),
)]
#[delete("/rules/{id}")]
pub(crate) async fn delete_rule(
    state: State,
    caller: Scoped<scope::ScenariosWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    definitions::delete::<RuleView>(state, caller, Kind::Rule, *id, if_match).await
}
