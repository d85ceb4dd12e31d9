//! The queue of long work.
//!
//! A job is enqueued, checkpointed and finished in the transactions of its effects. Who works on it holds
//! a lease with an epoch; every effect transaction first asks for its epoch ([`hold`]), so a worker that
//! was thought dead and comes back changes nothing.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryableByName;
use diesel::pg::PgConnection;
use diesel::sql_types::{
    BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use serde_json::Value;
use uuid::Uuid;

use kartoteka_domain::actor::Actor;
use kartoteka_domain::ids::{JobId, WorkspaceId};
use kartoteka_domain::jobs::{JobState, LEASE_SECONDS};

use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// A job as it stands in the queue.
#[derive(Clone, Debug, QueryableByName)]
pub struct Job {
    /// Its workspace.
    #[diesel(sql_type = SqlUuid)]
    pub workspace_id: Uuid,
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// What is to be done; a name of the registry.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// Word of [`JobState`].
    #[diesel(sql_type = Text)]
    pub state: String,
    /// Not before this.
    #[diesel(sql_type = Timestamptz)]
    pub run_at: DateTime<Utc>,
    /// Claims since it last got on.
    #[diesel(sql_type = Integer)]
    pub attempt: i32,
    /// Attempts without getting on before it fails.
    #[diesel(sql_type = Integer)]
    pub max_attempts: i32,
    /// Leases that ran out since it last got on.
    #[diesel(sql_type = Integer)]
    pub crashes: i32,
    /// Fencing token.
    #[diesel(sql_type = BigInt)]
    pub lease_epoch: i64,
    /// Its arguments.
    #[diesel(sql_type = Jsonb)]
    pub payload: Value,
    /// Where to go on.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub checkpoint: Option<Value>,
    /// Units done.
    #[diesel(sql_type = BigInt)]
    pub progress_done: i64,
    /// Units in all, when known.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub progress_total: Option<i64>,
    /// Counts by outcome; only grow.
    #[diesel(sql_type = Jsonb)]
    pub counts: Value,
    /// Why it failed.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub problem: Option<Value>,
    /// What it works on.
    #[diesel(sql_type = Nullable<Text>)]
    pub subject_type: Option<String>,
    /// What it works on.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub subject_id: Option<Uuid>,
    /// Who wanted it.
    #[diesel(sql_type = Text)]
    pub actor_type: String,
    /// Who wanted it.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub actor_id: Option<Uuid>,
    /// Request that wanted it.
    #[diesel(sql_type = Nullable<Text>)]
    pub request_id: Option<String>,
    /// Somebody wants it to stop.
    #[diesel(sql_type = Bool)]
    pub cancel_requested: bool,
    /// When it was enqueued.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When a worker first took it.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub finished_at: Option<DateTime<Utc>>,
}

const COLUMNS: &str = "j.workspace_id, j.id, j.kind, j.state, j.run_at, j.attempt, j.max_attempts, \
    j.crashes, j.lease_epoch, j.payload, j.checkpoint, j.progress_done, j.progress_total, j.counts, \
    j.problem, j.subject_type, j.subject_id, j.actor_type, j.actor_id, j.request_id, \
    j.cancel_requested, j.created_at, j.started_at, j.finished_at";

impl Job {
    /// Its state.
    ///
    /// # Errors
    /// [`StoreError::Inconsistent`] for a word that is no state.
    pub fn state(&self) -> Result<JobState, StoreError> {
        self.state.parse().map_err(|()| StoreError::Inconsistent {
            table: "jobs",
            problem: format!("unknown state of job {}", self.id),
        })
    }

    /// Who wanted it.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::from_parts(&self.actor_type, self.actor_id).unwrap_or(Actor::System)
    }
}

/// A job to be enqueued.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Its id.
    pub id: JobId,
    /// Name of the registry.
    pub kind: &'static str,
    /// Its arguments.
    pub payload: Value,
    /// What it works on: type and id.
    pub subject: Option<(&'static str, Uuid)>,
    /// While a job with this key waits or runs, no second one is made.
    pub unique_key: Option<String>,
    /// Not before this.
    pub run_at: DateTime<Utc>,
    /// Who wants it.
    pub actor: Actor,
    /// Request that wants it.
    pub request_id: Option<String>,
    /// Now.
    pub created_at: DateTime<Utc>,
}

/// Puts a job into the queue, in the caller's transaction.
///
/// # Errors
/// `jobs_unique_key` while one with the same key waits or runs.
pub fn enqueue(tenant: &mut Tenant<'_>, job: &NewJob) -> Result<(), StoreError> {
    let mut sql = Sql::new(
        "INSERT INTO jobs (workspace_id, id, kind, state, run_at, unique_key, payload, subject_type, \
         subject_id, actor_type, actor_id, request_id, created_at) VALUES (",
    );
    sql.bind(tenant.workspace).push(", ").bind(job.id.0).push(", ").bind(job.kind);
    sql.push(", 'queued', ").bind(job.run_at).push(", ").bind(job.unique_key.clone());
    sql.push(", ").bind(job.payload.clone()).push(", ").bind(job.subject.map(|subject| subject.0));
    sql.push(", ").bind(job.subject.map(|subject| subject.1));
    sql.push(", ").bind(job.actor.kind()).push(", ").bind(job.actor.id());
    sql.push(", ").bind(job.request_id.clone()).push(", ").bind(job.created_at).push(")");
    sql.execute(tenant.conn).map(drop)
}

/// Whether the workspace has a job of this kind, in whatever state.
///
/// # Errors
/// What the database said.
pub fn any_of(tenant: &mut Tenant<'_>, kind: &str) -> Result<bool, StoreError> {
    let mut sql = Sql::new("SELECT 1::bigint AS n FROM jobs WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND kind = ").bind(kind).push(" LIMIT 1");
    Ok(sql.count(tenant.conn)? > 0)
}

/// One job of the workspace.
///
/// # Errors
/// What the database said.
pub fn get(tenant: &mut Tenant<'_>, id: JobId) -> Result<Option<Job>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM jobs j WHERE j.workspace_id = "));
    sql.bind(tenant.workspace).push(" AND j.id = ").bind(id.0);
    sql.first(tenant.conn)
}

/// Jobs of the workspace, newest first, older than `before`.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    before: Option<JobId>,
    limit: i64,
) -> Result<Vec<Job>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM jobs j WHERE j.workspace_id = "));
    sql.bind(tenant.workspace);
    if let Some(before) = before {
        sql.push(" AND j.id < ").bind(before.0);
    }
    sql.push(" ORDER BY j.id DESC LIMIT ").bind(limit);
    sql.load(tenant.conn)
}

/// Jobs of these kinds, newest first, older than `before`.
///
/// # Errors
/// What the database said.
pub fn list_of_kinds(
    tenant: &mut Tenant<'_>,
    kinds: &[&str],
    before: Option<JobId>,
    limit: i64,
) -> Result<Vec<Job>, StoreError> {
    let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM jobs j WHERE j.workspace_id = "));
    sql.bind(tenant.workspace).push(" AND j.kind = ANY(").bind(kinds).push(")");
    if let Some(before) = before {
        sql.push(" AND j.id < ").bind(before.0);
    }
    sql.push(" ORDER BY j.id DESC LIMIT ").bind(limit);
    sql.load(tenant.conn)
}

/// Jobs of a kind that work on one of these subjects, newest first.
///
/// # Errors
/// What the database said.
pub fn of_subjects(
    tenant: &mut Tenant<'_>,
    kind: &str,
    subjects: Vec<Uuid>,
) -> Result<Vec<Job>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM jobs j WHERE j.workspace_id = "));
    sql.bind(tenant.workspace).push(" AND j.kind = ").bind(kind);
    sql.push(" AND j.subject_id = ANY(").bind(subjects).push(") ORDER BY j.id DESC");
    sql.load(tenant.conn)
}

/// Jobs by their ids, in no order.
///
/// # Errors
/// What the database said.
pub fn get_many(tenant: &mut Tenant<'_>, ids: Vec<Uuid>) -> Result<Vec<Job>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM jobs j WHERE j.workspace_id = "));
    sql.bind(tenant.workspace).push(" AND j.id = ANY (").bind(ids).push(")");
    sql.load(tenant.conn)
}

/// Gives the most urgent due job to `owner`, or nothing when none is due.
///
/// First a lane is picked, the workspace with the fewest running jobs and among those the one that was
/// served longest ago, then a job within it: one workspace's half a million jobs do not make the others
/// wait.
///
/// # Errors
/// What the database said.
pub fn claim(
    conn: &mut PgConnection,
    owner: &str,
    now: DateTime<Utc>,
) -> Result<Option<Job>, StoreError> {
    for lane in due_lanes(conn, now)? {
        if let Some(job) = claim_in(conn, lane, owner, now)? {
            return Ok(Some(job));
        }
    }
    Ok(None)
}

#[derive(QueryableByName)]
struct Lane {
    #[diesel(sql_type = SqlUuid)]
    workspace_id: Uuid,
}

/// Lanes with a due job, in the order they should be served. One index probe per workspace that has
/// anything queued, however much that is.
fn due_lanes(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<Vec<WorkspaceId>, StoreError> {
    let mut sql = Sql::new(
        "WITH RECURSIVE lanes AS (
            (SELECT workspace_id, run_at FROM jobs WHERE state = 'queued'
             ORDER BY workspace_id, run_at LIMIT 1)
            UNION ALL
            SELECT n.workspace_id, n.run_at FROM lanes l CROSS JOIN LATERAL (
                SELECT workspace_id, run_at FROM jobs
                WHERE state = 'queued' AND workspace_id > l.workspace_id
                ORDER BY workspace_id, run_at LIMIT 1) n
         )
         SELECT l.workspace_id FROM lanes l WHERE l.run_at <= ",
    );
    sql.bind(now).push(
        " ORDER BY (SELECT count(*) FROM jobs r WHERE r.workspace_id = l.workspace_id AND r.state = 'running'), \
         (SELECT s.served_at FROM job_lanes s WHERE s.workspace_id = l.workspace_id) NULLS FIRST, \
         l.run_at LIMIT 16",
    );
    let lanes: Vec<Lane> = sql.load(conn)?;
    Ok(lanes.into_iter().map(|lane| WorkspaceId(lane.workspace_id)).collect())
}

fn claim_in(
    conn: &mut PgConnection,
    workspace: WorkspaceId,
    owner: &str,
    now: DateTime<Utc>,
) -> Result<Option<Job>, StoreError> {
    // MATERIALIZED: inlined into the UPDATE, the sub-select is run again per row and locks more than LIMIT
    let mut sql =
        Sql::new("WITH picked AS MATERIALIZED (SELECT id FROM jobs WHERE workspace_id = ");
    sql.bind(workspace).push(" AND state = 'queued' AND run_at <= ").bind(now);
    sql.push(
        " ORDER BY run_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) UPDATE jobs j SET state = 'running', \
        attempt = j.attempt + 1, lease_epoch = j.lease_epoch + 1, lease_owner = ",
    );
    sql.bind(owner).push(", lease_until = ").bind(now + TimeDelta::seconds(LEASE_SECONDS));
    sql.push(", started_at = coalesce(j.started_at, ").bind(now);
    sql.push(") FROM picked WHERE j.workspace_id = ").bind(workspace);
    sql.push(&format!(" AND j.id = picked.id RETURNING {COLUMNS}"));
    let job = sql.first(conn)?;
    if job.is_some() {
        let mut sql = Sql::new("INSERT INTO job_lanes (workspace_id, served_at) VALUES (");
        sql.bind(workspace).push(", ").bind(now).push(
            ") ON CONFLICT (workspace_id) DO UPDATE SET served_at = greatest(job_lanes.served_at, excluded.served_at)",
        );
        sql.execute(conn)?;
    }
    Ok(job)
}

/// Locks a job until the end of the transaction: for those who change it together with its subject. Jobs
/// are locked before their subjects, by everyone. Waits until a step that is being written is written.
///
/// # Errors
/// What the database said.
pub fn lock(tenant: &mut Tenant<'_>, id: JobId) -> Result<(), StoreError> {
    let mut sql = Sql::new("SELECT id FROM jobs WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ").bind(id.0).push(" FOR NO KEY UPDATE");
    sql.execute(tenant.conn).map(drop)
}

/// Locks the lease of a running job until the end of the transaction. Every effect of a job begins so.
///
/// # Errors
/// [`StoreError::LeaseLost`] when somebody else holds it by now.
pub fn hold(tenant: &mut Tenant<'_>, id: JobId, epoch: i64) -> Result<Held, StoreError> {
    let mut sql = Sql::new("SELECT cancel_requested FROM jobs WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ").bind(id.0);
    sql.push(" AND lease_epoch = ").bind(epoch).push(" AND state = 'running' FOR NO KEY UPDATE");
    sql.first(tenant.conn)?.ok_or(StoreError::LeaseLost)
}

/// What a worker learns when it asks for its lease.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub struct Held {
    /// Somebody wants the job to stop.
    #[diesel(sql_type = Bool)]
    pub cancel_requested: bool,
}

/// How far a job got.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Units done.
    pub done: i64,
    /// Units in all.
    pub total: Option<i64>,
    /// Counts by outcome.
    pub counts: Option<Value>,
    /// Where to go on.
    pub checkpoint: Option<Value>,
}

/// Writes progress in the transaction of the effect, renews the lease and forgets earlier failures: the
/// job got on.
///
/// # Errors
/// [`StoreError::LeaseLost`].
pub fn advance(
    tenant: &mut Tenant<'_>,
    id: JobId,
    epoch: i64,
    progress: &Progress,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = Sql::new("UPDATE jobs SET progress_done = greatest(progress_done, ");
    sql.bind(progress.done).push("), progress_total = coalesce(").bind(progress.total);
    sql.push(", progress_total), counts = coalesce(").bind(progress.counts.clone());
    sql.push(", counts), checkpoint = coalesce(").bind(progress.checkpoint.clone());
    sql.push(", checkpoint), attempt = 1, crashes = 0, lease_until = ");
    sql.bind(now + TimeDelta::seconds(LEASE_SECONDS));
    sql.push(" WHERE workspace_id = ").bind(tenant.workspace).push(" AND id = ").bind(id.0);
    sql.push(" AND lease_epoch = ").bind(epoch).push(" AND state = 'running'");
    expect_one(sql.execute(tenant.conn)?)
}

/// Says that the worker lives. Skips a job whose effect is being written just now: nobody can take that
/// one over, and waiting for it would make the other leases run out.
///
/// # Errors
/// What the database said.
pub fn heartbeat(
    conn: &mut PgConnection,
    workspace: WorkspaceId,
    id: JobId,
    epoch: i64,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = Sql::new("WITH mine AS MATERIALIZED (SELECT id FROM jobs WHERE workspace_id = ");
    sql.bind(workspace).push(" AND id = ").bind(id.0).push(" AND lease_epoch = ").bind(epoch);
    sql.push(
        " AND state = 'running' FOR NO KEY UPDATE SKIP LOCKED) UPDATE jobs j SET lease_until = ",
    );
    sql.bind(now + TimeDelta::seconds(LEASE_SECONDS));
    sql.push(" FROM mine WHERE j.workspace_id = ").bind(workspace).push(" AND j.id = mine.id");
    sql.execute(conn).map(drop)
}

/// Ends a job, in the transaction of its last effect.
///
/// # Errors
/// [`StoreError::LeaseLost`].
pub fn finish(
    tenant: &mut Tenant<'_>,
    id: JobId,
    epoch: i64,
    state: JobState,
    problem: Option<Value>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = Sql::new("UPDATE jobs SET state = ");
    sql.bind(state.as_str()).push(", problem = ").bind(problem).push(", finished_at = ").bind(now);
    sql.push(", lease_owner = NULL, lease_until = NULL WHERE workspace_id = ")
        .bind(tenant.workspace);
    sql.push(" AND id = ").bind(id.0).push(" AND lease_epoch = ").bind(epoch);
    sql.push(" AND state = 'running'");
    expect_one(sql.execute(tenant.conn)?)
}

/// Why a worker gives a job back before its end.
#[derive(Clone, Copy, Debug)]
pub enum GivenBack<'a> {
    /// The worker stops on request: no attempt is counted.
    Stopped,
    /// It failed, with these words.
    Failed(&'a str),
    /// The database went away while it worked: remembered like the death of a worker.
    DatabaseAway(&'a str),
}

/// Puts a running job back into the queue: after a failure that may pass, or because the worker stops.
///
/// # Errors
/// [`StoreError::LeaseLost`].
pub fn give_back(
    tenant: &mut Tenant<'_>,
    id: JobId,
    epoch: i64,
    run_at: DateTime<Utc>,
    why: GivenBack<'_>,
) -> Result<(), StoreError> {
    let mut sql = Sql::new(
        "UPDATE jobs SET state = 'queued', lease_owner = NULL, lease_until = NULL, run_at = ",
    );
    sql.bind(run_at);
    match why {
        GivenBack::Stopped => sql.push(", attempt = greatest(attempt - 1, 0)"),
        GivenBack::Failed(error) => sql.push(", last_error = ").bind(error),
        GivenBack::DatabaseAway(error) => {
            sql.push(", crashes = crashes + 1, last_error = ").bind(error)
        }
    };
    sql.push(" WHERE workspace_id = ").bind(tenant.workspace);
    sql.push(" AND id = ").bind(id.0).push(" AND lease_epoch = ").bind(epoch);
    sql.push(" AND state = 'running'");
    expect_one(sql.execute(tenant.conn)?)
}

/// Takes back the leases that ran out. A job that still has attempts waits again, at once; one that has
/// none is returned for its kind to fail it properly.
///
/// # Errors
/// What the database said.
pub fn expire(
    conn: &mut PgConnection,
    owner: &str,
    now: DateTime<Utc>,
) -> Result<Vec<Job>, StoreError> {
    Ok(take_back(conn, Silent::Since(now), owner, now)?.given_up)
}

/// Jobs that were taken from silent workers.
#[derive(Debug)]
pub struct TakenBack {
    /// How many there were.
    pub jobs: usize,
    /// Those without attempts left, for their kinds to fail them. `owner` holds their leases.
    pub given_up: Vec<Job>,
    /// Whether the worker holds leases still: its last effect is not ended by the server yet.
    pub more: bool,
}

/// As [`expire`], for the leases of one worker that is known to be dead.
///
/// # Errors
/// What the database said.
pub fn take_from(
    conn: &mut PgConnection,
    dead: &str,
    owner: &str,
    now: DateTime<Utc>,
) -> Result<TakenBack, StoreError> {
    let mut taken = take_back(conn, Silent::Worker(dead), owner, now)?;
    let mut left = Sql::new("SELECT id FROM jobs WHERE state = 'running' AND lease_owner = ");
    left.bind(dead).push(" LIMIT 1");
    taken.more = left.execute(conn)? > 0;
    Ok(taken)
}

/// Whose leases are taken back.
enum Silent<'a> {
    /// Those that ran out before this.
    Since(DateTime<Utc>),
    /// Those of this worker.
    Worker(&'a str),
}

/// Leaves jobs alone whose step the server is still writing.
fn take_back(
    conn: &mut PgConnection,
    which: Silent<'_>,
    owner: &str,
    now: DateTime<Utc>,
) -> Result<TakenBack, StoreError> {
    let mut sql = Sql::new(
        "WITH silent AS MATERIALIZED (SELECT workspace_id, id FROM jobs WHERE state = 'running' AND ",
    );
    match which {
        Silent::Since(now) => sql.push("lease_until < ").bind(now),
        Silent::Worker(dead) => sql.push("lease_owner = ").bind(dead),
    };
    sql.push(
        " LIMIT 100 FOR UPDATE SKIP LOCKED) UPDATE jobs j SET crashes = j.crashes + 1, \
        lease_epoch = j.lease_epoch + 1, \
        state = CASE WHEN j.attempt >= j.max_attempts THEN 'running' ELSE 'queued' END, \
        lease_owner = CASE WHEN j.attempt >= j.max_attempts THEN ",
    );
    sql.bind(owner).push(" END, lease_until = CASE WHEN j.attempt >= j.max_attempts THEN ");
    // run_at stays: the job has waited for its turn, and the others that wait are behind it
    sql.bind(now + TimeDelta::seconds(LEASE_SECONDS));
    sql.push(&format!(
        " END FROM silent WHERE j.workspace_id = silent.workspace_id AND j.id = silent.id RETURNING {COLUMNS}"
    ));
    let jobs: Vec<Job> = sql.load(conn)?;
    Ok(TakenBack {
        jobs: jobs.len(),
        given_up: jobs.into_iter().filter(|job| job.state == "running").collect(),
        more: false,
    })
}

/// Asks a job to stop. A waiting one is returned locked, for the caller to end it in this transaction;
/// a running one sees the wish at its next step.
///
/// # Errors
/// What the database said.
pub fn request_cancel(tenant: &mut Tenant<'_>, id: JobId) -> Result<Option<Job>, StoreError> {
    let mut sql = Sql::new("UPDATE jobs j SET cancel_requested = true WHERE j.workspace_id = ");
    sql.bind(tenant.workspace).push(" AND j.id = ").bind(id.0);
    sql.push(&format!(" AND j.state IN ('queued', 'running') RETURNING {COLUMNS}"));
    sql.first(tenant.conn)
}

/// Ends a job that no worker has yet.
///
/// # Errors
/// What the database said.
pub fn cancel_queued(
    tenant: &mut Tenant<'_>,
    id: JobId,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut sql = Sql::new("UPDATE jobs SET state = 'cancelled', finished_at = ");
    sql.bind(now)
        .push(" WHERE workspace_id = ")
        .bind(tenant.workspace)
        .push(" AND id = ")
        .bind(id.0);
    sql.push(" AND state = 'queued'");
    Ok(sql.execute(tenant.conn)? == 1)
}

/// Lets the statements of a job's transaction run as long as they need, but not longer than their worker
/// lives: PostgreSQL ends the statement of a client that is gone within a second, where the system it runs
/// on can tell.
///
/// # Errors
/// What the database said.
pub fn lift_timeouts(tenant: &mut Tenant<'_>) -> Result<(), StoreError> {
    use diesel::connection::SimpleConnection;
    Ok(tenant.conn.batch_execute(
        "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = 60000; \
         SELECT set_config('client_connection_check_interval', '1000', true) WHERE version() LIKE '%linux%'",
    )?)
}

fn expect_one(rows: usize) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::LeaseLost) }
}
