//! `POST /webhooks/{id}/test`.

use actix_web::post;
use uuid::Uuid;

use kartoteka_app::webhooks::deliveries;

use super::deliveries::{DeliveryView, location};
use crate::extract::{Fingerprint, IdempotencyKey, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::{Accepted, Reply};
use crate::state::State;

/// Try a webhook out
///
/// Sends it the event `webhook.test`, whatever it asks for. The delivery says how that went.
#[utoipa::path(
    tag = "webhooks",
    operation_id = "test_webhook",
    params(("id" = Uuid, Path, description = "The webhook"), IdempotencyKey),
    responses((status = 202, description = "The delivery, on its way", body = DeliveryView)),
    security(("bearer" = ["webhooks:write"])),
)]
#[post("/webhooks/{id}/test")]
pub(crate) async fn test_webhook(
    state: State,
    caller: Scoped<scope::WebhooksWrite>,
    id: Path<Uuid>,
    key: IdempotencyKey,
) -> Result<Reply, Problem> {
    let id = *id;
    state
        .post(&caller, &key, Fingerprint::empty(), move |tenant, ctx| {
            let delivery = deliveries::test(tenant, ctx, id.into())?;
            let location = location(id, delivery.event_id);
            Ok(Accepted { location, body: DeliveryView::from(delivery) })
        })
        .await
}
