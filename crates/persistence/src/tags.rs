//! Tags of the workspace, and which contacts carry them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_domain::ids::{ContactId, TagId};
use kartoteka_domain::tags::TagName;

use crate::contacts::list::contains;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Tag {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// How it is compared and sorted.
    #[diesel(sql_type = Text)]
    pub name_key: String,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it was renamed last.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

/// How many contacts carry a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct Use {
    /// Contacts that live.
    #[diesel(sql_type = BigInt)]
    pub live: i64,
    /// Contacts in the trash.
    #[diesel(sql_type = BigInt)]
    pub trash: i64,
}

const COLUMNS: &str = "id, name, name_key, created_at, updated_at";

/// Tags in order of their names, behind the key `after`; `part` is a part of the key.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    part: Option<&str>,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Tag>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM tags WHERE workspace_id = "));
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

/// One tag.
///
/// # Errors
/// What the database said.
pub fn get(tenant: &mut Tenant<'_>, id: TagId) -> Result<Option<Tag>, StoreError> {
    one(tenant, "id", id.0, "")
}

/// One tag, locked against everyone who would put it on a contact, until the end of the transaction.
///
/// # Errors
/// [`StoreError::Busy`] when somebody holds it for too long.
pub fn lock(tenant: &mut Tenant<'_>, id: TagId) -> Result<Option<Tag>, StoreError> {
    one(tenant, "id", id.0, " FOR UPDATE")
}

/// The tag with this key.
///
/// # Errors
/// What the database said.
pub fn by_key(tenant: &mut Tenant<'_>, key: &str) -> Result<Option<Tag>, StoreError> {
    one(tenant, "name_key", key, "")
}

fn one(
    tenant: &mut Tenant<'_>,
    column: &str,
    value: impl Into<crate::sql::Bind>,
    lock: &str,
) -> Result<Option<Tag>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM tags WHERE workspace_id = "));
    sql.bind(tenant.workspace).push(&format!(" AND {column} = ")).bind(value).push(lock);
    sql.first(tenant.conn)
}

/// How many contacts carry it.
///
/// # Errors
/// What the database said.
pub fn usage(tenant: &mut Tenant<'_>, id: TagId) -> Result<Use, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT count(*) FILTER (WHERE c.trashed_at IS NULL) AS live, count(*) FILTER (WHERE c.trashed_at IS NOT NULL) AS trash \
         FROM contact_tags ct JOIN contacts c ON c.workspace_id = {workspace} AND c.id = ct.contact_id \
         WHERE ct.workspace_id = {workspace} AND ct.tag_id = "
    ));
    sql.bind(id.0);
    Ok(sql.first(tenant.conn)?.unwrap_or(Use { live: 0, trash: 0 }))
}

/// Makes a tag.
///
/// # Errors
/// `tags_name_key` when there is one of that name.
pub fn insert(
    tenant: &mut Tenant<'_>,
    id: TagId,
    name: &TagName,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = Sql::new(
        "INSERT INTO tags (workspace_id, id, name, name_key, created_at, updated_at) VALUES (",
    );
    sql.bind(tenant.workspace).push(", ").bind(id.0).push(", ").bind(name.as_str());
    sql.push(", ").bind(name.key()).push(", ").bind(now).push(", ").bind(now).push(")");
    sql.execute(tenant.conn).map(drop)
}

/// Renames a tag.
///
/// # Errors
/// `tags_name_key` when there is another of that name.
pub fn rename(
    tenant: &mut Tenant<'_>,
    id: TagId,
    name: &TagName,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = Sql::new("UPDATE tags SET name = ");
    sql.bind(name.as_str()).push(", name_key = ").bind(name.key());
    sql.push(", updated_at = greatest(").bind(now);
    sql.push(", updated_at + interval '1 microsecond') WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ").bind(id.0);
    sql.execute(tenant.conn).map(drop)
}

/// Removes a tag. The caller has locked it and seen that nobody carries it.
///
/// # Errors
/// What the database said.
pub fn delete(tenant: &mut Tenant<'_>, id: TagId) -> Result<(), StoreError> {
    let mut sql = Sql::new("DELETE FROM tags WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ").bind(id.0);
    sql.execute(tenant.conn).map(drop)
}

/// Makes the tags that are missing and returns the ids of all by key. They are locked against removal
/// until the end of the transaction, because tags of contacts have no foreign key. `id` gives ids for
/// those that are new.
///
/// # Errors
/// What the database said.
pub fn ensure(
    tenant: &mut Tenant<'_>,
    names: &[TagName],
    mut id: impl FnMut() -> Uuid,
    now: DateTime<Utc>,
) -> Result<HashMap<String, TagId>, StoreError> {
    let mut names: Vec<&TagName> = names.iter().collect();
    // one order for all: two writers who make the same tags wait, they do not deadlock
    names.sort_by_key(|name| name.key());
    names.dedup_by_key(|name| name.key());
    // a tag removed between the two statements is made again; more than once would be a miracle
    for _ in 0..3 {
        let known = lock_keys(tenant, &names)?;
        if known.len() == names.len() {
            return Ok(known);
        }
        let missing: Vec<&&TagName> =
            names.iter().filter(|name| !known.contains_key(name.key())).collect();
        let mut sql = Sql::new(
            "INSERT INTO tags (workspace_id, id, name, name_key, created_at, updated_at) SELECT ",
        );
        sql.bind(tenant.workspace).push(", new.id, new.name, new.key, ");
        let at = sql.param(now);
        sql.push(&format!("{at}, {at} FROM unnest("));
        sql.bind(missing.iter().map(|_| id()).collect::<Vec<_>>()).push(", ");
        sql.bind(missing.iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>());
        sql.push(", ").bind(missing.iter().map(|name| name.key().to_owned()).collect::<Vec<_>>());
        sql.push(") AS new(id, name, key) ORDER BY new.key ON CONFLICT (workspace_id, name_key) DO NOTHING");
        sql.execute(tenant.conn)?;
    }
    Err(StoreError::Busy("tags are removed while they are put on contacts".into()))
}

/// Locks those of the tags that exist against removal until the end of the transaction: for who writes their
/// names down.
///
/// # Errors
/// [`StoreError::Busy`] when somebody holds one for too long.
pub fn hold(tenant: &mut Tenant<'_>, keys: Vec<String>) -> Result<(), StoreError> {
    if keys.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::new("SELECT count(*) AS n FROM (SELECT FROM tags WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND name_key = ANY(").bind(keys);
    sql.push(") ORDER BY name_key FOR KEY SHARE) AS held");
    sql.count(tenant.conn).map(drop)
}

fn lock_keys(
    tenant: &mut Tenant<'_>,
    names: &[&TagName],
) -> Result<HashMap<String, TagId>, StoreError> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let keys: Vec<String> = names.iter().map(|name| name.key().to_owned()).collect();
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM tags WHERE workspace_id = "));
    sql.bind(tenant.workspace).push(" AND name_key = ANY(").bind(keys);
    sql.push(") ORDER BY name_key FOR KEY SHARE");
    let tags: Vec<Tag> = sql.load(tenant.conn)?;
    Ok(tags.into_iter().map(|tag| (tag.name_key, TagId(tag.id))).collect())
}

/// The whole set of tags of one contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagsOf {
    /// The contact.
    pub contact: ContactId,
    /// Its tags with their scores.
    pub tags: Vec<(TagId, i64)>,
}

/// Gives contacts exactly these tags.
///
/// # Errors
/// What the database said.
pub fn replace(
    tenant: &mut Tenant<'_>,
    sets: &[TagsOf],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if sets.is_empty() {
        return Ok(());
    }
    let contacts: Vec<Uuid> = sets.iter().map(|set| set.contact.0).collect();
    let wanted = carried(sets);
    let mut sql = Sql::new("DELETE FROM contact_tags ct WHERE ct.workspace_id = ");
    sql.bind(tenant.workspace).push(" AND ct.contact_id = ANY(").bind(contacts);
    sql.push(
        ") AND (ct.contact_id, ct.tag_id) NOT IN (SELECT r.contact, r.tag FROM jsonb_to_recordset(",
    );
    sql.bind(wanted).push(") AS r(contact uuid, tag uuid))");
    sql.execute(tenant.conn)?;
    put(tenant, sets, now)
}

/// Puts tags on contacts besides those they have.
///
/// # Errors
/// What the database said.
pub fn put(tenant: &mut Tenant<'_>, sets: &[TagsOf], now: DateTime<Utc>) -> Result<(), StoreError> {
    let mut sql = Sql::new(
        "INSERT INTO contact_tags (workspace_id, contact_id, tag_id, score, added_at) SELECT ",
    );
    sql.bind(tenant.workspace).push(", r.contact, r.tag, r.score, ").bind(now);
    sql.push(" FROM jsonb_to_recordset(").bind(carried(sets));
    sql.push(
        ") AS r(contact uuid, tag uuid, score bigint) ON CONFLICT (workspace_id, contact_id, tag_id) \
         DO UPDATE SET score = excluded.score WHERE contact_tags.score <> excluded.score",
    );
    sql.execute(tenant.conn).map(drop)
}

fn carried(sets: &[TagsOf]) -> Value {
    let row = |contact: ContactId, (tag, score): &(TagId, i64)| json!({"contact": contact, "tag": tag, "score": score});
    sets.iter().flat_map(|set| set.tags.iter().map(move |tag| row(set.contact, tag))).collect()
}

/// Takes a tag off a contact; says whether it was there.
///
/// # Errors
/// What the database said.
pub fn take_off(
    tenant: &mut Tenant<'_>,
    contact: ContactId,
    tag: TagId,
) -> Result<bool, StoreError> {
    let mut sql = Sql::new("DELETE FROM contact_tags WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND contact_id = ").bind(contact.0);
    sql.push(" AND tag_id = ").bind(tag.0);
    Ok(sql.execute(tenant.conn)? > 0)
}
