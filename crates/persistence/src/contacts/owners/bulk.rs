//! One person as an owner of many contacts, each change in one statement.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_domain::ids::UserId;

use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// How a contact stands to a person.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Standing {
    /// The contact.
    #[diesel(sql_type = SqlUuid)]
    pub contact_id: Uuid,
    /// How many owners it has, the person among them.
    #[diesel(sql_type = BigInt)]
    pub owners: i64,
    /// How far the person owns it; not at all where there is none.
    #[diesel(sql_type = Nullable<Text>)]
    pub level: Option<String>,
    /// Since when.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub added_at: Option<DateTime<Utc>>,
}

/// How the contacts, which are locked, stand to a person. Their owners are locked too, so that nobody takes one away
/// before the transaction ends.
///
/// # Errors
/// What the database said.
pub fn standings(
    tenant: &mut Tenant<'_>,
    user: UserId,
    contacts: &[Uuid],
) -> Result<Vec<Standing>, StoreError> {
    let mut sql = Sql::default();
    let (workspace, user) = (sql.param(tenant.workspace), sql.param(user.0));
    let contacts = sql.param(contacts.to_vec());
    sql.push(&format!(
        "WITH held AS MATERIALIZED (SELECT o.contact_id, o.user_id, o.level, o.added_at FROM contact_owners o \
           WHERE o.workspace_id = {workspace} AND o.contact_id = ANY({contacts}) ORDER BY o.contact_id, o.user_id FOR UPDATE) \
         SELECT f.id AS contact_id, count(h.user_id) AS owners, max(h.level) FILTER (WHERE h.user_id = {user}) AS level, \
           max(h.added_at) FILTER (WHERE h.user_id = {user}) AS added_at \
         FROM unnest({contacts}) AS f(id) LEFT JOIN held h ON h.contact_id = f.id GROUP BY f.id ORDER BY f.id"
    ));
    sql.load(tenant.conn)
}

/// What a person is to a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// The contact.
    pub contact: Uuid,
    /// The person.
    pub user: Uuid,
    /// How far they own it.
    pub level: String,
    /// Since when; of no account where they own it already.
    pub added_at: DateTime<Utc>,
}

/// Makes people owners, or changes how far they are. The contacts are locked, the people held.
///
/// # Errors
/// `contact_owners_user_fkey` when there is no such person.
pub fn put(tenant: &mut Tenant<'_>, ownerships: &[Ownership]) -> Result<(), StoreError> {
    if ownerships.is_empty() {
        return Ok(());
    }
    let rows: Value = ownerships
        .iter()
        .map(|one| {
            json!({"contact": one.contact, "person": one.user, "level": one.level, "at": one.added_at})
        })
        .collect();
    let mut sql = Sql::new(
        "INSERT INTO contact_owners (workspace_id, contact_id, user_id, level, added_at) SELECT ",
    );
    sql.bind(tenant.workspace);
    sql.push(", r.contact, r.person, r.level, r.at FROM jsonb_to_recordset(").bind(rows);
    sql.push(
        ") AS r(contact uuid, person uuid, level text, at timestamptz) \
         ON CONFLICT (workspace_id, contact_id, user_id) DO UPDATE SET level = excluded.level",
    );
    sql.execute(tenant.conn).map(drop)
}

/// Takes a person off contacts. The caller has seen that another owner stays ([`standings`]).
///
/// # Errors
/// What the database said.
pub fn remove(tenant: &mut Tenant<'_>, user: UserId, contacts: &[Uuid]) -> Result<(), StoreError> {
    if contacts.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::new("DELETE FROM contact_owners WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND user_id = ").bind(user.0);
    sql.push(" AND contact_id = ANY(").bind(contacts.to_vec()).push(")");
    sql.execute(tenant.conn).map(drop)
}
