//! The messages that webhooks get, as the document describes them.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use kartoteka_app::contacts::Stored;

use crate::v1::contacts::view::ContactView;

/// A message to a webhook (Standard Webhooks 1.0.0). Its headers are `webhook-id`, the same for all attempts;
/// `webhook-timestamp`, in seconds since 1970; and `webhook-signature`: `v1,` and the HMAC-SHA-256 of
/// `id.timestamp.body` in base64, with the 32 bytes behind `whsec_` as key. After a rotation there are two signatures
/// for a day, with a space between them.
#[derive(Debug, ToSchema)]
#[schema(example = json!({
    "type": "contact.updated", "timestamp": "2026-05-01T10:00:00Z",
    "data": {
        "id": "0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a10", "changed": ["email", "address.city"],
        "actor": {"type": "user", "id": "0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a11"}, "job_id": null
    }
}))]
#[expect(dead_code, reason = "documents what is sent")]
pub(crate) struct WebhookMessage {
    /// What happened: an `EventType`, or `webhook.test`.
    r#type: String,
    /// When it happened.
    timestamp: DateTime<Utc>,
    /// What it happened to. Contacts: `id` (consents: `contact_id`, `purpose`, `entry_id`), `changed`, and `contact`
    /// where the webhook includes it. Imports: `id`, `state`, `rows`, `summary`, `reverted`, `problem`. Jobs: `id`, `kind`,
    /// `state`, `subject`. All: `actor` and `job_id`, who did it and by which job.
    #[schema(value_type = Object, additional_properties = true)]
    data: Map<String, Value>,
}

/// A contact in the shape of the API, for messages that include it.
#[must_use]
pub fn show_contact(contact: Stored) -> Value {
    serde_json::to_value(ContactView::from(contact)).unwrap_or_default()
}

/// The member `webhooks` of the document (OpenAPI 3.1).
pub(crate) fn published() -> Value {
    json!({
        "event": {"post": {
            "operationId": "receive_event",
            "summary": "Receive an event",
            "description": "Sent to the address of each webhook that asks for the event. Verify the signature over the \
                raw body, refuse old timestamps, take the same `webhook-id` once, and answer 2xx within 15 seconds.",
            "requestBody": {"required": true, "content": {"application/json": {
                "schema": {"$ref": "#/components/schemas/WebhookMessage"}
            }}},
            "responses": {
                "2XX": {"description": "Taken"},
                "410": {"description": "Wants no more: the webhook is switched off"},
                "429": {"description": "Later: `Retry-After` is honoured"}
            }
        }}
    })
}
