//! `POST /funnels`.

use actix_web::post;
use serde::Deserialize;
use utoipa::openapi::schema::{Schema, Type};
use utoipa::openapi::{ObjectBuilder, RefOr};
use utoipa::{PartialSchema, ToSchema};

use kartoteka_app::funnels::{self, Named};

use super::FunnelView;
use crate::extract::{IdempotencyKey, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::{Created, Reply};
use crate::state::State;

/// A new funnel.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"name": "Wholesale", "stages": ["Lead", "Offer", "Order"]}))]
pub(crate) struct NewFunnel {
    /// Its name; compared without case.
    #[schema(min_length = 1, max_length = 100, example = "Wholesale")]
    pub(crate) name: String,
    /// Its stages in their order: names, or objects with a name. More can be added later.
    #[schema(max_items = 100)]
    pub(crate) stages: Option<Vec<StageOfNewFunnel>>,
}

/// A stage of a new funnel.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum StageOfNewFunnel {
    /// Only its name.
    Name(StageName),
    /// With its name.
    Named(NamedStage),
}

/// The name of a stage; compared without case.
#[derive(Debug, Deserialize)]
pub(crate) struct StageName(String);

impl PartialSchema for StageName {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("The name of a stage; compared without case."))
            .min_length(Some(1))
            .max_length(Some(100))
            .examples(["Lead"])
            .into()
    }
}

impl ToSchema for StageName {}

/// A stage with its name.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NamedStage {
    /// Its name; compared without case.
    #[schema(min_length = 1, max_length = 100, example = "Lead")]
    pub(crate) name: String,
}

/// Create a funnel
///
/// With its stages or without. A name that differs only in case from another is `funnel_exists`; a workspace has at
/// most 100 funnels.
#[utoipa::path(
    tag = "funnels",
    operation_id = "create_funnel",
    params(IdempotencyKey),
    request_body = NewFunnel,
    responses((status = 201, description = "The funnel", body = FunnelView)),
    security(("bearer" = ["contacts:write"])),
)]
#[post("/funnels")]
pub(crate) async fn create_funnel(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    key: IdempotencyKey,
    body: ValidJson<NewFunnel>,
) -> Result<Reply, Problem> {
    let ValidJson { value, fingerprint } = body;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let NewFunnel { name, stages } = value;
            let stages = stages.unwrap_or_default().into_iter().enumerate();
            let stages: Vec<Named> = stages
                .map(|(place, stage)| match stage {
                    StageOfNewFunnel::Name(StageName(name)) => {
                        Named { name, at: format!("#/stages/{place}") }
                    }
                    StageOfNewFunnel::Named(NamedStage { name }) => {
                        Named { name, at: format!("#/stages/{place}/name") }
                    }
                })
                .collect();
            let funnel = FunnelView::from(funnels::create(tenant, ctx, &name, &stages)?);
            Ok(Created { location: format!("/api/v1/funnels/{}", funnel.id), body: funnel })
        })
        .await
}
