//! Stages of a funnel.

pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod patch;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use kartoteka_app::funnels::{CountedStage, Stage, Use};

/// The operations on stages.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_funnel_stages)
        .service(create::create_funnel_stage)
        .service(get::get_funnel_stage)
        .service(patch::patch_funnel_stage)
        .service(delete::delete_funnel_stage);
}

/// A stage of a funnel, and how many contacts are in it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FunnelStage)]
pub(crate) struct StageView {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name; compared without case.
    #[schema(example = "Offer")]
    pub(crate) name: String,
    /// Its place in the funnel, from 1.
    #[schema(example = 2)]
    pub(crate) position: i32,
    /// How many contacts are in it.
    pub(crate) contacts: StageUse,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When its name was changed, or it was moved, last.
    pub(crate) updated_at: DateTime<Utc>,
}

/// How many contacts are in a stage.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StageUse {
    /// Contacts that live.
    #[schema(example = 12)]
    pub(crate) live: i64,
    /// Contacts in the trash.
    #[schema(example = 0)]
    pub(crate) trash: i64,
}

impl From<CountedStage> for StageView {
    fn from(CountedStage { stage, usage }: CountedStage) -> Self {
        let Stage { id, funnel_id: _, name, position, created_at, updated_at } = stage;
        let Use { live, trash } = usage;
        Self { id, name, position, contacts: StageUse { live, trash }, created_at, updated_at }
    }
}
