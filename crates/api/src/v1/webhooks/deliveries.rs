//! `/webhooks/{id}/deliveries`: what was sent, what waits, and sending it again.

use actix_web::{get, post};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use kartoteka_app::webhooks::deliveries::{self, Delivery};
use kartoteka_domain::webhooks::DeliveryState;

use crate::extract::{Fingerprint, IdempotencyKey, Path, Query, Scoped, scope};
use crate::page::{Page, PageQuery, encode_cursor};
use crate::problem::Problem;
use crate::reply::{Accepted, Done, Reply};
use crate::state::State;

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = DeliveryState)]
pub(crate) enum StateWord {
    /// Waits for its next attempt.
    Pending,
    /// Was answered with 2xx.
    Delivered,
    /// Was given up.
    Failed,
}

impl From<StateWord> for DeliveryState {
    fn from(word: StateWord) -> Self {
        match word {
            StateWord::Pending => Self::Pending,
            StateWord::Delivered => Self::Delivered,
            StateWord::Failed => Self::Failed,
        }
    }
}

/// Which deliveries.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeliveryFilter {
    /// Only those that stand there.
    #[param(inline)]
    state: Option<StateWord>,
}

/// An event on its way to a webhook.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
pub(crate) struct DeliveryView {
    /// Its id, which is the event's, and `webhook-id` of its messages.
    pub(crate) id: Uuid,
    /// What happened: an `EventType`, or `webhook.test`.
    #[schema(example = "contact.updated")]
    pub(crate) event: String,
    /// What it happened to.
    pub(crate) subject: DeliverySubject,
    /// When it happened.
    pub(crate) event_at: DateTime<Utc>,
    /// `pending`, `delivered` or `failed`.
    #[schema(value_type = StateWord, example = "delivered")]
    pub(crate) state: String,
    /// Attempts so far.
    #[schema(example = 1)]
    pub(crate) attempt: i32,
    /// When it was tried last.
    pub(crate) last_attempt_at: Option<DateTime<Utc>>,
    /// When it is tried next.
    pub(crate) next_attempt_at: Option<DateTime<Utc>>,
    /// Status of the last answer; `null` when there was none.
    #[schema(example = 200)]
    pub(crate) status: Option<i32>,
    /// How long the last attempt took, in milliseconds.
    #[schema(example = 42)]
    pub(crate) duration_ms: Option<i64>,
    /// What was wrong with the last attempt, in words.
    #[schema(example = json!(null))]
    pub(crate) error: Option<String>,
}

/// What an event happened to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliverySubject {
    /// `contact`, `import`, `job` or `webhook`.
    #[schema(example = "contact")]
    pub(crate) r#type: String,
    /// Its id.
    pub(crate) id: Uuid,
}

/// A delivery with its attempts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookDeliveryWithAttempts {
    /// The delivery.
    #[serde(flatten)]
    pub(crate) delivery: DeliveryView,
    /// The last 50 attempts, oldest first.
    pub(crate) attempts: Vec<AttemptView>,
}

/// One attempt.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = WebhookAttempt)]
pub(crate) struct AttemptView {
    /// When it began.
    pub(crate) at: DateTime<Utc>,
    /// Status of the answer; `null` when there was none.
    #[schema(example = 200)]
    pub(crate) status: Option<i32>,
    /// How long it took, in milliseconds.
    #[serde(alias = "ms")]
    #[schema(example = 42)]
    pub(crate) duration_ms: i64,
    /// What was wrong, in words.
    #[schema(example = json!(null))]
    pub(crate) error: Option<String>,
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.event_id,
            event: delivery.event,
            subject: DeliverySubject { r#type: delivery.subject_type, id: delivery.subject_id },
            event_at: delivery.at,
            state: delivery.state,
            attempt: delivery.attempts,
            last_attempt_at: delivery.last_attempt_at,
            next_attempt_at: delivery.next_attempt_at,
            status: delivery.last_status,
            duration_ms: delivery.last_ms,
            error: delivery.last_error,
        }
    }
}

/// Path of a delivery.
pub(super) fn location(webhook: Uuid, event: Uuid) -> String {
    format!("/api/v1/webhooks/{webhook}/deliveries/{event}")
}

/// List deliveries of a webhook
///
/// Newest events first. Kept for 30 days.
#[utoipa::path(
    tag = "webhooks",
    operation_id = "list_webhook_deliveries",
    params(("id" = Uuid, Path, description = "The webhook"), DeliveryFilter, PageQuery),
    responses((status = 200, description = "A page of deliveries", body = Page<DeliveryView>)),
    security(("bearer" = ["webhooks:write"])),
)]
#[get("/webhooks/{id}/deliveries")]
pub(crate) async fn list_webhook_deliveries(
    state: State,
    caller: Scoped<scope::WebhooksWrite>,
    id: Path<Uuid>,
    filter: Query<DeliveryFilter>,
    page: Query<PageQuery>,
) -> Result<Page<DeliveryView>, Problem> {
    let id = *id;
    let wanted = filter.into_inner().state.map(DeliveryState::from);
    let list = format!("deliveries {id} {}", wanted.map_or("all", DeliveryState::as_str));
    let before: Option<Uuid> = page.after(&list)?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, _| {
            let before = before.map(Into::into);
            let mut found = deliveries::list(tenant, id.into(), wanted, before, limit + 1)?;
            let more = found.len() > limit;
            found.truncate(limit);
            let last = found.last().filter(|_| more);
            let next_cursor =
                last.map(|delivery| encode_cursor(&list, &delivery.event_id)).transpose()?;
            Ok(Page { data: found.into_iter().map(DeliveryView::from).collect(), next_cursor })
        })
        .await
}

/// Read a delivery
///
/// With its attempts.
#[utoipa::path(
    tag = "webhooks",
    operation_id = "get_webhook_delivery",
    params(
        ("id" = Uuid, Path, description = "The webhook"),
        ("delivery_id" = Uuid, Path, description = "The delivery"),
    ),
    responses((status = 200, description = "The delivery", body = WebhookDeliveryWithAttempts)),
    security(("bearer" = ["webhooks:write"])),
)]
#[get("/webhooks/{id}/deliveries/{delivery_id}")]
pub(crate) async fn get_webhook_delivery(
    state: State,
    caller: Scoped<scope::WebhooksWrite>,
    path: Path<(Uuid, Uuid)>,
) -> Result<Done<WebhookDeliveryWithAttempts>, Problem> {
    let (id, delivery) = path.into_inner();
    state
        .read(&caller, move |tenant, _| {
            let delivery = deliveries::one(tenant, id.into(), delivery.into())?;
            let attempts =
                serde_json::from_value(delivery.log.clone()).map_err(Problem::internal)?;
            Ok(Done(WebhookDeliveryWithAttempts { delivery: delivery.into(), attempts }))
        })
        .await
}

/// Send a delivery again
///
/// Now, whether it was delivered or not, with the same `webhook-id`, and with all its attempts before it.
#[utoipa::path(
    tag = "webhooks",
    operation_id = "resend_webhook_delivery",
    params(
        ("id" = Uuid, Path, description = "The webhook"),
        ("delivery_id" = Uuid, Path, description = "The delivery"),
        IdempotencyKey,
    ),
    responses((status = 202, description = "The delivery, on its way", body = DeliveryView)),
    security(("bearer" = ["webhooks:write"])),
)]
#[post("/webhooks/{id}/deliveries/{delivery_id}/resend")]
pub(crate) async fn resend_webhook_delivery(
    state: State,
    caller: Scoped<scope::WebhooksWrite>,
    path: Path<(Uuid, Uuid)>,
    key: IdempotencyKey,
) -> Result<Reply, Problem> {
    let (id, delivery) = path.into_inner();
    state
        .post(&caller, &key, Fingerprint::empty(), move |tenant, ctx| {
            let delivery = deliveries::resend(tenant, ctx, id.into(), delivery.into())?;
            let location = location(id, delivery.event_id);
            Ok(Accepted { location, body: DeliveryView::from(delivery) })
        })
        .await
}
