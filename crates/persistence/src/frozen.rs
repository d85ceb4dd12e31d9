//! Frozen selections: the contacts a job works on, put down when it begins, and what became of each.
//!
//! A job that changes contacts changes who its selection means; so it goes by the list that was made
//! first. Both tables are only added to, an outcome in the transaction of its effect.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Uuid as SqlUuid};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use kartoteka_domain::actor::Actor;
use kartoteka_domain::contacts::owners::Deed;
use kartoteka_domain::ids::JobId;
use kartoteka_domain::segments::Selection;

use crate::contacts::owners;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::segments::{Names, condition};
use crate::sql::Sql;

/// Whether the selection means any living contact.
///
/// # Errors
/// [`StoreError::Busy`] when it takes longer than a statement may; what the database said otherwise.
pub fn means_anybody(
    tenant: &mut Tenant<'_>,
    selection: &Selection,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let names = Names::load(tenant, selection)?;
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT 1::bigint AS n FROM contacts c WHERE c.workspace_id = {workspace} AND c.trashed_at IS NULL AND "
    ));
    condition(selection, &mut sql, "c", &workspace, &names, now);
    sql.push(" LIMIT 1");
    Ok(sql.count(tenant.conn)? > 0)
}

/// In which order contacts are put down, and so worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By their ids: neighbours are worked on together.
    ById,
    /// Each chunk of so many takes contacts from all over, so that it changes few on each page of the table. The next one
    /// finds the old versions of the last removable and writes in their place, without a word to any index (HOT): new
    /// versions of neighbours, made together, find no room on their page. Writing three tenths of 858,000 contacts once
    /// took 4.9 s so and 11.2 s by their ids.
    Spread {
        /// Contacts of a chunk.
        chunk: i64,
    },
}

/// Puts down whom the selection means now, and says how many they are.
///
/// # Errors
/// What the database said.
pub fn freeze_selection(
    tenant: &mut Tenant<'_>,
    job: JobId,
    selection: &Selection,
    order: Order,
    now: DateTime<Utc>,
) -> Result<i64, StoreError> {
    let names = Names::load(tenant, selection)?;
    let mut sql = Sql::default();
    let (workspace, job) = (sql.param(tenant.workspace), sql.param(job.0));
    let place = match order {
        Order::ById => "f.n".to_owned(),
        Order::Spread { chunk } => {
            let chunk = sql.param(chunk.max(1));
            // as many strides as there are chunks; within one by id
            format!(
                "row_number() OVER (ORDER BY (f.n - 1) % ((f.total + {chunk} - 1) / {chunk}), f.n)"
            )
        }
    };
    sql.push(&format!(
        "INSERT INTO frozen_contacts (workspace_id, job_id, seq, contact_id) SELECT {workspace}, {job}, {place}, f.id \
         FROM (SELECT c.id, row_number() OVER (ORDER BY c.id) AS n, count(*) OVER () AS total \
           FROM contacts c WHERE c.workspace_id = {workspace} AND c.trashed_at IS NULL AND "
    ));
    condition(selection, &mut sql, "c", &workspace, &names, now);
    sql.push(") AS f ORDER BY 3");
    Ok(i64::try_from(sql.execute(tenant.conn)?).unwrap_or(i64::MAX))
}

/// Puts down these contacts, each once, whether they exist or not, and says how many they are.
///
/// # Errors
/// What the database said.
pub fn freeze_ids(tenant: &mut Tenant<'_>, job: JobId, ids: &[Uuid]) -> Result<i64, StoreError> {
    let mut sql =
        Sql::new("INSERT INTO frozen_contacts (workspace_id, job_id, seq, contact_id) SELECT ");
    sql.bind(tenant.workspace).push(", ").bind(job.0);
    sql.push(", row_number() OVER (ORDER BY f.id), f.id FROM (SELECT DISTINCT id FROM unnest(");
    sql.bind(ids.to_vec()).push(") AS f(id)) AS f");
    Ok(i64::try_from(sql.execute(tenant.conn)?).unwrap_or(i64::MAX))
}

/// One of the contacts of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct Frozen {
    /// Its place.
    #[diesel(sql_type = BigInt)]
    pub seq: i64,
    /// The contact.
    #[diesel(sql_type = SqlUuid)]
    pub contact_id: Uuid,
}

/// The next contacts of a job, behind the place `after`.
///
/// # Errors
/// What the database said.
pub fn chunk(
    tenant: &mut Tenant<'_>,
    job: JobId,
    after: i64,
    size: i64,
) -> Result<Vec<Frozen>, StoreError> {
    let mut sql = Sql::new("SELECT seq, contact_id FROM frozen_contacts WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND job_id = ").bind(job.0).push(" AND seq > ").bind(after);
    sql.push(" ORDER BY seq LIMIT ").bind(size);
    sql.load(tenant.conn)
}

/// A contact of a chunk that must be left alone.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Untouchable {
    /// The contact.
    #[diesel(sql_type = SqlUuid)]
    pub contact_id: Uuid,
    /// `not_found`, `merged`, `in_trash` or `not_permitted`.
    #[diesel(sql_type = Text)]
    pub reason: String,
}

/// Which of these contacts are gone, merged into others, in the trash, or not the actor's to change. The caller has
/// locked them.
///
/// # Errors
/// What the database said.
pub fn untouchable(
    tenant: &mut Tenant<'_>,
    contacts: &[Uuid],
    actor: Actor,
) -> Result<Vec<Untouchable>, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(
        "SELECT contact_id, reason FROM (SELECT f.id AS contact_id, CASE WHEN m.loser_id IS NOT NULL THEN 'merged' \
         WHEN c.id IS NULL THEN 'not_found' WHEN c.trashed_at IS NOT NULL THEN 'in_trash' WHEN NOT (",
    );
    owners::permitted(&mut sql, "c", &workspace, actor, Deed::Change);
    sql.push(") THEN 'not_permitted' END AS reason FROM unnest(").bind(contacts.to_vec());
    sql.push(&format!(
        ") AS f(id) LEFT JOIN contacts c ON c.workspace_id = {workspace} AND c.id = f.id \
         LEFT JOIN contact_merges m ON m.workspace_id = {workspace} AND m.loser_id = f.id AND c.id IS NULL) AS standing \
         WHERE reason IS NOT NULL"
    ));
    sql.load(tenant.conn)
}

/// What became of a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was changed.
    Applied,
    /// It was like that already.
    Unchanged,
    /// It was left alone, and why.
    Skipped(String),
}

impl Outcome {
    /// The word in the database and in answers.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Skipped(_) => "skipped",
        }
    }

    /// Why it was skipped.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Applied | Self::Unchanged => None,
            Self::Skipped(reason) => Some(reason),
        }
    }
}

/// What became of a contact at its place in a job.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Its place.
    pub seq: i64,
    /// What became of it.
    pub outcome: Outcome,
    /// What undoing needs beyond that; never personal data.
    pub before: Option<Value>,
}

/// Writes what `action` did with the contacts of a job.
///
/// # Errors
/// What the database said.
pub fn record(
    tenant: &mut Tenant<'_>,
    job: JobId,
    action: &str,
    outcomes: &[Recorded],
) -> Result<(), StoreError> {
    if outcomes.is_empty() {
        return Ok(());
    }
    let rows: Value = outcomes
        .iter()
        .map(|Recorded { seq, outcome, before }| {
            let mut row = Map::new();
            row.insert("seq".to_owned(), json!(seq));
            row.insert("outcome".to_owned(), json!(outcome.as_str()));
            // most have neither: what is not there need not be sent
            if let Some(reason) = outcome.reason() {
                row.insert("reason".to_owned(), json!(reason));
            }
            if let Some(before) = before {
                row.insert("before".to_owned(), before.clone());
            }
            Value::Object(row)
        })
        .collect();
    let mut sql = Sql::new(
        "INSERT INTO frozen_outcomes (workspace_id, job_id, action, seq, outcome, reason, before) SELECT ",
    );
    sql.bind(tenant.workspace).push(", ").bind(job.0).push(", ").bind(action);
    sql.push(", r.seq, r.outcome, r.reason, r.before FROM jsonb_to_recordset(").bind(rows);
    sql.push(") AS r(seq bigint, outcome text, reason text, before jsonb)");
    sql.execute(tenant.conn).map(drop)
}

/// Puts down the contacts of another job, at the same places, and says how many they are.
///
/// # Errors
/// What the database said.
pub fn freeze_those_of(
    tenant: &mut Tenant<'_>,
    job: JobId,
    other: JobId,
) -> Result<i64, StoreError> {
    let mut sql =
        Sql::new("INSERT INTO frozen_contacts (workspace_id, job_id, seq, contact_id) SELECT ");
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!("{workspace}, ")).bind(job.0);
    sql.push(&format!(
        ", f.seq, f.contact_id FROM frozen_contacts f WHERE f.workspace_id = {workspace} AND f.job_id = "
    ));
    sql.bind(other.0);
    Ok(i64::try_from(sql.execute(tenant.conn)?).unwrap_or(i64::MAX))
}

/// Whether anything is left of the list of a job.
///
/// # Errors
/// What the database said.
pub fn is_kept(tenant: &mut Tenant<'_>, job: JobId) -> Result<bool, StoreError> {
    let mut sql = Sql::new("SELECT EXISTS (SELECT FROM frozen_contacts WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND job_id = ").bind(job.0).push(")::integer::bigint AS n");
    Ok(sql.count(tenant.conn)? > 0)
}

/// A contact that an action changed.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct Changed {
    /// The contact.
    #[diesel(sql_type = SqlUuid)]
    pub contact_id: Uuid,
    /// What undoing needs beyond that.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub before: Option<Value>,
}

/// The contacts behind the place `after` up to `up_to` that `action` of a job changed.
///
/// # Errors
/// What the database said.
pub fn changed(
    tenant: &mut Tenant<'_>,
    job: JobId,
    action: &str,
    after: i64,
    up_to: i64,
) -> Result<Vec<Changed>, StoreError> {
    let mut sql = Sql::default();
    let (workspace, job) = (sql.param(tenant.workspace), sql.param(job.0));
    sql.push(&format!(
        "SELECT f.contact_id, o.before FROM frozen_outcomes o \
         JOIN frozen_contacts f ON f.workspace_id = {workspace} AND f.job_id = {job} AND f.seq = o.seq \
         WHERE o.workspace_id = {workspace} AND o.job_id = {job} AND o.outcome = 'applied' AND o.action = "
    ));
    sql.bind(action).push(" AND o.seq > ").bind(after).push(" AND o.seq <= ").bind(up_to);
    sql.load(tenant.conn)
}

/// A contact of a job and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Reported {
    /// Its place.
    #[diesel(sql_type = BigInt)]
    pub seq: i64,
    /// The contact.
    #[diesel(sql_type = SqlUuid)]
    pub contact_id: Uuid,
    /// What was done; none while the job has not come to it.
    #[diesel(sql_type = Nullable<Text>)]
    pub action: Option<String>,
    /// Word of [`Outcome`]; none while the job has not come to it.
    #[diesel(sql_type = Nullable<Text>)]
    pub outcome: Option<String>,
    /// Why it was skipped.
    #[diesel(sql_type = Nullable<Text>)]
    pub reason: Option<String>,
}

/// Which contacts of a job are wanted.
#[derive(Clone, Debug, Default)]
pub struct ReportFilter {
    /// Only what this action did.
    pub action: Option<String>,
    /// Only those with this outcome.
    pub outcome: Option<String>,
    /// Only those skipped for this reason.
    pub reason: Option<String>,
    /// Behind this place and, at it, this action.
    pub after: (i64, String),
    /// At most so many.
    pub limit: i64,
}

/// Contacts of a job in their order, with what its actions did with them, each with those in the order of their names.
///
/// # Errors
/// What the database said.
pub fn report(
    tenant: &mut Tenant<'_>,
    job: JobId,
    filter: &ReportFilter,
) -> Result<Vec<Reported>, StoreError> {
    let mut sql = Sql::default();
    let (workspace, job) = (sql.param(tenant.workspace), sql.param(job.0));
    // told apart, so that those of one outcome are found by its index
    let narrowed = filter.outcome.is_some() || filter.reason.is_some();
    let join = if narrowed { "JOIN" } else { "LEFT JOIN" };
    sql.push(&format!(
        "SELECT f.seq, f.contact_id, o.action, o.outcome, o.reason FROM frozen_contacts f \
         {join} frozen_outcomes o ON o.workspace_id = {workspace} AND o.job_id = {job} AND o.seq = f.seq"
    ));
    if let Some(action) = &filter.action {
        sql.push(" AND o.action = ").bind(action.as_str());
    }
    let (seq, action) = &filter.after;
    sql.push(&format!(" WHERE f.workspace_id = {workspace} AND f.job_id = {job} AND f.seq >= "));
    sql.bind(*seq).push(" AND (f.seq > ").bind(*seq);
    sql.push(" OR o.action > ").bind(action.as_str()).push(")");
    if let Some(outcome) = &filter.outcome {
        sql.push(" AND o.outcome = ").bind(outcome.as_str());
    }
    if let Some(reason) = &filter.reason {
        sql.push(" AND o.reason = ").bind(reason.as_str());
    }
    sql.push(" ORDER BY f.seq, o.action LIMIT ").bind(filter.limit);
    sql.load(tenant.conn)
}
