//! Contacts by id and by key.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use kartoteka_domain::ids::ContactId;

use super::row::{self, Stored};
use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// What other systems find a contact by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// Its name in another system.
    ExternalId,
    /// Its e-mail address, normalised.
    Email,
}

impl Key {
    fn column(self) -> &'static str {
        match self {
            Self::ExternalId => "external_id",
            Self::Email => "email_key",
        }
    }
}

/// One contact, in the trash or not.
///
/// # Errors
/// What the database said.
pub fn get(tenant: &mut Tenant<'_>, id: ContactId) -> Result<Option<Stored>, StoreError> {
    let mut sql = Sql::default();
    sql.prepared();
    let workspace = sql.param(tenant.workspace);
    let id = sql.param(id.0);
    let inner = |sql: &mut Sql| {
        sql.push(&format!(
            "SELECT *, '[]'::jsonb AS sort_keys FROM contacts WHERE workspace_id = {workspace} AND id = {id}"
        ));
    };
    let rows = row::load(tenant.conn, sql, &workspace, inner, "")?;
    Ok(rows.into_iter().next().map(|(stored, _)| stored))
}

/// Contacts with these ids, in order of id; ids that are not there are left out.
///
/// # Errors
/// What the database said.
pub fn get_many(tenant: &mut Tenant<'_>, ids: &[Uuid]) -> Result<Vec<Stored>, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    let ids = sql.param(ids.to_vec());
    let inner = |sql: &mut Sql| {
        sql.push(&format!(
            "SELECT *, '[]'::jsonb AS sort_keys FROM contacts WHERE workspace_id = {workspace} AND id = ANY({ids})"
        ));
    };
    let rows = row::load(tenant.conn, sql, &workspace, inner, "ORDER BY c.id")?;
    Ok(rows.into_iter().map(|(stored, _)| stored).collect())
}

/// Locks these contacts against other changes until the end of the transaction, in order of id so that
/// two writers never wait for each other. Read them after it: what was read before may be old.
///
/// # Errors
/// [`StoreError::Busy`] when somebody holds one for too long.
pub fn lock(tenant: &mut Tenant<'_>, ids: &[Uuid]) -> Result<usize, StoreError> {
    let mut sql = Sql::new("SELECT id FROM contacts WHERE workspace_id = ");
    sql.prepared().bind(tenant.workspace).push(" AND id = ANY(").bind(ids.to_vec());
    sql.push(") ORDER BY id FOR NO KEY UPDATE");
    Ok(sql.load::<Id>(tenant.conn)?.len())
}

/// Locks one contact and reads it.
///
/// # Errors
/// [`StoreError::Busy`] when somebody holds it for too long.
pub fn lock_one(tenant: &mut Tenant<'_>, id: ContactId) -> Result<Option<Stored>, StoreError> {
    if lock(tenant, &[id.0])? == 0 {
        return Ok(None);
    }
    get(tenant, id)
}

/// A contact that has a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyMatch {
    /// The contact.
    pub id: ContactId,
    /// The key's normalised value.
    pub value: String,
    /// It is in the trash.
    pub in_trash: bool,
}

/// Contacts that have one of these values of a key, live and trashed, oldest first.
///
/// # Errors
/// What the database said.
pub fn by_key(
    tenant: &mut Tenant<'_>,
    key: Key,
    values: Vec<String>,
) -> Result<Vec<KeyMatch>, StoreError> {
    if values.is_empty() {
        return Ok(Vec::new());
    }
    let column = key.column();
    let mut sql = Sql::new(&format!(
        "SELECT id, jsonb_build_array({column}, trashed_at IS NOT NULL) AS found FROM contacts WHERE workspace_id = "
    ));
    sql.bind(tenant.workspace).push(&format!(" AND {column} = ANY(")).bind(values);
    sql.push(") ORDER BY id");
    let rows: Vec<Found> = sql.load(tenant.conn)?;
    let read = |row: Found| {
        let found = row.found.as_array().map(Vec::as_slice);
        let Some([Value::String(value), Value::Bool(in_trash)]) = found else { return None };
        Some(KeyMatch { id: ContactId(row.id), value: value.clone(), in_trash: *in_trash })
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// What there is room for (TRS-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct Room {
    /// Most contacts, trash included.
    #[diesel(sql_type = BigInt)]
    pub limit: i64,
    /// Contacts that live.
    #[diesel(sql_type = BigInt)]
    pub live: i64,
    /// Contacts in the trash.
    #[diesel(sql_type = BigInt)]
    pub trash: i64,
}

impl Room {
    /// How many more contacts there is room for.
    #[must_use]
    pub fn left(&self) -> i64 {
        (self.limit - self.live - self.trash).max(0)
    }
}

/// Limit and use of the workspace.
///
/// # Errors
/// What the database said.
pub fn room(tenant: &mut Tenant<'_>) -> Result<Room, StoreError> {
    let mut sql = Sql::new(
        "SELECT w.contact_limit AS \"limit\", coalesce(sum(u.live), 0)::bigint AS live, \
         coalesce(sum(u.trashed), 0)::bigint AS trash FROM workspaces w \
         LEFT JOIN workspace_usage u ON u.workspace_id = w.id WHERE w.id = ",
    );
    sql.prepared().bind(tenant.workspace).push(" GROUP BY w.contact_limit");
    sql.first(tenant.conn)?.ok_or(StoreError::Inconsistent {
        table: "workspaces",
        problem: "the workspace does not exist".into(),
    })
}

#[derive(QueryableByName)]
pub(crate) struct Id {
    #[diesel(sql_type = SqlUuid)]
    pub(crate) id: Uuid,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = diesel::sql_types::Jsonb)]
    found: Value,
}

/// A key of a contact that another living contact has too.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Shared {
    /// The contact asked about.
    #[diesel(sql_type = SqlUuid)]
    pub contact_id: Uuid,
    /// `email` or `external_id`.
    #[diesel(sql_type = Text)]
    pub field: String,
    /// The other one.
    #[diesel(sql_type = SqlUuid)]
    pub other_id: Uuid,
}

/// E-mail addresses and external ids of these contacts that other living contacts have too; at most 1,000.
///
/// # Errors
/// What the database said.
pub fn shared(tenant: &mut Tenant<'_>, ids: &[Uuid]) -> Result<Vec<Shared>, StoreError> {
    let mut sql = Sql::default();
    let (workspace, ids) = (sql.param(tenant.workspace), sql.param(ids.to_vec()));
    let by = |field: &str, column: &str| {
        format!(
            "SELECT c.id AS contact_id, '{field}' AS field, o.id AS other_id FROM contacts c \
             JOIN contacts o ON o.workspace_id = {workspace} AND o.{column} = c.{column} AND o.id <> c.id \
               AND o.trashed_at IS NULL \
             WHERE c.workspace_id = {workspace} AND c.id = ANY({ids})"
        )
    };
    sql.push(&by("email", "email_key")).push(" UNION ALL ").push(&by("external_id", "external_id"));
    sql.push(" ORDER BY 1, 2, 3 LIMIT 1000");
    sql.load(tenant.conn)
}
