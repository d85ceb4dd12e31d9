//! Workspaces: their settings, their use, and the locks that keep both true.

use chrono::{DateTime, Utc};
use diesel::pg::PgConnection;
use diesel::sql_types::{BigInt, Bool, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{Queryable, QueryableByName};
use uuid::Uuid;

use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// Shards of `workspace_usage`: enough that writers seldom meet, few enough to sum at every use.
pub const USAGE_SHARDS: i64 = 8;

/// A tenant and its settings.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, QueryableByName)]
pub struct Workspace {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its name, unique in the installation.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Most contacts, trash included (TRS-3).
    #[diesel(sql_type = BigInt)]
    pub contact_limit: i64,
    /// Region of national phone numbers.
    #[diesel(sql_type = Text)]
    pub phone_region: String,
    /// Language of people whose own is not known.
    #[diesel(sql_type = Text)]
    pub language: String,
    /// Time zone of people whose own is not known.
    #[diesel(sql_type = Text)]
    pub time_zone: String,
    /// Whether an owner whom the contact manager assigns starts scenarios (MGR-G).
    #[diesel(sql_type = Bool)]
    pub scenarios_on_owner_assigned: bool,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When its settings were last changed.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

/// How many contacts a workspace holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct Usage {
    /// Contacts that are not in the trash.
    #[diesel(sql_type = BigInt)]
    pub live: i64,
    /// Contacts in the trash; they count towards the limit.
    #[diesel(sql_type = BigInt)]
    pub trashed: i64,
    /// See `workspace_usage.revision`.
    #[diesel(sql_type = BigInt)]
    pub revision: i64,
}

const COLUMNS: &str = "id, name, contact_limit, phone_region, language, time_zone, scenarios_on_owner_assigned, created_at, updated_at";

/// Makes a workspace with its purposes (CNS-2) and usage counters. `ids` are for the two purposes.
///
/// # Errors
/// `workspaces_name_key` when the name is taken.
pub fn create(
    conn: &mut PgConnection,
    workspace: &Workspace,
    ids: [Uuid; 2],
) -> Result<(), StoreError> {
    let mut sql = Sql::new(
        "INSERT INTO workspaces (id, name, contact_limit, phone_region, language, time_zone, scenarios_on_owner_assigned, \
         created_at, updated_at) VALUES (",
    );
    sql.bind(workspace.id)
        .push(", ")
        .bind(workspace.name.as_str())
        .push(", ")
        .bind(workspace.contact_limit);
    sql.push(", ")
        .bind(workspace.phone_region.as_str())
        .push(", ")
        .bind(workspace.language.as_str());
    sql.push(", ").bind(workspace.time_zone.as_str());
    sql.push(", ").bind(workspace.scenarios_on_owner_assigned);
    sql.push(", ").bind(workspace.created_at).push(", ").bind(workspace.updated_at).push(")");
    sql.execute(conn)?;
    let mut sql = Sql::new("INSERT INTO workspace_usage (workspace_id, shard) SELECT ");
    sql.bind(workspace.id)
        .push(", shard FROM generate_series(0, ")
        .bind(USAGE_SHARDS - 1)
        .push(") AS shard");
    sql.execute(conn)?;
    let [email, sms] = ids;
    for (id, name, channel, title, wording) in [
        (
            email,
            "email_basic",
            "email",
            "News by e-mail",
            "I agree to receive news and offers by e-mail.",
        ),
        (sms, "sms_basic", "sms", "News by SMS", "I agree to receive news and offers by SMS."),
    ] {
        let mut sql = Sql::new(
            "INSERT INTO purposes (workspace_id, id, name, channel, title, created_at, updated_at) VALUES (",
        );
        sql.bind(workspace.id)
            .push(", ")
            .bind(id)
            .push(", ")
            .bind(name)
            .push(", ")
            .bind(channel)
            .push(", ")
            .bind(title);
        sql.push(", ").bind(workspace.created_at).push(", ").bind(workspace.created_at).push(")");
        sql.execute(conn)?;
        let mut sql = Sql::new(
            "INSERT INTO purpose_versions (workspace_id, purpose_id, version, wording, created_at) VALUES (",
        );
        sql.bind(workspace.id)
            .push(", ")
            .bind(id)
            .push(", 1, ")
            .bind(wording)
            .push(", ")
            .bind(workspace.created_at)
            .push(")");
        sql.execute(conn)?;
    }
    Ok(())
}

/// All workspaces, oldest first.
///
/// # Errors
/// What the database said.
pub fn all(conn: &mut PgConnection) -> Result<Vec<Workspace>, StoreError> {
    Sql::new(&format!("SELECT {COLUMNS} FROM workspaces ORDER BY id")).load(conn)
}

/// The workspace of the tenant.
///
/// # Errors
/// [`StoreError::Inconsistent`] when it does not exist.
pub fn get(tenant: &mut Tenant<'_>) -> Result<Workspace, StoreError> {
    find(tenant, "")
}

/// The workspace of the tenant, whose settings nobody else changes until the transaction ends. Those who
/// only refer to it go on.
///
/// # Errors
/// [`StoreError::Inconsistent`] when it does not exist.
pub fn get_for_update(tenant: &mut Tenant<'_>) -> Result<Workspace, StoreError> {
    find(tenant, " FOR NO KEY UPDATE")
}

fn find(tenant: &mut Tenant<'_>, lock: &str) -> Result<Workspace, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM workspaces WHERE id = "));
    sql.prepared().bind(tenant.workspace).push(lock);
    sql.first(tenant.conn)?.ok_or(StoreError::Inconsistent {
        table: "workspaces",
        problem: "the workspace does not exist".into(),
    })
}

/// Writes the settings of the tenant's workspace.
///
/// # Errors
/// `workspaces_name_key` when the name is taken.
pub fn update(tenant: &mut Tenant<'_>, workspace: &Workspace) -> Result<(), StoreError> {
    let mut sql = Sql::new("UPDATE workspaces SET name = ");
    sql.bind(workspace.name.as_str()).push(", contact_limit = ").bind(workspace.contact_limit);
    sql.push(", phone_region = ").bind(workspace.phone_region.as_str());
    sql.push(", language = ").bind(workspace.language.as_str());
    sql.push(", time_zone = ").bind(workspace.time_zone.as_str());
    sql.push(", scenarios_on_owner_assigned = ").bind(workspace.scenarios_on_owner_assigned);
    sql.push(", updated_at = ").bind(workspace.updated_at);
    sql.push(" WHERE id = ").bind(tenant.workspace);
    sql.execute(tenant.conn).map(drop)
}

/// What the workspace holds now.
///
/// # Errors
/// What the database said.
pub fn usage(tenant: &mut Tenant<'_>) -> Result<Usage, StoreError> {
    let mut sql = Sql::new(
        "SELECT coalesce(sum(live), 0)::bigint AS live, coalesce(sum(trashed), 0)::bigint AS trashed, \
         coalesce(sum(revision), 0)::bigint AS revision FROM workspace_usage WHERE workspace_id = ",
    );
    sql.bind(tenant.workspace);
    Ok(sql.first(tenant.conn)?.unwrap_or(Usage { live: 0, trashed: 0, revision: 0 }))
}

/// Whether other writers of contacts may go on beside this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriterLock {
    /// Single writes, side by side.
    Shared,
    /// A chunk of an import, or a write near the contact limit: nobody else makes, trashes, restores,
    /// purges or re-keys contacts until the transaction ends.
    Exclusive,
}

/// Takes the workspace's writer lock until the end of the transaction. Everyone who changes which
/// contacts exist or how they match takes it, so that "look whether it is there, then write" is safe
/// without a unique index (duplicates are allowed, IMP-6).
///
/// # Errors
/// [`StoreError::Busy`] when it is not given in time.
pub fn lock_writers(tenant: &mut Tenant<'_>, lock: WriterLock) -> Result<(), StoreError> {
    let function = match lock {
        WriterLock::Shared => "pg_advisory_xact_lock_shared",
        WriterLock::Exclusive => "pg_advisory_xact_lock",
    };
    let mut sql =
        Sql::new(&format!("SELECT count(*) AS n FROM (SELECT {function}(hashtextextended("));
    sql.prepared().bind(format!("contacts/{}", tenant.workspace)).push(", 0))) AS lock");
    sql.count(tenant.conn).map(drop)
}

/// Adds to the counters and moves the revision on. `seed` spreads writers over the shards.
///
/// # Errors
/// What the database said.
pub fn add_usage(
    tenant: &mut Tenant<'_>,
    live: i64,
    trashed: i64,
    seed: Uuid,
) -> Result<(), StoreError> {
    let shard = i64::from(seed.as_bytes().last().copied().unwrap_or(0)) % USAGE_SHARDS;
    let mut sql = Sql::new("UPDATE workspace_usage SET live = live + ");
    sql.prepared()
        .bind(live)
        .push(", trashed = trashed + ")
        .bind(trashed)
        .push(", revision = revision + 1 WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND shard = ").bind(shard);
    sql.execute(tenant.conn).map(drop)
}
