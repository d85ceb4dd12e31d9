//! `POST /webhooks/{id}/rotate-secret`.

use actix_web::post;
use uuid::Uuid;

use kartoteka_app::access::secrets::Entropy;
use kartoteka_app::webhooks;

use super::{WebhookView, installation, with_secret};
use crate::extract::{Fingerprint, IdempotencyKey, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::{Done, Reply};
use crate::state::State;

/// Give a webhook a new secret
///
/// The answer shows it, this once. The one of before signs beside it for 24 hours: messages have two signatures then.
#[utoipa::path(
    tag = "webhooks",
    operation_id = "rotate_webhook_secret",
    params(("id" = Uuid, Path, description = "The webhook"), IdempotencyKey),
    responses((status = 200, description = "The webhook and its new secret", body = WebhookView)),
    security(("bearer" = ["webhooks:write"])),
)]
#[post("/webhooks/{id}/rotate-secret")]
pub(crate) async fn rotate_webhook_secret(
    state: State,
    caller: Scoped<scope::WebhooksWrite>,
    id: Path<Uuid>,
    key: IdempotencyKey,
) -> Result<Reply, Problem> {
    let installation = installation(&state);
    let secret = Entropy::random().webhook_key();
    state
        .post(&caller, &key, Fingerprint::empty(), move |tenant, ctx| {
            let made = webhooks::rotate_secret(tenant, ctx, &installation, (*id).into(), secret)?;
            let (kept, shown) = with_secret(made);
            Ok(Reply::from(Done(shown)).keeping(Done(kept).into()))
        })
        .await
}
