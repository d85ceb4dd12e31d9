//! Sales funnels and their stages (MGR-I).

pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod patch;
pub mod stages;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use kartoteka_app::funnels::{Funnel, Stage, Whole};

use stages::StageView;

/// The operations on funnels and their stages.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_funnels)
        .service(create::create_funnel)
        .service(get::get_funnel)
        .service(patch::patch_funnel)
        .service(delete::delete_funnel)
        .configure(stages::configure);
}

/// A funnel, and how many contacts are in each of its stages.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Funnel)]
pub(crate) struct FunnelView {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name; compared without case.
    #[schema(example = "Wholesale")]
    pub(crate) name: String,
    /// Its stages in their order.
    pub(crate) stages: Vec<StageView>,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it or its stages were changed last.
    pub(crate) updated_at: DateTime<Utc>,
}

/// A funnel in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListedFunnel {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name; compared without case.
    #[schema(example = "Wholesale")]
    pub(crate) name: String,
    /// Its stages in their order.
    pub(crate) stages: Vec<ListedStage>,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it or its stages were changed last.
    pub(crate) updated_at: DateTime<Utc>,
}

/// A stage in a list of funnels.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListedStage {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name.
    #[schema(example = "Offer")]
    pub(crate) name: String,
    /// Its place in the funnel, from 1.
    #[schema(example = 2)]
    pub(crate) position: i32,
}

impl From<Whole> for FunnelView {
    fn from(Whole { funnel, stages }: Whole) -> Self {
        let Funnel { id, name, name_key: _, created_at, updated_at } = funnel;
        let stages = stages.into_iter().map(StageView::from).collect();
        Self { id, name, stages, created_at, updated_at }
    }
}

impl From<(Funnel, Vec<Stage>)> for ListedFunnel {
    fn from((funnel, stages): (Funnel, Vec<Stage>)) -> Self {
        let Funnel { id, name, name_key: _, created_at, updated_at } = funnel;
        let stage = |stage: Stage| {
            let Stage { id, name, position, .. } = stage;
            ListedStage { id, name, position }
        };
        Self { id, name, stages: stages.into_iter().map(stage).collect(), created_at, updated_at }
    }
}
