//! The search index: any part of any word of a million contacts in milliseconds (CON-4).
//!
//! `contact_search` holds what `contacts.search` holds, under an index of trigrams. To keep that index costs a
//! bulk import half as much again as everything else it writes. So who is written one by one is indexed in the
//! same transaction ([`refresh`]); whom an import makes is indexed afterwards, a few thousand at a time
//! ([`catch_up`]), and until then the searches of that workspace read the contacts themselves
//! ([`reach`]): always right, but slower for a while.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use uuid::Uuid;

use kartoteka_domain::contacts::search::Term;
use kartoteka_domain::ids::{ImportId, WorkspaceId};

use super::list::contains;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::imports::classify::Rows;
use crate::sql::Sql;

/// Shorter runs of letters and digits have no trigram.
const TRIGRAM: usize = 3;

/// How much waits to go into the index while it follows an import, in kilobytes.
const PENDING_KB: u32 = 16_384;

/// Whether the index can find what the terms mean: each has a part that is long enough. (Other characters than
/// ASCII may or may not count as letters, by the locale of the database: they do not here.)
#[must_use]
pub fn is_indexable(terms: &[Term]) -> bool {
    let long = |word: &String| {
        word.split(|c: char| !c.is_ascii_alphanumeric()).any(|run| run.len() >= TRIGRAM)
    };
    // one good term finds, the others narrow
    terms.iter().any(|term| match term {
        Term::Word(word) => long(word),
        Term::Number { words, digits } => long(digits) && words.iter().any(long),
    })
}

/// Writes the condition that the text in `column` meets the terms.
pub fn matches(sql: &mut Sql, column: &str, terms: &[Term]) {
    sql.push("(true");
    for term in terms {
        sql.push(" AND ");
        match term {
            Term::Word(word) => {
                sql.push(&format!("{column} LIKE ")).bind(contains(word));
            }
            Term::Number { words, digits } => {
                sql.push(&format!("({column} LIKE ")).bind(contains(digits)).push(" OR (true");
                for word in words {
                    sql.push(&format!(" AND {column} LIKE ")).bind(contains(word));
                }
                sql.push("))");
            }
        }
    }
    sql.push(")");
}

/// Brings the index up to date about these contacts.
///
/// # Errors
/// What the database said.
pub fn refresh(tenant: &mut Tenant<'_>, ids: Vec<Uuid>) -> Result<(), StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.prepared().param(tenant.workspace);
    put(&mut sql, &workspace);
    sql.push(&format!("FROM contacts c WHERE c.workspace_id = {workspace} AND c.id = ANY("));
    sql.bind(ids).push(")");
    newer(&mut sql);
    sql.execute(tenant.conn).map(drop)
}

/// The same about the contacts whose names or addresses these rows of an import changed, or changed back.
///
/// # Errors
/// What the database said.
pub fn refresh_changed(
    tenant: &mut Tenant<'_>,
    import: ImportId,
    rows: Rows,
) -> Result<(), StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    put(&mut sql, &workspace);
    sql.push(&format!(
        "FROM contacts c WHERE c.workspace_id = {workspace} AND c.id = ANY (ARRAY(\
           SELECT ch.contact_id FROM import_changes ch WHERE ch.workspace_id = {workspace} AND ch.import_id = "
    ));
    sql.bind(import.0)
        .push(" AND ch.row > ")
        .bind(rows.after)
        .push(" AND ch.row <= ")
        .bind(rows.up_to);
    sql.push(" AND ch.changes ?| '{first_name,last_name,email,phone,company_name}'))");
    newer(&mut sql);
    sql.execute(tenant.conn).map(drop)
}

fn put(sql: &mut Sql, workspace: &str) {
    sql.push(&format!(
        "INSERT INTO contact_search (workspace_id, contact_id, search) SELECT {workspace}, c.id, c.search "
    ));
}

fn newer(sql: &mut Sql) {
    sql.push(
        " ON CONFLICT (workspace_id, contact_id) DO UPDATE SET search = excluded.search \
         WHERE contact_search.search <> excluded.search",
    );
}

/// Notes that the contacts an import committed at that time is going to make will be indexed later.
///
/// # Errors
/// What the database said.
pub fn defer(
    tenant: &mut Tenant<'_>,
    import: ImportId,
    committed_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = Sql::new(
        "INSERT INTO contact_search_lag (workspace_id, import_id, from_id, to_id) SELECT ",
    );
    let base =
        sql.bind(tenant.workspace).push(", ").bind(import.0).param(committed_at.timestamp_millis());
    // all ids the import can make, whatever its salt: 42 bits of salt, 32 of row
    sql.push(&format!(
        ", import_row_id({base}, 0, 0), import_row_id({base}, 4398046511103, 4294967295) \
         ON CONFLICT (workspace_id, import_id) DO UPDATE SET from_id = excluded.from_id, to_id = excluded.to_id"
    ));
    sql.execute(tenant.conn).map(drop)
}

/// What of the index is asked. It keeps the workspace like one more trigram, with a list of everybody in it; a
/// search goes through that list beside those of its trigrams. In a workspace of a million that takes ten times
/// what the trigrams take, and where nearly all texts are of that workspace it tells nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The texts of the workspace.
    Workspace,
    /// The texts of all workspaces; those of others are left out when they are read.
    Everywhere,
}

/// How the index can be asked; `None` while it does not know all contacts of the workspace. Everywhere where
/// at least half of all texts are of the workspace: so the others add no more than its own.
///
/// # Errors
/// What the database said.
pub fn reach(tenant: &mut Tenant<'_>) -> Result<Option<Reach>, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.prepared().param(tenant.workspace);
    // as many texts as PostgreSQL thinks there are; a wrong number costs time only
    sql.push(&format!(
        "SELECT CASE WHEN EXISTS (SELECT FROM contact_search_lag WHERE workspace_id = {workspace}) THEN 0 \
           WHEN (SELECT 2 * sum(live + trashed) FROM workspace_usage WHERE workspace_id = {workspace}) >= t.reltuples \
             AND t.reltuples > 0 THEN 2 ELSE 1 END::bigint AS n \
         FROM pg_class t WHERE t.oid = 'contact_search'::regclass"
    ));
    Ok(match sql.count(tenant.conn)? {
        0 => None,
        1 => Some(Reach::Workspace),
        _ => Some(Reach::Everywhere),
    })
}

/// The condition that a row of `contact_search` is of the workspace.
#[must_use]
pub fn within(reach: Reach, alias: &str, workspace: &str) -> String {
    match reach {
        Reach::Workspace => format!("{alias}.workspace_id = {workspace}"),
        // the same in a form no index knows
        Reach::Everywhere => {
            format!("CASE WHEN {alias}.workspace_id = {workspace} THEN true ELSE false END")
        }
    }
}

#[derive(QueryableByName)]
struct Lag {
    #[diesel(sql_type = SqlUuid)]
    workspace_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    import_id: Uuid,
}

/// An import that ended and whose contacts are not all indexed. Workspaces that are just importing come
/// later, so that the index does not slow the import, but not more than a minute after it ended.
///
/// # Errors
/// What the database said.
pub fn lagging(conn: &mut PgConnection) -> Result<Option<(WorkspaceId, ImportId)>, StoreError> {
    let sql = Sql::new(
        "SELECT l.workspace_id, l.import_id FROM contact_search_lag l \
         JOIN imports i ON i.workspace_id = l.workspace_id AND i.id = l.import_id \
         WHERE i.state <> 'running' AND (i.updated_at < now() - interval '1 minute' OR NOT EXISTS (\
           SELECT FROM imports o WHERE o.workspace_id = l.workspace_id AND o.state IN ('planning', 'running'))) \
         ORDER BY i.updated_at LIMIT 1",
    );
    let lag: Option<Lag> = sql.first(conn)?;
    Ok(lag.map(|lag| (WorkspaceId(lag.workspace_id), ImportId(lag.import_id))))
}

#[derive(QueryableByName)]
struct Span {
    #[diesel(sql_type = SqlUuid)]
    from_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    to_id: Uuid,
}

#[derive(QueryableByName)]
struct Part {
    #[diesel(sql_type = BigInt)]
    n: i64,
    #[diesel(sql_type = diesel::sql_types::Nullable<SqlUuid>)]
    last: Option<Uuid>,
}

/// Indexes up to `limit` contacts of the import; `false` when none is left. The caller holds the writer lock
/// alone: nobody purges a contact while its text is copied.
///
/// # Errors
/// What the database said.
pub fn catch_up(tenant: &mut Tenant<'_>, import: ImportId, limit: i64) -> Result<bool, StoreError> {
    // What is new waits in a list that every search reads; when the list is full it goes into the index, which
    // touches nearly every trigram there is, however long the list. A longer list costs searches some
    // milliseconds for a while, and saves most of the work.
    tenant.conn.batch_execute(&format!("SET LOCAL gin_pending_list_limit = {PENDING_KB}"))?;
    let mut sql = Sql::new("SELECT from_id, to_id FROM contact_search_lag WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND import_id = ").bind(import.0).push(" FOR UPDATE");
    let Some(Span { from_id, to_id }) = sql.first(tenant.conn)? else { return Ok(false) };
    // The ends are said, not joined: so the planner walks the key from there, and does not sort all that is
    // left for each part. Who was edited meanwhile is there already, with the newer text.
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "WITH part AS MATERIALIZED (SELECT c.id, c.search FROM contacts c WHERE c.workspace_id = {workspace} AND c.id > "
    ));
    sql.bind(from_id).push(" AND c.id <= ").bind(to_id).push(" ORDER BY c.id LIMIT ").bind(limit);
    sql.push(&format!(
        "), put AS (INSERT INTO contact_search (workspace_id, contact_id, search) \
           SELECT {workspace}, id, search FROM part ON CONFLICT (workspace_id, contact_id) DO NOTHING) \
         SELECT count(*) AS n, (SELECT id FROM part ORDER BY id DESC LIMIT 1) AS last FROM part"
    ));
    let part: Option<Part> = sql.first(tenant.conn)?;
    let last = part.filter(|part| part.n == limit).and_then(|part| part.last);
    let mut sql = match last {
        Some(last) => {
            let mut sql = Sql::new("UPDATE contact_search_lag SET from_id = ");
            sql.bind(last);
            sql
        }
        None => Sql::new("DELETE FROM contact_search_lag"),
    };
    sql.push(" WHERE workspace_id = ").bind(tenant.workspace);
    sql.push(" AND import_id = ").bind(import.0);
    sql.execute(tenant.conn)?;
    if last.is_none() {
        let sql = Sql::new("SELECT gin_clean_pending_list('contact_search_trigrams_idx') AS n");
        sql.count(tenant.conn)?;
    }
    Ok(last.is_some())
}

/// How often the index is held against the contacts.
const CHECKED_EVERY: &str = "interval '1 day'";

/// A workspace whose index was not held against its contacts for a day, or not to the end.
///
/// # Errors
/// What the database said.
pub fn unchecked(conn: &mut PgConnection) -> Result<Option<WorkspaceId>, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let sql = Sql::new(&format!(
        "SELECT w.id FROM workspaces w LEFT JOIN contact_search_checks k ON k.workspace_id = w.id \
         WHERE k.workspace_id IS NULL OR k.after_id IS NOT NULL OR k.checked_at < now() - {CHECKED_EVERY} \
         ORDER BY k.after_id IS NULL, k.checked_at NULLS FIRST LIMIT 1"
    ));
    let row: Option<Row> = sql.first(conn)?;
    Ok(row.map(|row| WorkspaceId(row.id)))
}

/// Holds the index against the next `limit` contacts of the workspace; how many of them it knew nothing of, or
/// something else than they hold, or knew though they are gone. They are put right. Every writer keeps the index,
/// so there are some only where a build that did not know it yet wrote beside this one.
///
/// # Errors
/// What the database said.
pub fn check(tenant: &mut Tenant<'_>, limit: i64) -> Result<usize, StoreError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let mut sql = Sql::new(
        "INSERT INTO contact_search_checks AS k (workspace_id, checked_at, after_id) SELECT ",
    );
    sql.bind(tenant.workspace).push(", now(), ").bind(Uuid::nil());
    // who comes while another ends it finds that there is nothing to do
    sql.push(&format!(
        " ON CONFLICT (workspace_id) DO UPDATE SET after_id = coalesce(k.after_id, excluded.after_id), \
           checked_at = CASE WHEN k.after_id IS NULL THEN excluded.checked_at ELSE k.checked_at END \
         WHERE k.after_id IS NOT NULL OR k.checked_at < now() - {CHECKED_EVERY} RETURNING after_id AS id"
    ));
    let Some(Row { id: after }) = sql.first(tenant.conn)? else { return Ok(0) };
    let mut sql = Sql::new("SELECT id FROM contacts WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id > ").bind(after);
    sql.push(" ORDER BY id OFFSET ").bind(limit - 1).push(" LIMIT 1");
    let last: Option<Uuid> = sql.first::<Row>(tenant.conn)?.map(|row| row.id);
    let end = last.unwrap_or(Uuid::max());

    // locked, and looked at again once they are: what is written is what they hold now
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    let (from, to) = (sql.param(after), sql.param(end));
    sql.push(&format!(
        "WITH wrong AS MATERIALIZED (\
           SELECT c.id, c.search FROM contacts c \
           LEFT JOIN contact_search s ON s.workspace_id = {workspace} AND s.contact_id = c.id \
             AND s.contact_id > {from} AND s.contact_id <= {to} \
           WHERE c.workspace_id = {workspace} AND c.id > {from} AND c.id <= {to} \
             AND s.search IS DISTINCT FROM c.search AND NOT EXISTS (\
             SELECT FROM contact_search_lag l WHERE l.workspace_id = {workspace} AND c.id > l.from_id AND c.id <= l.to_id) \
           FOR NO KEY UPDATE OF c) "
    ));
    put(&mut sql, &workspace);
    sql.push("FROM wrong c");
    newer(&mut sql);
    let wrong = sql.execute(tenant.conn)?;

    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    let (from, to) = (sql.param(after), sql.param(end));
    sql.push(&format!(
        "DELETE FROM contact_search s WHERE s.workspace_id = {workspace} AND s.contact_id > {from} AND s.contact_id <= {to} \
         AND NOT EXISTS (SELECT FROM contacts c WHERE c.workspace_id = {workspace} AND c.id = s.contact_id \
           AND c.id > {from} AND c.id <= {to})"
    ));
    let gone = sql.execute(tenant.conn)?;

    let mut sql = Sql::new("UPDATE contact_search_checks SET after_id = ");
    sql.bind(last).push(" WHERE workspace_id = ").bind(tenant.workspace);
    sql.execute(tenant.conn)?;
    Ok(wrong + gone)
}
