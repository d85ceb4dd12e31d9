//! The threads that work: slots that claim and run, and one that keeps the leases alive.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kartoteka_domain::codes::Code;
use kartoteka_domain::ids::{JobId, WorkspaceId};
use kartoteka_domain::jobs::{
    CRASHES_BEFORE_CAUTION, HEARTBEAT_SECONDS, JobState, LEASE_SECONDS, back_off,
};
use kartoteka_persistence::jobs::{self, GivenBack, Job};
use kartoteka_persistence::{StoreError, Tenant};

use super::presence::{Dead, Presence};
use super::run::{Ended, JobError, Run, refusal_json};
use super::{Environment, Work, registry};
use crate::Context;
use crate::error::{Error, Refusal};
use crate::outbox;

/// How often the queue is looked at when nothing says that there is work.
const POLL: Duration = Duration::from_secs(1);
/// How often it is looked at for a moment after [`wake`]: the waking transaction may not be committed yet.
const HURRIED_POLL: Duration = Duration::from_millis(20);
const HURRY: Duration = Duration::from_millis(600);
/// How often leases that ran out are looked for.
const EXPIRE_EVERY: Duration = Duration::from_secs(3);
/// How often the end of a job is tried to be written while the database is away.
const END_AGAIN_EVERY: Duration = Duration::from_millis(250);
/// How often workers of the same folder that died are looked for.
const LOOK_FOR_DEAD_EVERY: Duration = Duration::from_secs(1);

static HURRY_UNTIL: Mutex<Option<Instant>> = Mutex::new(None);
static WOKEN: Condvar = Condvar::new();

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells the workers of this process that a job was, or is just being, enqueued.
pub fn wake() {
    *locked(&HURRY_UNTIL) = Some(Instant::now() + HURRY);
    WOKEN.notify_all();
}

/// Jobs this process holds leases of: workspace, id, epoch.
type Leases = Mutex<HashMap<(WorkspaceId, JobId), i64>>;

struct Shared {
    environment: Environment,
    works: Vec<Arc<dyn Work>>,
    owner: String,
    /// Dropped with the last thread, when every lease is given back.
    presence: Option<Presence>,
    stop: AtomicBool,
    leases: Leases,
    /// Held shared by ordinary jobs, alone by one that killed its workers.
    alone: std::sync::RwLock<()>,
}

/// Worker threads; stopped by [`Runner::stop`].
pub struct Runner {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Runner {
    /// Starts `slots` threads that work and one that keeps their leases.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start(environment: Environment, owner: String, slots: usize) -> std::io::Result<Self> {
        Self::start_with(environment, owner, slots, registry())
    }

    /// As [`Runner::start`], for a worker that others see: its jobs go on at once when it dies, and it
    /// takes over those of others that died.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start_seen(
        environment: Environment,
        presence: Presence,
        slots: usize,
    ) -> std::io::Result<Self> {
        Self::start_seen_with(environment, presence, slots, registry())
    }

    /// As [`Runner::start_seen`], knowing these kinds of work only.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start_seen_with(
        environment: Environment,
        presence: Presence,
        slots: usize,
        works: Vec<Arc<dyn Work>>,
    ) -> std::io::Result<Self> {
        let owner = presence.owner().to_owned();
        Self::start_as(environment, owner, Some(presence), slots, works)
    }

    /// As [`Runner::start`], knowing these kinds of work only.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start_with(
        environment: Environment,
        owner: String,
        slots: usize,
        works: Vec<Arc<dyn Work>>,
    ) -> std::io::Result<Self> {
        Self::start_as(environment, owner, None, slots, works)
    }

    fn start_as(
        environment: Environment,
        owner: String,
        presence: Option<Presence>,
        slots: usize,
        works: Vec<Arc<dyn Work>>,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            environment,
            works,
            owner,
            presence,
            stop: AtomicBool::new(false),
            leases: Mutex::new(HashMap::new()),
            alone: std::sync::RwLock::new(()),
        });
        let mut threads = Vec::with_capacity(slots + 1);
        for slot in 0..slots {
            let shared = Arc::clone(&shared);
            threads.push(
                std::thread::Builder::new()
                    .name(format!("worker-{slot}"))
                    .spawn(move || shared.work())?,
            );
        }
        let keeper = Arc::clone(&shared);
        threads.push(
            std::thread::Builder::new()
                .name("leases".into())
                .spawn(move || keeper.keep_leases())?,
        );
        Ok(Self { shared, threads })
    }

    /// Stops claiming, lets every job finish its step and give its lease back, and waits for that.
    pub fn stop(self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        WOKEN.notify_all();
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a worker thread panicked");
            }
        }
    }
}

impl Shared {
    fn work(&self) {
        let mut looked_for_silent = Instant::now();
        while !self.stop.load(Ordering::Relaxed) {
            if looked_for_silent.elapsed() >= EXPIRE_EVERY {
                looked_for_silent = Instant::now();
                if let Err(error) = take_back_leases(&self.environment, &self.works, &self.owner) {
                    tracing::warn!(error = %error, "leases that ran out cannot be taken back");
                }
            }
            match self.claim() {
                Ok(Some(job)) => self.run_beside_others(job),
                Ok(None) => self.pause(),
                Err(error) => {
                    tracing::warn!(error = %error, "the queue cannot be read");
                    self.pause();
                }
            }
        }
    }

    fn pause(&self) {
        let hurry = locked(&HURRY_UNTIL);
        let hurried = hurry.is_some_and(|until| until > Instant::now());
        let pause = if hurried { HURRIED_POLL } else { POLL };
        if !self.stop.load(Ordering::Relaxed) {
            drop(WOKEN.wait_timeout(hurry, pause));
        }
    }

    fn claim(&self) -> Result<Option<Job>, Error> {
        let now = self.environment.clock.now();
        let job = self
            .environment
            .db
            .system(|conn| jobs::claim(conn, &self.owner, now).map_err(Error::from))?;
        if let Some(job) = &job {
            locked(&self.leases)
                .insert((WorkspaceId(job.workspace_id), JobId(job.id)), job.lease_epoch);
        }
        Ok(job)
    }

    fn run_beside_others(&self, job: Job) {
        let key = (WorkspaceId(job.workspace_id), JobId(job.id));
        if job.crashes >= CRASHES_BEFORE_CAUTION {
            let _alone = self.alone.write().unwrap_or_else(PoisonError::into_inner);
            run_one(&self.environment, &self.works, job, &self.stop);
        } else {
            let _beside = self.alone.read().unwrap_or_else(PoisonError::into_inner);
            run_one(&self.environment, &self.works, job, &self.stop);
        }
        locked(&self.leases).remove(&key);
    }

    fn keep_leases(&self) {
        let mut last = Instant::now();
        // at the start too: it may be the one after a crash
        let mut looked: Option<Instant> = None;
        while !self.stop.load(Ordering::Relaxed) || !locked(&self.leases).is_empty() {
            if looked.is_none_or(|at| at.elapsed() >= LOOK_FOR_DEAD_EVERY) {
                looked = Some(Instant::now());
                self.take_over_from_dead();
            }
            std::thread::sleep(Duration::from_millis(200));
            if last.elapsed() < Duration::from_secs(HEARTBEAT_SECONDS) {
                continue;
            }
            last = Instant::now();
            let leases: Vec<_> =
                locked(&self.leases).iter().map(|(key, epoch)| (*key, *epoch)).collect();
            let now = self.environment.clock.now();
            for ((workspace, id), epoch) in leases {
                let beat = self.environment.db.system(|conn| {
                    jobs::heartbeat(conn, workspace, id, epoch, now).map_err(Error::from)
                });
                if let Err(error) = beat {
                    tracing::warn!(job.id = %id, error = %error, "a lease could not be renewed");
                }
            }
        }
    }

    /// Gives the jobs of workers that died beside this one back to the queue, without waiting for their
    /// leases.
    fn take_over_from_dead(&self) {
        let Some(presence) = &self.presence else { return };
        let dead = match presence.find_dead() {
            Ok(dead) => dead,
            Err(error) => {
                tracing::warn!(error = %error, "workers that died cannot be looked for; their leases run out");
                return;
            }
        };
        for dead in dead {
            let worker = dead.owner.clone();
            if let Err(error) = self.take_over_from(dead) {
                tracing::warn!(worker, error = %error, "the jobs of a dead worker cannot be taken over yet");
            }
        }
    }

    fn take_over_from(&self, dead: Dead) -> Result<(), Error> {
        let now = self.environment.clock.now();
        let taken = self.environment.db.system(|conn| {
            jobs::take_from(conn, &dead.owner, &self.owner, now).map_err(Error::from)
        })?;
        if taken.jobs > 0 {
            tracing::warn!(worker = dead.owner, jobs = taken.jobs, "a worker died; its jobs go on");
        }
        fail_lost(&self.environment, &self.works, taken.given_up);
        if taken.jobs > 0 {
            wake();
        }
        // until the server has noticed the death everywhere, it is looked at again
        if !taken.more
            && let Err(error) = dead.bury()
        {
            tracing::warn!(error = %error, "the file of a dead worker cannot be removed");
        }
        Ok(())
    }
}

/// Gives the jobs of workers that fell silent to others; fails those that lost too many.
fn take_back_leases(
    environment: &Environment,
    works: &[Arc<dyn Work>],
    owner: &str,
) -> Result<(), Error> {
    let now = environment.clock.now();
    let given_up =
        environment.db.system(|conn| jobs::expire(conn, owner, now).map_err(Error::from))?;
    fail_lost(environment, works, given_up);
    Ok(())
}

/// Fails jobs that lost too many workers.
fn fail_lost(environment: &Environment, works: &[Arc<dyn Work>], given_up: Vec<Job>) {
    for job in given_up {
        tracing::error!(job.id = %job.id, job.kind = job.kind, "a job lost its worker too often");
        let refusal = Refusal {
            code: Code::JobLost,
            detail: "the job lost its worker again and again and was given up".into(),
            faults: Vec::new(),
            extra: serde_json::Map::new(),
        };
        // once: whoever looks for dead workers has leases to keep, and finds the job again
        fail(environment, works, &job, &refusal, &AtomicBool::new(true));
    }
}

/// Works off everything that is due, in this thread, and says how many jobs that was. For tests and for
/// commands that want to see the end.
///
/// # Errors
/// The queue cannot be read.
pub fn run_due(environment: &Environment, owner: &str) -> Result<usize, Error> {
    run_due_with(environment, owner, &registry(), &AtomicBool::new(false))
}

/// As [`run_due`], knowing these kinds of work only, and until `stop` is set.
///
/// # Errors
/// The queue cannot be read.
pub fn run_due_with(
    environment: &Environment,
    owner: &str,
    works: &[Arc<dyn Work>],
    stop: &AtomicBool,
) -> Result<usize, Error> {
    take_back_leases(environment, works, owner)?;
    let mut done = 0;
    while !stop.load(Ordering::Relaxed) {
        let now = environment.clock.now();
        let job =
            environment.db.system(|conn| jobs::claim(conn, owner, now).map_err(Error::from))?;
        let Some(job) = job else { break };
        run_one(environment, works, job, stop);
        done += 1;
    }
    Ok(done)
}

fn work_among<'a>(works: &'a [Arc<dyn Work>], kind: &str) -> Option<&'a dyn Work> {
    works.iter().map(|work| &**work).find(|work| work.kind() == kind)
}

fn run_one(environment: &Environment, works: &[Arc<dyn Work>], job: Job, stop: &AtomicBool) {
    let span = tracing::info_span!(
        "job",
        job.id = %job.id,
        job.kind = job.kind,
        job.attempt = job.attempt,
        workspace.id = %job.workspace_id,
        request.id = job.request_id,
    );
    let _entered = span.enter();
    let Some(work) = work_among(works, &job.kind) else {
        let refusal = Refusal {
            code: Code::Internal,
            detail: "this version does not know that kind of job".into(),
            faults: Vec::new(),
            extra: serde_json::Map::new(),
        };
        return fail(environment, works, &job, &refusal, stop);
    };
    let started = Instant::now();
    tracing::info!("a job begins");
    let mut run = Run { environment, job, stop, advanced: AtomicBool::new(false) };
    // a panic in one job must not take the thread, and with it the other jobs, along
    let outcome = catch_unwind(AssertUnwindSafe(|| work.run(&mut run)));
    let mut job = run.job;
    if run.advanced.into_inner() {
        // as the queue counts: this is the first attempt since it got on
        job.attempt = 1;
    }
    match outcome {
        Ok(Ok(Ended(state))) => {
            let took = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            tracing::info!(job.state = state.as_str(), took_ms = took, "a job ended");
        }
        Ok(Err(JobError::LeaseLost)) => tracing::warn!("a job was taken over by another worker"),
        Ok(Err(JobError::Stopped)) => give_back(environment, &job, GivenBack::Stopped, stop),
        Ok(Err(JobError::Unwanted)) => cancel(environment, &job, stop),
        Ok(Err(JobError::Retry(error))) => {
            let away = matches!(&error, Error::Store(error) if error.lost_connection());
            retry_or_fail(environment, works, &job, &error.to_string(), away, stop);
        }
        Ok(Err(JobError::Fail(refusal))) => {
            tracing::warn!(problem.code = %refusal.code, "a job failed");
            fail(environment, works, &job, &refusal, stop);
        }
        Err(_) => retry_or_fail(environment, works, &job, "the job panicked", false, stop),
    }
}

/// Writes how a job ended. What made it end may be that the database went away: then this, too, waits until
/// it is there again. Who does not write it leaves the job to its lease, half a minute in which nobody works
/// on it. Room on a full disk is waited for no longer than that.
///
/// Ends early when the worker is to stop.
fn write_end(
    environment: &Environment,
    job: &Job,
    stop: &AtomicBool,
    write: impl Fn(&mut Tenant<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let lease = Duration::from_secs(LEASE_SECONDS.unsigned_abs());
    let since = Instant::now();
    loop {
        let written = environment.db.write(WorkspaceId(job.workspace_id), &write);
        let may_pass = match &written {
            Err(Error::Store(StoreError::Busy(_))) => true,
            Err(Error::Store(StoreError::Full | StoreError::ReadOnly)) => since.elapsed() < lease,
            _ => false,
        };
        if !may_pass || stop.load(Ordering::Relaxed) {
            if let Err(error) = &written {
                tracing::warn!(error = %error, "the end of a job could not be written; its lease will run out");
            }
            return written;
        }
        std::thread::sleep(END_AGAIN_EVERY);
    }
}

fn cancel(environment: &Environment, job: &Job, stop: &AtomicBool) {
    let ctx = context_of(environment, job);
    let state = JobState::Cancelled;
    let written = write_end(environment, job, stop, |tenant| {
        jobs::finish(tenant, JobId(job.id), job.lease_epoch, state, None, ctx.now)?;
        Ok(outbox::record_job(tenant, &ctx, job, state)?)
    });
    if written.is_ok() {
        tracing::info!("a job is not wanted any more");
    }
}

/// `away`: the database was not there. Then the pause does not grow, for it says nothing about the job; but it
/// is remembered like the death of a worker, so that a job whose steps are longer than the database lives goes
/// on in smaller ones.
fn retry_or_fail(
    environment: &Environment,
    works: &[Arc<dyn Work>],
    job: &Job,
    error: &str,
    away: bool,
    stop: &AtomicBool,
) {
    if job.attempt >= job.max_attempts {
        tracing::error!(error, "a job failed for the last time");
        let refusal = Refusal {
            code: Code::JobFailed,
            detail: "the job failed again and again and was given up".into(),
            faults: Vec::new(),
            extra: serde_json::Map::new(),
        };
        return fail(environment, works, job, &refusal, stop);
    }
    tracing::warn!(error, "a job failed and will be tried again");
    let why = if away { GivenBack::DatabaseAway(error) } else { GivenBack::Failed(error) };
    give_back(environment, job, why, stop);
}

fn give_back(environment: &Environment, job: &Job, why: GivenBack<'_>, stop: &AtomicBool) {
    let now = environment.clock.now();
    let run_at = match why {
        GivenBack::Failed(_) => now + back_off(job.attempt, rand::random::<f64>()),
        GivenBack::DatabaseAway(_) => now + back_off(1, rand::random::<f64>()),
        // nothing is wrong with it: it keeps its place before those that wait
        GivenBack::Stopped => job.run_at,
    };
    let _ = write_end(environment, job, stop, |tenant| {
        jobs::give_back(tenant, JobId(job.id), job.lease_epoch, run_at, why).map_err(Error::from)
    });
}

fn fail(
    environment: &Environment,
    works: &[Arc<dyn Work>],
    job: &Job,
    refusal: &Refusal,
    stop: &AtomicBool,
) {
    let ctx = context_of(environment, job);
    let _ = write_end(environment, job, stop, |tenant| {
        // jobs are locked before their subjects
        jobs::hold(tenant, JobId(job.id), job.lease_epoch)?;
        if let Some(work) = work_among(works, &job.kind) {
            work.on_failed(tenant, &ctx, job, refusal)?;
        }
        let problem = Some(refusal_json(refusal));
        let state = JobState::Failed;
        jobs::finish(tenant, JobId(job.id), job.lease_epoch, state, problem, ctx.now)?;
        Ok(outbox::record_job(tenant, &ctx, job, state)?)
    });
}

fn context_of(environment: &Environment, job: &Job) -> Context {
    Context {
        workspace: WorkspaceId(job.workspace_id),
        actor: job.actor(),
        now: environment.clock.now(),
        request_id: job.request_id.clone(),
        ip: None,
    }
}
