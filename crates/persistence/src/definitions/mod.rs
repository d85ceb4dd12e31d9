//! Automation rules and scenarios: their versions, what they name, and what starts them (SCN-1, SCN-2, SCN-4).

pub mod runs;

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_domain::ids::{DefinitionId, SegmentId};
use kartoteka_domain::scenarios::Kind;
use kartoteka_domain::scenarios::read::{Name, StartEvent};
use kartoteka_domain::tags::TagName;

use crate::contacts::list::contains;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::segments::saved;
use crate::sql::Sql;

/// A rule or a scenario, with its present version.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct Definition {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// How it is compared and sorted.
    #[diesel(sql_type = Text)]
    pub name_key: String,
    /// What people say of it.
    #[diesel(sql_type = Nullable<Text>)]
    pub description: Option<String>,
    /// Whether events start it.
    #[diesel(sql_type = Bool)]
    pub enabled: bool,
    /// The version that new runs go through.
    #[diesel(sql_type = Integer)]
    pub version: i32,
    /// What that consists of.
    #[diesel(sql_type = Jsonb)]
    pub body: Value,
    /// Region that national phone numbers in it are read in.
    #[diesel(sql_type = Text)]
    pub phone_region: String,
    /// Whether a run ever went through that version.
    #[diesel(sql_type = Bool)]
    pub used: bool,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

/// How a definition that is read is held until the end of the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Not at all.
    No,
    /// Against being changed, by who starts runs of it.
    Use,
    /// Against being changed and being used.
    Change,
}

fn select(tenant: &Tenant<'_>, kind: Kind) -> Sql {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT d.id, d.name, d.name_key, d.description, d.enabled, d.version, v.body, v.phone_region, v.used, \
         d.created_at, d.updated_at FROM definitions d \
         JOIN definition_versions v ON v.workspace_id = {workspace} AND v.definition_id = d.id AND v.version = d.version \
         WHERE d.workspace_id = {workspace} AND d.deleted_at IS NULL AND d.type = "
    ));
    sql.bind(kind.as_str());
    sql
}

/// Definitions in order of their names, behind the key `after`; `part` is a part of the key.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    kind: Kind,
    part: Option<&str>,
    enabled: Option<bool>,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Definition>, StoreError> {
    let mut sql = select(tenant, kind);
    if let Some(part) = part {
        sql.push(" AND d.name_key LIKE ").bind(contains(part));
    }
    if let Some(enabled) = enabled {
        sql.push(" AND d.enabled = ").bind(enabled);
    }
    if let Some(after) = after {
        sql.push(" AND d.name_key > ").bind(after);
    }
    sql.push(" ORDER BY d.name_key LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql.load(tenant.conn)
}

/// How many there are.
///
/// # Errors
/// What the database said.
pub fn count(tenant: &mut Tenant<'_>, kind: Kind) -> Result<i64, StoreError> {
    let mut sql = Sql::new(
        "SELECT count(*) AS n FROM definitions WHERE deleted_at IS NULL AND workspace_id = ",
    );
    sql.bind(tenant.workspace).push(" AND type = ").bind(kind.as_str());
    sql.count(tenant.conn)
}

/// One definition.
///
/// # Errors
/// [`StoreError::Busy`] when somebody holds it for too long.
pub fn get(
    tenant: &mut Tenant<'_>,
    kind: Kind,
    id: DefinitionId,
    hold: Hold,
) -> Result<Option<Definition>, StoreError> {
    if hold != Hold::No {
        // locked first: a row that was waited for is read anew, but not what is joined to it
        let mut sql = Sql::new("SELECT id FROM definitions WHERE workspace_id = ");
        sql.bind(tenant.workspace).push(" AND id = ").bind(id.0);
        sql.push(if hold == Hold::Use { " FOR KEY SHARE" } else { " FOR UPDATE" });
        sql.execute(tenant.conn)?;
    }
    let mut sql = select(tenant, kind);
    sql.push(" AND d.id = ").bind(id.0);
    sql.first(tenant.conn)
}

/// Writes a definition: new, or in place of the one with its id. Its version is written by [`put_version`].
///
/// # Errors
/// `definitions_name_key` when there is another of that name.
pub fn put(tenant: &mut Tenant<'_>, kind: Kind, definition: &Definition) -> Result<(), StoreError> {
    let Definition { id, name, name_key, description, enabled, version, created_at, .. } =
        definition;
    let mut sql = Sql::new(
        "INSERT INTO definitions (workspace_id, id, type, name, name_key, description, enabled, version, created_at, \
         updated_at) VALUES (",
    );
    sql.bind(tenant.workspace).push(", ").bind(*id).push(", ").bind(kind.as_str());
    sql.push(", ").bind(name.as_str()).push(", ").bind(name_key.as_str());
    sql.push(", ").bind(description.clone()).push(", ").bind(*enabled).push(", ").bind(*version);
    sql.push(", ").bind(*created_at).push(", ").bind(definition.updated_at);
    sql.push(
        ") ON CONFLICT (workspace_id, id) DO UPDATE SET name = excluded.name, name_key = excluded.name_key, \
         description = excluded.description, enabled = excluded.enabled, version = excluded.version, \
         updated_at = greatest(excluded.updated_at, definitions.updated_at + interval '1 microsecond')",
    );
    sql.execute(tenant.conn).map(drop)
}

/// Writes the present version of a definition, and what it names. The version before is removed when no run ever
/// went through it.
///
/// # Errors
/// `segment_uses_segment_fkey` when one of `segments` does not exist.
pub fn put_version(
    tenant: &mut Tenant<'_>,
    kind: Kind,
    definition: &Definition,
    segments: &[SegmentId],
    names: &BTreeSet<Name>,
) -> Result<(), StoreError> {
    let id = definition.id;
    let mut sql = Sql::new("DELETE FROM definition_versions WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND definition_id = ").bind(id).push(" AND NOT used");
    sql.execute(tenant.conn)?;
    let mut sql = Sql::new(
        "INSERT INTO definition_versions (workspace_id, definition_id, version, body, phone_region, created_at) VALUES (",
    );
    sql.bind(tenant.workspace).push(", ").bind(id).push(", ").bind(definition.version);
    sql.push(", ").bind(definition.body.clone());
    sql.push(", ").bind(definition.phone_region.as_str()).push(", ").bind(definition.updated_at);
    sql.push(")");
    sql.execute(tenant.conn)?;
    saved::put_uses(tenant, kind.as_str(), id, segments)?;
    if names.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::new(
        "INSERT INTO definition_names (workspace_id, definition_id, version, kind, name) SELECT ",
    );
    sql.bind(tenant.workspace).push(", ").bind(id).push(", ").bind(definition.version);
    sql.push(", n.kind, n.name FROM unnest(");
    sql.bind(names.iter().map(|(kind, _)| (*kind).to_owned()).collect::<Vec<_>>());
    sql.push(", ").bind(names.iter().map(|(_, name)| name.clone()).collect::<Vec<_>>());
    sql.push(") AS n (kind, name)");
    sql.execute(tenant.conn).map(drop)
}

/// Writes down what starts a definition, in place of what stood there; nothing for one that is switched off.
///
/// # Errors
/// What the database said.
pub fn put_starts(
    tenant: &mut Tenant<'_>,
    kind: Kind,
    id: DefinitionId,
    starts: &[StartEvent],
) -> Result<(), StoreError> {
    let mut sql = Sql::new("DELETE FROM start_events WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND definition_type = ").bind(kind.as_str());
    sql.push(" AND definition_id = ").bind(id.0);
    sql.execute(tenant.conn)?;
    if starts.is_empty() {
        return Ok(());
    }
    let rows: Value = starts
        .iter()
        .enumerate()
        .map(|(place, start)| json!({"place": place, "event": start.event, "params": start.params}))
        .collect();
    let mut sql = Sql::new(
        "INSERT INTO start_events (workspace_id, definition_type, definition_id, place, event, params) SELECT ",
    );
    sql.bind(tenant.workspace).push(", ").bind(kind.as_str()).push(", ").bind(id.0);
    sql.push(", r.place, r.event, r.params FROM jsonb_to_recordset(").bind(rows);
    sql.push(") AS r(place integer, event text, params jsonb)");
    sql.execute(tenant.conn).map(drop)
}

/// Takes a definition away that nobody is on the way through. It stays for the runs that went through it.
///
/// # Errors
/// What the database said.
pub fn delete(
    tenant: &mut Tenant<'_>,
    kind: Kind,
    id: DefinitionId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    put_starts(tenant, kind, id, &[])?;
    saved::put_uses(tenant, kind.as_str(), id.0, &[])?;
    let mut sql = Sql::new("DELETE FROM definition_names WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND definition_id = ").bind(id.0);
    sql.execute(tenant.conn)?;
    let mut sql = Sql::new("DELETE FROM definition_versions WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND definition_id = ").bind(id.0).push(" AND NOT used");
    sql.execute(tenant.conn)?;
    let mut sql = Sql::new("UPDATE definitions SET enabled = false, deleted_at = ");
    sql.bind(now).push(" WHERE workspace_id = ").bind(tenant.workspace);
    sql.push(" AND id = ").bind(id.0);
    sql.execute(tenant.conn).map(drop)
}

/// Removes versions that are not present any more and that no run goes or went through.
///
/// # Errors
/// What the database said.
pub fn remove_old_versions(tenant: &mut Tenant<'_>) -> Result<usize, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "DELETE FROM definition_versions v USING definitions d WHERE v.workspace_id = {workspace} \
         AND d.workspace_id = {workspace} AND d.id = v.definition_id AND (v.version <> d.version OR d.deleted_at IS NOT NULL) \
         AND NOT EXISTS (SELECT FROM runs r WHERE r.workspace_id = {workspace} AND r.definition_id = v.definition_id \
           AND r.version = v.version)"
    ));
    sql.execute(tenant.conn)
}

/// How many definitions name any of these, kind and name: in their present version, or in one that a contact is on its way through.
///
/// # Errors
/// What the database said.
pub fn count_naming(tenant: &mut Tenant<'_>, names: &[(&str, &str)]) -> Result<i64, StoreError> {
    let names: Value =
        names.iter().map(|(kind, name)| json!({"kind": kind, "name": name})).collect();
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT count(DISTINCT n.definition_id) AS n FROM definition_names n \
         JOIN definitions d ON d.workspace_id = {workspace} AND d.id = n.definition_id \
         WHERE n.workspace_id = {workspace} AND (n.version = d.version OR EXISTS (SELECT FROM runs r \
           WHERE r.workspace_id = {workspace} AND r.definition_id = n.definition_id AND r.version = n.version \
           AND r.state IN ('queued', 'running'))) AND (n.kind, n.name) IN (SELECT kind, name FROM jsonb_to_recordset("
    ));
    sql.bind(names).push(") AS w(kind text, name text))");
    sql.count(tenant.conn)
}

/// Which of these webhooks there are; they cannot be removed before the end of the transaction.
///
/// # Errors
/// [`StoreError::Busy`] when somebody holds one for too long.
pub fn hold_webhooks(tenant: &mut Tenant<'_>, ids: Vec<Uuid>) -> Result<HashSet<Uuid>, StoreError> {
    hold(tenant, "webhooks", ids)
}

fn hold(tenant: &mut Tenant<'_>, table: &str, ids: Vec<Uuid>) -> Result<HashSet<Uuid>, StoreError> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let mut sql = Sql::new(&format!("SELECT id FROM {table} WHERE workspace_id = "));
    sql.bind(tenant.workspace).push(" AND id = ANY (").bind(ids);
    sql.push(") ORDER BY id FOR KEY SHARE");
    let rows: Vec<Id> = sql.load(tenant.conn)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// A version of a definition, and what people say of the definition.
#[derive(Clone, Debug, QueryableByName)]
pub struct Texts {
    /// The definition.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// `rule` or `scenario`.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// The version.
    #[diesel(sql_type = Integer)]
    pub version: i32,
    /// What it consists of.
    #[diesel(sql_type = Jsonb)]
    pub body: Value,
    /// What people say of the definition.
    #[diesel(sql_type = Nullable<Text>)]
    pub description: Option<String>,
}

const TEXTS: &str = "SELECT d.id, d.type AS kind, v.version, v.body, d.description FROM definitions d \
    JOIN definition_versions v ON v.workspace_id = d.workspace_id AND v.definition_id = d.id WHERE d.workspace_id = ";

/// The next versions of all definitions, behind the version `after` of one. The caller holds the lock on segments, without
/// which none is written.
///
/// # Errors
/// What the database said.
pub fn texts(
    tenant: &mut Tenant<'_>,
    after: Option<(Uuid, i32)>,
    limit: i64,
) -> Result<Vec<Texts>, StoreError> {
    let mut sql = Sql::new(TEXTS);
    let workspace = tenant.workspace;
    sql.bind(workspace).push(" AND v.workspace_id = ").bind(workspace);
    if let Some((id, version)) = after {
        sql.push(" AND (v.definition_id, v.version) > (").bind(id).push(", ").bind(version);
        sql.push(")");
    }
    sql.push(" ORDER BY v.definition_id, v.version LIMIT ").bind(limit);
    sql.load(tenant.conn)
}

/// The versions that name this tag. The caller holds the lock on segments.
///
/// # Errors
/// What the database said.
pub fn naming_tag(tenant: &mut Tenant<'_>, key: &str) -> Result<Vec<Texts>, StoreError> {
    let mut sql = Sql::new(TEXTS);
    let workspace = tenant.workspace;
    sql.bind(workspace).push(" AND v.workspace_id = ").bind(workspace);
    sql.push(" AND EXISTS (SELECT FROM definition_names n WHERE n.workspace_id = ").bind(workspace);
    sql.push(" AND n.definition_id = v.definition_id AND n.version = v.version AND n.kind = 'tag' AND n.name = ");
    sql.bind(key).push(") ORDER BY d.id, v.version");
    sql.load(tenant.conn)
}

/// Writes other texts of versions and definitions.
///
/// # Errors
/// What the database said.
pub fn put_texts(
    tenant: &mut Tenant<'_>,
    texts: &[Texts],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if texts.is_empty() {
        return Ok(());
    }
    let rows: Value = texts
        .iter()
        .map(|one| {
            json!({"id": one.id, "version": one.version, "body": one.body, "description": one.description})
        })
        .collect();
    let mut sql = Sql::default();
    let (workspace, rows) = (sql.param(tenant.workspace), sql.param(rows));
    sql.push(&format!(
        "WITH r AS MATERIALIZED (SELECT * FROM jsonb_to_recordset({rows}) AS r(id uuid, version integer, body jsonb, \
           description text)), \
         written AS (UPDATE definition_versions v SET body = r.body FROM r \
           WHERE v.workspace_id = {workspace} AND v.definition_id = r.id AND v.version = r.version) \
         UPDATE definitions d SET description = r.description, updated_at = greatest("
    ));
    sql.bind(now).push(&format!(
        ", d.updated_at + interval '1 microsecond') FROM (SELECT DISTINCT ON (id) id, description FROM r ORDER BY id) AS r \
         WHERE d.workspace_id = {workspace} AND d.id = r.id"
    ));
    sql.execute(tenant.conn).map(drop)
}

/// A tag has another name now, in what versions name.
///
/// # Errors
/// What the database said.
pub fn rename_tag(tenant: &mut Tenant<'_>, from: &str, to: &TagName) -> Result<(), StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "WITH old AS (DELETE FROM definition_names WHERE workspace_id = {workspace} AND kind = 'tag' AND name = "
    ));
    sql.bind(from).push(&format!(
        " RETURNING definition_id, version) INSERT INTO definition_names (workspace_id, definition_id, version, kind, name) \
         SELECT {workspace}, definition_id, version, 'tag', "
    ));
    sql.bind(to.key());
    sql.push(" FROM old ON CONFLICT (workspace_id, definition_id, version, kind, name) DO NOTHING");
    sql.execute(tenant.conn).map(drop)
}
