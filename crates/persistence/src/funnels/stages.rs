//! Stages of funnels. Whoever adds, moves or removes one has locked the funnel, so that places stay without
//! gaps.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Integer, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_domain::classes::ClassName;
use kartoteka_domain::ids::{FunnelId, StageId};

use super::{Hold, Use};
use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// A stage of a funnel.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Stage {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// The funnel.
    #[diesel(sql_type = SqlUuid)]
    pub funnel_id: Uuid,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Its place in the funnel, from 1.
    #[diesel(sql_type = Integer)]
    pub position: i32,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When its name or place was changed last.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

/// A stage, and how many contacts are in it.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct CountedStage {
    /// The stage.
    #[diesel(embed)]
    pub stage: Stage,
    /// Contacts in it.
    #[diesel(embed)]
    pub usage: Use,
}

const COLUMNS: &str = "s.id, s.funnel_id, s.name, s.position, s.created_at, s.updated_at";

/// The stages of these funnels, funnel by funnel in their order.
///
/// # Errors
/// What the database said.
pub fn of(tenant: &mut Tenant<'_>, funnels: Vec<Uuid>) -> Result<Vec<Stage>, StoreError> {
    let mut sql =
        Sql::new(&format!("SELECT {COLUMNS} FROM funnel_stages s WHERE s.workspace_id = "));
    sql.bind(tenant.workspace).push(" AND s.funnel_id = ANY(").bind(funnels);
    sql.push(") ORDER BY s.funnel_id, s.position");
    sql.load(tenant.conn)
}

/// Statement over stages `s` with their counts, up to a condition on them.
fn counted(tenant: &Tenant<'_>) -> Sql {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT {COLUMNS}, u.live, u.trash FROM funnel_stages s CROSS JOIN LATERAL (\
           SELECT count(*) FILTER (WHERE c.trashed_at IS NULL) AS live, \
             count(*) FILTER (WHERE c.trashed_at IS NOT NULL) AS trash \
           FROM contact_stages x JOIN contacts c ON c.workspace_id = {workspace} AND c.id = x.contact_id \
           WHERE x.workspace_id = {workspace} AND x.stage_id = s.id) AS u \
         WHERE s.workspace_id = {workspace}"
    ));
    sql
}

/// The stages of a funnel in their order, behind the place `after`.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    funnel: FunnelId,
    after: Option<i32>,
    limit: usize,
) -> Result<Vec<CountedStage>, StoreError> {
    let mut sql = counted(tenant);
    sql.push(" AND s.funnel_id = ").bind(funnel.0);
    if let Some(after) = after {
        sql.push(" AND s.position > ").bind(after);
    }
    sql.push(" ORDER BY s.position LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql.load(tenant.conn)
}

/// One stage of a funnel, and how many contacts are in it.
///
/// # Errors
/// What the database said.
pub fn get(
    tenant: &mut Tenant<'_>,
    funnel: FunnelId,
    id: StageId,
) -> Result<Option<CountedStage>, StoreError> {
    let mut sql = counted(tenant);
    sql.push(" AND s.funnel_id = ").bind(funnel.0).push(" AND s.id = ").bind(id.0);
    sql.first(tenant.conn)
}

/// How many contacts are in any of these stages, each once.
///
/// # Errors
/// What the database said.
pub fn contacts_in(tenant: &mut Tenant<'_>, stages: &[Uuid]) -> Result<Use, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT count(DISTINCT c.id) FILTER (WHERE c.trashed_at IS NULL) AS live, \
           count(DISTINCT c.id) FILTER (WHERE c.trashed_at IS NOT NULL) AS trash \
         FROM contact_stages x JOIN contacts c ON c.workspace_id = {workspace} AND c.id = x.contact_id \
         WHERE x.workspace_id = {workspace} AND x.stage_id = ANY("
    ));
    sql.bind(stages.to_vec()).push(")");
    Ok(sql.first(tenant.conn)?.unwrap_or(Use { live: 0, trash: 0 }))
}

/// Locks the stages of a funnel: nobody enters one before the transaction ends.
///
/// # Errors
/// [`StoreError::Busy`] when somebody holds one for too long.
pub fn lock(tenant: &mut Tenant<'_>, funnel: FunnelId) -> Result<Vec<Stage>, StoreError> {
    let mut sql =
        Sql::new(&format!("SELECT {COLUMNS} FROM funnel_stages s WHERE s.workspace_id = "));
    sql.bind(tenant.workspace).push(" AND s.funnel_id = ").bind(funnel.0);
    sql.push(" ORDER BY s.id").push(Hold::Change.clause());
    sql.load(tenant.conn)
}

/// One stage of any funnel.
///
/// # Errors
/// [`StoreError::Busy`] when somebody holds it for too long.
pub fn find(tenant: &mut Tenant<'_>, id: StageId, hold: Hold) -> Result<Option<Stage>, StoreError> {
    let mut sql =
        Sql::new(&format!("SELECT {COLUMNS} FROM funnel_stages s WHERE s.workspace_id = "));
    sql.bind(tenant.workspace).push(" AND s.id = ").bind(id.0).push(hold.clause());
    sql.first(tenant.conn)
}

/// Which of these stages exist. They are locked against removal until the end of the transaction, because
/// what contacts hold of them has no foreign key.
///
/// # Errors
/// [`StoreError::Busy`] when somebody holds one for too long.
pub fn hold(tenant: &mut Tenant<'_>, ids: Vec<Uuid>) -> Result<Vec<Stage>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql =
        Sql::new(&format!("SELECT {COLUMNS} FROM funnel_stages s WHERE s.workspace_id = "));
    sql.bind(tenant.workspace).push(" AND s.id = ANY(").bind(ids);
    sql.push(") ORDER BY s.id").push(Hold::Use.clause());
    sql.load(tenant.conn)
}

/// Adds stages behind the place `behind`, in this order; those that stood there make room.
///
/// # Errors
/// `funnel_stages_name_key` when the funnel has one of that name.
pub fn insert(
    tenant: &mut Tenant<'_>,
    funnel: FunnelId,
    behind: i32,
    stages: &[(StageId, ClassName)],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let more = i32::try_from(stages.len()).unwrap_or(i32::MAX);
    shift(tenant, funnel, behind, more)?;
    let rows: Value = stages
        .iter()
        .zip(1_i64..)
        .map(|((id, name), place)| {
            let position = i64::from(behind) + place;
            json!({"id": id, "name": name.as_str(), "key": name.key(), "position": position})
        })
        .collect();
    let mut sql = Sql::new(
        "INSERT INTO funnel_stages (workspace_id, id, funnel_id, name, name_key, position, created_at, updated_at) SELECT ",
    );
    sql.bind(tenant.workspace).push(", r.id, ").bind(funnel.0);
    sql.push(", r.name, r.key, r.position, ").bind(now).push(", ").bind(now);
    sql.push(" FROM jsonb_to_recordset(").bind(rows);
    sql.push(") AS r(id uuid, name text, key text, position integer)");
    sql.execute(tenant.conn).map(drop)
}

/// Moves all behind the place `behind` by so many places.
fn shift(
    tenant: &mut Tenant<'_>,
    funnel: FunnelId,
    behind: i32,
    by: i32,
) -> Result<(), StoreError> {
    let mut sql = Sql::new("UPDATE funnel_stages SET position = position + ");
    sql.bind(by).push(" WHERE workspace_id = ").bind(tenant.workspace);
    sql.push(" AND funnel_id = ").bind(funnel.0).push(" AND position > ").bind(behind);
    sql.execute(tenant.conn).map(drop)
}

/// Gives a stage another name.
///
/// # Errors
/// As [`insert`].
pub fn rename(
    tenant: &mut Tenant<'_>,
    id: StageId,
    name: &ClassName,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = Sql::new("UPDATE funnel_stages SET name = ");
    sql.bind(name.as_str()).push(", name_key = ").bind(name.key());
    sql.push(", updated_at = greatest(").bind(now);
    sql.push(", updated_at + interval '1 microsecond') WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ").bind(id.0);
    sql.execute(tenant.conn).map(drop)
}

/// Puts a stage to another place; those between the two move by one.
///
/// # Errors
/// What the database said.
pub fn place(
    tenant: &mut Tenant<'_>,
    stage: &Stage,
    position: i32,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = Sql::default();
    let (id, old, new) = (sql.param(stage.id), sql.param(stage.position), sql.param(position));
    let now = sql.param(now);
    sql.push(&format!(
        "UPDATE funnel_stages SET position = CASE WHEN id = {id} THEN {new} WHEN position > {old} THEN position - 1 \
           ELSE position + 1 END, \
           updated_at = CASE WHEN id = {id} THEN greatest({now}, updated_at + interval '1 microsecond') ELSE updated_at END \
         WHERE position BETWEEN least({old}, {new}) AND greatest({old}, {new}) AND workspace_id = "
    ));
    sql.bind(tenant.workspace).push(" AND funnel_id = ").bind(stage.funnel_id);
    sql.execute(tenant.conn).map(drop)
}

/// Removes a stage, and closes the gap. The caller has locked it and seen that nobody is in it.
///
/// # Errors
/// What the database said.
pub fn delete(tenant: &mut Tenant<'_>, stage: &Stage) -> Result<(), StoreError> {
    let mut sql = Sql::new("DELETE FROM funnel_stages WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ").bind(stage.id);
    sql.execute(tenant.conn)?;
    shift(tenant, FunnelId(stage.funnel_id), stage.position, -1)
}
