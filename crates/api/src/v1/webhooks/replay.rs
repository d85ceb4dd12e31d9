//! `POST /webhooks/{id}/replay`.

use actix_web::post;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::webhooks::replay::{self, Span};

use super::EventWord;
use crate::extract::{IdempotencyKey, Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::{Accepted, Reply};
use crate::state::State;
use crate::v1::jobs::{JobView, location};

/// Which events are sent again.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"after": "2026-05-01T10:00:00Z", "events": ["contact.created"]}))]
pub(crate) struct ReplayInput {
    /// Those that happened from this instant on.
    pub(crate) after: DateTime<Utc>,
    /// Those that happened before this one; by default all until now.
    pub(crate) before: Option<DateTime<Utc>>,
    /// These types; by default those the webhook asks for.
    #[schema(min_items = 1, max_items = 100)]
    pub(crate) events: Option<Vec<EventWord>>,
}

/// Send past events again
///
/// All of that time, in order, whether they were delivered or not, with their old `webhook-id`. An event is known for 30
/// days, and only when some webhook of the workspace asked for its type as it happened.
#[utoipa::path(
    tag = "webhooks",
    operation_id = "replay_webhook",
    params(("id" = Uuid, Path, description = "The webhook"), IdempotencyKey),
    request_body = ReplayInput,
    responses((status = 202, description = "The job that puts them on their way", body = JobView)),
    security(("bearer" = ["webhooks:write"])),
)]
#[post("/webhooks/{id}/replay")]
pub(crate) async fn replay_webhook(
    state: State,
    caller: Scoped<scope::WebhooksWrite>,
    id: Path<Uuid>,
    key: IdempotencyKey,
    body: ValidJson<ReplayInput>,
) -> Result<Reply, Problem> {
    let ValidJson { value: ReplayInput { after, before, events }, fingerprint } = body;
    let events = events.map(|words| words.into_iter().map(Into::into).collect());
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let job = replay::start(tenant, ctx, (*id).into(), Span { after, before, events })?;
            Ok(Accepted { location: location(job.id), body: JobView::from(job) })
        })
        .await
}
