//! Receivers of events, what is on its way to them, and who sends it.

pub mod deliveries;
pub mod sending;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{
    Array, Binary, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use uuid::Uuid;

use kartoteka_domain::ids::WebhookId;

use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Webhook {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Where events are sent; its path may hold a secret.
    #[diesel(sql_type = Text)]
    pub url: String,
    /// What it is for, in words.
    #[diesel(sql_type = Nullable<Text>)]
    pub description: Option<String>,
    /// Types of events it asks for.
    #[diesel(sql_type = Array<Text>)]
    pub events: Vec<String>,
    /// Whether events about a contact hold the contact.
    #[diesel(sql_type = Bool)]
    pub include_contact: bool,
    /// Whether anything is sent.
    #[diesel(sql_type = Bool)]
    pub enabled: bool,
    /// Why Kartoteka switched it off.
    #[diesel(sql_type = Nullable<Text>)]
    pub disabled_reason: Option<String>,
    /// Since when it is off.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub disabled_at: Option<DateTime<Utc>>,
    /// Since when every attempt failed.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub failing_since: Option<DateTime<Utc>>,
    /// Attempts in a row that failed.
    #[diesel(sql_type = Integer)]
    pub failures: i32,
    /// Key of its signatures, encrypted.
    #[diesel(sql_type = Binary)]
    pub secret: Vec<u8>,
    /// The key of before a rotation, encrypted.
    #[diesel(sql_type = Nullable<Binary>)]
    pub old_secret: Option<Vec<u8>>,
    /// Until when that signs too.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub old_secret_until: Option<DateTime<Utc>>,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When a person changed it last.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

const COLUMNS: &str = "id, url, description, events, include_contact, enabled, disabled_reason, disabled_at, \
    failing_since, failures, secret, old_secret, old_secret_until, created_at, updated_at";

/// One webhook.
///
/// # Errors
/// What the database said.
pub fn get(tenant: &mut Tenant<'_>, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
    one(tenant, id, "")
}

/// One webhook, locked against other changes until the end of the transaction; `alone`, also against being named by a
/// rule or scenario.
///
/// # Errors
/// [`StoreError::Busy`] when somebody holds it for too long.
pub fn lock(
    tenant: &mut Tenant<'_>,
    id: WebhookId,
    alone: bool,
) -> Result<Option<Webhook>, StoreError> {
    one(tenant, id, if alone { " FOR UPDATE" } else { " FOR NO KEY UPDATE" })
}

fn one(tenant: &mut Tenant<'_>, id: WebhookId, lock: &str) -> Result<Option<Webhook>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM webhooks WHERE workspace_id = "));
    sql.bind(tenant.workspace).push(" AND id = ").bind(id.0).push(lock);
    sql.first(tenant.conn)
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
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM webhooks WHERE workspace_id = "));
    sql.bind(tenant.workspace);
    if let Some(before) = before {
        sql.push(" AND id < ").bind(before.0);
    }
    sql.push(" ORDER BY id DESC LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql.load(tenant.conn)
}

/// How many there are.
///
/// # Errors
/// What the database said.
pub fn count(tenant: &mut Tenant<'_>) -> Result<i64, StoreError> {
    let mut sql = Sql::new("SELECT count(*) AS n FROM webhooks WHERE workspace_id = ");
    sql.bind(tenant.workspace);
    sql.count(tenant.conn)
}

/// Makes a webhook.
///
/// # Errors
/// What the database said.
pub fn insert(tenant: &mut Tenant<'_>, webhook: &Webhook) -> Result<(), StoreError> {
    let mut sql = Sql::new(&format!("INSERT INTO webhooks (workspace_id, {COLUMNS}) VALUES ("));
    sql.bind(tenant.workspace).push(", ").bind(webhook.id);
    sql.push(", ").bind(webhook.url.as_str()).push(", ").bind(webhook.description.clone());
    sql.push(", ").bind(webhook.events.clone()).push(", ").bind(webhook.include_contact);
    sql.push(", ").bind(webhook.enabled).push(", ").bind(webhook.disabled_reason.clone());
    sql.push(", ").bind(webhook.disabled_at).push(", ").bind(webhook.failing_since);
    sql.push(", ").bind(webhook.failures).push(", ").bind(webhook.secret.clone());
    sql.push(", ").bind(crate::sql::Bind::Bytes(webhook.old_secret.clone()));
    sql.push(", ").bind(webhook.old_secret_until);
    sql.push(", ").bind(webhook.created_at).push(", ").bind(webhook.updated_at).push(")");
    sql.execute(tenant.conn).map(drop)
}

/// Writes what people change of a webhook, and its secrets. One that is switched on again starts anew.
///
/// # Errors
/// What the database said.
pub fn update(tenant: &mut Tenant<'_>, webhook: &Webhook) -> Result<(), StoreError> {
    let mut sql = Sql::new("UPDATE webhooks SET url = ");
    sql.bind(webhook.url.as_str()).push(", description = ").bind(webhook.description.clone());
    sql.push(", events = ").bind(webhook.events.clone());
    sql.push(", include_contact = ").bind(webhook.include_contact);
    sql.push(", disabled_reason = ").bind(webhook.disabled_reason.clone());
    sql.push(", disabled_at = ").bind(webhook.disabled_at);
    sql.push(", failing_since = ").bind(webhook.failing_since);
    sql.push(", failures = ").bind(webhook.failures);
    sql.push(", not_before = CASE WHEN enabled THEN not_before END, enabled = ");
    sql.bind(webhook.enabled).push(", secret = ").bind(webhook.secret.clone());
    sql.push(", old_secret = ").bind(crate::sql::Bind::Bytes(webhook.old_secret.clone()));
    sql.push(", old_secret_until = ").bind(webhook.old_secret_until);
    sql.push(", updated_at = ").bind(webhook.updated_at).push(" WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ").bind(webhook.id);
    sql.execute(tenant.conn).map(drop)
}

/// Removes a webhook. What was on its way goes with the next tidying.
///
/// # Errors
/// What the database said.
pub fn delete(tenant: &mut Tenant<'_>, id: WebhookId) -> Result<(), StoreError> {
    let mut sql = Sql::new("DELETE FROM webhooks WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ").bind(id.0);
    sql.execute(tenant.conn).map(drop)
}
