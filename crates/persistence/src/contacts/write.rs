//! Changes of contacts, each for a set in one statement.
//!
//! Callers hold the writer lock of the workspace where they change which contacts exist or by what they
//! match (`workspaces::lock_writers`), and count with `workspaces::add_usage`.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use kartoteka_domain::contacts::contact::{Contact, Origin};
use kartoteka_domain::ids::ContactId;

use super::read::Id;
use super::row::{CONTENT_COLUMNS, CONTENT_RECORD, content};
use super::search;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// An instant that is later than the last change of the row, so that no two versions of a contact share
/// one, whatever the clocks of two servers say.
pub(crate) const LATER: &str = "greatest(excluded_now.at, c.updated_at + interval '1 microsecond')";

/// Makes contacts.
///
/// # Errors
/// What the database said.
pub fn insert(
    tenant: &mut Tenant<'_>,
    contacts: &[(ContactId, &Contact)],
    origin: Origin,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if contacts.is_empty() {
        return Ok(());
    }
    let columns = CONTENT_COLUMNS.join(", ");
    let values = CONTENT_COLUMNS.join(", r.");
    let mut sql = Sql::new(&format!(
        "INSERT INTO contacts (workspace_id, id, {columns}, origin, created_at, updated_at) SELECT "
    ));
    sql.prepared().bind(tenant.workspace);
    sql.push(&format!(", r.id, r.{values}, ")).bind(origin.as_str());
    let now = sql.param(now);
    sql.push(&format!(", {now}, {now} FROM jsonb_to_recordset(")).bind(rows(contacts));
    sql.push(&format!(") AS r({CONTENT_RECORD})"));
    sql.execute(tenant.conn)?;
    search::refresh(tenant, ids(contacts))
}

/// Writes the content of contacts. A hard bounce belongs to its address and goes with it.
///
/// # Errors
/// What the database said.
pub fn update(
    tenant: &mut Tenant<'_>,
    contacts: &[(ContactId, &Contact)],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if contacts.is_empty() {
        return Ok(());
    }
    let columns: Vec<String> =
        CONTENT_COLUMNS.iter().map(|column| format!("{column} = r.{column}")).collect();
    let columns = columns.join(", ");
    let mut sql = Sql::new(&format!(
        "UPDATE contacts c SET {columns}, updated_at = {LATER}, \
         email_invalid_at = CASE WHEN c.email_key = r.email_key THEN c.email_invalid_at END \
         FROM jsonb_to_recordset("
    ));
    sql.bind(rows(contacts)).push(&format!(") AS r({CONTENT_RECORD}), (SELECT "));
    sql.bind(now).push(" AS at) AS excluded_now WHERE c.workspace_id = ").bind(tenant.workspace);
    sql.push(" AND c.id = r.id");
    sql.execute(tenant.conn)?;
    search::refresh(tenant, ids(contacts))
}

fn ids(contacts: &[(ContactId, &Contact)]) -> Vec<Uuid> {
    contacts.iter().map(|(id, _)| id.0).collect()
}

fn rows(contacts: &[(ContactId, &Contact)]) -> Value {
    contacts.iter().map(|(id, contact)| Value::Object(content(*id, contact))).collect()
}

/// Notes that something that hangs on contacts changed: tags, consents.
///
/// # Errors
/// What the database said.
pub fn touch(tenant: &mut Tenant<'_>, ids: &[Uuid], now: DateTime<Utc>) -> Result<(), StoreError> {
    set(tenant, ids, now, "", None).map(drop)
}

/// A flag of contacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// Takes marketing.
    Subscribed,
    /// Takes no message at all.
    Muted,
}

/// Sets a flag.
///
/// # Errors
/// What the database said.
pub fn set_flag(
    tenant: &mut Tenant<'_>,
    id: ContactId,
    flag: Flag,
    value: bool,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let column = match flag {
        Flag::Subscribed => "subscribed = ",
        Flag::Muted => "muted = ",
    };
    set(tenant, &[id.0], now, column, Some(value)).map(drop)
}

/// Which of the contacts have no e-mail address.
///
/// # Errors
/// What the database said.
pub fn without_email(tenant: &mut Tenant<'_>, ids: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = Sql::new("SELECT id FROM contacts WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND email_key IS NULL AND id = ANY(").bind(ids.to_vec());
    sql.push(")");
    Ok(sql.load::<Id>(tenant.conn)?.into_iter().map(|row| row.id).collect())
}

/// Marks addresses of contacts as ones that do not exist, or takes the mark off, and says of which; others are as they
/// should be, or have none.
///
/// # Errors
/// What the database said.
pub fn set_email_invalid(
    tenant: &mut Tenant<'_>,
    ids: &[Uuid],
    invalid: bool,
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, StoreError> {
    let (since, present) = if invalid {
        ("excluded_now.at", "c.email_key IS NOT NULL AND c.email_invalid_at IS NULL")
    } else {
        ("NULL", "c.email_invalid_at IS NOT NULL")
    };
    let mut sql = Sql::new(&format!(
        "UPDATE contacts c SET email_invalid_at = {since}, updated_at = {LATER} FROM (SELECT "
    ));
    sql.bind(now).push(" AS at) AS excluded_now WHERE c.workspace_id = ").bind(tenant.workspace);
    sql.push(&format!(" AND {present} AND c.id = ANY(")).bind(ids.to_vec());
    sql.push(") RETURNING c.id");
    Ok(sql.load::<Id>(tenant.conn)?.into_iter().map(|row| row.id).collect())
}

fn set(
    tenant: &mut Tenant<'_>,
    ids: &[Uuid],
    now: DateTime<Utc>,
    column: &str,
    value: Option<bool>,
) -> Result<usize, StoreError> {
    let mut sql = Sql::new(&format!("UPDATE contacts c SET updated_at = {LATER}"));
    if let Some(value) = value {
        sql.push(", ").push(column).bind(value);
    }
    sql.push(" FROM (SELECT ").bind(now).push(" AS at) AS excluded_now WHERE c.workspace_id = ");
    sql.bind(tenant.workspace).push(" AND c.id = ANY(").bind(ids.to_vec()).push(")");
    sql.execute(tenant.conn)
}

/// Puts live contacts in the trash and says which; others are left alone.
///
/// # Errors
/// What the database said.
pub fn trash(
    tenant: &mut Tenant<'_>,
    ids: &[Uuid],
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, StoreError> {
    move_to(tenant, ids, now, "c.trashed_at IS NULL", "excluded_now.at")
}

/// Takes contacts out of the trash and says which; others are left alone.
///
/// # Errors
/// What the database said.
pub fn restore(
    tenant: &mut Tenant<'_>,
    ids: &[Uuid],
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, StoreError> {
    move_to(tenant, ids, now, "c.trashed_at IS NOT NULL", "NULL")
}

fn move_to(
    tenant: &mut Tenant<'_>,
    ids: &[Uuid],
    now: DateTime<Utc>,
    from: &str,
    trashed_at: &str,
) -> Result<Vec<Uuid>, StoreError> {
    // locked in order of id first: two bulk deletes of the same contacts wait, they do not deadlock
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "WITH chosen AS MATERIALIZED (SELECT c.id FROM contacts c WHERE c.workspace_id = {workspace} AND {from} AND c.id = ANY("
    ));
    sql.bind(ids.to_vec()).push(") ORDER BY c.id FOR NO KEY UPDATE) ");
    sql.push(&format!(
        "UPDATE contacts c SET trashed_at = {trashed_at}, updated_at = {LATER} FROM chosen, (SELECT "
    ));
    sql.bind(now).push(&format!(
        " AS at) AS excluded_now WHERE c.workspace_id = {workspace} AND c.id = chosen.id RETURNING c.id"
    ));
    Ok(sql.load::<Id>(tenant.conn)?.into_iter().map(|row| row.id).collect())
}
