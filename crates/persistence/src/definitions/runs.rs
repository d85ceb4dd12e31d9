//! Runs: contacts on their way through versions of rules and scenarios (SCN-3).
//!
//! Nothing takes runs up yet. This is how it is to be done, and what the columns and indexes are made for:
//! a run that is `queued` is taken up when it is due, one that is `running` belongs to whoever holds its lease, as a
//! job does: claimed with `lease_epoch + 1` by `FOR UPDATE SKIP LOCKED` over `runs_due_idx`, many at a time, and every
//! effect written in one transaction with `… AND state = 'running' AND lease_epoch = mine`, which also moves `node`,
//! `waits`, `due_at` and `steps` on. Whoever ends a run takes its lease away, so that a step under way writes nothing. A step
//! locks the contact first, as all who write do, and looks whether it lives: in the trash a run rests. A run that an event
//! starts is written in the transaction that takes the event out of the outbox, under its id (`event_id`), with
//! `definition_versions.used`; of contacts whose origin is not `booking`, events of bookings start none (SCN-9).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use kartoteka_domain::actor::Actor;
use kartoteka_domain::ids::{ContactId, DefinitionId, JobId, RunId};
use kartoteka_domain::scenarios::runs::{Beginning, Limits, Origin, State};

use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// A run.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct Run {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// `rule` or `scenario`.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// Which.
    #[diesel(sql_type = SqlUuid)]
    pub definition_id: Uuid,
    /// How that is called now.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// The version it goes through.
    #[diesel(sql_type = Integer)]
    pub version: i32,
    /// The contact.
    #[diesel(sql_type = SqlUuid)]
    pub contact_id: Uuid,
    /// Word of [`State`].
    #[diesel(sql_type = Text)]
    pub state: String,
    /// Word of [`Origin`].
    #[diesel(sql_type = Text)]
    pub origin: String,
    /// The job that started it.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub job_id: Option<Uuid>,
    /// Kind of whoever started it.
    #[diesel(sql_type = Text)]
    pub actor_type: String,
    /// Whoever started it.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub actor_id: Option<Uuid>,
    /// Whether conditions of a rule are asked.
    #[diesel(sql_type = Bool)]
    pub check_conditions: bool,
    /// Where it stands.
    #[diesel(sql_type = Text)]
    pub node: String,
    /// When it goes on.
    #[diesel(sql_type = Timestamptz)]
    pub due_at: DateTime<Utc>,
    /// Steps done.
    #[diesel(sql_type = BigInt)]
    pub steps: i64,
    /// When it was started.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it was first taken up.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub ended_at: Option<DateTime<Utc>>,
    /// Why it ended before its end.
    #[diesel(sql_type = Nullable<Text>)]
    pub reason: Option<String>,
}

fn select(tenant: &Tenant<'_>) -> Sql {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT r.id, d.type AS kind, r.definition_id, d.name, r.version, r.contact_id, r.state, r.origin, r.job_id, \
         r.actor_type, r.actor_id, r.check_conditions, r.node, r.due_at, r.steps, r.created_at, r.started_at, r.ended_at, \
         r.reason FROM runs r JOIN definitions d ON d.workspace_id = {workspace} AND d.id = r.definition_id \
         WHERE r.workspace_id = {workspace}"
    ));
    sql
}

/// Which runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunFilter {
    /// Only of this contact.
    pub contact: Option<ContactId>,
    /// Only through this definition.
    pub definition: Option<DefinitionId>,
    /// Only in this state.
    pub state: Option<State>,
    /// Only those that still go on.
    pub active: bool,
    /// Only older ones.
    pub before: Option<Uuid>,
}

/// Runs that fit, newest first.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    filter: &RunFilter,
    limit: usize,
) -> Result<Vec<Run>, StoreError> {
    let mut sql = select(tenant);
    if let Some(contact) = filter.contact {
        sql.push(" AND r.contact_id = ").bind(contact.0);
    }
    if let Some(definition) = filter.definition {
        sql.push(" AND r.definition_id = ").bind(definition.0);
    }
    if let Some(state) = filter.state {
        sql.push(" AND r.state = ").bind(state.as_str());
    }
    if filter.active {
        sql.push(" AND r.state IN ('queued', 'running')");
    }
    if let Some(before) = filter.before {
        sql.push(" AND r.id < ").bind(before);
    }
    sql.push(" ORDER BY r.id DESC LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql.load(tenant.conn)
}

/// One run of a contact.
///
/// # Errors
/// What the database said.
pub fn get(
    tenant: &mut Tenant<'_>,
    contact: ContactId,
    id: RunId,
) -> Result<Option<Run>, StoreError> {
    let mut sql = select(tenant);
    sql.push(" AND r.contact_id = ").bind(contact.0).push(" AND r.id = ").bind(id.0);
    sql.first(tenant.conn)
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// How many runs through a definition are in each state; those in which none is are left out.
///
/// # Errors
/// What the database said.
pub fn counts(
    tenant: &mut Tenant<'_>,
    definition: DefinitionId,
) -> Result<BTreeMap<String, i64>, StoreError> {
    let mut sql = Sql::new("SELECT state, count(*) AS n FROM runs WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND definition_id = ").bind(definition.0);
    sql.push(" GROUP BY state");
    let rows: Vec<Counted> = sql.load(tenant.conn)?;
    Ok(rows.into_iter().map(|row| (row.state, row.n)).collect())
}

/// How many contacts are on their way through a definition.
///
/// # Errors
/// What the database said.
pub fn active(tenant: &mut Tenant<'_>, definition: DefinitionId) -> Result<i64, StoreError> {
    let mut sql = Sql::new("SELECT count(*) AS n FROM runs WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND definition_id = ").bind(definition.0);
    sql.push(" AND state IN ('queued', 'running')");
    sql.count(tenant.conn)
}

/// Runs to be started through one version of a definition.
#[derive(Clone, Debug)]
pub struct Queue<'a> {
    /// The definition, which the caller holds.
    pub definition: DefinitionId,
    /// Its present version.
    pub version: i32,
    /// Where the runs begin.
    pub beginning: &'a Beginning,
    /// Who starts them.
    pub origin: Origin,
    /// The job that does.
    pub job: Option<JobId>,
    /// On whose behalf.
    pub actor: Actor,
    /// Whether conditions of a rule are asked when they are due.
    pub check_conditions: bool,
    /// The limits that bind; `None` where none does.
    pub limits: Option<Limits>,
    /// Now.
    pub now: DateTime<Utc>,
}

/// A contact for which a run was wanted.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Queued {
    /// The contact.
    #[diesel(sql_type = SqlUuid)]
    pub contact_id: Uuid,
    /// Why none was started: `already_running`, `run_limit_reached` or `interval_not_over`.
    #[diesel(sql_type = Nullable<Text>)]
    pub reason: Option<String>,
}

/// Starts a run for each of the contacts that may have one, with the id beside it, and says of all of them what became
/// of it. One statement, however many they are. The caller has locked the contacts, so that nobody starts another run
/// of them meanwhile.
///
/// # Errors
/// What the database said.
pub fn queue(
    tenant: &mut Tenant<'_>,
    queue: &Queue<'_>,
    contacts: &[(Uuid, Uuid)],
) -> Result<Vec<Queued>, StoreError> {
    let Queue { definition, version, beginning, origin, job, actor, check_conditions, limits, now } =
        queue;
    let most = limits.as_ref().and_then(|limits| limits.runs_per_contact);
    let since =
        limits.as_ref().and_then(|limits| limits.interval).map(|interval| interval.before(*now));
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    let (definition, version) = (sql.param(definition.0), sql.param(*version));
    let (most, since, now) = (sql.param(most), sql.param(since), sql.param(*now));
    sql.push("WITH wanted AS MATERIALIZED (SELECT * FROM unnest(");
    sql.bind(contacts.iter().map(|(contact, _)| *contact).collect::<Vec<_>>()).push(", ");
    sql.bind(contacts.iter().map(|(_, run)| *run).collect::<Vec<_>>());
    sql.push(&format!(
        ") AS w(contact_id, run_id)), \
         judged AS MATERIALIZED (SELECT w.contact_id, w.run_id, CASE WHEN e.active THEN 'already_running' \
           WHEN e.runs >= {most}::bigint THEN 'run_limit_reached' \
           WHEN e.last > {since}::timestamptz THEN 'interval_not_over' END AS reason \
           FROM wanted w CROSS JOIN LATERAL (SELECT count(*) AS runs, max(r.created_at) AS last, \
             coalesce(bool_or(r.state IN ('queued', 'running')), false) AS active FROM runs r \
             WHERE r.workspace_id = {workspace} AND r.contact_id = w.contact_id AND r.definition_id = {definition}) AS e), \
         used AS (UPDATE definition_versions v SET used = true WHERE v.workspace_id = {workspace} \
           AND v.definition_id = {definition} AND v.version = {version} AND NOT v.used \
           AND EXISTS (SELECT FROM judged WHERE reason IS NULL)), \
         started AS (INSERT INTO runs (workspace_id, id, definition_id, version, contact_id, state, origin, job_id, \
           actor_type, actor_id, check_conditions, skip_event, respect_limits, node, waits, due_at, created_at) \
           SELECT {workspace}, j.run_id, {definition}, {version}, j.contact_id, 'queued', "
    ));
    sql.bind(origin.as_str()).push(", ").bind(job.map(|job| job.0)).push("::uuid, ");
    sql.bind(actor.kind()).push(", ").bind(actor.id()).push("::uuid, ").bind(*check_conditions);
    sql.push(", true, ").bind(limits.is_some()).push(", ").bind(beginning.node.as_str());
    sql.push(", ").bind(beginning.waits).push(", ").bind(beginning.due_at);
    sql.push(&format!(
        ", {now} FROM judged j WHERE j.reason IS NULL) SELECT contact_id, reason FROM judged"
    ));
    sql.load(tenant.conn)
}

/// A run that was ended, and whose it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct EndedRun {
    /// The run.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// The contact.
    #[diesel(sql_type = SqlUuid)]
    pub contact_id: Uuid,
}

/// Ends the runs of contacts that are about to be merged into `winner`, where the winner, or one of them before it, is on
/// its way through the same definition. The caller has locked all of them, so that nobody starts another run meanwhile.
///
/// # Errors
/// What the database said.
pub fn end_beside(
    tenant: &mut Tenant<'_>,
    winner: ContactId,
    losers: &[Uuid],
    reason: &str,
    now: DateTime<Utc>,
) -> Result<Vec<EndedRun>, StoreError> {
    let mut sql = Sql::default();
    let (workspace, winner) = (sql.param(tenant.workspace), sql.param(winner.0));
    let (losers, now) = (sql.param(losers.to_vec()), sql.param(now));
    sql.push(&format!(
        "UPDATE runs r SET state = 'ended', lease_owner = NULL, lease_until = NULL, lease_epoch = r.lease_epoch + 1, \
           ended_at = {now}, reason = "
    ));
    sql.bind(reason).push(&format!(
        " WHERE r.workspace_id = {workspace} AND r.contact_id = ANY({losers}) AND r.state IN ('queued', 'running') \
         AND EXISTS (SELECT FROM runs o WHERE o.workspace_id = {workspace} AND o.definition_id = r.definition_id \
           AND o.state IN ('queued', 'running') AND (o.contact_id = {winner} OR (o.contact_id = ANY({losers}) \
             AND array_position({losers}, o.contact_id) < array_position({losers}, r.contact_id)))) \
         RETURNING r.id, r.contact_id"
    ));
    sql.load(tenant.conn)
}

/// Removes runs that have ended.
///
/// # Errors
/// What the database said.
pub fn remove(tenant: &mut Tenant<'_>, ids: &[Uuid]) -> Result<usize, StoreError> {
    let mut sql = Sql::new("DELETE FROM runs WHERE ended_at IS NOT NULL AND workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ANY(").bind(ids.to_vec()).push(")");
    sql.execute(tenant.conn)
}

/// Ends a run before its end; says whether it still went on. A worker that has it writes nothing more.
///
/// # Errors
/// What the database said.
pub fn end(
    tenant: &mut Tenant<'_>,
    id: RunId,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut sql = Sql::new(
        "UPDATE runs SET state = 'ended', lease_owner = NULL, lease_until = NULL, lease_epoch = lease_epoch + 1, reason = ",
    );
    sql.bind(reason).push(", ended_at = ").bind(now);
    sql.push(" WHERE workspace_id = ").bind(tenant.workspace).push(" AND id = ").bind(id.0);
    sql.push(" AND state IN ('queued', 'running')");
    Ok(sql.execute(tenant.conn)? == 1)
}
