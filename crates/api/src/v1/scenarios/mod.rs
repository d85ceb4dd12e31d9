//! Scenarios (SCN-1): graphs of steps that contacts go through.

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

use super::definitions::{LimitsSchema, NodesSchema, list, part, problems};
use crate::problem::FaultBody;

/// The operations on scenarios.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_scenarios)
        .service(create::create_scenario)
        .service(get::get_scenario)
        .service(patch::patch_scenario)
        .service(delete::delete_scenario)
        .service(runs::list_scenario_runs)
        .service(runs::count_scenario_runs);
}

/// A scenario: what happens with a contact, step by step (SCN-1).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Scenario)]
pub(crate) struct ScenarioView {
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
    /// Which version this is: it grows when steps or limits change.
    #[schema(example = 1)]
    pub(crate) version: i32,
    /// Its steps.
    #[schema(value_type = NodesSchema)]
    pub(crate) nodes: Vec<Value>,
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

impl From<Definition> for ScenarioView {
    fn from(definition: Definition) -> Self {
        let problems = problems(Kind::Scenario, &definition);
        let body = &definition.body;
        Self {
            nodes: list(body, "nodes"),
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
