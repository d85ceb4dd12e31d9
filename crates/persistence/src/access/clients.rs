//! Integrations.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::pg::PgConnection;
use diesel::sql_types::{Array, Binary, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// An integration. The hash of its secret is not part of it.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct ClientRow {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// What it is called.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Words of its scopes.
    #[diesel(sql_type = Array<Text>)]
    pub scopes: Vec<String>,
    /// Since when it gets no tokens.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub disabled_at: Option<DateTime<Utc>>,
    /// When it last got a token.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was added.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

/// What a token request of an integration is compared with.
#[derive(Clone, QueryableByName)]
pub struct CredentialRow {
    /// Its workspace.
    #[diesel(sql_type = SqlUuid)]
    pub workspace_id: Uuid,
    /// Words of its scopes.
    #[diesel(sql_type = Array<Text>)]
    pub scopes: Vec<String>,
    /// SHA-256 of its secret.
    #[diesel(sql_type = Binary)]
    pub secret_hash: Vec<u8>,
}

const COLUMNS: &str = "id, name, scopes, disabled_at, last_used_at, created_at, updated_at";

/// The integration with this id, if it gets tokens.
///
/// # Errors
/// What the database said.
pub fn credentials(conn: &mut PgConnection, id: Uuid) -> Result<Option<CredentialRow>, StoreError> {
    let mut sql = Sql::new(
        "SELECT workspace_id, scopes, secret_hash FROM clients WHERE disabled_at IS NULL AND id = ",
    );
    sql.bind(id);
    sql.first(conn)
}

/// Notes that the integration got a token.
///
/// # Errors
/// What the database said.
pub fn touch(tenant: &mut Tenant<'_>, id: Uuid, now: DateTime<Utc>) -> Result<(), StoreError> {
    let mut sql = Sql::new("UPDATE clients SET last_used_at = ");
    sql.bind(now).push(" WHERE workspace_id = ").bind(tenant.workspace).push(" AND id = ").bind(id);
    sql.execute(tenant.conn).map(drop)
}

/// Adds an integration.
///
/// # Errors
/// What the database said.
pub fn insert(
    tenant: &mut Tenant<'_>,
    client: &ClientRow,
    secret_hash: &[u8],
) -> Result<(), StoreError> {
    let ClientRow { id, name, scopes, disabled_at, last_used_at, created_at, updated_at } = client;
    let mut sql =
        Sql::new(&format!("INSERT INTO clients (workspace_id, {COLUMNS}, secret_hash) VALUES ("));
    sql.bind(tenant.workspace).push(", ").bind(*id).push(", ").bind(name.as_str());
    sql.push(", ").bind(scopes.clone()).push(", ").bind(*disabled_at);
    sql.push(", ").bind(*last_used_at).push(", ").bind(*created_at);
    sql.push(", ").bind(*updated_at).push(", ").bind(secret_hash.to_vec()).push(")");
    sql.execute(tenant.conn).map(drop)
}

/// One integration.
///
/// # Errors
/// What the database said.
pub fn get(tenant: &mut Tenant<'_>, id: Uuid) -> Result<Option<ClientRow>, StoreError> {
    find(tenant, id, "")
}

/// One integration, which nobody else changes until the transaction ends.
///
/// # Errors
/// What the database said.
pub fn get_for_update(tenant: &mut Tenant<'_>, id: Uuid) -> Result<Option<ClientRow>, StoreError> {
    find(tenant, id, " FOR UPDATE")
}

fn find(tenant: &mut Tenant<'_>, id: Uuid, lock: &str) -> Result<Option<ClientRow>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM clients WHERE workspace_id = "));
    sql.bind(tenant.workspace).push(" AND id = ").bind(id).push(lock);
    sql.first(tenant.conn)
}

/// Integrations, oldest first, from behind `after`.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<ClientRow>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM clients WHERE workspace_id = "));
    sql.bind(tenant.workspace);
    if let Some(id) = after {
        sql.push(" AND id > ").bind(id);
    }
    sql.push(" ORDER BY id LIMIT ").bind(limit);
    sql.load(tenant.conn)
}

/// Writes name, scopes and whether it gets tokens.
///
/// # Errors
/// What the database said.
pub fn update(tenant: &mut Tenant<'_>, client: &ClientRow) -> Result<(), StoreError> {
    let ClientRow { id, name, scopes, disabled_at, last_used_at: _, created_at: _, updated_at } =
        client;
    let mut sql = Sql::new("UPDATE clients SET name = ");
    sql.bind(name.as_str()).push(", scopes = ").bind(scopes.clone());
    sql.push(", disabled_at = ").bind(*disabled_at).push(", updated_at = ").bind(*updated_at);
    sql.push(" WHERE workspace_id = ").bind(tenant.workspace).push(" AND id = ").bind(*id);
    sql.execute(tenant.conn).map(drop)
}

/// Writes a new secret.
///
/// # Errors
/// What the database said.
pub fn set_secret(tenant: &mut Tenant<'_>, id: Uuid, hash: &[u8]) -> Result<(), StoreError> {
    let mut sql = Sql::new("UPDATE clients SET secret_hash = ");
    sql.bind(hash.to_vec()).push(" WHERE workspace_id = ").bind(tenant.workspace);
    sql.push(" AND id = ").bind(id);
    sql.execute(tenant.conn).map(drop)
}

/// Removes an integration.
///
/// # Errors
/// What the database said.
pub fn delete(tenant: &mut Tenant<'_>, id: Uuid) -> Result<(), StoreError> {
    let mut sql = Sql::new("DELETE FROM clients WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ").bind(id);
    sql.execute(tenant.conn).map(drop)
}
