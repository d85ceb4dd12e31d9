//! `PATCH /webhooks/{id}`.

use actix_web::patch;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::webhooks::{self, Changes, Webhook};

use super::{EventWord, Include, WebhookView, installation, may_send_contacts, unchanged};
use crate::extract::{IfMatch, Path, Scoped, ValidJson, nullable, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// What changes about a webhook (merge patch).
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"events": ["contact.created", "contact.purged"], "enabled": true}))]
pub(crate) struct WebhookPatch {
    /// Where events are sent.
    #[serde(default)]
    #[schema(nullable = false, min_length = 1, max_length = 2000)]
    pub(crate) url: Option<String>,
    /// Which events.
    #[serde(default)]
    #[schema(nullable = false, min_items = 1, max_items = 100)]
    pub(crate) events: Option<Vec<EventWord>>,
    /// What it is for.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 500)]
    pub(crate) description: Option<Option<String>>,
    /// What messages hold beyond ids; `null` for nothing.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Include>, inline)]
    pub(crate) include: Option<Option<Include>>,
    /// Whether anything is sent. One that is switched on again starts anew; what waits for it goes on.
    #[serde(default)]
    #[schema(nullable = false)]
    pub(crate) enabled: Option<bool>,
}

/// Change a webhook
///
/// While contacts are included, it needs the scope `contacts:read` too.
#[utoipa::path(
    tag = "webhooks",
    operation_id = "patch_webhook",
    params(("id" = Uuid, Path, description = "The webhook"), IfMatch),
    request_body = WebhookPatch,
    responses((status = 200, description = "The webhook", body = WebhookView)),
    security(("bearer" = ["webhooks:write"])),
)]
#[patch("/webhooks/{id}")]
pub(crate) async fn patch_webhook(
    state: State,
    caller: Scoped<scope::WebhooksWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
    body: ValidJson<WebhookPatch>,
) -> Result<Done<WebhookView>, Problem> {
    let WebhookPatch { url, events, description, include, enabled } = body.into_inner();
    let changes = Changes {
        url,
        events: events.map(|words| words.into_iter().map(Into::into).collect()),
        description,
        enabled,
        include_contact: include.map(|include| include.is_some()),
    };
    let installation = installation(&state);
    let asking = caller.clone();
    state
        .write(&caller, move |tenant, ctx| {
            let wanted = changes.clone();
            let guard = |now: &Webhook| {
                unchanged(&if_match, now)?;
                may_send_contacts(&asking, Some(now), &wanted)
            };
            let id = (*id).into();
            Ok(Done(webhooks::update(tenant, ctx, &installation, id, changes, guard)?.into()))
        })
        .await
}
