//! Receivers of events, and what was sent to them.

pub mod create;
pub mod delete;
pub mod deliveries;
pub mod get;
pub mod list;
pub mod message;
pub mod patch;
pub mod replay;
pub mod rotate_secret;
pub mod test;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use kartoteka_app::webhooks::{Changes, Installation, Webhook, WithSecret};
use kartoteka_domain::outbox::EventType;
use kartoteka_domain::scopes::Scope;

use crate::extract::{Caller, IfMatch};
use crate::problem::Problem;
use crate::state::State;

pub use message::show_contact;

/// The operations on webhooks.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_webhooks)
        .service(create::create_webhook)
        .service(get::get_webhook)
        .service(patch::patch_webhook)
        .service(delete::delete_webhook)
        .service(rotate_secret::rotate_webhook_secret)
        .service(test::test_webhook)
        .service(replay::replay_webhook)
        .service(deliveries::list_webhook_deliveries)
        .service(deliveries::get_webhook_delivery)
        .service(deliveries::resend_webhook_delivery);
}

// `tt`: a `literal` would reach the derive macros wrapped, and the document would have other names
macro_rules! event_words {
    ($($name:ident = $wire:tt, $meaning:tt;)+) => {
        /// What happened: the types of events that a webhook may ask for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
        #[schema(as = EventType)]
        pub(crate) enum EventWord {
            $(
                #[doc = $meaning]
                #[serde(rename = $wire)]
                $name,
            )+
        }

        impl EventWord {
            #[cfg(test)]
            const ALL: &'static [Self] = &[$(Self::$name),+];
        }

        impl From<EventWord> for EventType {
            fn from(word: EventWord) -> Self {
                match word { $(EventWord::$name => Self::$name),+ }
            }
        }
    };
}

event_words! {
    ContactCreated = "contact.created", "A contact was made: by hand, by API, or by an import.";
    ContactUpdated = "contact.updated", "Fields, tags or flags of a contact changed; `data.changed` names them.";
    ContactTrashed = "contact.trashed", "A contact was moved to the trash.";
    ContactRestored = "contact.restored", "A contact came out of the trash.";
    ContactPurged = "contact.purged", "A contact was removed for good.";
    ContactMerged = "contact.merged", "A contact was merged into `data.winner_id`, where its id leads now.";
    ContactUnmerged = "contact.unmerged", "A contact that was merged into `data.winner_id` is one of its own again.";
    ConsentGranted = "consent.granted", "A contact gave consent for `data.purpose`.";
    ConsentWithdrawn = "consent.withdrawn", "A contact took consent for `data.purpose` back.";
    ContactMobileOptedOut = "contact.mobile_opted_out", "The mobile status of a contact became opt-out, by hand, by a link or by the contact manager; an import does not tell it.";
    ContactNoteAdded = "contact.note_added", "The note `data.note_id` was written on a contact; a private one too.";
    ContactOwnerAssigned = "contact.owner_assigned", "`data.user_id` became an owner of a contact, of the level `data.level`.";
    ContactStageEntered = "contact.stage_entered", "A contact was put into the stage `data.stage_id` of the funnel `data.funnel_id`.";
    ImportDone = "import.done", "An import was written to its end.";
    ImportFailed = "import.failed", "An import gave up.";
    ImportCancelled = "import.cancelled", "An import was stopped.";
    ImportReverted = "import.reverted", "An import was undone.";
    JobSucceeded = "job.succeeded", "A job did what it was made for.";
    JobFailed = "job.failed", "A job gave up.";
    JobCancelled = "job.cancelled", "A job was stopped.";
}

/// What messages hold beyond ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Include {
    /// The contact, as `GET /contacts/{id}` shows it at the moment of sending.
    Contact,
}

/// A receiver of events.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(crate) struct WebhookView {
    /// Its id.
    pub(crate) id: Uuid,
    /// Where events are sent.
    #[schema(example = "https://hooks.example.com/kartoteka")]
    pub(crate) url: String,
    /// Which events.
    #[schema(value_type = Vec<EventWord>, example = json!(["contact.created", "contact.updated"]))]
    pub(crate) events: Vec<String>,
    /// What it is for.
    #[schema(example = "Web shop")]
    pub(crate) description: Option<String>,
    /// What messages hold beyond ids.
    pub(crate) include: Option<Include>,
    /// Whether anything is sent.
    #[schema(example = true)]
    pub(crate) enabled: bool,
    /// Why Kartoteka switched it off: `gone` (it answered 410) or `failing` (no good answer for days); `null` when a
    /// person did, or nobody.
    #[schema(example = json!(null))]
    pub(crate) disabled_reason: Option<String>,
    /// Since when it is off.
    #[schema(example = json!(null))]
    pub(crate) disabled_at: Option<DateTime<Utc>>,
    /// Since when every attempt failed.
    #[schema(example = json!(null))]
    pub(crate) failing_since: Option<DateTime<Utc>>,
    /// Until when the secret of before the last rotation signs beside the present one.
    #[schema(example = json!(null))]
    pub(crate) old_secret_until: Option<DateTime<Utc>>,
    /// The key of its signatures (`whsec_…`). Shown once, when it is made: absent everywhere else, and when the answer
    /// is replayed for an idempotency key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "whsec_ERERERERERERERERERERERERERERERERERERERERERE=")]
    pub(crate) secret: Option<String>,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was changed last.
    pub(crate) updated_at: DateTime<Utc>,
}

impl From<Webhook> for WebhookView {
    fn from(webhook: Webhook) -> Self {
        Self {
            id: webhook.id,
            url: webhook.url,
            events: webhook.events,
            description: webhook.description,
            include: webhook.include_contact.then_some(Include::Contact),
            enabled: webhook.enabled,
            disabled_reason: webhook.disabled_reason,
            disabled_at: webhook.disabled_at,
            failing_since: webhook.failing_since,
            old_secret_until: webhook.old_secret_until,
            secret: None,
            created_at: webhook.created_at,
            updated_at: webhook.updated_at,
        }
    }
}

/// The webhook as it is kept, and as it is shown this once.
fn with_secret(made: WithSecret) -> (WebhookView, WebhookView) {
    let WithSecret { webhook, secret } = made;
    let kept = WebhookView::from(webhook.clone());
    let shown = WebhookView { secret: Some(secret), ..WebhookView::from(webhook) };
    (kept, shown)
}

/// What webhooks need from the installation.
fn installation(state: &State) -> Installation {
    let settings = state.settings();
    Installation { secret: settings.secret.clone(), allowed: settings.webhook_allow.clone() }
}

/// Refuses a change that was meant for another version of the webhook.
fn unchanged(if_match: &IfMatch, now: &Webhook) -> Result<(), Problem> {
    if_match.check(&WebhookView::from(now.clone()))
}

/// Whoever has contacts sent somewhere reads them: that needs the scope for it. So does changing where they are sent.
fn may_send_contacts(
    caller: &Caller,
    before: Option<&Webhook>,
    changes: &Changes,
) -> Result<(), Problem> {
    let sends = changes.include_contact.unwrap_or(before.is_some_and(|now| now.include_contact));
    if sends { caller.require(Scope::ContactsRead) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PLT-3
    #[test]
    fn the_document_names_every_event_that_may_be_asked_for() {
        let documented: Vec<EventType> =
            EventWord::ALL.iter().map(|word| EventType::from(*word)).collect();
        let known: Vec<EventType> =
            EventType::ALL.iter().copied().filter(|event| event.can_be_asked_for()).collect();
        assert_eq!(documented, known);
        for word in EventWord::ALL {
            let event = EventType::from(*word);
            assert_eq!(serde_json::to_value(word).unwrap(), event.as_str());
        }
    }
}
