//! Frozen selections: the contacts a job works on, put down when it begins, and what became of each.
//!
//! A job that changes contacts changes who its selection means; so it goes by the list that was made
//! first. Both tables are only added to, an outcome in the transaction of its effect.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Jsonb, Nullable, Text, Uuid as SqlUuid};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use kartoteka_domain::actor::Actor;
use kartoteka_domain::contacts::owners::Deed;
use kartoteka_domain::ids::JobId;
use kartoteka_domain::segments::Selection;

use crate::contacts::owners;
use crate::contacts::read::Id;
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untouchable {
    /// The contact.
    pub contact_id: Uuid,
    /// `not_found`, `merged`, `in_trash` or `not_permitted`.
    pub reason: &'static str,
}

#[derive(QueryableByName)]
struct Held {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Bool)]
    trashed: bool,
}

/// Locks these contacts until the end of the transaction, in order of their ids as every writer does, and says which of
/// them are gone, merged into others, in the trash, or not the actor's to change.
///
/// # Errors
/// [`StoreError::Busy`] when somebody holds one for too long; what the database said otherwise.
pub fn hold(
    tenant: &mut Tenant<'_>,
    contacts: &[Uuid],
    actor: Actor,
) -> Result<Vec<Untouchable>, StoreError> {
    // whoever waited for a lock is told of the row as it is then, so one statement does both
    let mut sql = Sql::new(
        "SELECT id, trashed_at IS NOT NULL AS trashed FROM contacts WHERE workspace_id = ",
    );
    sql.bind(tenant.workspace).push(" AND id = ANY(").bind(contacts.to_vec());
    sql.push(") ORDER BY id FOR NO KEY UPDATE");
    let held: Vec<Held> = sql.load(tenant.conn)?;
    let (trashed, living): (Vec<&Held>, Vec<&Held>) = held.iter().partition(|one| one.trashed);
    let ids = |rows: Vec<&Held>| rows.into_iter().map(|one| one.id).collect::<Vec<_>>();
    let (trashed, living) = (ids(trashed), ids(living));

    let there: HashSet<Uuid> = held.iter().map(|one| one.id).collect();
    let gone: Vec<Uuid> = contacts.iter().copied().filter(|id| !there.contains(id)).collect();
    let mut merged = HashSet::new();
    if !gone.is_empty() {
        let mut sql = Sql::new("SELECT loser_id AS id FROM contact_merges WHERE workspace_id = ");
        sql.bind(tenant.workspace).push(" AND loser_id = ANY(").bind(gone.clone()).push(")");
        merged.extend(sql.load::<Id>(tenant.conn)?.into_iter().map(|row| row.id));
    }
    let forbidden = if owners::is_bound(tenant, actor, Deed::Change)? {
        owners::forbidden(tenant, actor, &living, Deed::Change)?
    } else {
        Vec::new()
    };
    let because = |reason| move |contact_id| Untouchable { contact_id, reason };
    let (merged, gone): (Vec<Uuid>, Vec<Uuid>) =
        gone.into_iter().partition(|id| merged.contains(id));
    let mut untouchable: Vec<Untouchable> = Vec::new();
    untouchable.extend(merged.into_iter().map(because("merged")));
    untouchable.extend(gone.into_iter().map(because("not_found")));
    untouchable.extend(trashed.into_iter().map(because("in_trash")));
    untouchable.extend(forbidden.into_iter().map(because("not_permitted")));
    Ok(untouchable)
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

/// Most places one row of outcomes stands for, by the constraint of the table.
const LONGEST_RUN: i64 = 10_000;

/// Writes what `action` did with the contacts of a job: a row for each run of neighbours that ended the same, so that most
/// chunks need one. `outcomes` stand in the order of their places.
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
    let rows: Value = runs(outcomes)
        .into_iter()
        .map(|(Recorded { seq, outcome, before }, repeats)| {
            let mut row = Map::new();
            row.insert("seq".to_owned(), json!(seq));
            row.insert("repeats".to_owned(), json!(repeats));
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
        "INSERT INTO frozen_outcomes (workspace_id, job_id, action, seq, repeats, outcome, reason, before) SELECT ",
    );
    sql.bind(tenant.workspace).push(", ").bind(job.0).push(", ").bind(action);
    sql.push(", r.seq, r.repeats, r.outcome, r.reason, r.before FROM jsonb_to_recordset(");
    sql.bind(rows);
    sql.push(") AS r(seq bigint, repeats bigint, outcome text, reason text, before jsonb)");
    sql.execute(tenant.conn).map(drop)
}

/// The first of each run of neighbours that ended the same, and how many follow it.
fn runs(outcomes: &[Recorded]) -> Vec<(&Recorded, i64)> {
    let mut runs: Vec<(&Recorded, i64)> = Vec::new();
    for one in outcomes {
        match runs.last_mut() {
            Some((first, repeats))
                if one.seq == first.seq + *repeats + 1
                    && *repeats + 1 < LONGEST_RUN
                    && one.outcome == first.outcome
                    && one.before == first.before =>
            {
                *repeats += 1;
            }
            _ => runs.push((one, 0)),
        }
    }
    runs
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

/// Those of these jobs whose lists are there, up to the last place, which is named with each: a list is removed in parts,
/// from its end.
///
/// # Errors
/// What the database said.
pub fn kept(tenant: &mut Tenant<'_>, jobs: &[(Uuid, i64)]) -> Result<HashSet<Uuid>, StoreError> {
    let rows: Value = jobs.iter().map(|(job, last)| json!({"job": job, "last": last})).collect();
    let mut sql = Sql::new("SELECT f.job_id AS id FROM jsonb_to_recordset(");
    sql.bind(rows)
        .push(") AS j(job uuid, last bigint) JOIN frozen_contacts f ON f.workspace_id = ");
    sql.bind(tenant.workspace).push(" AND f.job_id = j.job AND f.seq = j.last");
    Ok(sql.load::<Id>(tenant.conn)?.into_iter().map(|row| row.id).collect())
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

/// The contacts behind the place `after` up to `up_to` that `action` of a job changed, but for those that the same action
/// of one of the jobs `but` changed at the same place.
///
/// # Errors
/// What the database said.
pub fn changed(
    tenant: &mut Tenant<'_>,
    job: JobId,
    action: &str,
    (after, up_to): (i64, i64),
    but: &[Uuid],
) -> Result<Vec<Changed>, StoreError> {
    let mut sql = Sql::default();
    let (workspace, job) = (sql.param(tenant.workspace), sql.param(job.0));
    let (after, up_to) = (sql.param(after), sql.param(up_to));
    sql.push(&format!(
        "SELECT f.contact_id, o.before FROM frozen_outcomes o \
         JOIN frozen_contacts f ON f.workspace_id = {workspace} AND f.job_id = {job} \
           AND f.seq BETWEEN greatest(o.seq, {after} + 1) AND least(o.seq + o.repeats, {up_to}) \
         WHERE o.workspace_id = {workspace} AND o.job_id = {job} AND o.outcome = 'applied' AND o.action = "
    ));
    sql.bind(action).push(&format!(
        " AND o.seq > {after} - {LONGEST_RUN} AND o.seq <= {up_to} AND o.seq + o.repeats > {after}"
    ));
    if !but.is_empty() {
        // by the key: the run around the place is the last that begins at or before it
        sql.push(" AND NOT EXISTS (SELECT FROM unnest(").bind(but.to_vec()).push(&format!(
            ") AS b(id) CROSS JOIN LATERAL (SELECT u.outcome, u.seq + u.repeats AS last FROM frozen_outcomes u \
               WHERE u.workspace_id = {workspace} AND u.job_id = b.id AND u.action = o.action AND u.seq <= f.seq \
               ORDER BY u.seq DESC LIMIT 1) AS r WHERE r.last >= f.seq AND r.outcome = 'applied')"
        ));
    }
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
    let of_job = format!("workspace_id = {workspace} AND job_id = {job}");
    let (after, limit) = (sql.param(filter.after.0), sql.param(filter.limit));
    match &filter.action {
        Some(action) => sql.push("WITH actions AS (SELECT ").bind(action.as_str()).push(" AS action)"),
        // from one to the next by the key, which begins with them
        None => sql.push(&format!(
            "WITH RECURSIVE actions AS ((SELECT o.action FROM frozen_outcomes o WHERE {of_job} ORDER BY o.action LIMIT 1) \
             UNION ALL SELECT next.action FROM actions a CROSS JOIN LATERAL (SELECT o.action FROM frozen_outcomes o \
               WHERE {of_job} AND o.action > a.action ORDER BY o.action LIMIT 1) AS next)"
        )),
    };
    // only what is skipped has a reason
    let outcome = filter.outcome.as_deref().or(filter.reason.as_ref().map(|_| "skipped"));
    sql.push(" SELECT f.seq, f.contact_id, o.action, o.outcome, o.reason FROM ");
    match outcome {
        // from the contacts to the run each stands in; those the job has not come to stand in none
        None if filter.action.is_none() => sql.push(&format!(
            "(SELECT seq, contact_id FROM frozen_contacts WHERE {of_job} AND seq >= {after} ORDER BY seq LIMIT {limit} + 1) AS f \
             LEFT JOIN LATERAL (SELECT a.action, r.outcome, r.reason FROM actions a CROSS JOIN LATERAL \
               (SELECT o.seq + o.repeats AS last, o.outcome, o.reason FROM frozen_outcomes o \
                WHERE {of_job} AND o.action = a.action AND o.seq <= f.seq ORDER BY o.seq DESC LIMIT 1) AS r \
               WHERE r.last >= f.seq) AS o ON true"
        )),
        // from the runs of the action, or that ended so, to their contacts
        _ => {
            sql.push(&format!(
                "actions a CROSS JOIN LATERAL (SELECT a.action, s.seq, r.outcome, r.reason FROM \
                   (SELECT greatest(o.seq, {after}) AS first, o.seq + o.repeats AS last, o.outcome, o.reason \
                    FROM frozen_outcomes o WHERE {of_job} AND o.action = a.action"
            ));
            if let Some(outcome) = outcome {
                sql.push(" AND o.outcome = ").bind(outcome);
            }
            if let Some(reason) = &filter.reason {
                sql.push(" AND o.reason = ").bind(reason.as_str());
            }
            sql.push(&format!(
                " AND o.seq > {after} - {LONGEST_RUN} AND o.seq + o.repeats >= {after} ORDER BY o.seq LIMIT {limit} + 1) AS r \
                  CROSS JOIN LATERAL generate_series(r.first, least(r.last, r.first + {limit})) AS s(seq) \
                  ORDER BY s.seq LIMIT {limit} + 1) AS o \
                 JOIN frozen_contacts f ON f.workspace_id = {workspace} AND f.job_id = {job} AND f.seq = o.seq"
            ))
        }
    };
    sql.push(&format!(" WHERE f.seq > {after} OR (f.seq = {after} AND o.action > "));
    sql.bind(filter.after.1.as_str()).push(&format!(") ORDER BY f.seq, o.action LIMIT {limit}"));
    sql.load(tenant.conn)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seq: i64, outcome: Outcome) -> Recorded {
        Recorded { seq, outcome, before: None }
    }

    fn lengths(outcomes: &[Recorded]) -> Vec<(i64, i64)> {
        runs(outcomes).into_iter().map(|(first, repeats)| (first.seq, repeats)).collect()
    }

    #[test]
    fn neighbours_that_ended_the_same_are_a_run() {
        let mut rows: Vec<_> = (1..=5).map(|seq| at(seq, Outcome::Applied)).collect();
        assert_eq!(lengths(&rows), [(1, 4)]);
        rows[2].outcome = Outcome::Unchanged;
        assert_eq!(lengths(&rows), [(1, 1), (3, 0), (4, 1)]);
        rows[4].before = Some(json!(1));
        assert_eq!(lengths(&rows), [(1, 1), (3, 0), (4, 0), (5, 0)]);
        let reasons = ["a", "a", "b"].map(str::to_owned);
        let rows: Vec<_> =
            (1..).zip(reasons).map(|(n, why)| at(n, Outcome::Skipped(why))).collect();
        assert_eq!(lengths(&rows), [(1, 1), (3, 0)]);
    }

    #[test]
    fn a_gap_ends_a_run_and_so_does_the_bound_of_the_table() {
        assert_eq!(lengths(&[at(1, Outcome::Applied), at(3, Outcome::Applied)]), [(1, 0), (3, 0)]);
        let rows: Vec<_> = (1..=LONGEST_RUN + 2).map(|seq| at(seq, Outcome::Applied)).collect();
        assert_eq!(lengths(&rows), [(1, LONGEST_RUN - 1), (LONGEST_RUN + 1, 1)]);
        assert!(runs(&[]).is_empty());
    }
}
