//! Purposes, the consent ledger, what is projected from it, and suppressed addresses.

pub mod bulk;
pub mod requests;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use kartoteka_domain::actor::Actor;
use kartoteka_domain::consents::ledger::{Action, Channel, ChannelStatus, LegalBasis, Source};
use kartoteka_domain::ids::{ContactId, PurposeId};

use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// What consent can be given for (CNS-2), with its present wording.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Purpose {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its name in mappings and filters; never changes.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// `email`, `sms` or `post`; never changes.
    #[diesel(sql_type = Text)]
    pub channel: String,
    /// What people see.
    #[diesel(sql_type = Text)]
    pub title: String,
    /// Number of the present wording, from 1.
    #[diesel(sql_type = Integer)]
    pub version: i32,
    /// The present wording.
    #[diesel(sql_type = Text)]
    pub wording: String,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When title or wording changed last.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

/// A wording a purpose has or had.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Version {
    /// Its number, from 1.
    #[diesel(sql_type = Integer)]
    pub version: i32,
    /// The text people agree to.
    #[diesel(sql_type = Text)]
    pub wording: String,
    /// From when on.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
}

/// Purposes with their present wording; `w` is the placeholder of the workspace.
fn select_purposes(sql: &mut Sql, workspace: &str) {
    sql.push(&format!(
        "SELECT p.id, p.name, p.channel, p.title, v.version, v.wording, p.created_at, p.updated_at FROM purposes p \
         JOIN LATERAL (SELECT version, wording FROM purpose_versions WHERE workspace_id = {workspace} AND purpose_id = p.id \
           ORDER BY version DESC LIMIT 1) AS v ON true WHERE p.workspace_id = {workspace}"
    ));
}

/// Purposes in order of their names, behind the name `after`.
///
/// # Errors
/// What the database said.
pub fn purposes(
    tenant: &mut Tenant<'_>,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Purpose>, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    select_purposes(&mut sql, &workspace);
    if let Some(after) = after {
        sql.push(" AND p.name > ").bind(after);
    }
    sql.push(" ORDER BY p.name LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql.load(tenant.conn)
}

/// How a purpose is meant to be held while it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Not at all.
    No,
    /// It must not be removed before the transaction ends: entries have no foreign key.
    Keep,
    /// It is about to be changed or removed.
    Change,
}

/// The purpose with this id.
///
/// # Errors
/// [`StoreError::Busy`] when somebody holds it for too long.
pub fn purpose(
    tenant: &mut Tenant<'_>,
    id: PurposeId,
    hold: Hold,
) -> Result<Option<Purpose>, StoreError> {
    one_purpose(tenant, " AND p.id = ", id.0, hold)
}

/// The purpose with this name.
///
/// # Errors
/// [`StoreError::Busy`] when somebody holds it for too long.
pub fn purpose_named(
    tenant: &mut Tenant<'_>,
    name: &str,
    hold: Hold,
) -> Result<Option<Purpose>, StoreError> {
    one_purpose(tenant, " AND p.name = ", name, hold)
}

fn one_purpose(
    tenant: &mut Tenant<'_>,
    condition: &str,
    value: impl Into<crate::sql::Bind>,
    hold: Hold,
) -> Result<Option<Purpose>, StoreError> {
    let value = value.into();
    let lock = match hold {
        Hold::No => None,
        Hold::Keep => Some(" FOR KEY SHARE OF p"),
        Hold::Change => Some(" FOR UPDATE OF p"),
    };
    if let Some(lock) = lock {
        // locked first and read then: a wording added while we waited must be seen
        let mut sql =
            Sql::new("SELECT count(*) AS n FROM (SELECT FROM purposes p WHERE p.workspace_id = ");
        sql.bind(tenant.workspace).push(condition).bind(value.clone()).push(lock).push(") AS held");
        sql.count(tenant.conn)?;
    }
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    select_purposes(&mut sql, &workspace);
    sql.push(condition).bind(value);
    sql.first(tenant.conn)
}

/// All wordings of a purpose, newest first.
///
/// # Errors
/// What the database said.
pub fn versions(tenant: &mut Tenant<'_>, id: PurposeId) -> Result<Vec<Version>, StoreError> {
    let mut sql =
        Sql::new("SELECT version, wording, created_at FROM purpose_versions WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND purpose_id = ").bind(id.0);
    sql.push(" ORDER BY version DESC");
    sql.load(tenant.conn)
}

/// Makes a purpose; its wording gets the number it carries.
///
/// # Errors
/// `purposes_name_key` when there is one of that name.
pub fn insert_purpose(tenant: &mut Tenant<'_>, purpose: &Purpose) -> Result<(), StoreError> {
    let mut sql = Sql::new(
        "INSERT INTO purposes (workspace_id, id, name, channel, title, created_at, updated_at) VALUES (",
    );
    sql.bind(tenant.workspace).push(", ").bind(purpose.id).push(", ").bind(purpose.name.as_str());
    sql.push(", ").bind(purpose.channel.as_str()).push(", ").bind(purpose.title.as_str());
    sql.push(", ").bind(purpose.created_at).push(", ").bind(purpose.updated_at).push(")");
    sql.execute(tenant.conn)?;
    insert_version(tenant, purpose)
}

/// Keeps the wording the purpose carries under the number it carries.
///
/// # Errors
/// What the database said.
pub fn insert_version(tenant: &mut Tenant<'_>, purpose: &Purpose) -> Result<(), StoreError> {
    let mut sql = Sql::new(
        "INSERT INTO purpose_versions (workspace_id, purpose_id, version, wording, created_at) VALUES (",
    );
    sql.bind(tenant.workspace).push(", ").bind(purpose.id).push(", ").bind(purpose.version);
    sql.push(", ").bind(purpose.wording.as_str()).push(", ").bind(purpose.updated_at).push(")");
    sql.execute(tenant.conn).map(drop)
}

/// Writes title and time of change.
///
/// # Errors
/// What the database said.
pub fn update_purpose(tenant: &mut Tenant<'_>, purpose: &Purpose) -> Result<(), StoreError> {
    let mut sql = Sql::new("UPDATE purposes SET title = ");
    sql.bind(purpose.title.as_str()).push(", updated_at = ").bind(purpose.updated_at);
    sql.push(" WHERE workspace_id = ").bind(tenant.workspace).push(" AND id = ").bind(purpose.id);
    sql.execute(tenant.conn).map(drop)
}

/// Whether the ledger knows the purpose. Looks through the ledger of the workspace, which only the
/// removal of a purpose does.
///
/// # Errors
/// What the database said.
pub fn purpose_in_use(tenant: &mut Tenant<'_>, id: PurposeId) -> Result<bool, StoreError> {
    let mut sql = Sql::new("SELECT EXISTS (SELECT FROM consent_entries WHERE workspace_id = ");
    sql.bind(tenant.workspace)
        .push(" AND purpose_id = ")
        .bind(id.0)
        .push(")::integer::bigint AS n");
    Ok(sql.count(tenant.conn)? > 0)
}

/// Removes a purpose and its wordings. The caller has locked it and seen that the ledger does not know
/// it.
///
/// # Errors
/// What the database said.
pub fn delete_purpose(tenant: &mut Tenant<'_>, id: PurposeId) -> Result<(), StoreError> {
    let mut sql = Sql::new("DELETE FROM purposes WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ").bind(id.0);
    sql.execute(tenant.conn).map(drop)
}

/// An entry of the ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its id, in order of time.
    pub id: Uuid,
    /// Whose consent.
    pub contact: ContactId,
    /// What for.
    pub purpose: PurposeId,
    /// Given or taken back.
    pub action: Action,
    /// When.
    pub at: DateTime<Utc>,
    /// Who wrote the entry.
    pub actor: Actor,
    /// Where it came from.
    pub source: Source,
    /// The import, job or form it came from.
    pub source_id: Option<Uuid>,
    /// What the processing stands on.
    pub legal_basis: LegalBasis,
    /// Which wording was shown.
    pub wording_version: i32,
    /// What proves it.
    pub evidence: Evidence,
}

/// What proves an entry: personal data, kept beside the ledger.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// Address the consent was given from.
    pub ip: Option<String>,
    /// Browser it was given with.
    pub user_agent: Option<String>,
    /// Anything else.
    pub other: Option<Value>,
}

/// Adds an entry to the ledger and makes it the last word on its purpose.
///
/// # Errors
/// What the database said.
pub fn append(tenant: &mut Tenant<'_>, entry: &Entry) -> Result<(), StoreError> {
    let mut sql = Sql::new(
        "INSERT INTO consent_entries (workspace_id, contact_id, purpose_id, id, action, at, actor_type, actor_id, \
         source_type, source_id, legal_basis, wording_version) VALUES (",
    );
    sql.bind(tenant.workspace).push(", ").bind(entry.contact.0).push(", ").bind(entry.purpose.0);
    sql.push(", ").bind(entry.id).push(", ").bind(entry.action.as_str());
    sql.push(", ").bind(entry.at).push(", ").bind(entry.actor.kind());
    sql.push(", ").bind(entry.actor.id()).push(", ").bind(entry.source.as_str());
    sql.push(", ").bind(entry.source_id).push(", ").bind(entry.legal_basis.as_str());
    sql.push(", ").bind(entry.wording_version).push(")");
    sql.execute(tenant.conn)?;
    let Evidence { ip, user_agent, other } = &entry.evidence;
    if ip.is_some() || user_agent.is_some() || other.is_some() {
        let mut sql = Sql::new(
            "INSERT INTO consent_evidence (workspace_id, contact_id, entry_id, ip, user_agent, evidence) VALUES (",
        );
        sql.bind(tenant.workspace).push(", ").bind(entry.contact.0).push(", ").bind(entry.id);
        sql.push(", ").bind(ip.clone()).push(", ").bind(user_agent.clone());
        sql.push(", ").bind(other.clone()).push(")");
        sql.execute(tenant.conn)?;
    }
    let mut sql = Sql::new(
        "INSERT INTO consents (workspace_id, contact_id, purpose_id, granted, entry_id, at) VALUES (",
    );
    sql.bind(tenant.workspace).push(", ").bind(entry.contact.0).push(", ").bind(entry.purpose.0);
    sql.push(", ").bind(entry.action == Action::Grant).push(", ").bind(entry.id);
    sql.push(", ").bind(entry.at);
    sql.push(
        ") ON CONFLICT (workspace_id, contact_id, purpose_id) DO UPDATE SET granted = excluded.granted, \
         entry_id = excluded.entry_id, at = excluded.at",
    );
    sql.execute(tenant.conn).map(drop)
}

/// The state of one purpose for one contact.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Current {
    /// Name of the purpose.
    #[diesel(sql_type = Text)]
    pub purpose: String,
    /// Its channel.
    #[diesel(sql_type = Text)]
    pub channel: String,
    /// What people see.
    #[diesel(sql_type = Text)]
    pub title: String,
    /// The last word; `None` when there was none.
    #[diesel(sql_type = Nullable<Bool>)]
    pub granted: Option<bool>,
    /// When it was said.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub at: Option<DateTime<Utc>>,
    /// The entry that says so.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub entry_id: Option<Uuid>,
}

/// All purposes and what the contact last said on each.
///
/// # Errors
/// What the database said.
pub fn current(tenant: &mut Tenant<'_>, contact: ContactId) -> Result<Vec<Current>, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT p.name AS purpose, p.channel, p.title, s.granted, s.at, s.entry_id FROM purposes p \
         LEFT JOIN consents s ON s.workspace_id = {workspace} AND s.purpose_id = p.id AND s.contact_id = "
    ));
    sql.bind(contact.0).push(&format!(" WHERE p.workspace_id = {workspace} ORDER BY p.name"));
    sql.load(tenant.conn)
}

/// All purposes and what the contact had said on each at an instant (CNS-5), by the ledger.
///
/// # Errors
/// What the database said.
pub fn current_at(
    tenant: &mut Tenant<'_>,
    contact: ContactId,
    as_of: DateTime<Utc>,
) -> Result<Vec<Current>, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT p.name AS purpose, p.channel, p.title, s.granted, s.at, s.entry_id FROM purposes p \
         LEFT JOIN LATERAL (SELECT e.action = 'grant' AS granted, e.at, e.id AS entry_id FROM consent_entries e \
           WHERE e.workspace_id = {workspace} AND e.purpose_id = p.id AND e.contact_id = "
    ));
    sql.bind(contact.0).push(" AND e.at <= ").bind(as_of);
    sql.push(&format!(
        " ORDER BY e.at DESC, e.id DESC LIMIT 1) AS s ON true WHERE p.workspace_id = {workspace} ORDER BY p.name"
    ));
    sql.load(tenant.conn)
}

/// An entry as it is shown.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct ShownEntry {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Name of the purpose.
    #[diesel(sql_type = Text)]
    pub purpose: String,
    /// `grant` or `withdraw`.
    #[diesel(sql_type = Text)]
    pub action: String,
    /// When.
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    /// Kind of whoever wrote it.
    #[diesel(sql_type = Text)]
    pub actor_type: String,
    /// Who wrote it.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub actor_id: Option<Uuid>,
    /// Where it came from.
    #[diesel(sql_type = Text)]
    pub source_type: String,
    /// The import, job or form.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub source_id: Option<Uuid>,
    /// What the processing stands on.
    #[diesel(sql_type = Text)]
    pub legal_basis: String,
    /// Number of the wording.
    #[diesel(sql_type = Integer)]
    pub wording_version: i32,
    /// The wording.
    #[diesel(sql_type = Nullable<Text>)]
    pub wording: Option<String>,
    /// Address it was given from.
    #[diesel(sql_type = Nullable<Text>)]
    pub ip: Option<String>,
    /// Browser it was given with.
    #[diesel(sql_type = Nullable<Text>)]
    pub user_agent: Option<String>,
    /// Anything else.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub evidence: Option<Value>,
}

/// Entries under these ids, which are those of one contact (`contacts::merges::ids_of`), newest first, older than `before`, and none written after `as_of`.
///
/// # Errors
/// What the database said.
pub fn history(
    tenant: &mut Tenant<'_>,
    contacts: &[Uuid],
    before: Option<Uuid>,
    as_of: Option<DateTime<Utc>>,
    limit: usize,
) -> Result<Vec<ShownEntry>, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT e.id, p.name AS purpose, e.action, e.at, e.actor_type, e.actor_id, e.source_type, e.source_id, \
         e.legal_basis, e.wording_version, v.wording, x.ip, x.user_agent, x.evidence FROM consent_entries e \
         JOIN purposes p ON p.workspace_id = {workspace} AND p.id = e.purpose_id \
         LEFT JOIN purpose_versions v ON v.workspace_id = {workspace} AND v.purpose_id = e.purpose_id AND v.version = e.wording_version \
         LEFT JOIN consent_evidence x ON x.workspace_id = {workspace} AND x.contact_id = e.contact_id AND x.entry_id = e.id \
         WHERE e.workspace_id = {workspace} AND e.contact_id = ANY("
    ));
    sql.bind(contacts.to_vec()).push(")");
    if let Some(before) = before {
        sql.push(" AND e.id < ").bind(before);
    }
    if let Some(instant) = as_of {
        sql.push(" AND e.at <= ").bind(instant);
    }
    sql.push(" ORDER BY e.id DESC LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql.load(tenant.conn)
}

/// What the ledger says of a channel. The contact is locked, so that it stays so.
///
/// # Errors
/// What the database said.
pub fn status(
    tenant: &mut Tenant<'_>,
    contact: ContactId,
    channel: Channel,
) -> Result<ChannelStatus, StoreError> {
    #[derive(QueryableByName)]
    struct Granted {
        #[diesel(sql_type = Nullable<Bool>)]
        granted: Option<bool>,
    }
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT bool_or(s.granted) AS granted FROM consents s \
         JOIN purposes p ON p.workspace_id = {workspace} AND p.id = s.purpose_id \
         WHERE s.workspace_id = {workspace} AND s.contact_id = "
    ));
    sql.bind(contact.0).push(" AND p.channel = ").bind(channel.as_str());
    let row: Option<Granted> = sql.first(tenant.conn)?;
    Ok(ChannelStatus::from_granted(row.and_then(|row| row.granted)))
}

/// Whether any of the channel's purposes is granted.
///
/// # Errors
/// What the database said.
pub fn any_granted(
    tenant: &mut Tenant<'_>,
    contact: ContactId,
    channel: Channel,
) -> Result<bool, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT count(*) AS n FROM consents s JOIN purposes p ON p.workspace_id = {workspace} AND p.id = s.purpose_id \
         WHERE s.workspace_id = {workspace} AND s.granted AND p.channel = "
    ));
    sql.bind(channel.as_str()).push(" AND s.contact_id = ").bind(contact.0);
    Ok(sql.count(tenant.conn)? > 0)
}

/// Whether one purpose is granted.
///
/// # Errors
/// What the database said.
pub fn is_granted(
    tenant: &mut Tenant<'_>,
    contact: ContactId,
    purpose: PurposeId,
) -> Result<bool, StoreError> {
    let mut sql = Sql::new("SELECT count(*) AS n FROM consents WHERE granted AND workspace_id = ");
    sql.bind(tenant.workspace).push(" AND contact_id = ").bind(contact.0);
    sql.push(" AND purpose_id = ").bind(purpose.0);
    Ok(sql.count(tenant.conn)? > 0)
}

/// Whether an address is on the suppression list (CNS-8).
///
/// # Errors
/// What the database said.
pub fn is_suppressed(
    tenant: &mut Tenant<'_>,
    channel: Channel,
    address_hash: &[u8],
) -> Result<bool, StoreError> {
    let mut sql = Sql::new("SELECT count(*) AS n FROM suppressions WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND channel = ").bind(channel.as_str());
    sql.push(" AND address_hash = ").bind(address_hash.to_vec());
    Ok(sql.count(tenant.conn)? > 0)
}

/// Puts an address on the suppression list; one that is there already stays as it is.
///
/// # Errors
/// What the database said.
pub fn suppress(
    tenant: &mut Tenant<'_>,
    channel: Channel,
    address_hash: &[u8],
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = Sql::new(
        "INSERT INTO suppressions (workspace_id, channel, address_hash, reason, created_at) VALUES (",
    );
    sql.bind(tenant.workspace).push(", ").bind(channel.as_str()).push(", ");
    sql.bind(address_hash.to_vec()).push(", ").bind(reason).push(", ").bind(now);
    sql.push(") ON CONFLICT (workspace_id, channel, address_hash) DO NOTHING");
    sql.execute(tenant.conn).map(drop)
}
