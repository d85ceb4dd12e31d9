//! Who owns which contacts, and the one condition that says what they may do to them (CON-12).

pub mod bulk;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use kartoteka_domain::actor::Actor;
use kartoteka_domain::contacts::owners::{Deed, Level};
use kartoteka_domain::ids::{ContactId, UserId};

use super::read::Id;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// An owner of a contact.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Owner {
    /// The person.
    #[diesel(sql_type = SqlUuid)]
    pub user_id: Uuid,
    /// Their address.
    #[diesel(sql_type = Text)]
    pub email: String,
    /// `main`, `co_owner` or `read_only`.
    #[diesel(sql_type = Text)]
    pub level: String,
    /// Since when they own it.
    #[diesel(sql_type = Timestamptz)]
    pub added_at: DateTime<Utc>,
}

/// Order of owners wherever they are shown: those who may most first.
pub(crate) const ORDER: &str =
    "array_position(ARRAY['main', 'co_owner', 'read_only'], o.level), o.user_id";

/// Adds "the actor may do this to the contact `alias`" as one condition. `workspace` is the placeholder of
/// the workspace. The same for every set-based statement: bulk edits, batches, imports.
///
/// Only people who own something of a contact are bound: not integrations, not the system, not
/// administrators, and nobody who owns nothing of it; for them the scopes of the token have decided.
pub fn permitted(sql: &mut Sql, alias: &str, workspace: &str, actor: Actor, deed: Deed) {
    let Actor::User(user) = actor else {
        sql.push("TRUE");
        return;
    };
    let levels: Vec<String> = deed.forbidden_to().into_iter().map(str::to_owned).collect();
    sql.push(&format!(
        "NOT EXISTS (SELECT FROM contact_owners own JOIN users person ON person.workspace_id = {workspace} \
           AND person.id = own.user_id AND person.role <> 'administrator' \
         WHERE own.workspace_id = {workspace} AND own.contact_id = {alias}.id AND own.user_id = "
    ));
    sql.bind(user.0).push(" AND own.level = ANY(").bind(levels).push("))");
}

/// Those of `ids` that exist and that the actor may not do this to.
///
/// # Errors
/// What the database said.
pub fn forbidden(
    tenant: &mut Tenant<'_>,
    actor: Actor,
    ids: &[Uuid],
    deed: Deed,
) -> Result<Vec<Uuid>, StoreError> {
    if !matches!(actor, Actor::User(_)) || ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::default();
    sql.prepared();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT c.id FROM contacts c WHERE c.workspace_id = {workspace} AND c.id = ANY("
    ));
    sql.bind(ids.to_vec()).push(") AND NOT (");
    permitted(&mut sql, "c", &workspace, actor, deed);
    sql.push(")");
    Ok(sql.load::<Id>(tenant.conn)?.into_iter().map(|row| row.id).collect())
}

/// Whether the actor is bound by ownership of any contact: one look, before a statement that would ask for
/// each row.
///
/// # Errors
/// What the database said.
pub fn is_bound(tenant: &mut Tenant<'_>, actor: Actor, deed: Deed) -> Result<bool, StoreError> {
    let Actor::User(user) = actor else { return Ok(false) };
    let levels: Vec<String> = deed.forbidden_to().into_iter().map(str::to_owned).collect();
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT EXISTS (SELECT FROM contact_owners own JOIN users person ON person.workspace_id = {workspace} \
           AND person.id = own.user_id AND person.role <> 'administrator' \
         WHERE own.workspace_id = {workspace} AND own.user_id = "
    ));
    sql.bind(user.0).push(" AND own.level = ANY(").bind(levels).push("))::integer::bigint AS n");
    Ok(sql.count(tenant.conn)? > 0)
}

/// Owners of a contact, those who may most first. With `lock` nobody else takes one away until the
/// transaction ends.
///
/// # Errors
/// What the database said.
pub fn of_contact(
    tenant: &mut Tenant<'_>,
    contact: ContactId,
    lock: bool,
) -> Result<Vec<Owner>, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT o.user_id, u.email, o.level, o.added_at FROM contact_owners o \
         JOIN users u ON u.workspace_id = {workspace} AND u.id = o.user_id \
         WHERE o.workspace_id = {workspace} AND o.contact_id = "
    ));
    sql.bind(contact.0).push(&format!(" ORDER BY {ORDER}"));
    sql.push(if lock { " FOR UPDATE OF o" } else { "" });
    sql.load(tenant.conn)
}

/// Makes somebody an owner, or changes how far they are one.
///
/// # Errors
/// `contact_owners_user_fkey` when there is no such person.
pub fn put(
    tenant: &mut Tenant<'_>,
    contact: ContactId,
    user: UserId,
    level: Level,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = Sql::new(
        "INSERT INTO contact_owners (workspace_id, contact_id, user_id, level, added_at) VALUES (",
    );
    sql.bind(tenant.workspace).push(", ").bind(contact.0).push(", ").bind(user.0);
    sql.push(", ").bind(level.as_str()).push(", ").bind(now);
    sql.push(
        ") ON CONFLICT (workspace_id, contact_id, user_id) DO UPDATE SET level = excluded.level",
    );
    sql.execute(tenant.conn).map(drop)
}

/// Takes an owner away. The caller has locked the owners and seen that another one stays.
///
/// # Errors
/// What the database said.
pub fn remove(tenant: &mut Tenant<'_>, contact: ContactId, user: UserId) -> Result<(), StoreError> {
    let mut sql = Sql::new("DELETE FROM contact_owners WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND contact_id = ").bind(contact.0);
    sql.push(" AND user_id = ").bind(user.0);
    sql.execute(tenant.conn).map(drop)
}

/// Contacts that one person alone owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct SoleOwner {
    /// Those that live.
    #[diesel(sql_type = BigInt)]
    pub live: i64,
    /// Those in the trash.
    #[diesel(sql_type = BigInt)]
    pub trash: i64,
}

/// How many contacts would have no owner left without this person, whose ownerships are locked first: who
/// takes another owner of the same contact away waits, and sees what became of this one.
///
/// # Errors
/// What the database said.
pub fn sole(tenant: &mut Tenant<'_>, user: UserId) -> Result<SoleOwner, StoreError> {
    let mut sql =
        Sql::new("SELECT count(*) AS n FROM (SELECT FROM contact_owners WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND user_id = ").bind(user.0);
    sql.push(" ORDER BY contact_id FOR UPDATE) AS held");
    sql.count(tenant.conn)?;
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    let user = sql.param(user.0);
    sql.push(&format!(
        "SELECT count(*) FILTER (WHERE c.trashed_at IS NULL) AS live, count(c.trashed_at) AS trash \
         FROM contact_owners o JOIN contacts c ON c.workspace_id = {workspace} AND c.id = o.contact_id \
         WHERE o.workspace_id = {workspace} AND o.user_id = {user} AND NOT EXISTS (\
           SELECT FROM contact_owners other WHERE other.workspace_id = {workspace} \
           AND other.contact_id = o.contact_id AND other.user_id <> {user})"
    ));
    Ok(sql.first(tenant.conn)?.unwrap_or(SoleOwner { live: 0, trash: 0 }))
}

/// Takes a person off all contacts they own, and says off which and how far they owned them.
///
/// # Errors
/// What the database said.
pub fn remove_everywhere(
    tenant: &mut Tenant<'_>,
    user: UserId,
) -> Result<Vec<(Uuid, String)>, StoreError> {
    let mut sql = Sql::new("DELETE FROM contact_owners WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND user_id = ").bind(user.0);
    sql.push(" RETURNING contact_id, level");
    let rows: Vec<Ownership> = sql.load(tenant.conn)?;
    Ok(rows.into_iter().map(|row| (row.contact_id, row.level)).collect())
}

#[derive(QueryableByName)]
struct Ownership {
    #[diesel(sql_type = SqlUuid)]
    contact_id: Uuid,
    #[diesel(sql_type = Text)]
    level: String,
}
