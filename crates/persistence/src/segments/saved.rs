//! Saved segments: their trees, what uses them, and what they name (SEG-5).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_domain::contacts::phone::Region;
use kartoteka_domain::ids::{JobId, SegmentId};
use kartoteka_domain::segments::{Library, NameKind, SegmentName, Selection, read};

use crate::contacts::list::contains;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// A saved segment.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct Segment {
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
    /// One filter, as it was written; or else …
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub filter: Option<Value>,
    /// … a whole selection.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub selection: Option<Value>,
    /// Region that national phone numbers in the tree are read in.
    #[diesel(sql_type = Text)]
    pub phone_region: String,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

impl Segment {
    /// What it means. That what it refers to exists was seen when it was saved.
    ///
    /// # Errors
    /// [`StoreError::Inconsistent`] when the stored tree cannot be read any more.
    pub fn read(&self) -> Result<Selection, StoreError> {
        let region = Region::parse(&self.phone_region).ok();
        let selection = match (&self.filter, &self.selection) {
            (Some(filter), _) => read::filter(filter, "", region)
                .resolve(|_| true)
                .map(|filter| Selection { filter, ..Selection::default() }),
            (None, selection) => {
                let json = selection.as_ref().unwrap_or(&Value::Null);
                read::selection(json, "", region).resolve(|_| true)
            }
        };
        selection.map_err(|faults| StoreError::Inconsistent {
            table: "segments",
            problem: format!("the tree of {} has {} faults", self.id, faults.len()),
        })
    }
}

/// Something that uses a segment.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Use {
    #[diesel(sql_type = SqlUuid)]
    segment_id: Uuid,
    /// `segment`, `job`, `campaign`, `rule` or `scenario`.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its name, where it has one.
    #[diesel(sql_type = Nullable<Text>)]
    pub name: Option<String>,
    #[diesel(sql_type = BigInt)]
    of_kind: i64,
}

/// What a segment is used by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// How many of each kind do.
    pub kinds: BTreeMap<String, i64>,
    /// The first of each kind, at most [`MAX_SHOWN_USES`].
    pub first: Vec<Use>,
}

impl Uses {
    /// How many do.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.kinds.values().sum()
    }
}

/// Most uses of one kind of one segment that are told one by one.
pub const MAX_SHOWN_USES: i64 = 50;

const COLUMNS: &str =
    "id, name, name_key, description, filter, selection, phone_region, created_at, updated_at";

/// Lets nobody else change segments of the workspace, or rename what they name, until the end of the
/// transaction: so that two who nest segments at once cannot close a circle.
///
/// # Errors
/// [`StoreError::Busy`] when it is not given in time.
pub fn lock(tenant: &mut Tenant<'_>) -> Result<(), StoreError> {
    let mut sql =
        Sql::new("SELECT count(*) AS n FROM (SELECT pg_advisory_xact_lock(hashtextextended(");
    sql.bind(format!("segments/{}", tenant.workspace)).push(", 0))) AS lock");
    sql.count(tenant.conn).map(drop)
}

/// Segments in order of their names, behind the key `after`; `part` is a part of the key.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    part: Option<&str>,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Segment>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM segments WHERE workspace_id = "));
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

/// One segment; `hold` locks it against everyone who would use it, until the end of the transaction.
///
/// # Errors
/// [`StoreError::Busy`] when somebody holds it for too long.
pub fn get(
    tenant: &mut Tenant<'_>,
    id: SegmentId,
    hold: bool,
) -> Result<Option<Segment>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM segments WHERE workspace_id = "));
    sql.bind(tenant.workspace).push(" AND id = ").bind(id.0);
    sql.push(if hold { " FOR UPDATE" } else { "" });
    sql.first(tenant.conn)
}

/// Everything that these segments are made of, themselves included.
///
/// # Errors
/// What the database said; [`StoreError::Inconsistent`] when a stored tree cannot be read.
pub fn library(tenant: &mut Tenant<'_>, ids: &[SegmentId]) -> Result<Library, StoreError> {
    if ids.is_empty() {
        return Ok(Library::new());
    }
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push("WITH RECURSIVE reached (id) AS (SELECT unnest(").bind(raw(ids));
    let columns = columns_of("s");
    sql.push(&format!(
        ") UNION SELECT u.segment_id FROM reached r JOIN segment_uses u ON u.workspace_id = {workspace} \
         AND u.used_by_type = 'segment' AND u.used_by_id = r.id) \
         SELECT {columns} FROM reached r JOIN segments s ON s.workspace_id = {workspace} AND s.id = r.id"
    ));
    let rows: Vec<Segment> = sql.load(tenant.conn)?;
    rows.iter().map(|row| Ok((SegmentId(row.id), row.read()?))).collect()
}

/// The segments that use this one, and those that use them, and so on; without itself.
///
/// # Errors
/// What the database said.
pub fn users(tenant: &mut Tenant<'_>, id: SegmentId) -> Result<Vec<SegmentId>, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    let id = sql.param(id.0);
    sql.push(&format!(
        "WITH RECURSIVE reached (id) AS (SELECT {id} UNION \
         SELECT u.used_by_id FROM reached r JOIN segment_uses u ON u.workspace_id = {workspace} \
         AND u.used_by_type = 'segment' AND u.segment_id = r.id) \
         SELECT id FROM reached WHERE id <> {id} ORDER BY id"
    ));
    let rows: Vec<super::IdRow> = sql.load(tenant.conn)?;
    Ok(rows.into_iter().map(|row| SegmentId(row.id)).collect())
}

/// What uses each of these segments; those that nothing uses are left out. Jobs count until they end, and a rule or
/// scenario that was changed as long as a contact is on its way through a version that names it.
///
/// # Errors
/// What the database said.
pub fn uses(
    tenant: &mut Tenant<'_>,
    ids: &[SegmentId],
) -> Result<HashMap<SegmentId, Uses>, StoreError> {
    let mut sql = Sql::default();
    let (workspace, names) = (sql.param(tenant.workspace), raw(ids));
    let (names, ids) =
        (sql.param(names.iter().map(Uuid::to_string).collect::<Vec<_>>()), sql.param(names));
    sql.push(&format!(
        "SELECT segment_id, kind, id, name, of_kind FROM (\
         SELECT u.segment_id, u.used_by_type AS kind, u.used_by_id AS id, coalesce(s.name, d.name) AS name, \
         count(*) OVER (PARTITION BY u.segment_id, u.used_by_type) AS of_kind, \
         row_number() OVER (PARTITION BY u.segment_id, u.used_by_type ORDER BY coalesce(s.name_key, d.name_key), u.used_by_id) AS place \
         FROM (SELECT n.segment_id, n.used_by_type, n.used_by_id FROM segment_uses n \
             WHERE n.workspace_id = {workspace} AND n.segment_id = ANY ({ids}) \
           UNION SELECT n.name::uuid, d.type, d.id FROM definition_names n \
             JOIN definitions d ON d.workspace_id = {workspace} AND d.id = n.definition_id \
             WHERE n.workspace_id = {workspace} AND n.kind = 'segment' AND n.name = ANY ({names}) AND EXISTS (SELECT FROM runs r \
               WHERE r.workspace_id = {workspace} AND r.definition_id = n.definition_id AND r.version = n.version \
               AND r.state IN ('queued', 'running'))) AS u \
         LEFT JOIN segments s ON u.used_by_type = 'segment' AND s.workspace_id = {workspace} AND s.id = u.used_by_id \
         LEFT JOIN definitions d ON u.used_by_type IN ('rule', 'scenario') AND d.workspace_id = {workspace} AND d.id = u.used_by_id \
         LEFT JOIN jobs j ON u.used_by_type = 'job' AND j.workspace_id = {workspace} AND j.id = u.used_by_id \
         WHERE u.used_by_type <> 'job' OR j.state IN ('queued', 'running')) AS numbered WHERE place <= "
    ));
    sql.bind(MAX_SHOWN_USES);
    sql.push(" ORDER BY segment_id, kind, place");
    let rows: Vec<Use> = sql.load(tenant.conn)?;
    let mut uses: HashMap<SegmentId, Uses> = HashMap::new();
    for row in rows {
        let of = uses.entry(SegmentId(row.segment_id)).or_default();
        of.kinds.insert(row.kind.clone(), row.of_kind);
        of.first.push(row);
    }
    Ok(uses)
}

/// Writes a segment: new, or in place of the one with its id.
///
/// # Errors
/// `segments_name_key` when there is another of that name.
pub fn put(tenant: &mut Tenant<'_>, segment: &Segment) -> Result<(), StoreError> {
    let mut sql = Sql::new(
        "INSERT INTO segments (workspace_id, id, name, name_key, description, filter, selection, phone_region, \
         created_at, updated_at) VALUES (",
    );
    sql.bind(tenant.workspace).push(", ").bind(segment.id).push(", ").bind(segment.name.as_str());
    sql.push(", ").bind(segment.name_key.as_str()).push(", ").bind(segment.description.clone());
    sql.push(", ").bind(segment.filter.clone()).push(", ").bind(segment.selection.clone());
    sql.push(", ").bind(segment.phone_region.as_str()).push(", ").bind(segment.created_at);
    sql.push(", ").bind(segment.updated_at);
    sql.push(
        ") ON CONFLICT (workspace_id, id) DO UPDATE SET name = excluded.name, name_key = excluded.name_key, \
         description = excluded.description, filter = excluded.filter, selection = excluded.selection, \
         phone_region = excluded.phone_region, \
         updated_at = greatest(excluded.updated_at, segments.updated_at + interval '1 microsecond')",
    );
    sql.execute(tenant.conn).map(drop)
}

/// Writes down what the tree of a segment uses and names, in place of what stood there.
///
/// # Errors
/// `segment_uses_segment_fkey` when one of `segments` does not exist.
pub fn put_references(
    tenant: &mut Tenant<'_>,
    id: SegmentId,
    segments: &[SegmentId],
    names: &BTreeSet<SegmentName>,
) -> Result<(), StoreError> {
    forget(tenant, "segment", id.0)?;
    use_by(tenant, "segment", id.0, segments)?;
    let mut sql = Sql::new("DELETE FROM segment_names WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND segment_id = ").bind(id.0);
    sql.execute(tenant.conn)?;
    if names.is_empty() {
        return Ok(());
    }
    let mut sql =
        Sql::new("INSERT INTO segment_names (workspace_id, segment_id, kind, name) SELECT ");
    sql.bind(tenant.workspace).push(", ").bind(id.0).push(", n.kind, n.name FROM unnest(");
    sql.bind(names.iter().map(|name| name.kind.as_str().to_owned()).collect::<Vec<_>>());
    sql.push(", ").bind(names.iter().map(|name| name.name.clone()).collect::<Vec<_>>());
    sql.push(") AS n (kind, name)");
    sql.execute(tenant.conn).map(drop)
}

/// A job works on the contacts of these segments.
///
/// # Errors
/// `segment_uses_segment_fkey` when one of them does not exist.
pub fn use_by_job(
    tenant: &mut Tenant<'_>,
    job: JobId,
    segments: &[SegmentId],
) -> Result<(), StoreError> {
    use_by(tenant, "job", job.0, segments)
}

/// A rule or a scenario uses these segments, and no others.
///
/// # Errors
/// `segment_uses_segment_fkey` when one of them does not exist.
pub fn put_uses(
    tenant: &mut Tenant<'_>,
    kind: &str,
    user: Uuid,
    segments: &[SegmentId],
) -> Result<(), StoreError> {
    forget(tenant, kind, user)?;
    use_by(tenant, kind, user, segments)
}

fn use_by(
    tenant: &mut Tenant<'_>,
    kind: &str,
    user: Uuid,
    segments: &[SegmentId],
) -> Result<(), StoreError> {
    if segments.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::new(
        "INSERT INTO segment_uses (workspace_id, segment_id, used_by_type, used_by_id) SELECT ",
    );
    sql.bind(tenant.workspace).push(", id, ").bind(kind).push(", ").bind(user);
    sql.push(" FROM unnest(").bind(raw(segments));
    sql.push(
        ") AS s (id) ON CONFLICT (workspace_id, segment_id, used_by_type, used_by_id) DO NOTHING",
    );
    sql.execute(tenant.conn).map(drop)
}

fn forget(tenant: &mut Tenant<'_>, kind: &str, user: Uuid) -> Result<(), StoreError> {
    let mut sql = Sql::new("DELETE FROM segment_uses WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND used_by_type = ").bind(kind);
    sql.push(" AND used_by_id = ").bind(user);
    sql.execute(tenant.conn).map(drop)
}

/// Removes a segment. The caller has locked it and seen that nothing uses it.
///
/// # Errors
/// What the database said.
pub fn delete(tenant: &mut Tenant<'_>, id: SegmentId) -> Result<(), StoreError> {
    forget(tenant, "segment", id.0)?;
    // rows of jobs that have ended
    let mut sql = Sql::new("DELETE FROM segment_uses WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND segment_id = ").bind(id.0);
    sql.execute(tenant.conn)?;
    let mut sql = Sql::new("DELETE FROM segments WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ").bind(id.0);
    sql.execute(tenant.conn).map(drop)
}

/// The segments whose trees name this, in order of their ids.
///
/// # Errors
/// What the database said.
pub fn naming(
    tenant: &mut Tenant<'_>,
    kind: NameKind,
    name: &str,
) -> Result<Vec<Segment>, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    let columns = columns_of("s");
    sql.push(&format!(
        "SELECT {columns} FROM segment_names n JOIN segments s ON s.workspace_id = {workspace} AND s.id = n.segment_id \
         WHERE n.workspace_id = {workspace} AND n.kind = "
    ));
    sql.bind(kind.as_str()).push(" AND n.name = ").bind(name).push(" ORDER BY s.id");
    sql.load(tenant.conn)
}

/// How many segments name any of these in their trees.
///
/// # Errors
/// What the database said.
pub fn count_naming(
    tenant: &mut Tenant<'_>,
    kind: NameKind,
    names: Vec<String>,
) -> Result<i64, StoreError> {
    let mut sql =
        Sql::new("SELECT count(DISTINCT segment_id) AS n FROM segment_names WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND kind = ").bind(kind.as_str());
    sql.push(" AND name = ANY(").bind(names).push(")");
    sql.count(tenant.conn)
}

/// Writes other trees into segments: id, filter, selection.
///
/// # Errors
/// What the database said.
pub fn put_trees(
    tenant: &mut Tenant<'_>,
    trees: &[Segment],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let rows = trees.iter().map(|segment| {
        json!({"id": segment.id, "filter": segment.filter, "selection": segment.selection})
    });
    let mut sql = Sql::new(
        "UPDATE segments s SET filter = nullif(r.filter, 'null'), selection = nullif(r.selection, 'null'), \
         updated_at = greatest(",
    );
    sql.bind(now);
    sql.push(", s.updated_at + interval '1 microsecond') FROM jsonb_to_recordset(");
    sql.bind(rows.collect::<Value>());
    sql.push(") AS r(id uuid, filter jsonb, selection jsonb) WHERE s.workspace_id = ");
    sql.bind(tenant.workspace).push(" AND s.id = r.id");
    sql.execute(tenant.conn).map(drop)
}

/// What segments name has another name now.
///
/// # Errors
/// What the database said.
pub fn rename(
    tenant: &mut Tenant<'_>,
    kind: NameKind,
    from: &str,
    to: &str,
) -> Result<(), StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    let kind = sql.param(kind.as_str());
    sql.push(&format!(
        "WITH old AS (DELETE FROM segment_names WHERE workspace_id = {workspace} AND kind = {kind} AND name = "
    ));
    sql.bind(from).push(&format!(
        " RETURNING segment_id) INSERT INTO segment_names (workspace_id, segment_id, kind, name) \
         SELECT {workspace}, segment_id, {kind}, "
    ));
    sql.bind(to);
    sql.push(" FROM old ON CONFLICT (workspace_id, segment_id, kind, name) DO NOTHING");
    sql.execute(tenant.conn).map(drop)
}

fn columns_of(alias: &str) -> String {
    COLUMNS.split(", ").map(|column| format!("{alias}.{column}")).collect::<Vec<_>>().join(", ")
}

fn raw(ids: &[SegmentId]) -> Vec<Uuid> {
    ids.iter().map(|id| id.0).collect()
}
