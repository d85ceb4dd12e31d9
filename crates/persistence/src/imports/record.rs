//! The record of one import.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use kartoteka_domain::ids::ImportId;

use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// One list on its way into the base. The JSON members are written and read by the use cases only.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct ImportRecord {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its name (IMP-1).
    #[diesel(sql_type = Text)]
    pub name: String,
    /// `file` or `paste` (IMP-2).
    #[diesel(sql_type = Text)]
    pub method: String,
    /// Which step is next (IMP-14).
    #[diesel(sql_type = Text)]
    pub state: String,
    /// Who imports.
    #[diesel(sql_type = Text)]
    pub actor_type: String,
    /// Who imports.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub actor_id: Option<Uuid>,
    /// Which pieces of data count.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub upload_id: Option<Uuid>,
    /// What the bytes are (IMP-3).
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub source: Option<Value>,
    /// `header` or `data` (IMP-4).
    #[diesel(sql_type = Nullable<Text>)]
    pub first_row: Option<String>,
    /// Columns with samples and suggestions (IMP-5).
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub columns: Option<Value>,
    /// What becomes of each column.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub mapping: Option<Value>,
    /// What becomes of each class.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub matching: Option<Value>,
    /// The counts of the plan (IMP-13).
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub plan: Option<Value>,
    /// Its name.
    #[diesel(sql_type = Nullable<Text>)]
    pub plan_hash: Option<String>,
    /// State of the base it was made at.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub plan_revision: Option<i64>,
    /// Rows that are not empty.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub rows: Option<i64>,
    /// When it was committed.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub committed_at: Option<DateTime<Utc>>,
    /// Part of the ids of the contacts it makes.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub id_salt: Option<i64>,
    /// Written up to this row.
    #[diesel(sql_type = BigInt)]
    pub applied_row: i64,
    /// What became of the rows (IMP-15).
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub summary: Option<Value>,
    /// What undo did (IMP-18).
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub reverted: Option<Value>,
    /// Why it failed.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub problem: Option<Value>,
    /// The job that works, or last worked, on it.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub job_id: Option<Uuid>,
    /// Commits itself once planned (IMP-19).
    #[diesel(sql_type = Bool)]
    pub auto_commit: bool,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
    /// When it ended.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub finished_at: Option<DateTime<Utc>>,
}

const COLUMNS: &str = "id, name, method, state, actor_type, actor_id, upload_id, source, first_row, columns, mapping, \
    matching, plan, plan_hash, plan_revision, rows, committed_at, id_salt, applied_row, summary, reverted, problem, \
    job_id, auto_commit, created_at, updated_at, finished_at";

/// One import.
///
/// # Errors
/// What the database said.
pub fn get(tenant: &mut Tenant<'_>, id: ImportId) -> Result<Option<ImportRecord>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM imports WHERE workspace_id = "));
    sql.bind(tenant.workspace).push(" AND id = ").bind(id.0);
    sql.first(tenant.conn)
}

/// One import, locked until the end of the transaction.
///
/// # Errors
/// What the database said.
pub fn lock(tenant: &mut Tenant<'_>, id: ImportId) -> Result<Option<ImportRecord>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM imports WHERE workspace_id = "));
    sql.bind(tenant.workspace).push(" AND id = ").bind(id.0).push(" FOR NO KEY UPDATE");
    sql.first(tenant.conn)
}

/// Imports, newest first, older than `before`.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    before: Option<ImportId>,
    limit: i64,
) -> Result<Vec<ImportRecord>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM imports WHERE workspace_id = "));
    sql.bind(tenant.workspace);
    if let Some(before) = before {
        sql.push(" AND id < ").bind(before.0);
    }
    sql.push(" ORDER BY id DESC LIMIT ").bind(limit);
    sql.load(tenant.conn)
}

/// Writes a new record.
///
/// # Errors
/// What the database said.
pub fn insert(tenant: &mut Tenant<'_>, import: &ImportRecord) -> Result<(), StoreError> {
    let mut sql = Sql::new(
        "INSERT INTO imports (workspace_id, id, name, method, state, actor_type, actor_id, auto_commit, created_at, updated_at) VALUES (",
    );
    sql.bind(tenant.workspace).push(", ").bind(import.id).push(", ").bind(import.name.as_str());
    sql.push(", ").bind(import.method.as_str()).push(", ").bind(import.state.as_str());
    sql.push(", ").bind(import.actor_type.as_str()).push(", ").bind(import.actor_id);
    sql.push(", ").bind(import.auto_commit);
    sql.push(", ").bind(import.created_at).push(", ").bind(import.updated_at).push(")");
    sql.execute(tenant.conn).map(drop)
}

/// Writes all that can change of a record; the caller holds its lock.
///
/// # Errors
/// [`StoreError::Inconsistent`] when it is gone.
pub fn save(tenant: &mut Tenant<'_>, import: &ImportRecord) -> Result<(), StoreError> {
    let mut sql = Sql::new("UPDATE imports SET name = ");
    sql.bind(import.name.as_str()).push(", state = ").bind(import.state.as_str());
    sql.push(", upload_id = ")
        .bind(import.upload_id)
        .push(", source = ")
        .bind(import.source.clone());
    sql.push(", first_row = ").bind(import.first_row.clone());
    sql.push(", columns = ")
        .bind(import.columns.clone())
        .push(", mapping = ")
        .bind(import.mapping.clone());
    sql.push(", matching = ")
        .bind(import.matching.clone())
        .push(", plan = ")
        .bind(import.plan.clone());
    sql.push(", plan_hash = ").bind(import.plan_hash.clone());
    sql.push(", plan_revision = ").bind(import.plan_revision).push(", rows = ").bind(import.rows);
    sql.push(", committed_at = ")
        .bind(import.committed_at)
        .push(", id_salt = ")
        .bind(import.id_salt);
    sql.push(", applied_row = ")
        .bind(import.applied_row)
        .push(", summary = ")
        .bind(import.summary.clone());
    sql.push(", reverted = ")
        .bind(import.reverted.clone())
        .push(", problem = ")
        .bind(import.problem.clone());
    sql.push(", job_id = ").bind(import.job_id).push(", auto_commit = ").bind(import.auto_commit);
    sql.push(", updated_at = ")
        .bind(import.updated_at)
        .push(", finished_at = ")
        .bind(import.finished_at);
    sql.push(" WHERE workspace_id = ").bind(tenant.workspace).push(" AND id = ").bind(import.id);
    match sql.execute(tenant.conn)? {
        1 => Ok(()),
        _ => {
            Err(StoreError::Inconsistent { table: "imports", problem: "the import is gone".into() })
        }
    }
}

/// Removes an import with everything that hangs on it; the contacts it made stay.
///
/// # Errors
/// What the database said.
pub fn delete(tenant: &mut Tenant<'_>, id: ImportId) -> Result<bool, StoreError> {
    for table in [
        "import_staged",
        "import_rows",
        "import_tags",
        "import_changes",
        "import_tag_additions",
        "import_data",
    ] {
        let mut sql = Sql::new(&format!("DELETE FROM {table} WHERE workspace_id = "));
        sql.bind(tenant.workspace).push(" AND import_id = ").bind(id.0);
        sql.execute(tenant.conn)?;
    }
    let mut sql = Sql::new("DELETE FROM imports WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ").bind(id.0);
    Ok(sql.execute(tenant.conn)? == 1)
}
