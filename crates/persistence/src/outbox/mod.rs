//! Events, written in the transaction of what they tell of, and handed to whoever asked for them.
//!
//! An event is kept only when an enabled webhook of the workspace asks for its type, or when an enabled rule or
//! scenario starts by it: a workspace without them pays for one look into a small table or two.

pub mod imports;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::pg::PgConnection;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_domain::actor::Actor;
use kartoteka_domain::ids::WebhookId;
use kartoteka_domain::outbox::EventType;

use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// What events written together have in common.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// What happened.
    pub event: EventType,
    /// When.
    pub at: DateTime<Utc>,
    /// Who did it.
    pub actor: Actor,
    /// The job it was done by.
    pub job: Option<Uuid>,
}

/// One event.
#[derive(Clone, Debug)]
pub struct Happened {
    /// Its id.
    pub id: Uuid,
    /// What it happened to.
    pub subject: Uuid,
    /// What is to be said about it beyond that; never personal data.
    pub data: Value,
}

/// Which of these types an enabled webhook asks for.
///
/// # Errors
/// What the database said.
pub fn wanted(tenant: &mut Tenant<'_>, events: &[EventType]) -> Result<Vec<EventType>, StoreError> {
    #[derive(QueryableByName)]
    struct Word {
        #[diesel(sql_type = Text)]
        word: String,
    }
    let words: Vec<String> = events.iter().map(|event| event.as_str().to_owned()).collect();
    let mut sql = Sql::new(
        "SELECT DISTINCT e.word FROM webhooks w CROSS JOIN LATERAL unnest(w.events) AS e(word) WHERE w.enabled AND w.workspace_id = ",
    );
    sql.prepared().bind(tenant.workspace).push(" AND e.word = ANY(").bind(words).push(")");
    let words: Vec<Word> = sql.load(tenant.conn)?;
    Ok(words.iter().filter_map(|row| row.word.parse().ok()).collect())
}

/// Writes events and their deliveries, where somebody asks for them; how many deliveries that made.
///
/// # Errors
/// What the database said.
pub fn append(
    tenant: &mut Tenant<'_>,
    stamp: &Stamp,
    events: &[Happened],
) -> Result<usize, StoreError> {
    if events.is_empty() {
        return Ok(0);
    }
    let mut sql = Sql::default();
    sql.prepared();
    let source = given(&mut sql, events);
    insert(tenant, sql, stamp, &source, Told::Asking)
}

/// As [`append`], and where rules or scenarios of the workspace start by this event it is written for them too,
/// whether anybody else asks for it or not.
///
/// # Errors
/// What the database said.
pub fn append_starting(
    tenant: &mut Tenant<'_>,
    stamp: &Stamp,
    events: &[Happened],
) -> Result<usize, StoreError> {
    if events.is_empty() {
        return Ok(0);
    }
    let mut sql = Sql::default();
    sql.prepared();
    let source = given(&mut sql, events);
    insert(tenant, sql, stamp, &source, Told::AskingAndStarted)
}

/// Whether any rule or scenario of the workspace starts by such an event.
///
/// # Errors
/// What the database said.
pub fn starts_any(tenant: &mut Tenant<'_>, event: EventType) -> Result<bool, StoreError> {
    let mut sql = Sql::new("SELECT EXISTS (SELECT FROM start_events WHERE workspace_id = ");
    sql.prepared().bind(tenant.workspace).push(" AND event = ").bind(event.as_str());
    sql.push(")::integer::bigint AS n");
    Ok(sql.count(tenant.conn)? > 0)
}

/// As [`append`], for one webhook, whatever it asks for and whether it is enabled or not.
///
/// # Errors
/// What the database said.
pub fn append_for(
    tenant: &mut Tenant<'_>,
    webhook: WebhookId,
    stamp: &Stamp,
    event: Happened,
) -> Result<(), StoreError> {
    let mut sql = Sql::default();
    let source = given(&mut sql, &[event]);
    insert(tenant, sql, stamp, &source, Told::One(webhook)).map(drop)
}

fn given(sql: &mut Sql, events: &[Happened]) -> String {
    let list: Value = events
        .iter()
        .map(|event| json!({"id": event.id, "subject": event.subject, "data": event.data}))
        .collect();
    let list = sql.param(list);
    format!("SELECT * FROM jsonb_to_recordset({list}) AS r(id uuid, subject uuid, data jsonb)")
}

/// Who is told.
#[derive(Clone, Copy)]
enum Told {
    /// Enabled webhooks that ask for the type.
    Asking,
    /// They, and the rules and scenarios that start by it.
    AskingAndStarted,
    /// This webhook, whatever it asks for.
    One(WebhookId),
}

/// Writes what `source` selects: id, subject, data.
fn insert(
    tenant: &mut Tenant<'_>,
    mut sql: Sql,
    stamp: &Stamp,
    source: &str,
    told: Told,
) -> Result<usize, StoreError> {
    let Stamp { event, at, actor, job } = *stamp;
    let ws = sql.param(tenant.workspace);
    let word = sql.param(event.as_str());
    let at = sql.param(at);
    let (kind, actor) = (sql.param(actor.kind()), sql.param(actor.id()));
    let job = sql.param(job);
    let who = match told {
        Told::One(webhook) => format!("id = {}", sql.param(webhook.0)),
        Told::Asking | Told::AskingAndStarted => format!("enabled AND {word} = ANY(events)"),
    };
    let starts = match told {
        Told::AskingAndStarted => {
            format!(
                "EXISTS (SELECT FROM start_events WHERE workspace_id = {ws} AND event = {word})"
            )
        }
        Told::Asking | Told::One(_) => "false".to_owned(),
    };
    sql.push(&format!(
        "WITH receivers AS MATERIALIZED (SELECT id FROM webhooks WHERE workspace_id = {ws} AND {who}), \
         starting AS MATERIALIZED (SELECT {starts} AS starts), \
         written AS (
            INSERT INTO outbox_events (workspace_id, id, type, subject_type, subject_id, at, data, actor_type, actor_id, job_id, starts_scenarios)
            SELECT {ws}, s.id, {word}, '{subject}', s.subject, {at}, s.data, {kind}, {actor}, {job}, g.starts
            FROM ({source}) AS s CROSS JOIN starting g WHERE g.starts OR EXISTS (SELECT FROM receivers) RETURNING id) \
         INSERT INTO webhook_deliveries (workspace_id, webhook_id, event_id, state, next_attempt_at, created_at)
         SELECT {ws}, r.id, e.id, 'pending', {at}, {at} FROM written e CROSS JOIN receivers r",
        subject = event.subject().as_str(),
    ));
    sql.execute(tenant.conn)
}

#[derive(QueryableByName)]
struct WorkspaceRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Rows that one statement of [`forget`] removes at most.
const AT_ONCE: i64 = 10_000;

/// Forgets a part of what happened before `before`, with the log of its deliveries, and deliveries of webhooks that
/// are gone. Call it until it says 0.
///
/// # Errors
/// What the database said.
pub fn forget(conn: &mut PgConnection, before: DateTime<Utc>) -> Result<usize, StoreError> {
    // ids begin with their time: older ones are smaller than the first of this millisecond
    let below = Uuid::from_u128(u128::from(before.timestamp_millis().unsigned_abs()) << 80);
    let workspaces: Vec<WorkspaceRow> =
        Sql::new("SELECT id FROM workspaces ORDER BY id").load(conn)?;
    let mut gone = 0;
    for WorkspaceRow { id } in workspaces {
        let mut receivers = Sql::default();
        let ws = receivers.param(id);
        // every webhook that has deliveries, with one look into the key for each
        receivers.push(&format!(
            "WITH RECURSIVE seen AS (
                (SELECT webhook_id FROM webhook_deliveries WHERE workspace_id = {ws} ORDER BY webhook_id LIMIT 1)
                UNION ALL
                SELECT n.webhook_id FROM seen s CROSS JOIN LATERAL (
                    SELECT webhook_id FROM webhook_deliveries WHERE workspace_id = {ws} AND webhook_id > s.webhook_id
                    ORDER BY webhook_id LIMIT 1) n)
             SELECT s.webhook_id AS id FROM seen s"
        ));
        for WorkspaceRow { id: webhook } in receivers.load::<WorkspaceRow>(conn)? {
            let mut sql = Sql::default();
            let (ws, webhook) = (sql.param(id), sql.param(webhook));
            let (below, most) = (sql.param(below), sql.param(AT_ONCE));
            sql.push(&format!(
                "DELETE FROM webhook_deliveries d USING (
                    SELECT o.event_id FROM webhook_deliveries o WHERE o.workspace_id = {ws} AND o.webhook_id = {webhook}
                      AND (o.event_id < {below} OR NOT EXISTS (
                        SELECT FROM webhooks w WHERE w.workspace_id = {ws} AND w.id = {webhook}))
                    ORDER BY o.event_id LIMIT {most}) AS old
                 WHERE d.workspace_id = {ws} AND d.webhook_id = {webhook} AND d.event_id = old.event_id"
            ));
            gone += sql.execute(conn)?;
        }
        if gone > 0 {
            // an event goes after its deliveries
            continue;
        }
        let mut sql = Sql::default();
        let (ws, below, most) = (sql.param(id), sql.param(below), sql.param(AT_ONCE));
        sql.push(&format!(
            "DELETE FROM outbox_events e USING (
                SELECT o.id FROM outbox_events o WHERE o.workspace_id = {ws} AND o.id < {below} ORDER BY o.id LIMIT {most}) AS old
             WHERE e.workspace_id = {ws} AND e.id = old.id"
        ));
        gone += sql.execute(conn)?;
    }
    Ok(gone)
}
