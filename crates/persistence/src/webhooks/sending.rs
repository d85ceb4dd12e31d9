//! Who sends to which receiver, what is due for it, and what came of it.
//!
//! A receiver is sent to by one process at a time, which holds a lease of it. The lease has an epoch: whoever was
//! thought dead and comes back writes nothing.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryableByName;
use diesel::pg::PgConnection;
use diesel::sql_types::{
    BigInt, Binary, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_domain::ids::{EventId, WebhookId, WorkspaceId};
use kartoteka_domain::webhooks::{DeliveryState, SwitchedOff};

use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// How long a sender may be silent before its receiver is given to another: longer than an attempt takes.
const LEASE: TimeDelta = TimeDelta::seconds(40);
/// Attempts a delivery remembers.
const REMEMBERED: i64 = 50;

/// A receiver, as the one who sends to it needs it.
#[derive(Clone, Debug, QueryableByName)]
pub struct Receiver {
    /// Its workspace.
    #[diesel(sql_type = SqlUuid)]
    pub workspace_id: Uuid,
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Where events are sent.
    #[diesel(sql_type = Text)]
    pub url: String,
    /// Whether events about a contact hold the contact.
    #[diesel(sql_type = Bool)]
    pub include_contact: bool,
    /// Key of its signatures, encrypted.
    #[diesel(sql_type = Binary)]
    pub secret: Vec<u8>,
    /// The key of before a rotation, encrypted.
    #[diesel(sql_type = Nullable<Binary>)]
    pub old_secret: Option<Vec<u8>>,
    /// Until when that signs too.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub old_secret_until: Option<DateTime<Utc>>,
    /// Attempts in a row that failed.
    #[diesel(sql_type = Integer)]
    pub failures: i32,
    /// Fencing token.
    #[diesel(sql_type = BigInt)]
    pub lease_epoch: i64,
}

#[derive(QueryableByName)]
struct Candidate {
    #[diesel(sql_type = SqlUuid)]
    workspace_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Gives `owner` the receiver with something due that was served longest ago, or nothing when there is none.
///
/// # Errors
/// What the database said.
pub fn claim(
    conn: &mut PgConnection,
    owner: &str,
    now: DateTime<Utc>,
) -> Result<Option<Receiver>, StoreError> {
    let mut sql = Sql::default();
    let at = sql.param(now);
    sql.push(&format!(
        "SELECT w.workspace_id, w.id FROM webhooks w \
         WHERE w.enabled AND (w.lease_until IS NULL OR w.lease_until < {at}) AND (w.not_before IS NULL OR w.not_before <= {at}) \
           AND EXISTS (SELECT FROM webhook_deliveries d WHERE d.workspace_id = w.workspace_id AND d.webhook_id = w.id \
             AND d.state = 'pending' AND d.next_attempt_at <= {at}) \
         ORDER BY w.served_at NULLS FIRST LIMIT 16"
    ));
    let candidates: Vec<Candidate> = sql.load(conn)?;
    for Candidate { workspace_id, id } in candidates {
        let mut sql =
            Sql::new("UPDATE webhooks w SET lease_epoch = w.lease_epoch + 1, lease_owner = ");
        let at = sql.param(now);
        sql.bind(owner).push(", lease_until = ").bind(now + LEASE);
        sql.push(&format!(", served_at = {at} WHERE w.workspace_id = "));
        sql.bind(workspace_id).push(" AND w.id = ").bind(id);
        sql.push(&format!(
            " AND w.enabled AND (w.lease_until IS NULL OR w.lease_until < {at}) AND (w.not_before IS NULL OR w.not_before <= {at}) \
             RETURNING w.workspace_id, w.id, w.url, w.include_contact, w.secret, w.old_secret, w.old_secret_until, w.failures, w.lease_epoch"
        ));
        if let Some(receiver) = sql.first(conn)? {
            return Ok(Some(receiver));
        }
    }
    Ok(None)
}

#[derive(QueryableByName)]
struct Oldest {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    due: Option<DateTime<Utc>>,
}

/// Since when the delivery that waits longest has been due, of receivers that are sent to at present.
///
/// # Errors
/// What the database said.
pub fn oldest_due(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let mut sql = Sql::default();
    let at = sql.param(now);
    // the first entry of each receiver in the index of what is due
    sql.push(&format!(
        "SELECT min(first.due) AS due FROM webhooks w CROSS JOIN LATERAL (\
           SELECT d.next_attempt_at AS due FROM webhook_deliveries d \
           WHERE d.workspace_id = w.workspace_id AND d.webhook_id = w.id AND d.state = 'pending' \
             AND d.next_attempt_at <= {at} ORDER BY d.next_attempt_at LIMIT 1) AS first \
         WHERE w.enabled AND (w.not_before IS NULL OR w.not_before <= {at})"
    ));
    Ok(sql.first::<Oldest>(conn)?.and_then(|row| row.due))
}

/// An event that is due.
#[derive(Clone, Debug, QueryableByName)]
pub struct Due {
    /// The event.
    #[diesel(sql_type = SqlUuid)]
    pub event_id: Uuid,
    /// Attempts since the delivery was last started.
    #[diesel(sql_type = Integer)]
    pub tries: i32,
    /// Whether it is sent after the one before it only.
    #[diesel(sql_type = Bool)]
    pub in_order: bool,
    /// What happened.
    #[diesel(sql_type = Text)]
    pub event: String,
    /// To what.
    #[diesel(sql_type = Text)]
    pub subject_type: String,
    /// To what.
    #[diesel(sql_type = SqlUuid)]
    pub subject_id: Uuid,
    /// When.
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    /// What else is to be said.
    #[diesel(sql_type = Jsonb)]
    pub data: Value,
    /// Who did it.
    #[diesel(sql_type = Text)]
    pub actor_type: String,
    /// Who did it.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub actor_id: Option<Uuid>,
    /// The job it was done by.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub job_id: Option<Uuid>,
}

/// What is due for a receiver, in its order.
///
/// # Errors
/// What the database said.
pub fn due(
    tenant: &mut Tenant<'_>,
    webhook: WebhookId,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Due>, StoreError> {
    let mut sql = Sql::default();
    let ws = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT d.event_id, d.tries, d.in_order, e.type AS event, e.subject_type, e.subject_id, e.at, e.data, \
            e.actor_type, e.actor_id, e.job_id \
         FROM webhook_deliveries d JOIN outbox_events e ON e.workspace_id = {ws} AND e.id = d.event_id \
         WHERE d.workspace_id = {ws} AND d.state = 'pending' AND d.webhook_id = "
    ));
    sql.bind(webhook.0).push(" AND d.next_attempt_at <= ").bind(now);
    sql.push(" ORDER BY d.next_attempt_at, d.event_id LIMIT ").bind(limit);
    sql.load(tenant.conn)
}

/// How one attempt went.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The event.
    pub event: EventId,
    /// When it began.
    pub at: DateTime<Utc>,
    /// How long it took, in milliseconds.
    pub ms: i64,
    /// Status of the answer, when there was one.
    pub status: Option<i32>,
    /// What was wrong, in words.
    pub error: Option<String>,
    /// Where the delivery stands now.
    pub state: DeliveryState,
    /// When it is tried next.
    pub next_attempt_at: Option<DateTime<Utc>>,
}

/// Where a receiver stands after an attempt.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub struct Standing {
    /// Whether it is still sent to.
    #[diesel(sql_type = Bool)]
    pub enabled: bool,
    /// Attempts in a row that failed.
    #[diesel(sql_type = Integer)]
    pub failures: i32,
    /// Since when.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub failing_since: Option<DateTime<Utc>>,
}

/// Counts a good or a bad attempt, and proves and renews the lease: the first statement of an outcome's transaction.
///
/// # Errors
/// [`StoreError::LeaseLost`].
pub fn count(
    tenant: &mut Tenant<'_>,
    receiver: &Receiver,
    good: bool,
    now: DateTime<Utc>,
) -> Result<Standing, StoreError> {
    let mut sql = Sql::new("UPDATE webhooks SET lease_until = ");
    sql.bind(now + LEASE);
    if good {
        // not_before stays: another message of this turn may have been answered with a wish to be left alone
        sql.push(", failures = 0, failing_since = NULL");
    } else {
        sql.push(", failures = failures + 1, failing_since = coalesce(failing_since, ").bind(now);
        sql.push(")");
    }
    sql.push(" WHERE workspace_id = ").bind(tenant.workspace).push(" AND id = ").bind(receiver.id);
    sql.push(" AND lease_until IS NOT NULL AND lease_epoch = ").bind(receiver.lease_epoch);
    sql.push(" RETURNING enabled, failures, failing_since");
    sql.first(tenant.conn)?.ok_or(StoreError::LeaseLost)
}

/// Writes how an attempt went.
///
/// # Errors
/// What the database said.
pub fn record(
    tenant: &mut Tenant<'_>,
    webhook: WebhookId,
    attempt: &Attempt,
) -> Result<(), StoreError> {
    let line = json!([{
        "at": attempt.at, "status": attempt.status, "ms": attempt.ms, "error": attempt.error,
    }]);
    let mut sql = Sql::new("UPDATE webhook_deliveries SET state = ");
    sql.bind(attempt.state.as_str()).push(", tries = tries + 1, attempts = attempts + 1");
    sql.push(", next_attempt_at = ").bind(attempt.next_attempt_at);
    sql.push(", last_attempt_at = ").bind(attempt.at).push(", last_status = ").bind(attempt.status);
    sql.push(", last_error = ").bind(attempt.error.clone()).push(", last_ms = ").bind(attempt.ms);
    sql.push(", log = CASE WHEN jsonb_array_length(log) < ").bind(REMEMBERED);
    sql.push(" THEN log ELSE log - 0 END || ").bind(line);
    sql.push(" WHERE workspace_id = ").bind(tenant.workspace);
    sql.push(" AND webhook_id = ").bind(webhook.0).push(" AND event_id = ").bind(attempt.event.0);
    sql.execute(tenant.conn).map(drop)
}

/// Leaves a receiver alone until then.
///
/// # Errors
/// What the database said.
pub fn rest(
    tenant: &mut Tenant<'_>,
    webhook: WebhookId,
    until: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = Sql::new("UPDATE webhooks SET not_before = greatest(not_before, ");
    sql.bind(until).push(") WHERE workspace_id = ").bind(tenant.workspace);
    sql.push(" AND id = ").bind(webhook.0);
    sql.execute(tenant.conn).map(drop)
}

/// Switches a receiver off; says whether it was on.
///
/// # Errors
/// What the database said.
pub fn switch_off(
    tenant: &mut Tenant<'_>,
    webhook: WebhookId,
    why: SwitchedOff,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut sql = Sql::new("UPDATE webhooks SET enabled = false, disabled_reason = ");
    sql.bind(why.as_str()).push(", disabled_at = ").bind(now);
    sql.push(", updated_at = greatest(updated_at, ").bind(now).push(") WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ").bind(webhook.0).push(" AND enabled");
    Ok(sql.execute(tenant.conn)? == 1)
}

/// Gives a receiver back, for others to send to.
///
/// # Errors
/// What the database said.
pub fn release(conn: &mut PgConnection, receiver: &Receiver) -> Result<(), StoreError> {
    let mut sql = Sql::new(
        "UPDATE webhooks SET lease_owner = NULL, lease_until = NULL WHERE workspace_id = ",
    );
    sql.bind(WorkspaceId(receiver.workspace_id)).push(" AND id = ").bind(receiver.id);
    sql.push(" AND lease_epoch = ").bind(receiver.lease_epoch);
    sql.execute(conn).map(drop)
}
