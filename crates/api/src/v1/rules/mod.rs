//! Automation rules (SCN-2): event, conditions, actions.

pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod patch;
pub mod runs;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use kartoteka_app::definitions::Definition;
use kartoteka_domain::scenarios::Kind;

use super::definitions::{
    ActionsSchema, ConditionsSchema, DelaySchema, EventSchema, LimitsSchema, list, part, problems,
};
use crate::problem::FaultBody;

/// The operations on rules.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_rules)
        .service(create::create_rule)
        .service(get::get_rule)
        .service(patch::patch_rule)
        .service(delete::delete_rule)
        .service(runs::list_rule_runs)
        .service(runs::count_rule_runs);
}

/// An automation rule: an event, conditions, actions with delays (SCN-2).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rule)]
pub(crate) struct RuleView {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name; compared without case.
    #[schema(example = "Welcome")]
    pub(crate) name: String,
    /// What it is for.
    #[schema(example = "Whom we met at the fair")]
    pub(crate) description: Option<String>,
    /// Whether it is started: by its events, by people, by the contact manager.
    #[schema(example = true)]
    pub(crate) enabled: bool,
    /// Which version this is: it grows when event, conditions, actions or limits change.
    #[schema(example = 1)]
    pub(crate) version: i32,
    /// What starts it.
    #[schema(value_type = Option<EventSchema>)]
    pub(crate) event: Option<Value>,
    /// How long after the event the conditions are looked at; at once when it is `null`.
    #[schema(value_type = Option<DelaySchema>, example = json!(null))]
    pub(crate) delay: Option<Value>,
    /// What must hold of the contact then.
    #[schema(value_type = ConditionsSchema)]
    pub(crate) conditions: Vec<Value>,
    /// What is done.
    #[schema(value_type = ActionsSchema)]
    pub(crate) actions: Vec<Value>,
    /// How often one contact may run through it.
    #[schema(value_type = Option<LimitsSchema>)]
    pub(crate) limits: Option<Value>,
    /// What keeps it from being switched on.
    #[schema(example = json!([]))]
    pub(crate) problems: Vec<FaultBody>,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was changed last.
    pub(crate) updated_at: DateTime<Utc>,
}

impl From<Definition> for RuleView {
    fn from(definition: Definition) -> Self {
        let problems = problems(Kind::Rule, &definition);
        let body = &definition.body;
        Self {
            event: part(body, "event"),
            delay: part(body, "delay"),
            conditions: list(body, "conditions"),
            actions: list(body, "actions"),
            limits: part(body, "limits"),
            id: definition.id,
            name: definition.name,
            description: definition.description,
            enabled: definition.enabled,
            version: definition.version,
            problems,
            created_at: definition.created_at,
            updated_at: definition.updated_at,
        }
    }
}
