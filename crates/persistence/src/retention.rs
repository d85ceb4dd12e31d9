//! Rules of retention, and the statements that follow them: each removes a bounded part, or counts what it would.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryableByName;
use diesel::pg::PgConnection;
use diesel::sql_types::{Jsonb, Nullable, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use kartoteka_domain::ids::{ImportId, WorkspaceId};
use kartoteka_domain::retention::{Kind, Rules};

use crate::contacts::read::Id;
use crate::db::Tenant;
use crate::erasures::elsewhere;
use crate::error::StoreError;
use crate::sql::Sql;

/// The rules of a workspace, and when they were looked after.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct Retention {
    #[diesel(sql_type = Jsonb)]
    rules: Value,
    /// When the rules were changed last.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub updated_at: Option<DateTime<Utc>>,
    /// When the daily run last began.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub ran_at: Option<DateTime<Utc>>,
}

impl Retention {
    /// The rules.
    #[must_use]
    pub fn rules(&self) -> Rules {
        Rules::read(&self.rules)
    }
}

/// The rules as they are; defaults where nobody said anything. With `lock`, nobody else changes them until the end of
/// the transaction.
///
/// # Errors
/// What the database said.
pub fn get(tenant: &mut Tenant<'_>, lock: bool) -> Result<Retention, StoreError> {
    if lock {
        let mut sql =
            Sql::new("SELECT count(*) AS n FROM (SELECT pg_advisory_xact_lock(hashtextextended(");
        sql.bind(format!("retention/{}", tenant.workspace)).push(", 0))) AS lock");
        sql.count(tenant.conn)?;
    }
    let mut sql = Sql::new("SELECT rules, updated_at, ran_at FROM retention WHERE workspace_id = ");
    sql.bind(tenant.workspace);
    let none = Retention { rules: Value::Null, updated_at: None, ran_at: None };
    Ok(sql.first(tenant.conn)?.unwrap_or(none))
}

/// Writes the rules.
///
/// # Errors
/// What the database said.
pub fn put(tenant: &mut Tenant<'_>, rules: &Rules, now: DateTime<Utc>) -> Result<(), StoreError> {
    let mut sql = Sql::new("INSERT INTO retention (workspace_id, rules, updated_at) VALUES (");
    sql.bind(tenant.workspace).push(", ").bind(rules.kept()).push(", ").bind(now).push(
        ") ON CONFLICT (workspace_id) DO UPDATE SET rules = excluded.rules, updated_at = excluded.updated_at",
    );
    sql.execute(tenant.conn).map(drop)
}

#[derive(QueryableByName)]
struct WorkspaceRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// A workspace whose day is over, which is taken: nobody else gets it for another day.
///
/// # Errors
/// What the database said.
pub fn due(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<Option<WorkspaceId>, StoreError> {
    let mut sql = Sql::default();
    let (now_at, before) = (sql.param(now), sql.param(now - TimeDelta::hours(24)));
    sql.push(&format!(
        "WITH due AS MATERIALIZED (
            SELECT w.id FROM workspaces w LEFT JOIN retention r ON r.workspace_id = w.id
            WHERE r.ran_at IS NULL OR r.ran_at <= {before} ORDER BY w.id LIMIT 1)
         INSERT INTO retention (workspace_id, rules, updated_at, ran_at) SELECT due.id, '{{}}', {now_at}, {now_at} FROM due
         ON CONFLICT (workspace_id) DO UPDATE SET ran_at = excluded.ran_at
            WHERE retention.ran_at IS NULL OR retention.ran_at <= {before}
         RETURNING workspace_id AS id"
    ));
    Ok(sql.first::<WorkspaceRow>(conn)?.map(|row| WorkspaceId(row.id)))
}

/// What counts as one thing of a kind: a `FROM` and `WHERE` with the placeholders of workspace and instant.
fn things(kind: Kind, ws: &str, before: &str) -> String {
    let ended = format!(
        "i.workspace_id = {ws} AND i.state IN ('done', 'failed', 'cancelled', 'reverted') AND i.finished_at < {before}"
    );
    let job_ended = format!(
        "j.workspace_id = {ws} AND j.state IN ('succeeded', 'failed', 'cancelled') AND j.finished_at < {before} AND {}",
        nobody_undoes(ws)
    );
    match kind {
        Kind::ImportRows => format!(
            "imports i JOIN import_staged s ON s.workspace_id = {ws} AND s.import_id = i.id WHERE {ended}"
        ),
        Kind::ImportFiles => format!("imports i WHERE {ended} AND i.upload_id IS NOT NULL"),
        Kind::ImportsOpen => format!(
            "imports i WHERE i.workspace_id = {ws} AND i.updated_at < {before} AND i.state IN ('awaiting_data', 'awaiting_header', \
               'awaiting_mapping', 'awaiting_matching', 'awaiting_commit')"
        ),
        Kind::JobContacts => format!(
            "jobs j JOIN frozen_contacts f ON f.workspace_id = {ws} AND f.job_id = j.id WHERE {job_ended}"
        ),
        Kind::Documents => {
            format!("documents d WHERE d.workspace_id = {ws} AND d.finished_at < {before}")
        }
        Kind::Jobs => format!(
            "jobs j WHERE {job_ended} AND NOT EXISTS (SELECT FROM imports i WHERE i.workspace_id = {ws} AND i.job_id = j.id)"
        ),
        // a limit counts what was: without it a contact would begin anew
        Kind::Runs => format!(
            "runs r JOIN definitions d ON d.workspace_id = {ws} AND d.id = r.definition_id \
             LEFT JOIN definition_versions v ON v.workspace_id = {ws} AND v.definition_id = d.id AND v.version = d.version \
             WHERE r.workspace_id = {ws} AND r.ended_at < {before} AND (d.deleted_at IS NOT NULL \
               OR jsonb_strip_nulls(coalesce(v.body -> 'limits', '{{}}')) IN ('{{}}', 'null'))"
        ),
        Kind::Trash => {
            format!("contacts c WHERE c.workspace_id = {ws} AND c.trashed_at < {before}")
        }
        // the ledger has no index of time; its ids begin with theirs
        Kind::ConsentEvidence => format!(
            "consent_evidence e JOIN consent_entries l ON l.workspace_id = {ws} AND l.contact_id = e.contact_id AND l.id = e.entry_id \
             WHERE e.workspace_id = {ws} AND l.at < {before}"
        ),
    }
}

/// A condition on the job `j`: what it did is not being given back. That goes by its list, and by what it kept.
fn nobody_undoes(ws: &str) -> String {
    format!(
        "NOT EXISTS (SELECT FROM jobs u WHERE u.workspace_id = {ws} AND u.subject_id = j.id AND u.subject_type = 'job' \
           AND u.state IN ('queued', 'running'))"
    )
}

/// Locks jobs, so that nobody begins to undo them before the end of the transaction, and says which nobody undoes yet.
///
/// # Errors
/// What the database said.
pub fn hold_jobs(tenant: &mut Tenant<'_>, jobs: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = Sql::new("SELECT id FROM jobs WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ANY(").bind(jobs.to_vec());
    sql.push(") ORDER BY id FOR NO KEY UPDATE");
    sql.execute(tenant.conn)?;
    // a statement of its own: it sees what committed while the first one waited
    let mut sql = Sql::default();
    let ws = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT j.id FROM jobs j WHERE j.workspace_id = {ws} AND {} AND j.id = ANY(",
        nobody_undoes(&ws)
    ));
    sql.bind(jobs.to_vec()).push(") ORDER BY j.id");
    Ok(sql.load::<Id>(tenant.conn)?.into_iter().map(|row| row.id).collect())
}

/// How many things of a kind are older than `before`.
///
/// # Errors
/// What the database said.
pub fn count(
    tenant: &mut Tenant<'_>,
    kind: Kind,
    before: DateTime<Utc>,
) -> Result<i64, StoreError> {
    let mut sql = Sql::default();
    let (ws, at) = (sql.param(tenant.workspace), sql.param(before));
    sql.push(&format!("SELECT count(*) AS n FROM {}", things(kind, &ws, &at)));
    sql.count(tenant.conn)
}

/// Ids of some of them: of the imports for what hangs on imports, of the jobs for what hangs on jobs.
///
/// # Errors
/// What the database said.
pub fn some(
    tenant: &mut Tenant<'_>,
    kind: Kind,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Uuid>, StoreError> {
    let id = match kind {
        Kind::ImportRows | Kind::ImportFiles | Kind::ImportsOpen => "i.id",
        Kind::JobContacts | Kind::Jobs => "j.id",
        Kind::Documents => "d.id",
        Kind::Runs => "r.id",
        Kind::Trash => "c.id",
        Kind::ConsentEvidence => "e.entry_id",
    };
    let mut sql = Sql::default();
    let (ws, at) = (sql.param(tenant.workspace), sql.param(before));
    sql.push(&format!("SELECT {id} AS id FROM {} LIMIT ", things(kind, &ws, &at))).bind(limit);
    Ok(sql.load::<Id>(tenant.conn)?.into_iter().map(|row| row.id).collect())
}

/// Removes some staged rows of an import.
///
/// # Errors
/// What the database said.
pub fn remove_import_rows(
    tenant: &mut Tenant<'_>,
    import: ImportId,
    most: i64,
) -> Result<usize, StoreError> {
    elsewhere::remove_staged(tenant, import, most)
}

/// Removes a part of the list of a job: contacts with their outcomes, from the end, so that the row of several outcomes,
/// which stands at the first of them, goes with the last that it is needed for.
///
/// # Errors
/// What the database said.
pub fn remove_job_contacts(
    tenant: &mut Tenant<'_>,
    job: Uuid,
    most: i64,
) -> Result<usize, StoreError> {
    let mut sql = Sql::default();
    let (ws, job, most) = (sql.param(tenant.workspace), sql.param(job), sql.param(most));
    sql.push(&format!(
        "WITH gone AS MATERIALIZED (
            SELECT f.seq, f.contact_id FROM frozen_contacts f WHERE f.workspace_id = {ws} AND f.job_id = {job} ORDER BY f.seq DESC LIMIT {most}),
         outcomes AS (
            DELETE FROM frozen_outcomes o USING gone WHERE o.workspace_id = {ws} AND o.job_id = {job} AND o.seq = gone.seq),
         before AS (
            DELETE FROM frozen_values v USING gone
            WHERE v.workspace_id = {ws} AND v.job_id = {job} AND v.contact_id = gone.contact_id)
         DELETE FROM frozen_contacts f USING gone WHERE f.workspace_id = {ws} AND f.job_id = {job} AND f.seq = gone.seq"
    ));
    sql.execute(tenant.conn)
}

/// Removes jobs, with what they used and what is left of their lists.
///
/// # Errors
/// What the database said.
pub fn remove_jobs(tenant: &mut Tenant<'_>, jobs: &[Uuid]) -> Result<usize, StoreError> {
    for (table, column) in [
        ("segment_uses", "used_by_id"),
        ("frozen_outcomes", "job_id"),
        ("frozen_values", "job_id"),
        ("frozen_contacts", "job_id"),
    ] {
        let mut sql = Sql::new(&format!("DELETE FROM {table} WHERE workspace_id = "));
        sql.bind(tenant.workspace).push(&format!(" AND {column} = ANY(")).bind(jobs.to_vec());
        sql.push(")");
        sql.execute(tenant.conn)?;
    }
    let mut sql = Sql::new("DELETE FROM jobs WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ANY(").bind(jobs.to_vec()).push(")");
    sql.execute(tenant.conn)
}

/// Removes what proves these entries; the entries stay.
///
/// # Errors
/// What the database said.
pub fn remove_evidence(tenant: &mut Tenant<'_>, entries: &[Uuid]) -> Result<usize, StoreError> {
    let mut sql = Sql::new("DELETE FROM consent_evidence WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND entry_id = ANY(").bind(entries.to_vec()).push(")");
    sql.execute(tenant.conn)
}

/// Removes pieces of uploads that broke off before `before` and that no later upload to the import removed.
///
/// # Errors
/// What the database said.
pub fn remove_broken_uploads(
    tenant: &mut Tenant<'_>,
    before: DateTime<Utc>,
) -> Result<usize, StoreError> {
    // ids begin with their time
    let below = Uuid::from_u128(u128::from(before.timestamp_millis().unsigned_abs()) << 80);
    let mut sql = Sql::default();
    let (ws, below) = (sql.param(tenant.workspace), sql.param(below));
    sql.push(&format!(
        "DELETE FROM import_data d USING imports i WHERE d.workspace_id = {ws} AND i.workspace_id = {ws} AND i.id = d.import_id \
         AND d.upload_id < {below} AND d.upload_id IS DISTINCT FROM i.upload_id"
    ));
    sql.execute(tenant.conn)
}
