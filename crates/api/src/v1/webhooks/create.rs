//! `POST /webhooks`.

use actix_web::post;
use serde::Deserialize;
use utoipa::ToSchema;

use kartoteka_app::access::secrets::Entropy;
use kartoteka_app::webhooks::{self, Changes};

use super::{EventWord, Include, WebhookView, installation, may_send_contacts, with_secret};
use crate::extract::{IdempotencyKey, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::{Created, Reply};
use crate::state::State;

/// A new webhook.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({
    "url": "https://hooks.example.com/kartoteka", "events": ["contact.created", "contact.updated"],
    "description": "Web shop"
}))]
pub(crate) struct NewWebhook {
    /// Where events are sent: `https`, a host of the open internet, port 443, 80 or one from 1024 on.
    #[schema(min_length = 1, max_length = 2000)]
    pub(crate) url: String,
    /// Which events.
    #[schema(min_items = 1, max_items = 100)]
    pub(crate) events: Vec<EventWord>,
    /// What it is for.
    #[schema(max_length = 500)]
    pub(crate) description: Option<String>,
    /// What messages hold beyond ids; `contact` needs the scope `contacts:read` too. By default nothing: what is not
    /// sent cannot leak, and is never out of date.
    #[schema(inline)]
    pub(crate) include: Option<Include>,
    /// Whether anything is sent; by default yes.
    #[schema(default = true)]
    pub(crate) enabled: Option<bool>,
}

/// Create a webhook
///
/// The answer shows its `secret`, this once. Only events from now on are sent.
#[utoipa::path(
    tag = "webhooks",
    operation_id = "create_webhook",
    params(IdempotencyKey),
    request_body = NewWebhook,
    responses((status = 201, description = "The webhook and its secret", body = WebhookView)),
    security(("bearer" = ["webhooks:write"])),
)]
#[post("/webhooks")]
pub(crate) async fn create_webhook(
    state: State,
    caller: Scoped<scope::WebhooksWrite>,
    key: IdempotencyKey,
    body: ValidJson<NewWebhook>,
) -> Result<Reply, Problem> {
    let ValidJson { value, fingerprint } = body;
    let changes = Changes {
        url: Some(value.url),
        events: Some(value.events.into_iter().map(Into::into).collect()),
        description: Some(value.description),
        enabled: value.enabled,
        include_contact: Some(value.include.is_some()),
    };
    may_send_contacts(&caller, None, &changes)?;
    let installation = installation(&state);
    let secret = Entropy::random().webhook_key();
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let made = webhooks::create(tenant, ctx, &installation, changes, secret)?;
            let (kept, shown) = with_secret(made);
            let location = format!("/api/v1/webhooks/{}", kept.id);
            let kept = Created { location: location.clone(), body: kept };
            Ok(Reply::from(Created { location, body: shown }).keeping(kept.into()))
        })
        .await
}
