//! `POST /scenarios`.

use actix_web::post;
use serde_json::Value;
use utoipa::ToSchema;

use kartoteka_domain::scenarios::Kind;

use super::super::definitions::{self, LimitsSchema, NodesSchema};
use super::ScenarioView;
use crate::extract::{IdempotencyKey, JsonObject, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Reply;
use crate::state::State;

/// A new scenario. The domain reads it: this is how it is published.
#[derive(Debug, ToSchema)]
#[schema(example = json!({
    "name": "Welcome", "description": "Whom we met at the fair", "enabled": true,
    "nodes": [
        {"id": "start", "type": "start", "event": {"type": "contact.tag_added", "tag": "fair"}, "next": "wait"},
        {"id": "wait", "type": "wait", "for": "P2D", "next": "asked"},
        {"id": "asked", "type": "condition", "filter": {"field": "subscribed", "op": "eq", "value": true},
            "yes": "write", "no": "end"},
        {"id": "write", "type": "action", "action": {"type": "send_email", "subject": "Welcome",
            "text": "Thank you for your visit."}, "next": "end"},
        {"id": "end", "type": "end"}
    ],
    "limits": {"runs_per_contact": 1}
}))]
#[expect(dead_code, reason = "published, and read by the domain")]
pub(crate) struct NewScenario {
    /// Its name; compared without case.
    #[schema(min_length = 1, max_length = 100, pattern = r"\S", example = "Welcome")]
    pub(crate) name: String,
    /// What it is for.
    #[schema(max_length = 1000, example = "Whom we met at the fair")]
    pub(crate) description: Option<String>,
    /// Whether it is started.
    #[schema(nullable = false, default = false)]
    pub(crate) enabled: Option<bool>,
    /// Its steps; `null` for none yet.
    #[schema(value_type = Option<NodesSchema>)]
    pub(crate) nodes: Option<Value>,
    /// How often one contact may run through it.
    #[schema(value_type = Option<LimitsSchema>)]
    pub(crate) limits: Option<Value>,
}

/// Create a scenario
///
/// Switched off (`enabled` is `false` when it is absent) it may be half made: steps may lead nowhere yet, and `problems`
/// says what is missing. Switched on it must be whole; then its start events are kept for it whenever they happen. Nothing
/// carries runs out yet. So far `contact.note_added`, `contact.mobile_opted_out`, `contact.owner_assigned` and
/// `contact.stage_entered` are kept, for 30 days; the other events can be chosen already, and will be told together with what
/// carries runs out. What its conditions and actions name must exist, and is kept for it: it cannot be deleted, and a tag that is renamed is renamed in it too. Loops lead
/// through a wait. It has at most 256 KiB as JSON. A name that differs only in case from another is `scenario_exists`; a
/// workspace has at most 1,000 scenarios (`too_many`).
#[utoipa::path(
    tag = "scenarios",
    operation_id = "create_scenario",
    params(IdempotencyKey),
    request_body = NewScenario,
    responses((status = 201, description = "The scenario", body = ScenarioView)),
    security(("bearer" = ["scenarios:write"])),
)]
#[post("/scenarios")]
pub(crate) async fn create_scenario(
    state: State,
    caller: Scoped<scope::ScenariosWrite>,
    key: IdempotencyKey,
    body: JsonObject,
) -> Result<Reply, Problem> {
    definitions::create::<ScenarioView>(state, caller, key, body, Kind::Scenario).await
}
