//! `POST /rules`.

use actix_web::post;
use serde_json::Value;
use utoipa::ToSchema;

use kartoteka_domain::scenarios::Kind;

use super::super::definitions::{
    self, ActionsSchema, ConditionsSchema, DelaySchema, EventSchema, LimitsSchema,
};
use super::RuleView;
use crate::extract::{IdempotencyKey, JsonObject, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Reply;
use crate::state::State;

/// A new rule. The domain reads it: this is how it is published.
#[derive(Debug, ToSchema)]
#[schema(example = json!({
    "name": "Thank for the note", "enabled": true, "event": {"type": "contact.note_added"},
    "conditions": [{"field": "subscribed", "op": "eq", "value": true}],
    "actions": [{"type": "change_score", "by": 5}, {"type": "add_tags", "tags": [{"name": "noted"}], "delay": "P1D"}],
    "limits": {"runs_per_contact": 3, "interval": "P7D"}
}))]
#[expect(dead_code, reason = "published, and read by the domain")]
pub(crate) struct NewRule {
    /// Its name; compared without case.
    #[schema(min_length = 1, max_length = 100, pattern = r"\S", example = "Welcome")]
    pub(crate) name: String,
    /// What it is for.
    #[schema(max_length = 1000, example = "Whom we met at the fair")]
    pub(crate) description: Option<String>,
    /// Whether it is started.
    #[schema(nullable = false, default = false)]
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
    /// How often one contact may run through it.
    #[schema(value_type = Option<LimitsSchema>)]
    pub(crate) limits: Option<Value>,
}

/// Create a rule
///
/// Switched off (`enabled` is `false` when it is absent) it may lack its event or its actions, and `problems` says so.
/// Switched on it must be whole; then its event is kept for it whenever it happens. Nothing carries runs out yet. So far
/// `contact.note_added`, `contact.mobile_opted_out`, `contact.owner_assigned` and `contact.stage_entered` are kept, for 30 days;
/// the other events can be chosen already, and will be told together with what carries runs out. What its conditions and
/// actions name must exist, and is kept for it: it cannot be deleted, and a tag that is renamed is renamed in it too. It has at most 256 KiB as JSON. A name
/// that differs only in case from another is `rule_exists`; a workspace has at most 1,000 rules (`too_many`).
#[utoipa::path(
    tag = "rules",
    operation_id = "create_rule",
    params(IdempotencyKey),
    request_body = NewRule,
    responses((status = 201, description = "The rule", body = RuleView)),
    security(("bearer" = ["scenarios:write"])),
)]
#[post("/rules")]
pub(crate) async fn create_rule(
    state: State,
    caller: Scoped<scope::ScenariosWrite>,
    key: IdempotencyKey,
    body: JsonObject,
) -> Result<Reply, Problem> {
    definitions::create::<RuleView>(state, caller, key, body, Kind::Rule).await
}
