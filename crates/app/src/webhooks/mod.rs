//! Webhooks: who is told what, by signed messages (PLT-3; Standard Webhooks 1.0.0).
//!
//! Events are written with their effect ([`crate::outbox`]); [`sending`] carries them out.

pub mod deliveries;
pub mod replay;
pub mod sending;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::json;

use kartoteka_domain::codes::Code;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::WebhookId;
use kartoteka_domain::outbox::EventType;
use kartoteka_domain::webhooks::{MAX_URL_CHARS, MAX_WEBHOOKS, OLD_SECRET_SIGNS};
use kartoteka_gateways::webhooks::{guard, sign};
use kartoteka_persistence::webhooks as store;
use kartoteka_persistence::{StoreError, Tenant};

use crate::access::{audit, seal};
use crate::context::Context;
use crate::definitions;
use crate::error::Error;
use crate::worker::Work;

pub use kartoteka_gateways::webhooks::guard::{Allowed, NotANetwork};
pub use kartoteka_persistence::webhooks::Webhook;
pub use sending::wake;

/// The jobs of webhooks.
#[must_use]
pub fn work() -> Vec<Arc<dyn Work>> {
    vec![Arc::new(replay::ReplayWork)]
}

/// What requests about webhooks need from the installation.
#[derive(Clone)]
pub struct Installation {
    /// Its secret, from which the key of sealed secrets is derived.
    pub secret: Vec<u8>,
    /// Networks that webhooks may reach.
    pub allowed: Allowed,
}

/// What a request writes of a webhook; what is `None` stays, or has its default.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Where events are sent.
    pub url: Option<String>,
    /// Types of events.
    pub events: Option<Vec<EventType>>,
    /// What it is for.
    pub description: Option<Option<String>>,
    /// Whether anything is sent.
    pub enabled: Option<bool>,
    /// Whether events about a contact hold the contact.
    pub include_contact: Option<bool>,
}

/// A webhook whose secret was just made, and that secret as it is shown this once.
#[derive(Debug)]
pub struct WithSecret {
    /// The webhook.
    pub webhook: Webhook,
    /// `whsec_` and 32 bytes in base64.
    pub secret: String,
}

/// One webhook.
///
/// # Errors
/// `not_found`.
pub fn get(tenant: &mut Tenant<'_>, id: WebhookId) -> Result<Webhook, Error> {
    store::get(tenant, id)?.ok_or(Error::NotFound)
}

/// Webhooks, newest first, older than `before`.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    before: Option<WebhookId>,
    limit: usize,
) -> Result<Vec<Webhook>, StoreError> {
    store::list(tenant, before, limit)
}

/// Makes a webhook with this secret: 32 random bytes.
///
/// # Errors
/// Faults of address and events, `too_many`.
pub fn create(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    installation: &Installation,
    changes: Changes,
    secret: [u8; 32],
) -> Result<WithSecret, Error> {
    let id = ctx.new_id();
    let mut webhook = Webhook {
        id,
        url: String::new(),
        description: None,
        events: Vec::new(),
        include_contact: false,
        enabled: true,
        disabled_reason: None,
        disabled_at: None,
        failing_since: None,
        failures: 0,
        secret: sealed(tenant, installation, id.into(), &secret)?,
        old_secret: None,
        old_secret_until: None,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    apply(&mut webhook, changes, installation, ctx.now)?;
    if store::count(tenant)? >= MAX_WEBHOOKS {
        let detail = format!("A workspace has at most {MAX_WEBHOOKS} webhooks.");
        return Err(Error::refused_with(Code::TooMany, detail, json!({ "limit": MAX_WEBHOOKS })));
    }
    store::insert(tenant, &webhook)?;
    audit::record(tenant, ctx, "webhook.create", "webhook", Some(id), None)?;
    Ok(WithSecret { webhook, secret: sign::shown(&secret) })
}

/// Changes a webhook. `guard` sees it as it is now. One that is switched on again starts anew: what failed before is
/// forgotten, and what waits goes on.
///
/// # Errors
/// `not_found`, faults of address and events, what `guard` says.
pub fn update<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    installation: &Installation,
    id: WebhookId,
    changes: Changes,
    guard: impl FnOnce(&Webhook) -> Result<(), E>,
) -> Result<Webhook, E> {
    let before = lock(tenant, id, false)?;
    guard(&before)?;
    let mut after = before.clone();
    apply(&mut after, changes, installation, ctx.now)?;
    if after == before {
        return Ok(before);
    }
    let mut changed = || -> Result<Webhook, Error> {
        after.updated_at = ctx.now.max(before.updated_at + chrono::TimeDelta::microseconds(1));
        store::update(tenant, &after)?;
        let fields = json!({ "fields": changed_fields(&before, &after) });
        audit::record(tenant, ctx, "webhook.update", "webhook", Some(id.0), Some(fields))?;
        if after.enabled {
            wake();
        }
        Ok(after.clone())
    };
    Ok(changed()?)
}

fn changed_fields(before: &Webhook, after: &Webhook) -> Vec<&'static str> {
    let fields = [
        ("url", before.url != after.url),
        ("events", before.events != after.events),
        ("description", before.description != after.description),
        ("enabled", before.enabled != after.enabled),
        ("include", before.include_contact != after.include_contact),
    ];
    fields.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name).collect()
}

/// Removes a webhook; nothing more is sent to it.
///
/// # Errors
/// `not_found`, `in_use` while rules or scenarios name it, what `guard` says.
pub fn delete<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: WebhookId,
    guard: impl FnOnce(&Webhook) -> Result<(), E>,
) -> Result<(), E> {
    guard(&lock(tenant, id, true)?)?;
    let named = definitions::count_naming(tenant, "webhook", &id.0.to_string());
    let named = named.map_err(Error::from)?;
    if named > 0 {
        let detail =
            format!("{named} rules and scenarios name the webhook; take it out of them first.");
        let numbers = json!({ "definitions": named });
        return Err(Error::refused_with(Code::InUse, detail, numbers).into());
    }
    store::delete(tenant, id).map_err(Error::from)?;
    audit::record(tenant, ctx, "webhook.delete", "webhook", Some(id.0), None)
        .map_err(Error::from)?;
    Ok(())
}

/// Gives a webhook a new secret. The one of before signs beside it for a day.
///
/// # Errors
/// `not_found`.
pub fn rotate_secret(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    installation: &Installation,
    id: WebhookId,
    secret: [u8; 32],
) -> Result<WithSecret, Error> {
    let mut webhook = lock(tenant, id, false)?;
    let new = sealed(tenant, installation, id, &secret)?;
    webhook.old_secret = Some(std::mem::replace(&mut webhook.secret, new));
    webhook.old_secret_until = Some(ctx.now + OLD_SECRET_SIGNS);
    webhook.updated_at = ctx.now.max(webhook.updated_at + chrono::TimeDelta::microseconds(1));
    store::update(tenant, &webhook)?;
    let fields = json!({ "fields": ["secret"] });
    audit::record(tenant, ctx, "webhook.rotate_secret", "webhook", Some(id.0), Some(fields))?;
    Ok(WithSecret { webhook, secret: sign::shown(&secret) })
}

/// `alone`: also against being named by somebody.
fn lock(tenant: &mut Tenant<'_>, id: WebhookId, alone: bool) -> Result<Webhook, Error> {
    store::lock(tenant, id, alone)?.ok_or(Error::NotFound)
}

fn sealed(
    tenant: &Tenant<'_>,
    installation: &Installation,
    id: WebhookId,
    secret: &[u8],
) -> Result<Vec<u8>, Error> {
    seal::seal(&installation.secret, tenant.workspace(), id.0, secret).map_err(|error| {
        Error::Store(StoreError::Inconsistent { table: "webhooks", problem: error.to_string() })
    })
}

/// Lays what a request says over the webhook; tells all faults at once.
fn apply(
    webhook: &mut Webhook,
    changes: Changes,
    installation: &Installation,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let Changes { url, events, description, enabled, include_contact } = changes;
    let mut faults = Vec::new();
    if let Some(url) = url {
        match guard::check_url(&url, &installation.allowed) {
            Ok(url) if url.len() <= MAX_URL_CHARS => webhook.url = url,
            Ok(_) => {
                let detail = format!("At most {MAX_URL_CHARS} characters.");
                faults.push(Fault::new("#/url", Code::TooLong, detail));
            }
            Err(fault) => {
                faults.push(Fault::new("#/url", Code::InvalidValue, fault.to_string()));
            }
        }
    }
    if let Some(events) = events {
        for (place, event) in events.iter().enumerate() {
            if !event.can_be_asked_for() {
                let detail = "This event is sent on request only.";
                faults.push(Fault::new(format!("#/events/{place}"), Code::InvalidValue, detail));
            }
        }
        let all = EventType::ALL.iter().filter(|event| events.contains(event));
        webhook.events = all.map(|event| event.as_str().to_owned()).collect();
    }
    if let Some(description) = description {
        let text = description.map(|text| text.trim().to_owned());
        webhook.description = text.filter(|text| !text.is_empty());
    }
    webhook.include_contact = include_contact.unwrap_or(webhook.include_contact);
    match enabled {
        Some(true) if !webhook.enabled => {
            webhook.enabled = true;
            webhook.disabled_reason = None;
            webhook.disabled_at = None;
            webhook.failing_since = None;
            webhook.failures = 0;
        }
        Some(false) if webhook.enabled => {
            webhook.enabled = false;
            webhook.disabled_at = Some(now);
        }
        _ => {}
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::invalid(faults)) }
}
