//! Which contacts are in which stage. Writers have locked the contacts, and hold the stage (`stages::hold`).

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Integer, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_domain::ids::{ContactId, FunnelId, StageId};

use crate::contacts::read::Id;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// A stage that a contact is in.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Entered {
    /// The stage.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Its place in the funnel, from 1.
    #[diesel(sql_type = Integer)]
    pub position: i32,
    /// The funnel.
    #[diesel(sql_type = SqlUuid)]
    pub funnel_id: Uuid,
    /// The name of the funnel.
    #[diesel(sql_type = Text)]
    pub funnel: String,
    /// How the funnel is sorted.
    #[diesel(sql_type = Text)]
    pub funnel_key: String,
    /// Since when it is there.
    #[diesel(sql_type = Timestamptz)]
    pub entered_at: DateTime<Utc>,
}

/// The stages of a contact, funnel by funnel in order of their names, behind the funnel and place `after`.
///
/// # Errors
/// What the database said.
pub fn of(
    tenant: &mut Tenant<'_>,
    contact: ContactId,
    after: Option<(String, i32)>,
    limit: usize,
) -> Result<Vec<Entered>, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT s.id, s.name, s.position, f.id AS funnel_id, f.name AS funnel, f.name_key AS funnel_key, x.entered_at \
         FROM contact_stages x JOIN funnel_stages s ON s.workspace_id = {workspace} AND s.id = x.stage_id \
         JOIN funnels f ON f.workspace_id = {workspace} AND f.id = s.funnel_id \
         WHERE x.workspace_id = {workspace} AND x.contact_id = "
    ));
    sql.bind(contact.0);
    if let Some((key, position)) = after {
        sql.push(" AND (f.name_key, s.position) > (").bind(key).push(", ").bind(position);
        sql.push(")");
    }
    sql.push(" ORDER BY f.name_key, s.position LIMIT ");
    sql.bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql.load(tenant.conn)
}

/// That a contact is, or was, in a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct Stay {
    /// The contact.
    #[diesel(sql_type = SqlUuid)]
    pub contact_id: Uuid,
    /// The stage.
    #[diesel(sql_type = SqlUuid)]
    pub stage_id: Uuid,
    /// When it got there.
    #[diesel(sql_type = Timestamptz)]
    pub entered_at: DateTime<Utc>,
}

const STAY: &str = "x.contact_id, x.stage_id, x.entered_at";

/// Puts contacts into a stage, and says which were not there.
///
/// # Errors
/// What the database said.
pub fn enter(
    tenant: &mut Tenant<'_>,
    contacts: &[Uuid],
    stage: StageId,
    now: DateTime<Utc>,
) -> Result<Vec<Stay>, StoreError> {
    let mut sql = Sql::new(
        "INSERT INTO contact_stages AS x (workspace_id, contact_id, stage_id, entered_at) SELECT ",
    );
    sql.bind(tenant.workspace).push(", c.id, ").bind(stage.0).push(", ").bind(now);
    sql.push(" FROM unnest(").bind(contacts.to_vec());
    sql.push(&format!(
        ") AS c(id) ON CONFLICT (workspace_id, contact_id, stage_id) DO NOTHING RETURNING {STAY}"
    ));
    sql.load(tenant.conn)
}

/// Which stages contacts are taken out of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Out {
    /// This one.
    Stage(StageId),
    /// All of this funnel.
    Funnel(FunnelId),
}

/// Takes contacts out of stages, and says what they were in.
///
/// # Errors
/// What the database said.
pub fn leave(
    tenant: &mut Tenant<'_>,
    contacts: &[Uuid],
    out: Out,
) -> Result<Vec<Stay>, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "DELETE FROM contact_stages x WHERE x.workspace_id = {workspace} AND x.contact_id = ANY("
    ));
    sql.bind(contacts.to_vec());
    match out {
        Out::Stage(stage) => sql.push(") AND x.stage_id = ").bind(stage.0),
        Out::Funnel(funnel) => {
            sql.push(&format!(
                ") AND x.stage_id IN (SELECT s.id FROM funnel_stages s WHERE s.workspace_id = {workspace} AND s.funnel_id = "
            ));
            sql.bind(funnel.0).push(")")
        }
    };
    sql.push(&format!(" RETURNING {STAY}"));
    sql.load(tenant.conn)
}

fn rows(stays: &[Stay]) -> Value {
    stays
        .iter()
        .map(|stay| {
            let Stay { contact_id, stage_id, entered_at } = stay;
            json!({"contact": contact_id, "stage": stage_id, "at": entered_at})
        })
        .collect()
}

const STAYS: &str = "AS r(contact uuid, stage uuid, at timestamptz)";

/// Takes contacts out of stages where they are since just then, and says which that were.
///
/// # Errors
/// What the database said.
pub fn leave_as_entered(tenant: &mut Tenant<'_>, stays: &[Stay]) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = Sql::new("DELETE FROM contact_stages x USING jsonb_to_recordset(");
    sql.bind(rows(stays)).push(&format!(") {STAYS} WHERE x.workspace_id = "));
    sql.bind(tenant.workspace).push(
        " AND x.contact_id = r.contact AND x.stage_id = r.stage AND x.entered_at = r.at RETURNING x.contact_id AS id",
    );
    Ok(sql.load::<Id>(tenant.conn)?.into_iter().map(|row| row.id).collect())
}

/// Which of these contacts are in one of the stages, or of the funnels.
///
/// # Errors
/// What the database said.
pub fn inside(
    tenant: &mut Tenant<'_>,
    contacts: &[Uuid],
    stages: Vec<Uuid>,
    funnels: Vec<Uuid>,
) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT DISTINCT x.contact_id AS id FROM contact_stages x JOIN funnel_stages s \
           ON s.workspace_id = {workspace} AND s.id = x.stage_id \
         WHERE x.workspace_id = {workspace} AND x.contact_id = ANY("
    ));
    sql.bind(contacts.to_vec()).push(") AND (s.id = ANY(").bind(stages);
    sql.push(") OR s.funnel_id = ANY(").bind(funnels).push("))");
    Ok(sql.load::<Id>(tenant.conn)?.into_iter().map(|row| row.id).collect())
}

/// Puts contacts back where they were, since when they were there.
///
/// # Errors
/// What the database said.
pub fn put_back(tenant: &mut Tenant<'_>, stays: &[Stay]) -> Result<(), StoreError> {
    let mut sql = Sql::new(
        "INSERT INTO contact_stages (workspace_id, contact_id, stage_id, entered_at) SELECT ",
    );
    sql.bind(tenant.workspace).push(", r.contact, r.stage, r.at FROM jsonb_to_recordset(");
    sql.bind(rows(stays))
        .push(&format!(") {STAYS} ON CONFLICT (workspace_id, contact_id, stage_id) DO NOTHING"));
    sql.execute(tenant.conn).map(drop)
}
