//! Funnels of the workspace, their stages, and which contacts are in them (MGR-I).

pub mod contacts;
pub mod stages;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use kartoteka_domain::classes::ClassName;
use kartoteka_domain::ids::FunnelId;

use crate::contacts::list::contains;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

pub use crate::classes::Hold;
pub use crate::tags::Use;

/// A funnel.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Funnel {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// How it is compared and sorted.
    #[diesel(sql_type = Text)]
    pub name_key: String,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it or its stages were changed last.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

const COLUMNS: &str = "id, name, name_key, created_at, updated_at";

/// Funnels in order of their names, behind the key `after`; `part` is a part of the key.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    part: Option<&str>,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Funnel>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM funnels WHERE workspace_id = "));
    sql.bind(tenant.workspace);
    if let Some(part) = part {
        sql.push(" AND name_key LIKE ").bind(contains(part));
    }
    if let Some(after) = after {
        sql.push(" AND name_key > ").bind(after);
    }
    sql.push(" ORDER BY name_key LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql.load(tenant.conn)
}

/// How many there are.
///
/// # Errors
/// What the database said.
pub fn count(tenant: &mut Tenant<'_>) -> Result<i64, StoreError> {
    let mut sql = Sql::new("SELECT count(*) AS n FROM funnels WHERE workspace_id = ");
    sql.bind(tenant.workspace);
    sql.count(tenant.conn)
}

/// One funnel. Who changes its stages holds it for change.
///
/// # Errors
/// [`StoreError::Busy`] when somebody holds it for too long.
pub fn get(
    tenant: &mut Tenant<'_>,
    id: FunnelId,
    hold: Hold,
) -> Result<Option<Funnel>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM funnels WHERE workspace_id = "));
    sql.bind(tenant.workspace).push(" AND id = ").bind(id.0).push(hold.clause());
    sql.first(tenant.conn)
}

/// Holds these funnels, as far as they are there, until the end of the transaction: before their stages, as whoever
/// removes one does.
///
/// # Errors
/// [`StoreError::Busy`] when somebody holds one for too long.
pub fn hold(tenant: &mut Tenant<'_>, ids: Vec<Uuid>) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::new("SELECT id FROM funnels WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ANY(").bind(ids);
    sql.push(") ORDER BY id").push(Hold::Use.clause());
    sql.execute(tenant.conn).map(drop)
}

/// Makes one.
///
/// # Errors
/// `funnels_name_key` when there is one of that name.
pub fn insert(
    tenant: &mut Tenant<'_>,
    id: FunnelId,
    name: &ClassName,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = Sql::new(&format!("INSERT INTO funnels (workspace_id, {COLUMNS}) VALUES ("));
    sql.bind(tenant.workspace).push(", ").bind(id.0).push(", ").bind(name.as_str());
    sql.push(", ").bind(name.key()).push(", ").bind(now).push(", ").bind(now).push(")");
    sql.execute(tenant.conn).map(drop)
}

/// Writes its name; without one only that it was changed.
///
/// # Errors
/// As [`insert`].
pub fn update(
    tenant: &mut Tenant<'_>,
    id: FunnelId,
    name: Option<&ClassName>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = Sql::new("UPDATE funnels SET updated_at = greatest(");
    sql.bind(now).push(", updated_at + interval '1 microsecond')");
    if let Some(name) = name {
        sql.push(", name = ").bind(name.as_str()).push(", name_key = ").bind(name.key());
    }
    sql.push(" WHERE workspace_id = ").bind(tenant.workspace).push(" AND id = ").bind(id.0);
    sql.execute(tenant.conn).map(drop)
}

/// Removes one with its stages. The caller has locked them and seen that nobody is in them.
///
/// # Errors
/// What the database said.
pub fn delete(tenant: &mut Tenant<'_>, id: FunnelId) -> Result<(), StoreError> {
    for (table, column) in [("funnel_stages", "funnel_id"), ("funnels", "id")] {
        let mut sql = Sql::new(&format!("DELETE FROM {table} WHERE workspace_id = "));
        sql.bind(tenant.workspace).push(&format!(" AND {column} = ")).bind(id.0);
        sql.execute(tenant.conn)?;
    }
    Ok(())
}
