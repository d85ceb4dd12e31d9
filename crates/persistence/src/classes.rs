//! Groups and contact types of the workspace, and which contacts are in which group.
//!
//! The two are kept alike and differ in how contacts hold them: a group in `contact_groups`, the type in
//! the contact itself.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_domain::classes::ClassName;
use kartoteka_domain::ids::{ContactId, GroupId};

use crate::contacts::list::contains;
use crate::contacts::read::Id;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

pub use crate::tags::Use;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A group: a contact is in any number of them.
    Group,
    /// A type: a contact has one or none.
    ContactType,
}

impl Kind {
    const fn table(self) -> &'static str {
        match self {
            Self::Group => "groups",
            Self::ContactType => "contact_types",
        }
    }
}

/// A group or a contact type.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Class {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// How it is compared and sorted.
    #[diesel(sql_type = Text)]
    pub name_key: String,
    /// What it is for.
    #[diesel(sql_type = Nullable<Text>)]
    pub description: Option<String>,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

const COLUMNS: &str = "id, name, name_key, description, created_at, updated_at";

/// Those of one kind in order of their names, behind the key `after`; `part` is a part of the key.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    kind: Kind,
    part: Option<&str>,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Class>, StoreError> {
    let table = kind.table();
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM {table} WHERE workspace_id = "));
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

/// How long nobody else may change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// It is only looked at.
    No,
    /// It is put on a contact, so it stays until the end of the transaction.
    Use,
    /// It is changed or removed: nobody puts it on a contact meanwhile.
    Change,
}

impl Hold {
    /// The end of the `SELECT`.
    pub(crate) const fn clause(self) -> &'static str {
        match self {
            Self::No => "",
            Self::Use => " FOR KEY SHARE",
            Self::Change => " FOR UPDATE",
        }
    }
}

/// One of them.
///
/// # Errors
/// [`StoreError::Busy`] when somebody holds it for too long.
pub fn get(
    tenant: &mut Tenant<'_>,
    kind: Kind,
    id: Uuid,
    hold: Hold,
) -> Result<Option<Class>, StoreError> {
    let table = kind.table();
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM {table} WHERE workspace_id = "));
    sql.bind(tenant.workspace).push(" AND id = ").bind(id);
    sql.push(hold.clause());
    sql.first(tenant.conn)
}

/// Which of these exist.
///
/// # Errors
/// What the database said.
pub fn existing(
    tenant: &mut Tenant<'_>,
    kind: Kind,
    ids: Vec<Uuid>,
) -> Result<HashSet<Uuid>, StoreError> {
    those_of(tenant, kind, ids, "")
}

/// Which of these exist. They are locked against removal until the end of the transaction, because what
/// contacts hold of them has no foreign key.
///
/// # Errors
/// [`StoreError::Busy`] when somebody holds one for too long.
pub fn hold(
    tenant: &mut Tenant<'_>,
    kind: Kind,
    ids: Vec<Uuid>,
) -> Result<HashSet<Uuid>, StoreError> {
    those_of(tenant, kind, ids, " FOR KEY SHARE")
}

fn those_of(
    tenant: &mut Tenant<'_>,
    kind: Kind,
    ids: Vec<Uuid>,
    lock: &str,
) -> Result<HashSet<Uuid>, StoreError> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let mut sql = Sql::new(&format!("SELECT id FROM {} WHERE workspace_id = ", kind.table()));
    sql.bind(tenant.workspace).push(" AND id = ANY(").bind(ids);
    sql.push(") ORDER BY id").push(lock);
    Ok(sql.load::<Id>(tenant.conn)?.into_iter().map(|row| row.id).collect())
}

/// How many contacts have it.
///
/// # Errors
/// What the database said.
pub fn usage(tenant: &mut Tenant<'_>, kind: Kind, id: Uuid) -> Result<Use, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    let id = sql.param(id);
    sql.push(
        "SELECT count(*) FILTER (WHERE c.trashed_at IS NULL) AS live, \
         count(*) FILTER (WHERE c.trashed_at IS NOT NULL) AS trash FROM ",
    );
    sql.push(&match kind {
        Kind::Group => format!(
            "contact_groups cg JOIN contacts c ON c.workspace_id = {workspace} AND c.id = cg.contact_id \
             WHERE cg.workspace_id = {workspace} AND cg.group_id = {id}"
        ),
        Kind::ContactType => {
            format!("contacts c WHERE c.workspace_id = {workspace} AND c.type_id = {id}")
        }
    });
    Ok(sql.first(tenant.conn)?.unwrap_or(Use { live: 0, trash: 0 }))
}

/// Makes one.
///
/// # Errors
/// `groups_name_key`, `contact_types_name_key` when there is one of that name.
pub fn insert(
    tenant: &mut Tenant<'_>,
    kind: Kind,
    id: Uuid,
    name: &ClassName,
    description: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let table = kind.table();
    let mut sql = Sql::new(&format!("INSERT INTO {table} (workspace_id, {COLUMNS}) VALUES ("));
    sql.bind(tenant.workspace).push(", ").bind(id).push(", ").bind(name.as_str());
    sql.push(", ").bind(name.key()).push(", ").bind(description).push(", ").bind(now);
    sql.push(", ").bind(now).push(")");
    sql.execute(tenant.conn).map(drop)
}

/// Writes name and description.
///
/// # Errors
/// As [`insert`].
pub fn update(
    tenant: &mut Tenant<'_>,
    kind: Kind,
    id: Uuid,
    name: &ClassName,
    description: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = Sql::new(&format!("UPDATE {} SET name = ", kind.table()));
    sql.bind(name.as_str()).push(", name_key = ").bind(name.key());
    sql.push(", description = ").bind(description);
    sql.push(", updated_at = greatest(").bind(now);
    sql.push(", updated_at + interval '1 microsecond') WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ").bind(id);
    sql.execute(tenant.conn).map(drop)
}

/// Removes one. The caller has locked it and seen that nobody has it.
///
/// # Errors
/// What the database said.
pub fn delete(tenant: &mut Tenant<'_>, kind: Kind, id: Uuid) -> Result<(), StoreError> {
    let mut sql = Sql::new(&format!("DELETE FROM {} WHERE workspace_id = ", kind.table()));
    sql.bind(tenant.workspace).push(" AND id = ").bind(id);
    sql.execute(tenant.conn).map(drop)
}

/// The whole set of groups of one contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupsOf {
    /// The contact.
    pub contact: ContactId,
    /// Its groups; held by [`hold`].
    pub groups: Vec<Uuid>,
}

/// Puts contacts into exactly these groups.
///
/// # Errors
/// What the database said.
pub fn replace_groups(
    tenant: &mut Tenant<'_>,
    sets: &[GroupsOf],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if sets.is_empty() {
        return Ok(());
    }
    let contacts: Vec<Uuid> = sets.iter().map(|set| set.contact.0).collect();
    let wanted: Value = sets
        .iter()
        .flat_map(|set| {
            set.groups.iter().map(|group| json!({"contact": set.contact, "group": group}))
        })
        .collect();
    let record = "AS r(contact uuid, \"group\" uuid)";
    let mut sql = Sql::new("DELETE FROM contact_groups cg WHERE cg.workspace_id = ");
    sql.bind(tenant.workspace).push(" AND cg.contact_id = ANY(").bind(contacts);
    sql.push(
        ") AND (cg.contact_id, cg.group_id) NOT IN (SELECT r.contact, r.\"group\" FROM jsonb_to_recordset(",
    );
    sql.bind(wanted.clone()).push(&format!(") {record})"));
    sql.execute(tenant.conn)?;
    let mut sql = Sql::new(
        "INSERT INTO contact_groups (workspace_id, contact_id, group_id, added_at) SELECT ",
    );
    sql.bind(tenant.workspace).push(", r.contact, r.\"group\", ").bind(now);
    sql.push(" FROM jsonb_to_recordset(").bind(wanted);
    sql.push(&format!(") {record} ON CONFLICT (workspace_id, contact_id, group_id) DO NOTHING"));
    sql.execute(tenant.conn).map(drop)
}

/// Puts a contact into a group besides those it is in; says whether it was not there.
///
/// # Errors
/// What the database said.
pub fn put_in_group(
    tenant: &mut Tenant<'_>,
    contact: ContactId,
    group: GroupId,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut sql = Sql::new(
        "INSERT INTO contact_groups (workspace_id, contact_id, group_id, added_at) VALUES (",
    );
    sql.bind(tenant.workspace).push(", ").bind(contact.0).push(", ").bind(group.0);
    sql.push(", ").bind(now);
    sql.push(") ON CONFLICT (workspace_id, contact_id, group_id) DO NOTHING");
    Ok(sql.execute(tenant.conn)? > 0)
}

/// Takes a contact out of a group; says whether it was in it.
///
/// # Errors
/// What the database said.
pub fn take_from_group(
    tenant: &mut Tenant<'_>,
    contact: ContactId,
    group: GroupId,
) -> Result<bool, StoreError> {
    let mut sql = Sql::new("DELETE FROM contact_groups WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND contact_id = ").bind(contact.0);
    sql.push(" AND group_id = ").bind(group.0);
    Ok(sql.execute(tenant.conn)? > 0)
}
