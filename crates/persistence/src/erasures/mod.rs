//! Erasures of persons: the record of each, and what is left of somebody outside of the contact.
//!
//! [`places`] lists every table and says why nothing of an erased person is left in it.

pub mod elsewhere;
pub mod places;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use kartoteka_domain::ids::ErasureId;

use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// The record of an erasure: nothing personal.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct Erasure {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// `requested`, `done` or `failed`.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// Word of [`kartoteka_domain::erasures::Reason`].
    #[diesel(sql_type = Text)]
    pub reason: String,
    /// Whether the addresses may not be written to afterwards (CNS-8).
    #[diesel(sql_type = Bool)]
    pub suppress: bool,
    /// Everybody with an address was meant, and not one contact.
    #[diesel(sql_type = Bool)]
    pub by_address: bool,
    /// The contacts that are the person.
    #[diesel(sql_type = Array<SqlUuid>)]
    pub contact_ids: Vec<Uuid>,
    /// Keyed hashes of the addresses that were the person's alone, `channel:hex`.
    #[diesel(sql_type = Array<Text>)]
    pub addresses: Vec<String>,
    /// Other contacts that had one of the addresses.
    #[diesel(sql_type = Array<SqlUuid>)]
    pub also_used_by: Vec<Uuid>,
    /// Who asked for it.
    #[diesel(sql_type = Text)]
    pub actor_type: String,
    /// Who asked for it.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub actor_id: Option<Uuid>,
    /// The job that does, or did, it.
    #[diesel(sql_type = SqlUuid)]
    pub job_id: Uuid,
    /// What was removed, by kind.
    #[diesel(sql_type = Jsonb)]
    pub counts: Value,
    /// Code of what made it fail.
    #[diesel(sql_type = Nullable<Text>)]
    pub problem: Option<String>,
    /// When it was asked for: whoever came later is somebody else.
    #[diesel(sql_type = Timestamptz)]
    pub requested_at: DateTime<Utc>,
    /// When it was taken from a journal.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub replayed_at: Option<DateTime<Utc>>,
    /// Whether contacts were looked for by the hashes, or need not be.
    #[diesel(sql_type = Bool)]
    pub looked_up: bool,
    /// When it was done.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub erased_at: Option<DateTime<Utc>>,
}

const COLUMNS: &str = "id, state, reason, suppress, by_address, contact_ids, addresses, also_used_by, actor_type, actor_id, job_id, \
    counts, problem, requested_at, replayed_at, looked_up, erased_at";

/// Writes a new record; `false` when there is one with this id.
///
/// # Errors
/// What the database said.
pub fn insert(tenant: &mut Tenant<'_>, erasure: &Erasure) -> Result<bool, StoreError> {
    let Erasure { id, state, reason, suppress, contact_ids, addresses, also_used_by, .. } = erasure;
    let mut sql = Sql::new(&format!("INSERT INTO erasures (workspace_id, {COLUMNS}) VALUES ("));
    sql.bind(tenant.workspace).push(", ").bind(*id).push(", ").bind(state.as_str());
    sql.push(", ").bind(reason.as_str()).push(", ").bind(*suppress);
    sql.push(", ").bind(erasure.by_address);
    sql.push(", ").bind(contact_ids.clone()).push(", ").bind(addresses.clone());
    sql.push(", ").bind(also_used_by.clone()).push(", ").bind(erasure.actor_type.as_str());
    sql.push(", ").bind(erasure.actor_id).push(", ").bind(erasure.job_id);
    sql.push(", ").bind(erasure.counts.clone()).push(", ").bind(erasure.problem.clone());
    sql.push(", ").bind(erasure.requested_at).push(", ").bind(erasure.replayed_at);
    sql.push(", ").bind(erasure.looked_up).push(", ").bind(erasure.erased_at);
    sql.push(") ON CONFLICT (workspace_id, id) DO NOTHING");
    Ok(sql.execute(tenant.conn)? == 1)
}

/// One record.
///
/// # Errors
/// What the database said.
pub fn get(tenant: &mut Tenant<'_>, id: ErasureId) -> Result<Option<Erasure>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM erasures WHERE workspace_id = "));
    sql.bind(tenant.workspace).push(" AND id = ").bind(id.0);
    sql.first(tenant.conn)
}

/// Which of these are on record, and in which state.
///
/// # Errors
/// What the database said.
pub fn states(tenant: &mut Tenant<'_>, ids: Vec<Uuid>) -> Result<Vec<(Uuid, String)>, StoreError> {
    #[derive(QueryableByName)]
    struct State {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
        #[diesel(sql_type = Text)]
        state: String,
    }
    let mut sql = Sql::new("SELECT id, state FROM erasures WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ANY(").bind(ids).push(")");
    Ok(sql.load::<State>(tenant.conn)?.into_iter().map(|row| (row.id, row.state)).collect())
}

/// Records, newest first, older than `before`.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    before: Option<Uuid>,
    limit: usize,
) -> Result<Vec<Erasure>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM erasures WHERE workspace_id = "));
    sql.bind(tenant.workspace);
    if let Some(before) = before {
        sql.push(" AND id < ").bind(before);
    }
    sql.push(" ORDER BY id DESC LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql.load(tenant.conn)
}

/// The erasure that is under way for one of these contacts.
///
/// # Errors
/// What the database said.
pub fn under_way(tenant: &mut Tenant<'_>, ids: &[Uuid]) -> Result<Option<Erasure>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM erasures WHERE workspace_id = "));
    sql.bind(tenant.workspace).push(" AND state = 'requested' AND contact_ids && ");
    sql.bind(ids.to_vec()).push(" ORDER BY id LIMIT 1");
    sql.first(tenant.conn)
}

/// Erasures taken from a journal for which nobody looked by the hashes yet.
///
/// # Errors
/// What the database said.
pub fn not_looked_up(tenant: &mut Tenant<'_>) -> Result<Vec<Erasure>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM erasures WHERE workspace_id = "));
    sql.bind(tenant.workspace).push(" AND NOT looked_up ORDER BY id");
    sql.load(tenant.conn)
}

/// Adds contacts that were found by the hashes.
///
/// # Errors
/// What the database said.
pub fn found(tenant: &mut Tenant<'_>, id: Uuid, contacts: Vec<Uuid>) -> Result<(), StoreError> {
    let mut sql = Sql::new(
        "UPDATE erasures SET looked_up = true, contact_ids = ARRAY(SELECT DISTINCT c FROM unnest(contact_ids || ",
    );
    sql.bind(contacts).push("::uuid[]) AS c ORDER BY c) WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ").bind(id);
    sql.execute(tenant.conn).map(drop)
}

/// Writes that it is done, and what was removed.
///
/// # Errors
/// What the database said.
pub fn done(
    tenant: &mut Tenant<'_>,
    id: Uuid,
    counts: Value,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = Sql::new("UPDATE erasures SET state = 'done', problem = NULL, counts = ");
    sql.bind(counts).push(", erased_at = ").bind(now);
    sql.push(" WHERE workspace_id = ").bind(tenant.workspace).push(" AND id = ").bind(id);
    sql.execute(tenant.conn).map(drop)
}

/// Writes that it failed, and why.
///
/// # Errors
/// What the database said.
pub fn failed(tenant: &mut Tenant<'_>, id: Uuid, code: &str) -> Result<(), StoreError> {
    let mut sql = Sql::new("UPDATE erasures SET state = 'failed', problem = ");
    sql.bind(code).push(" WHERE workspace_id = ").bind(tenant.workspace);
    sql.push(" AND id = ").bind(id).push(" AND state = 'requested'");
    sql.execute(tenant.conn).map(drop)
}

/// Gives one that failed to another job; `false` when it did not fail.
///
/// # Errors
/// What the database said.
pub fn again(
    tenant: &mut Tenant<'_>,
    id: Uuid,
    job: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut sql = Sql::new("UPDATE erasures SET state = 'requested', looked_up = false, job_id = ");
    sql.bind(job).push(", replayed_at = ").bind(now);
    sql.push(" WHERE workspace_id = ").bind(tenant.workspace).push(" AND id = ").bind(id);
    sql.push(" AND state = 'failed'");
    Ok(sql.execute(tenant.conn)? == 1)
}
