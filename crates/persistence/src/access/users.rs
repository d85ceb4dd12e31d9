//! People who may log in.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::pg::PgConnection;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// A person. The password hash is not part of it: only logins read that.
#[derive(Clone, PartialEq, Eq, QueryableByName)]
pub struct UserRow {
    /// Their id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Address as it was written.
    #[diesel(sql_type = Text)]
    pub email: String,
    /// Address as it is compared.
    #[diesel(sql_type = Text)]
    pub email_key: String,
    /// What they are called.
    #[diesel(sql_type = Nullable<Text>)]
    pub name: Option<String>,
    /// Word of the role.
    #[diesel(sql_type = Text)]
    pub role: String,
    /// Since when they may not log in.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub disabled_at: Option<DateTime<Utc>>,
    /// When they were added.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When they were last changed.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

/// Someone a password may belong to.
#[derive(Clone, QueryableByName)]
pub struct LoginRow {
    /// Their workspace.
    #[diesel(sql_type = SqlUuid)]
    pub workspace_id: Uuid,
    /// Their id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Word of the role.
    #[diesel(sql_type = Text)]
    pub role: String,
    /// Argon2id, as PHC string.
    #[diesel(sql_type = Text)]
    pub password_hash: String,
}

const COLUMNS: &str = "id, email, email_key, name, role, disabled_at, created_at, updated_at";

/// An address is in few workspaces; whoever has it in more names the workspace.
const MOST_LOGINS: i64 = 20;

/// People with this address who may log in, in one workspace (id or name) or in all.
///
/// # Errors
/// What the database said.
pub fn logins(
    conn: &mut PgConnection,
    email_key: &str,
    workspace: Option<&str>,
) -> Result<Vec<LoginRow>, StoreError> {
    let mut sql = Sql::new(
        "SELECT u.workspace_id, u.id, u.role, u.password_hash FROM users u \
         JOIN workspaces w ON w.id = u.workspace_id WHERE u.disabled_at IS NULL AND u.email_key = ",
    );
    sql.bind(email_key);
    if let Some(word) = workspace {
        match Uuid::parse_str(word) {
            Ok(id) => sql.push(" AND w.id = ").bind(id),
            Err(_name) => sql.push(" AND w.name = ").bind(word),
        };
    }
    sql.push(" ORDER BY u.workspace_id LIMIT ").bind(MOST_LOGINS);
    sql.load(conn)
}

/// The password hash of one person, for whoever changes their own.
///
/// # Errors
/// What the database said.
pub fn password_hash(tenant: &mut Tenant<'_>, id: Uuid) -> Result<Option<String>, StoreError> {
    let mut sql = Sql::new(
        "SELECT workspace_id, id, role, password_hash FROM users WHERE disabled_at IS NULL AND workspace_id = ",
    );
    sql.bind(tenant.workspace).push(" AND id = ").bind(id);
    Ok(sql.first::<LoginRow>(tenant.conn)?.map(|row| row.password_hash))
}

/// Adds a person.
///
/// # Errors
/// `users_email_key` when the address is taken.
pub fn insert(
    tenant: &mut Tenant<'_>,
    user: &UserRow,
    password_hash: &str,
) -> Result<(), StoreError> {
    let UserRow { id, email, email_key, name, role, disabled_at, created_at, updated_at } = user;
    let mut sql =
        Sql::new(&format!("INSERT INTO users (workspace_id, {COLUMNS}, password_hash) VALUES ("));
    sql.bind(tenant.workspace).push(", ").bind(*id).push(", ").bind(email.as_str());
    sql.push(", ").bind(email_key.as_str()).push(", ").bind(name.clone());
    sql.push(", ").bind(role.as_str()).push(", ").bind(*disabled_at);
    sql.push(", ").bind(*created_at).push(", ").bind(*updated_at);
    sql.push(", ").bind(password_hash).push(")");
    sql.execute(tenant.conn).map(drop)
}

/// One person.
///
/// # Errors
/// What the database said.
pub fn get(tenant: &mut Tenant<'_>, id: Uuid) -> Result<Option<UserRow>, StoreError> {
    find(tenant, id, "")
}

/// One person, whom nobody else changes until the transaction ends.
///
/// # Errors
/// What the database said.
pub fn get_for_update(tenant: &mut Tenant<'_>, id: Uuid) -> Result<Option<UserRow>, StoreError> {
    find(tenant, id, " FOR UPDATE")
}

/// Which of these people are there; they stay until the transaction ends.
///
/// # Errors
/// What the database said.
pub fn hold(tenant: &mut Tenant<'_>, ids: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
    #[derive(QueryableByName)]
    struct Id {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let mut sql = Sql::new("SELECT id FROM users WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ANY(").bind(ids.to_vec());
    sql.push(") ORDER BY id FOR KEY SHARE");
    Ok(sql.load::<Id>(tenant.conn)?.into_iter().map(|row| row.id).collect())
}

fn find(tenant: &mut Tenant<'_>, id: Uuid, lock: &str) -> Result<Option<UserRow>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM users WHERE workspace_id = "));
    sql.bind(tenant.workspace).push(" AND id = ").bind(id).push(lock);
    sql.first(tenant.conn)
}

/// The person with this address.
///
/// # Errors
/// What the database said.
pub fn by_email(tenant: &mut Tenant<'_>, email_key: &str) -> Result<Option<UserRow>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM users WHERE workspace_id = "));
    sql.bind(tenant.workspace).push(" AND email_key = ").bind(email_key);
    sql.first(tenant.conn)
}

/// People, oldest first, from behind `after`.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<UserRow>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM users WHERE workspace_id = "));
    sql.bind(tenant.workspace);
    if let Some(id) = after {
        sql.push(" AND id > ").bind(id);
    }
    sql.push(" ORDER BY id LIMIT ").bind(limit);
    sql.load(tenant.conn)
}

/// Writes everything but the password.
///
/// # Errors
/// `users_email_key` when the address is taken.
pub fn update(tenant: &mut Tenant<'_>, user: &UserRow) -> Result<(), StoreError> {
    let UserRow { id, email, email_key, name, role, disabled_at, created_at: _, updated_at } = user;
    let mut sql = Sql::new("UPDATE users SET email = ");
    sql.bind(email.as_str()).push(", email_key = ").bind(email_key.as_str());
    sql.push(", name = ").bind(name.clone()).push(", role = ").bind(role.as_str());
    sql.push(", disabled_at = ").bind(*disabled_at).push(", updated_at = ").bind(*updated_at);
    sql.push(" WHERE workspace_id = ").bind(tenant.workspace).push(" AND id = ").bind(*id);
    sql.execute(tenant.conn).map(drop)
}

/// Writes a new password.
///
/// # Errors
/// What the database said.
pub fn set_password(tenant: &mut Tenant<'_>, id: Uuid, hash: &str) -> Result<(), StoreError> {
    let mut sql = Sql::new("UPDATE users SET password_hash = ");
    sql.bind(hash).push(" WHERE workspace_id = ").bind(tenant.workspace);
    sql.push(" AND id = ").bind(id);
    sql.execute(tenant.conn).map(drop)
}

/// Removes a person and, by its foreign key, their refresh tokens.
///
/// # Errors
/// What the database said.
pub fn delete(tenant: &mut Tenant<'_>, id: Uuid) -> Result<(), StoreError> {
    let mut sql = Sql::new("DELETE FROM users WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ").bind(id);
    sql.execute(tenant.conn).map(drop)
}

/// Locks the administrators who may log in, in the order of their ids, and says who they are. Whoever takes
/// one away does this first: two at once cannot both see the other one left.
///
/// # Errors
/// What the database said.
pub fn lock_administrators(tenant: &mut Tenant<'_>) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM users WHERE workspace_id = "));
    sql.bind(tenant.workspace)
        .push(" AND role = 'administrator' AND disabled_at IS NULL ORDER BY id FOR UPDATE");
    Ok(sql.load::<UserRow>(tenant.conn)?.into_iter().map(|user| user.id).collect())
}

/// Lets one process at a time see whether the installation has its first administrator.
///
/// # Errors
/// What the database said.
pub fn lock_bootstrap(conn: &mut PgConnection) -> Result<(), StoreError> {
    let sql = Sql::new(
        "SELECT count(*) AS n FROM (SELECT pg_advisory_xact_lock(hashtextextended('bootstrap', 0))) AS lock",
    );
    sql.first::<Count>(conn).map(drop)
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    #[expect(dead_code, reason = "the row has to be read, its number says nothing")]
    n: i64,
}
