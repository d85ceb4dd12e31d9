//! What was sent to a webhook, what waits, and sending it again.

use serde_json::json;

use kartoteka_domain::codes::Code;
use kartoteka_domain::ids::{EventId, WebhookId};
use kartoteka_domain::outbox::EventType;
use kartoteka_domain::webhooks::DeliveryState;
use kartoteka_persistence::Tenant;
use kartoteka_persistence::outbox::{self, Happened, Stamp};
use kartoteka_persistence::webhooks::deliveries as store;

use super::{get, wake};
use crate::access::audit;
use crate::context::Context;
use crate::error::Error;

pub use kartoteka_persistence::webhooks::deliveries::Delivery;

/// Deliveries of a webhook, newest events first, older than `before`.
///
/// # Errors
/// `not_found`.
pub fn list(
    tenant: &mut Tenant<'_>,
    webhook: WebhookId,
    state: Option<DeliveryState>,
    before: Option<EventId>,
    limit: usize,
) -> Result<Vec<Delivery>, Error> {
    get(tenant, webhook)?;
    Ok(store::list(tenant, webhook, state, before, limit)?)
}

/// One delivery.
///
/// # Errors
/// `not_found`.
pub fn one(tenant: &mut Tenant<'_>, webhook: WebhookId, event: EventId) -> Result<Delivery, Error> {
    get(tenant, webhook)?;
    store::get(tenant, webhook, event)?.ok_or(Error::NotFound)
}

/// Has a delivery sent again, now, with all its attempts before it.
///
/// # Errors
/// `not_found`, `webhook_disabled`.
pub fn resend(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    webhook: WebhookId,
    event: EventId,
) -> Result<Delivery, Error> {
    let enabled = get(tenant, webhook)?.enabled;
    if !store::start_again(tenant, webhook, event, ctx.now)? {
        return Err(Error::NotFound);
    }
    refuse_disabled(enabled)?;
    let changes = json!({ "event_id": event });
    audit::record(tenant, ctx, "webhook.resend", "webhook", Some(webhook.0), Some(changes))?;
    wake();
    one(tenant, webhook, event)
}

/// Sends a webhook an event of no consequence.
///
/// # Errors
/// `not_found`, `webhook_disabled`.
pub fn test(tenant: &mut Tenant<'_>, ctx: &Context, webhook: WebhookId) -> Result<Delivery, Error> {
    refuse_disabled(get(tenant, webhook)?.enabled)?;
    let event = EventType::WebhookTest;
    let id = ctx.new_id();
    let stamp = Stamp { event, at: ctx.now, actor: ctx.actor, job: None };
    let happened = Happened { id, subject: webhook.0, data: json!({}) };
    outbox::append_for(tenant, webhook, &stamp, happened)?;
    audit::record(tenant, ctx, "webhook.test", "webhook", Some(webhook.0), None)?;
    wake();
    one(tenant, webhook, id.into())
}

/// Nothing would be sent, and whoever asked would wait for it.
pub(super) fn refuse_disabled(enabled: bool) -> Result<(), Error> {
    if enabled {
        return Ok(());
    }
    let detail = "The webhook is switched off; switch it on first.";
    Err(Error::refused(Code::WebhookDisabled, detail))
}
