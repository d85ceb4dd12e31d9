//! Bulk actions on tags, details, score and state: one statement for an action and a chunk, which says whom it changed and
//! what undoing needs, and another that gives back.
//!
//! The caller has locked the contacts and knows that they may be changed. Whoever is changed is touched (`updated_at`) by
//! the same statement. What undoing needs of tags is `[[tag, score before, score after], …]`, without a score where there
//! was no tag.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Jsonb, Nullable, Text, Uuid as SqlUuid};
use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_domain::contacts::contact::State;
use kartoteka_domain::contacts::patch::MAX_DETAILS;
use kartoteka_domain::ids::{JobId, TagId};

use crate::contacts::read::Id;
use crate::contacts::write::LATER;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::frozen::Changed;
use crate::sql::Sql;

/// Common table expression that touches the contacts in `changed(contact_id)`.
fn touch(workspace: &str, now: &str) -> String {
    format!(
        "touched AS (UPDATE contacts c SET updated_at = {LATER} \
           FROM (SELECT DISTINCT contact_id FROM changed) AS t, (SELECT {now} AS at) AS excluded_now \
           WHERE c.workspace_id = {workspace} AND c.id = t.contact_id)"
    )
}

/// A tag that a contact is to carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagOf {
    /// The contact.
    pub contact: Uuid,
    /// The tag; the caller holds it (`tags::ensure`).
    pub tag: TagId,
    /// Its score; without one the present score stays, 0 for a tag that is new there.
    pub score: Option<i64>,
}

/// Puts the same tags on all these contacts; a tag without a score keeps the present one. The tags are held
/// (`tags::ensure`).
///
/// # Errors
/// What the database said.
pub fn add_tags(
    tenant: &mut Tenant<'_>,
    ids: &[Uuid],
    tags: &[(TagId, Option<i64>)],
    now: DateTime<Utc>,
) -> Result<Vec<Changed>, StoreError> {
    if ids.is_empty() || tags.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::default();
    let ids = sql.param(ids.to_vec());
    let rows: Value = tags.iter().map(|(tag, score)| json!({"tag": tag, "score": score})).collect();
    let rows = sql.param(rows);
    let scored = tags.iter().any(|(_, score)| score.is_some());
    put_tags(
        tenant,
        sql,
        &format!(
            "SELECT c.id AS contact, t.tag, t.score FROM unnest({ids}) AS c(id), \
             jsonb_to_recordset({rows}) AS t(tag uuid, score bigint)"
        ),
        scored,
        now,
    )
}

/// Puts a tag of its own on each contact, as [`add_tags`]. None is named twice with the same contact.
///
/// # Errors
/// What the database said.
pub fn add_tags_of(
    tenant: &mut Tenant<'_>,
    tags: &[TagOf],
    now: DateTime<Utc>,
) -> Result<Vec<Changed>, StoreError> {
    if tags.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::default();
    let rows: Value = tags
        .iter()
        .map(|one| json!({"contact": one.contact, "tag": one.tag, "score": one.score}))
        .collect();
    let rows = sql.param(rows);
    let source = format!(
        "SELECT * FROM jsonb_to_recordset({rows}) AS t(contact uuid, tag uuid, score bigint)"
    );
    let scored = tags.iter().any(|one| one.score.is_some());
    put_tags(tenant, sql, &source, scored, now)
}

/// Puts on what `source` selects: contact, tag, score. Who has the tag already is met by the insertion itself; only where
/// scores are named the rows that were there are looked at, as they were before the statement.
fn put_tags(
    tenant: &mut Tenant<'_>,
    mut sql: Sql,
    source: &str,
    scored: bool,
    now: DateTime<Utc>,
) -> Result<Vec<Changed>, StoreError> {
    let (ws, now) = (sql.param(tenant.workspace), sql.param(now));
    let touch = touch(&ws, &now);
    let (scores, and_scored) = if scored {
        (
            format!(
                "scored AS (UPDATE contact_tags ct SET score = w.score FROM wanted w \
                   JOIN contact_tags o ON o.workspace_id = {ws} AND o.contact_id = w.contact AND o.tag_id = w.tag \
                 WHERE ct.workspace_id = {ws} AND ct.contact_id = w.contact AND ct.tag_id = w.tag AND o.score <> w.score \
                 RETURNING ct.contact_id, ct.tag_id, o.score AS old, ct.score AS new), "
            ),
            " UNION ALL SELECT contact_id, tag_id, old, new FROM scored",
        )
    } else {
        (String::new(), "")
    };
    sql.push(&format!(
        "WITH wanted AS MATERIALIZED ({source}), \
         added AS (INSERT INTO contact_tags (workspace_id, contact_id, tag_id, score, added_at) \
           SELECT {ws}, w.contact, w.tag, coalesce(w.score, 0), {now} FROM wanted w \
           ON CONFLICT (workspace_id, contact_id, tag_id) DO NOTHING RETURNING contact_id, tag_id, score), \
         {scores}\
         changed AS (SELECT contact_id, tag_id, NULL::bigint AS old, score AS new FROM added{and_scored}), \
         {touch} \
         SELECT contact_id, jsonb_agg(jsonb_build_array(tag_id, old, new)) AS before FROM changed GROUP BY contact_id"
    ));
    sql.load(tenant.conn)
}

/// Takes the tags with these keys off.
///
/// # Errors
/// What the database said.
pub fn remove_tags(
    tenant: &mut Tenant<'_>,
    ids: &[Uuid],
    keys: Vec<String>,
    now: DateTime<Utc>,
) -> Result<Vec<Changed>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::default();
    let (ws, now) = (sql.param(tenant.workspace), sql.param(now));
    let touch = touch(&ws, &now);
    sql.push(&format!(
        "WITH changed AS (DELETE FROM contact_tags ct WHERE ct.workspace_id = {ws} AND ct.contact_id = ANY("
    ));
    sql.bind(ids.to_vec()).push(&format!(
        ") AND ct.tag_id IN (SELECT t.id FROM tags t WHERE t.workspace_id = {ws} AND t.name_key = ANY("
    ));
    sql.bind(keys).push(&format!(
        ")) RETURNING ct.contact_id, ct.tag_id, ct.score), {touch} \
         SELECT contact_id, jsonb_agg(jsonb_build_array(tag_id, score, NULL)) AS before FROM changed GROUP BY contact_id"
    ));
    sql.load(tenant.conn)
}

/// Common table expression `r(contact_id, tag, old, new)` of what undoing needs.
fn unfolded(sql: &mut Sql, rows: &[Changed]) -> String {
    let rows: Value =
        rows.iter().map(|one| json!({"contact": one.contact_id, "before": one.before})).collect();
    let rows = sql.param(rows);
    format!(
        "r AS MATERIALIZED (SELECT x.contact AS contact_id, (p ->> 0)::uuid AS tag, (p ->> 1)::bigint AS old, (p ->> 2)::bigint AS new \
           FROM jsonb_to_recordset({rows}) AS x(contact uuid, before jsonb) CROSS JOIN LATERAL jsonb_array_elements(x.before) AS p)"
    )
}

/// Takes tags off that were put on, and gives scores back, where they are still as they were left; says at whom.
///
/// # Errors
/// What the database said.
pub fn undo_add_tags(
    tenant: &mut Tenant<'_>,
    rows: &[Changed],
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = Sql::default();
    let r = unfolded(&mut sql, rows);
    let (ws, now) = (sql.param(tenant.workspace), sql.param(now));
    let touch = touch(&ws, &now);
    sql.push(&format!(
        "WITH {r}, \
         gone AS (DELETE FROM contact_tags ct USING r WHERE ct.workspace_id = {ws} AND ct.contact_id = r.contact_id \
           AND ct.tag_id = r.tag AND r.old IS NULL AND ct.score = r.new RETURNING ct.contact_id), \
         back AS (UPDATE contact_tags ct SET score = r.old FROM r WHERE ct.workspace_id = {ws} AND ct.contact_id = r.contact_id \
           AND ct.tag_id = r.tag AND r.old IS NOT NULL AND ct.score = r.new RETURNING ct.contact_id), \
         changed AS (SELECT contact_id FROM gone UNION SELECT contact_id FROM back), {touch} \
         SELECT contact_id AS id FROM changed"
    ));
    ids(sql, tenant)
}

/// Puts tags back that were taken off, where they are still off and still there; says at whom.
///
/// # Errors
/// What the database said.
pub fn undo_remove_tags(
    tenant: &mut Tenant<'_>,
    rows: &[Changed],
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = Sql::default();
    let r = unfolded(&mut sql, rows);
    let (ws, now) = (sql.param(tenant.workspace), sql.param(now));
    let touch = touch(&ws, &now);
    sql.push(&format!(
        "WITH {r}, \
         held AS MATERIALIZED (SELECT t.id FROM tags t WHERE t.workspace_id = {ws} AND t.id IN (SELECT tag FROM r) \
           ORDER BY t.id FOR KEY SHARE), \
         changed AS (INSERT INTO contact_tags (workspace_id, contact_id, tag_id, score, added_at) \
           SELECT {ws}, r.contact_id, r.tag, r.old, {now} FROM r JOIN held ON held.id = r.tag \
           ON CONFLICT (workspace_id, contact_id, tag_id) DO NOTHING RETURNING contact_id), {touch} \
         SELECT DISTINCT contact_id AS id FROM changed"
    ));
    ids(sql, tenant)
}

fn ids(sql: Sql, tenant: &mut Tenant<'_>) -> Result<Vec<Uuid>, StoreError> {
    Ok(sql.load::<Id>(tenant.conn)?.into_iter().map(|row| row.id).collect())
}

/// Values of some details of a contact.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct DetailsOf {
    /// The contact.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Those that it has: `{name: value}`.
    #[diesel(sql_type = Jsonb)]
    pub details: Value,
}

/// The details with these names of contacts that have any of them.
///
/// # Errors
/// What the database said.
pub fn details(
    tenant: &mut Tenant<'_>,
    ids: &[Uuid],
    names: &[String],
) -> Result<Vec<DetailsOf>, StoreError> {
    let mut sql = Sql::default();
    let names = sql.param(names.to_vec());
    sql.push(&format!(
        "SELECT c.id, (SELECT jsonb_object_agg(n.name, c.details -> n.name) FROM unnest({names}) AS n(name) \
           WHERE c.details ? n.name) AS details FROM contacts c WHERE c.details ?| {names} AND c.workspace_id = "
    ));
    sql.bind(tenant.workspace).push(" AND c.id = ANY(").bind(ids.to_vec()).push(")");
    sql.load(tenant.conn)
}

/// Where a bulk action keeps values that it writes over.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// The job.
    pub job: JobId,
    /// The action.
    pub action: &'static str,
}

/// What became of a contact whose detail was to be written.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct DetailWritten {
    /// The contact.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Why not: `too_many_details`.
    #[diesel(sql_type = Nullable<Text>)]
    pub refused: Option<String>,
}

/// Writes one detail; who has that value already is not named. Values it writes over are kept.
///
/// # Errors
/// What the database said.
pub fn set_detail(
    tenant: &mut Tenant<'_>,
    ids: &[Uuid],
    (name, value): (&str, &Value),
    keep: Keep,
    now: DateTime<Utc>,
) -> Result<Vec<DetailWritten>, StoreError> {
    let mut sql = Sql::default();
    let (ws, now) = (sql.param(tenant.workspace), sql.param(now));
    let (name, value) = (sql.param(name), sql.param(value.clone()));
    let (job, action) = (sql.param(keep.job.0), sql.param(keep.action));
    sql.push(&format!(
        "WITH differs AS MATERIALIZED (SELECT c.id, c.details -> {name} AS old, \
            c.details ? {name} OR (SELECT count(*) FROM jsonb_object_keys(c.details)) < {MAX_DETAILS} AS fits \
           FROM contacts c WHERE c.workspace_id = {ws} AND c.id = ANY("
    ));
    sql.bind(ids.to_vec()).push(&format!(
        ") AND c.details -> {name} IS DISTINCT FROM {value}), \
         kept AS (INSERT INTO frozen_values (workspace_id, contact_id, job_id, action, value) \
           SELECT {ws}, d.id, {job}, {action}, d.old FROM differs d WHERE d.old IS NOT NULL), \
         changed AS (UPDATE contacts c SET details = c.details || jsonb_build_object({name}, {value}), updated_at = {LATER} \
           FROM differs d, (SELECT {now} AS at) AS excluded_now \
           WHERE c.workspace_id = {ws} AND c.id = d.id AND d.fits RETURNING c.id) \
         SELECT id, NULL AS refused FROM changed \
         UNION ALL SELECT d.id, 'too_many_details' FROM differs d WHERE NOT d.fits"
    ));
    sql.load(tenant.conn)
}

/// Removes one detail, keeps its value, and says at whom.
///
/// # Errors
/// What the database said.
pub fn remove_detail(
    tenant: &mut Tenant<'_>,
    ids: &[Uuid],
    name: &str,
    keep: Keep,
    now: DateTime<Utc>,
) -> Result<Vec<Changed>, StoreError> {
    let mut sql = Sql::default();
    let (ws, now, name) = (sql.param(tenant.workspace), sql.param(now), sql.param(name));
    let (job, action) = (sql.param(keep.job.0), sql.param(keep.action));
    sql.push(&format!(
        "WITH has AS MATERIALIZED (SELECT c.id, c.details -> {name} AS old FROM contacts c \
           WHERE c.workspace_id = {ws} AND c.details ? {name} AND c.id = ANY("
    ));
    sql.bind(ids.to_vec()).push(&format!(
        ")), \
         kept AS (INSERT INTO frozen_values (workspace_id, contact_id, job_id, action, value) \
           SELECT {ws}, h.id, {job}, {action}, h.old FROM has h) \
         UPDATE contacts c SET details = c.details - {name}, updated_at = {LATER} \
         FROM has h, (SELECT {now} AS at) AS excluded_now WHERE c.workspace_id = {ws} AND c.id = h.id \
         RETURNING c.id AS contact_id, NULL::jsonb AS before"
    ));
    sql.load(tenant.conn)
}

/// Gives back what a detail was where it still is what the action wrote; says at whom.
///
/// # Errors
/// What the database said.
pub fn undo_set_detail(
    tenant: &mut Tenant<'_>,
    contacts: &[Uuid],
    (name, value): (&str, &Value),
    kept: Keep,
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = Sql::default();
    let (ws, now) = (sql.param(tenant.workspace), sql.param(now));
    let (name, value) = (sql.param(name), sql.param(value.clone()));
    let as_written = format!("c.details -> {name} = {value}");
    with_kept(&mut sql, &ws, kept, contacts, &as_written);
    sql.push(&format!(
        "UPDATE contacts c SET updated_at = {LATER}, details = CASE WHEN t.value IS NULL THEN c.details - {name} \
           ELSE c.details || jsonb_build_object({name}, t.value) END \
         FROM there t, (SELECT {now} AS at) AS excluded_now WHERE c.workspace_id = {ws} AND c.id = t.id RETURNING c.id"
    ));
    ids(sql, tenant)
}

/// Writes a detail again that was removed, where there is none of that name now; says at whom.
///
/// # Errors
/// What the database said.
pub fn undo_remove_detail(
    tenant: &mut Tenant<'_>,
    contacts: &[Uuid],
    name: &str,
    kept: Keep,
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = Sql::default();
    let (ws, now, name) = (sql.param(tenant.workspace), sql.param(now), sql.param(name));
    let has_room = format!(
        "NOT c.details ? {name} AND (SELECT count(*) FROM jsonb_object_keys(c.details)) < {MAX_DETAILS}"
    );
    with_kept(&mut sql, &ws, kept, contacts, &has_room);
    sql.push(&format!(
        "UPDATE contacts c SET updated_at = {LATER}, details = c.details || jsonb_build_object({name}, t.value) \
         FROM there t, (SELECT {now} AS at) AS excluded_now \
         WHERE c.workspace_id = {ws} AND c.id = t.id AND t.value IS NOT NULL RETURNING c.id"
    ));
    ids(sql, tenant)
}

/// Begins with `there(id, value)`: those of the contacts that meet the condition, with what was kept of each, if anything.
///
/// It is looked up contact by contact, by the key. Where the id of the job stands in the statement, the planner takes a job
/// that came after the last look at the table for one that kept next to nothing, and reads all that it kept instead: for each
/// chunk, or, worse, for each contact. So it is not to know which job it is.
fn with_kept(sql: &mut Sql, ws: &str, kept: Keep, contacts: &[Uuid], condition: &str) {
    let (job, action) = (sql.param(kept.job.0), sql.param(kept.action));
    let ids = sql.param(contacts.to_vec());
    sql.push(&format!(
        "WITH kept_by AS MATERIALIZED (SELECT {job} AS job), \
         there AS MATERIALIZED (SELECT c.id, (SELECT k.value FROM frozen_values k, kept_by WHERE k.workspace_id = {ws} \
             AND k.contact_id = c.id AND k.job_id = kept_by.job AND k.action = {action}) AS value \
           FROM contacts c WHERE c.workspace_id = {ws} AND c.id = ANY({ids}) AND {condition}) "
    ));
}

/// Writes the points; what undoing needs is the number before.
///
/// # Errors
/// What the database said.
pub fn set_score(
    tenant: &mut Tenant<'_>,
    ids: &[Uuid],
    score: i64,
    now: DateTime<Utc>,
) -> Result<Vec<Changed>, StoreError> {
    let mut sql = Sql::default();
    let score = sql.param(score);
    set_column(tenant, sql, "score", &score, ids, now)
}

/// Writes the state; what undoing needs is the word before.
///
/// # Errors
/// What the database said.
pub fn set_state(
    tenant: &mut Tenant<'_>,
    ids: &[Uuid],
    state: State,
    now: DateTime<Utc>,
) -> Result<Vec<Changed>, StoreError> {
    let mut sql = Sql::default();
    let state = sql.param(state.as_str());
    set_column(tenant, sql, "state", &state, ids, now)
}

fn set_column(
    tenant: &mut Tenant<'_>,
    mut sql: Sql,
    column: &str,
    value: &str,
    ids: &[Uuid],
    now: DateTime<Utc>,
) -> Result<Vec<Changed>, StoreError> {
    let (ws, now) = (sql.param(tenant.workspace), sql.param(now));
    sql.push(&format!(
        "WITH differs AS MATERIALIZED (SELECT c.id, c.{column} AS old FROM contacts c \
           WHERE c.workspace_id = {ws} AND c.{column} <> {value} AND c.id = ANY("
    ));
    sql.bind(ids.to_vec()).push(&format!(
        ")) UPDATE contacts c SET {column} = {value}, updated_at = {LATER} \
         FROM differs d, (SELECT {now} AS at) AS excluded_now WHERE c.workspace_id = {ws} AND c.id = d.id \
         RETURNING c.id AS contact_id, to_jsonb(d.old) AS before"
    ));
    sql.load(tenant.conn)
}

/// Gives points back where they still are `score`; says at whom.
///
/// # Errors
/// What the database said.
pub fn undo_set_score(
    tenant: &mut Tenant<'_>,
    rows: &[Changed],
    score: i64,
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = Sql::default();
    let score = sql.param(score);
    undo_column(tenant, sql, ("score", "bigint"), &score, rows, now)
}

/// Gives the state back where it still is `state`; says at whom.
///
/// # Errors
/// What the database said.
pub fn undo_set_state(
    tenant: &mut Tenant<'_>,
    rows: &[Changed],
    state: State,
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = Sql::default();
    let state = sql.param(state.as_str());
    undo_column(tenant, sql, ("state", "text"), &state, rows, now)
}

fn undo_column(
    tenant: &mut Tenant<'_>,
    mut sql: Sql,
    (column, kind): (&str, &str),
    value: &str,
    rows: &[Changed],
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, StoreError> {
    let rows: Value =
        rows.iter().map(|one| json!({"id": one.contact_id, "old": one.before})).collect();
    let (ws, now, rows) = (sql.param(tenant.workspace), sql.param(now), sql.param(rows));
    sql.push(&format!(
        "UPDATE contacts c SET {column} = r.old, updated_at = {LATER} \
         FROM jsonb_to_recordset({rows}) AS r(id uuid, old {kind}), (SELECT {now} AS at) AS excluded_now \
         WHERE c.workspace_id = {ws} AND c.id = r.id AND c.{column} = {value} RETURNING c.id"
    ));
    ids(sql, tenant)
}

/// The names of a contact.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct NamesOf {
    /// The contact.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Titles before the name.
    #[diesel(sql_type = Nullable<Text>)]
    pub title_before: Option<String>,
    /// Given name.
    #[diesel(sql_type = Nullable<Text>)]
    pub first_name: Option<String>,
    /// Surname.
    #[diesel(sql_type = Nullable<Text>)]
    pub last_name: Option<String>,
}

/// The names of contacts.
///
/// # Errors
/// What the database said.
pub fn names(tenant: &mut Tenant<'_>, ids: &[Uuid]) -> Result<Vec<NamesOf>, StoreError> {
    let mut sql = Sql::new(
        "SELECT c.id, c.title_before, c.first_name, c.last_name FROM contacts c WHERE c.workspace_id = ",
    );
    sql.bind(tenant.workspace).push(" AND c.id = ANY(").bind(ids.to_vec()).push(")");
    sql.load(tenant.conn)
}

/// Contacts that lie in the trash since the very instant that is named with each.
///
/// # Errors
/// What the database said.
pub fn trashed_at(
    tenant: &mut Tenant<'_>,
    since: &[(Uuid, DateTime<Utc>)],
) -> Result<Vec<Uuid>, StoreError> {
    let rows: Value = since.iter().map(|(id, at)| json!({"id": id, "at": at})).collect();
    let mut sql = Sql::new("SELECT c.id FROM jsonb_to_recordset(");
    sql.bind(rows).push(") AS r(id uuid, at timestamptz) JOIN contacts c ON c.workspace_id = ");
    sql.bind(tenant.workspace).push(" AND c.id = r.id AND c.trashed_at = r.at");
    ids(sql, tenant)
}
