//! Refresh tokens: hashed, used once, revoked by family.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::pg::PgConnection;
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// A refresh token and what is known of its owner.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct RefreshRow {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// All tokens that came out of one login.
    #[diesel(sql_type = SqlUuid)]
    pub family_id: Uuid,
    /// Its owner.
    #[diesel(sql_type = SqlUuid)]
    pub user_id: Uuid,
    /// Space-separated scopes of the login.
    #[diesel(sql_type = Text)]
    pub scope: String,
    /// Useless from then on.
    #[diesel(sql_type = Timestamptz)]
    pub expires_at: DateTime<Utc>,
    /// When it was exchanged.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub used_at: Option<DateTime<Utc>>,
    /// When its family was revoked.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub revoked_at: Option<DateTime<Utc>>,
    /// Role of the owner now.
    #[diesel(sql_type = Text)]
    pub role: String,
    /// Whether the owner may log in.
    #[diesel(sql_type = Bool)]
    pub active: bool,
}

/// A new refresh token.
#[derive(Clone, Debug)]
pub struct NewRefresh<'a> {
    /// Its id.
    pub id: Uuid,
    /// The family it belongs to.
    pub family_id: Uuid,
    /// Its owner.
    pub user_id: Uuid,
    /// SHA-256 of the token.
    pub hash: &'a [u8],
    /// Space-separated scopes of the login.
    pub scope: &'a str,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Useless from then on.
    pub expires_at: DateTime<Utc>,
}

/// Adds a token.
///
/// # Errors
/// What the database said.
pub fn insert(tenant: &mut Tenant<'_>, token: &NewRefresh<'_>) -> Result<(), StoreError> {
    let NewRefresh { id, family_id, user_id, hash, scope, created_at, expires_at } = token;
    let mut sql = Sql::new(
        "INSERT INTO refresh_tokens (workspace_id, id, family_id, user_id, token_hash, scope, created_at, expires_at) VALUES (",
    );
    sql.bind(tenant.workspace).push(", ").bind(*id).push(", ").bind(*family_id);
    sql.push(", ").bind(*user_id).push(", ").bind(hash.to_vec()).push(", ").bind(*scope);
    sql.push(", ").bind(*created_at).push(", ").bind(*expires_at).push(")");
    sql.execute(tenant.conn).map(drop)
}

/// The token with this hash; locked, so that of two who use it at once the second sees that it was used.
///
/// # Errors
/// What the database said.
pub fn find_for_update(
    tenant: &mut Tenant<'_>,
    hash: &[u8],
) -> Result<Option<RefreshRow>, StoreError> {
    let mut sql = Sql::new(
        "SELECT r.id, r.family_id, r.user_id, r.scope, r.expires_at, r.used_at, r.revoked_at, u.role, \
         u.disabled_at IS NULL AS active FROM refresh_tokens r \
         JOIN users u ON u.workspace_id = r.workspace_id AND u.id = r.user_id WHERE r.workspace_id = ",
    );
    sql.bind(tenant.workspace).push(" AND r.token_hash = ").bind(hash.to_vec());
    sql.push(" FOR UPDATE OF r");
    sql.first(tenant.conn)
}

/// Notes that a token was exchanged.
///
/// # Errors
/// What the database said.
pub fn mark_used(tenant: &mut Tenant<'_>, id: Uuid, now: DateTime<Utc>) -> Result<(), StoreError> {
    let mut sql = Sql::new("UPDATE refresh_tokens SET used_at = ");
    sql.bind(now).push(" WHERE workspace_id = ").bind(tenant.workspace).push(" AND id = ").bind(id);
    sql.execute(tenant.conn).map(drop)
}

/// Revokes all tokens that came out of one login.
///
/// # Errors
/// What the database said.
pub fn revoke_family(
    tenant: &mut Tenant<'_>,
    family: Uuid,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    revoke(tenant, " AND family_id = ", family, now)
}

/// Revokes all tokens of a person.
///
/// # Errors
/// What the database said.
pub fn revoke_user(
    tenant: &mut Tenant<'_>,
    user: Uuid,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    revoke(tenant, " AND user_id = ", user, now)
}

fn revoke(
    tenant: &mut Tenant<'_>,
    which: &str,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = Sql::new("UPDATE refresh_tokens SET revoked_at = ");
    sql.bind(now).push(" WHERE revoked_at IS NULL AND workspace_id = ").bind(tenant.workspace);
    sql.push(which).bind(id);
    sql.execute(tenant.conn).map(drop)
}

/// Forgets tokens that ended before `before`, of all workspaces. A used token is kept until then: its reuse
/// has to be noticed.
///
/// # Errors
/// What the database said.
pub fn forget(conn: &mut PgConnection, before: DateTime<Utc>) -> Result<usize, StoreError> {
    let mut sql = Sql::new("DELETE FROM refresh_tokens WHERE expires_at < ");
    sql.bind(before);
    sql.execute(conn)
}
