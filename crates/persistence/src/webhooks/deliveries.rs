//! The log of deliveries, and starting them again.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use kartoteka_domain::ids::{EventId, WebhookId};
use kartoteka_domain::webhooks::DeliveryState;

use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// An event on its way to a webhook.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct Delivery {
    /// Id of the event, and of the delivery.
    #[diesel(sql_type = SqlUuid)]
    pub event_id: Uuid,
    /// What happened.
    #[diesel(sql_type = Text)]
    pub event: String,
    /// What it is about.
    #[diesel(sql_type = Text)]
    pub subject_type: String,
    /// What it is about.
    #[diesel(sql_type = SqlUuid)]
    pub subject_id: Uuid,
    /// When it happened.
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    /// Word of [`DeliveryState`].
    #[diesel(sql_type = Text)]
    pub state: String,
    /// Attempts in all.
    #[diesel(sql_type = Integer)]
    pub attempts: i32,
    /// When it is tried next.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// When it was tried last.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_attempt_at: Option<DateTime<Utc>>,
    /// Status of the last answer.
    #[diesel(sql_type = Nullable<Integer>)]
    pub last_status: Option<i32>,
    /// What was wrong with the last attempt, in words.
    #[diesel(sql_type = Nullable<Text>)]
    pub last_error: Option<String>,
    /// How long the last attempt took, in milliseconds.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub last_ms: Option<i64>,
    /// The last attempts.
    #[diesel(sql_type = Jsonb)]
    pub log: Value,
}

const COLUMNS: &str = "d.event_id, e.type AS event, e.subject_type, e.subject_id, e.at, d.state, d.attempts, \
    d.next_attempt_at, d.last_attempt_at, d.last_status, d.last_error, d.last_ms, d.log";

fn select(tenant: &Tenant<'_>, webhook: WebhookId) -> Sql {
    let mut sql = Sql::default();
    let ws = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT {COLUMNS} FROM webhook_deliveries d JOIN outbox_events e ON e.workspace_id = {ws} AND e.id = d.event_id \
         WHERE d.workspace_id = {ws} AND d.webhook_id = "
    ));
    sql.bind(webhook.0);
    sql
}

/// Deliveries of a webhook, newest events first, older than `before`.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    webhook: WebhookId,
    state: Option<DeliveryState>,
    before: Option<EventId>,
    limit: usize,
) -> Result<Vec<Delivery>, StoreError> {
    let mut sql = select(tenant, webhook);
    if let Some(state) = state {
        // a word of ours, in the text: only so the planner knows that the partial index will do
        sql.push(&format!(" AND d.state = '{}'", state.as_str()));
    }
    if let Some(before) = before {
        sql.push(" AND d.event_id < ").bind(before.0);
    }
    sql.push(" ORDER BY d.event_id DESC LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql.load(tenant.conn)
}

/// One delivery.
///
/// # Errors
/// What the database said.
pub fn get(
    tenant: &mut Tenant<'_>,
    webhook: WebhookId,
    event: EventId,
) -> Result<Option<Delivery>, StoreError> {
    let mut sql = select(tenant, webhook);
    sql.push(" AND d.event_id = ").bind(event.0);
    sql.first(tenant.conn)
}

/// Starts a delivery again, with all its attempts before it; says whether there is one.
///
/// # Errors
/// What the database said.
pub fn start_again(
    tenant: &mut Tenant<'_>,
    webhook: WebhookId,
    event: EventId,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut sql =
        Sql::new("UPDATE webhook_deliveries SET state = 'pending', tries = 0, next_attempt_at = ");
    sql.bind(now).push(" WHERE workspace_id = ").bind(tenant.workspace);
    sql.push(" AND webhook_id = ").bind(webhook.0).push(" AND event_id = ").bind(event.0);
    Ok(sql.execute(tenant.conn)? == 1)
}

/// Which events are sent again.
#[derive(Clone, Debug)]
pub struct Replay {
    /// To this webhook.
    pub webhook: WebhookId,
    /// Types.
    pub events: Vec<String>,
    /// Those that happened from this instant on.
    pub after: DateTime<Utc>,
    /// Those that happened before this one.
    pub before: DateTime<Utc>,
    /// When they are due: one instant for all, so that they go in their order.
    pub due: DateTime<Utc>,
}

/// Events that [`replay`] started again.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub struct Replayed {
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub events: i64,
    /// The last of them.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub last: Option<Uuid>,
}

/// How many events [`replay`] would start again.
///
/// # Errors
/// What the database said.
pub fn replayable(tenant: &mut Tenant<'_>, replay: &Replay) -> Result<i64, StoreError> {
    let mut sql = Sql::default();
    let chosen = chosen(&mut sql, tenant, replay, None);
    sql.push(&format!("SELECT count(*) AS n FROM ({chosen}) AS c"));
    sql.count(tenant.conn)
}

/// Starts the next `limit` events behind `last` again, or for the first time.
///
/// # Errors
/// What the database said.
pub fn replay(
    tenant: &mut Tenant<'_>,
    replay: &Replay,
    last: Option<Uuid>,
    limit: i64,
) -> Result<Replayed, StoreError> {
    let mut sql = Sql::default();
    let chosen = chosen(&mut sql, tenant, replay, last);
    let (ws, webhook) = (sql.param(tenant.workspace), sql.param(replay.webhook.0));
    let (due, limit) = (sql.param(replay.due), sql.param(limit));
    sql.push(&format!(
        "WITH chosen AS MATERIALIZED ({chosen} ORDER BY e.id LIMIT {limit}), \
         started AS (
            INSERT INTO webhook_deliveries (workspace_id, webhook_id, event_id, state, in_order, next_attempt_at, created_at)
            SELECT {ws}, {webhook}, c.id, 'pending', true, {due}, {due} FROM chosen c
            ON CONFLICT (workspace_id, webhook_id, event_id) DO UPDATE SET state = excluded.state, in_order = true, tries = 0,
                next_attempt_at = excluded.next_attempt_at) \
         SELECT count(*) AS events, (SELECT c.id FROM chosen c ORDER BY c.id DESC LIMIT 1) AS last FROM chosen"
    ));
    Ok(sql.first(tenant.conn)?.unwrap_or(Replayed { events: 0, last: None }))
}

fn chosen(sql: &mut Sql, tenant: &Tenant<'_>, replay: &Replay, last: Option<Uuid>) -> String {
    let id = |at: DateTime<Utc>, more: u128| {
        let millisecond = u128::from(u64::try_from(at.timestamp_millis()).unwrap_or(0)) + more;
        Uuid::from_u128(millisecond << 80)
    };
    let ws = sql.param(tenant.workspace);
    let events = sql.param(replay.events.clone());
    let (after, before) = (sql.param(replay.after), sql.param(replay.before));
    // ids begin with their time: with them only the events of that time are read
    let low = last.unwrap_or_else(|| id(replay.after, 0));
    let (low, high) = (sql.param(low), sql.param(id(replay.before, 1)));
    format!(
        "SELECT e.id FROM outbox_events e WHERE e.workspace_id = {ws} AND e.id > {low} AND e.id < {high} \
         AND e.at >= {after} AND e.at < {before} AND e.type = ANY({events})"
    )
}
