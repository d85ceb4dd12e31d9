//! `PATCH /rules/{id}`.

use actix_web::patch;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_domain::scenarios::Kind;

use super::super::definitions::{
    self, ActionsSchema, ConditionsSchema, DelaySchema, EventSchema, LimitsSchema,
};
use super::RuleView;
use crate::extract::{IfMatch, JsonObject, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Changes of a rule: a merge patch. Lists are replaced as a whole.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"enabled": false, "delay": "PT1H", "limits": {"interval": null}}))]
#[expect(dead_code, reason = "published, and read by the domain")]
pub(crate) struct RulePatch {
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
    /// What starts it.
    #[schema(value_type = Option<EventSchema>)]
    pub(crate) event: Option<Value>,
    /// How long after the event the conditions are looked at; at once when it is absent.
    #[schema(value_type = Option<DelaySchema>)]
    pub(crate) delay: Option<Value>,
    /// What must hold of the contact then, all of it.
    #[schema(value_type = Option<ConditionsSchema>)]
    pub(crate) conditions: Option<Value>,
    /// What is done, in this order.
    #[schema(value_type = Option<ActionsSchema>)]
    pub(crate) actions: Option<Value>,
    /// How often one contact may run through it; what is left out of it stays.
    #[schema(value_type = Option<LimitsSchema>)]
    pub(crate) limits: Option<Value>,
}

/// Change a rule
///
/// Another version is made when what it consists of changes; runs under way go on with theirs. It can be switched on
/// only when it is whole: otherwise all that is missing is told.
#[utoipa::path(
    tag = "rules",
    operation_id = "patch_rule",
    params(("id" = Uuid, Path, description = "The rule"), IfMatch),
    request_body = RulePatch,
    responses((status = 200, description = "The rule", body = RuleView)),
    security(("bearer" = ["scenarios:write"])),
)]
#[patch("/rules/{id}")]
pub(crate) async fn patch_rule(
    state: State,
    caller: Scoped<scope::ScenariosWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
    body: JsonObject,
) -> Result<Done<RuleView>, Problem> {
    definitions::patch(state, caller, Kind::Rule, *id, if_match, body).await
}
