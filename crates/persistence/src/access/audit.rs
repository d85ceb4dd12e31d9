//! The audit trail (AUD-1): insert only. Nothing here updates or deletes a row.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// One line of the trail.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct AuditRow {
    /// In order of time.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// When.
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    /// `user`, `client` or `system`.
    #[diesel(sql_type = Text)]
    pub actor_type: String,
    /// The person or integration.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub actor_id: Option<Uuid>,
    /// What was done, `noun.verb`.
    #[diesel(sql_type = Text)]
    pub action: String,
    /// Kind of the record.
    #[diesel(sql_type = Text)]
    pub record_type: String,
    /// The record.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub record_id: Option<Uuid>,
    /// What changed.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub changes: Option<Value>,
    /// The job it was done through.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub job_id: Option<Uuid>,
    /// `X-Request-Id` of the request behind it.
    #[diesel(sql_type = Nullable<Text>)]
    pub request_id: Option<String>,
    /// Address of the caller.
    #[diesel(sql_type = Nullable<Text>)]
    pub ip: Option<String>,
}

const COLUMNS: &str =
    "id, at, actor_type, actor_id, action, record_type, record_id, changes, job_id, request_id, ip";

/// Writes one line.
///
/// # Errors
/// What the database said.
pub fn insert(tenant: &mut Tenant<'_>, row: &AuditRow) -> Result<(), StoreError> {
    let mut sql =
        Sql::new(&format!("INSERT INTO audit_entries (workspace_id, {COLUMNS}) VALUES ("));
    sql.prepared().bind(tenant.workspace).push(", ").bind(row.id).push(", ").bind(row.at);
    sql.push(", ").bind(row.actor_type.as_str()).push(", ").bind(row.actor_id);
    sql.push(", ").bind(row.action.as_str()).push(", ").bind(row.record_type.as_str());
    sql.push(", ").bind(row.record_id).push(", ").bind(row.changes.clone());
    sql.push(", ").bind(row.job_id).push(", ").bind(row.request_id.clone());
    sql.push(", ").bind(row.ip.clone()).push(")");
    sql.execute(tenant.conn).map(drop)
}

/// Writes a line like `row` for each of `records`: its id, the record, and what changed.
///
/// # Errors
/// What the database said.
pub fn insert_many(
    tenant: &mut Tenant<'_>,
    row: &AuditRow,
    records: &[(Uuid, Uuid, Option<Value>)],
) -> Result<(), StoreError> {
    let Some((_, _, first)) = records.first() else { return Ok(()) };
    let (id, record): (Vec<Uuid>, Vec<Uuid>) =
        records.iter().map(|(id, record, _)| (*id, *record)).unzip();
    let mut sql = Sql::new(&format!("INSERT INTO audit_entries (workspace_id, {COLUMNS}) SELECT "));
    sql.bind(tenant.workspace).push(", r.id, ").bind(row.at);
    sql.push(", ").bind(row.actor_type.as_str()).push(", ").bind(row.actor_id);
    sql.push(", ").bind(row.action.as_str()).push(", ").bind(row.record_type.as_str());
    sql.push(", r.record, ");
    let same = records.iter().all(|(_, _, changes)| changes == first);
    if same {
        // as in most chunks of a job: sent and read once, not with each line
        sql.bind(first.clone());
    } else {
        // a JSON null is no change, not a change to null
        sql.push("nullif(c.changes, 'null')");
    }
    sql.push(", ").bind(row.job_id).push(", ").bind(row.request_id.clone());
    sql.push(", ").bind(row.ip.clone()).push(" FROM unnest(").bind(id).push(", ").bind(record);
    sql.push(") WITH ORDINALITY AS r(id, record, n)");
    if !same {
        let changes: Value = records.iter().map(|(_, _, changes)| json!(changes)).collect();
        sql.push(" JOIN jsonb_array_elements(").bind(changes);
        sql.push(") WITH ORDINALITY AS c(changes, n) USING (n)");
    }
    sql.execute(tenant.conn).map(drop)
}

/// Which lines are wanted.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Lines of this kind of record.
    pub record_type: Option<String>,
    /// Lines of this record: of a contact, also those of the contacts that were merged into it.
    pub record_id: Option<Uuid>,
    /// Lines written through this job.
    pub job_id: Option<Uuid>,
    /// Lines of this person or integration.
    pub actor_id: Option<Uuid>,
    /// Lines of this action.
    pub action: Option<String>,
    /// Lines from this instant on.
    pub after: Option<DateTime<Utc>>,
    /// Lines before this instant.
    pub before: Option<DateTime<Utc>>,
    /// Lines older than this one: where the page before ended.
    pub below: Option<Uuid>,
}

/// Lines that fit, newest first.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    filter: &AuditFilter,
    limit: i64,
) -> Result<Vec<AuditRow>, StoreError> {
    let AuditFilter { record_type, record_id, job_id, actor_id, action, after, before, below } =
        filter;
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM audit_entries WHERE workspace_id = "));
    sql.bind(tenant.workspace);
    if let Some(word) = record_type {
        sql.push(" AND record_type = ").bind(word.as_str());
    }
    if let Some(id) = job_id {
        sql.push(" AND job_id = ").bind(*id);
    }
    if let Some(id) = record_id {
        sql.push(" AND record_id = ANY (ARRAY(SELECT ").bind(*id);
        sql.push(
            "::uuid UNION ALL SELECT m.loser_id FROM contact_merges m WHERE m.workspace_id = ",
        );
        sql.bind(tenant.workspace).push(" AND m.winner_id = ").bind(*id).push("))");
    }
    if let Some(id) = actor_id {
        sql.push(" AND actor_id = ").bind(*id);
    }
    if let Some(action) = action {
        sql.push(" AND action = ").bind(action.as_str());
    }
    if let Some(instant) = after {
        sql.push(" AND at >= ").bind(*instant);
    }
    if let Some(instant) = before {
        sql.push(" AND at < ").bind(*instant);
    }
    if let Some(id) = below {
        // ids are UUIDv7: their order is the order of time, and it is the primary key
        sql.push(" AND id < ").bind(*id);
    }
    sql.push(" ORDER BY id DESC LIMIT ").bind(limit);
    sql.load(tenant.conn)
}
