//! The queue under fire: every job has its effects once, nobody waits for a dead worker longer than for its
//! lease, and nobody for somebody else's heap of jobs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kartoteka_app::Context;
use kartoteka_app::access::audit;
use kartoteka_app::error::{Error, Refusal};
use kartoteka_app::worker::{Ended, JobError, Run, Work};
use kartoteka_domain::jobs::{JobState, LEASE_SECONDS};
use kartoteka_persistence::Tenant;
use kartoteka_persistence::jobs::{Job, Progress};
use serde_json::{Value, json};

use super::figure::Time;
use super::processes::{self, Installation, Process, Site, wait_for};
use super::{Chance, Form, Report};

/// Workers of the queue under fire.
const WORKERS: usize = 4;
/// Jobs each works on at the same time.
const SLOTS: u32 = 2;
/// Pause between two kills.
const KILL_EVERY: Duration = Duration::from_millis(1_500);
/// How long all jobs may take.
const PATIENCE: Duration = Duration::from_secs(1_200);
/// Nobody waits for the heap of another longer than this.
const FAIR_WAIT: Duration = Duration::from_secs(5);

/// The kinds of work of these scenarios.
#[must_use]
pub fn works() -> Vec<Arc<dyn Work>> {
    vec![Arc::new(Counted)]
}

/// Work whose effects can be counted: a line of the audit trail for each of `payload.effects` steps, with
/// `payload.pause_ms` before each. Nothing but the lease keeps it from writing one twice.
struct Counted;

impl Work for Counted {
    fn kind(&self) -> &'static str {
        "counted"
    }

    fn run(&self, run: &mut Run<'_>) -> Result<Ended, JobError> {
        let number = |name: &str| run.job().payload.get(name).and_then(Value::as_i64).unwrap_or(0);
        let (effects, pause) = (number("effects").max(1), number("pause_ms").unsigned_abs());
        let first = run.job().progress_done;
        for effect in first..effects {
            std::thread::sleep(Duration::from_millis(pause));
            let ended = run.step(|tenant, ctx, _held| {
                let job = Some(run.job().id);
                let number = Some(json!({ "effect": effect }));
                audit::record_for_job(tenant, ctx, "counted", "job", job, number, job)?;
                if effect + 1 == effects {
                    return run.end(tenant, JobState::Succeeded, None).map(Some);
                }
                let progress =
                    Progress { done: effect + 1, total: Some(effects), ..Progress::default() };
                run.advance(tenant, &progress)?;
                Ok(None)
            })?;
            if let Some(ended) = ended {
                return Ok(ended);
            }
        }
        run.step(|tenant, _ctx, _held| run.end(tenant, JobState::Succeeded, None))
    }

    fn on_failed(
        &self,
        _: &mut Tenant<'_>,
        _: &Context,
        _: &Job,
        _: &Refusal,
    ) -> Result<(), Error> {
        Ok(())
    }

    fn on_cancelled(&self, _: &mut Tenant<'_>, _: &Context, _: &Job) -> Result<(), Error> {
        Ok(())
    }
}

/// Puts `count` jobs of a workspace into the queue.
fn enqueue(site: &Installation, workspace: &str, count: u64, payload: &str) {
    site.execute(&format!(
        "INSERT INTO jobs (workspace_id, id, kind, state, run_at, payload, actor_type, created_at)
         SELECT w.id, gen_random_uuid(), 'counted', 'queued', clock_timestamp(), {payload}, 'system', clock_timestamp()
         FROM workspaces w, generate_series(1, {count}) AS n WHERE w.name = '{workspace}'"
    ));
}

fn worker(site: &Installation, slots: u32) -> Process {
    site.start("kartoteka-test-worker", &[&slots.to_string()])
}

/// `times` jobs, four workers of which one is killed and started again all the time.
pub fn queue_under_fire(form: Form, report: &mut Report) {
    let site = Installation::new(Site { shared: form.shared, ..Site::default() });
    drop(site.serve());
    site.make_workspace("Second");
    // one of ten jobs has three effects, so that it can be killed between them
    let payload = "jsonb_build_object('effects', CASE WHEN n % 10 = 0 THEN 3 ELSE 1 END)";
    let half = form.times / 2;
    enqueue(&site, "main", form.times - half, payload);
    enqueue(&site, "Second", half, payload);
    let expected = site.count("SELECT sum((payload ->> 'effects')::bigint)::bigint AS n FROM jobs");

    let mut chance = Chance::new(form.seed);
    let mut workers: Vec<Process> = (0..WORKERS).map(|_| worker(&site, SLOTS)).collect();
    let mut watch = site.connection();
    let (mut kills, mut orphans) = (0_u64, Vec::new());
    let wanted = form.pick(20, 2);
    let pause = form.pick(KILL_EVERY, Duration::from_millis(300));
    let started = Instant::now();
    loop {
        let due = started + pause * u32::try_from(kills + 1).unwrap_or(u32::MAX);
        wait_for("the next kill", PATIENCE, || Instant::now() >= due);
        let left = processes::count(
            &mut watch,
            "SELECT count(*) AS n FROM jobs WHERE state IN ('queued', 'running')",
        );
        if left == 0 {
            break;
        }
        assert!(started.elapsed() < PATIENCE, "{left} jobs are left");
        let at = usize::try_from(chance.below(WORKERS as u64)).unwrap();
        let killed = workers.swap_remove(at);
        let owner = format!("test-{}", killed.id());
        killed.kill();
        // what it had in its hands is what must go on
        orphans.extend(processes::rows(
            &mut watch,
            &format!(
                "SELECT id, clock_timestamp() AS at FROM jobs WHERE state = 'running' AND lease_owner = '{owner}'"
            ),
        ));
        workers.push(worker(&site, SLOTS));
        kills += 1;
    }
    let took = started.elapsed();
    drop(workers);

    report.judge(
        "jobs that ended well",
        form.times,
        format!(
            "{} in {}",
            site.count("SELECT count(*) AS n FROM jobs WHERE state = 'succeeded'"),
            Time(took)
        ),
        site.count("SELECT count(*) AS n FROM jobs WHERE state = 'succeeded'")
            == i64::try_from(form.times).unwrap(),
    );
    report.at_least("kills of a worker", wanted, kills);
    report.judge(
        "jobs in the hands of the killed",
        "some",
        orphans.len(),
        form.short || !orphans.is_empty(),
    );
    let effects = "FROM audit_entries WHERE action = 'counted'";
    report.exactly("effects", expected, site.count(&format!("SELECT count(*) AS n {effects}")));
    report.exactly(
        "different effects",
        expected,
        site.count(&format!("SELECT count(DISTINCT (record_id, changes)) AS n {effects}")),
    );
    let stuck = longest_after_kill(&site, &orphans);
    let lease = Duration::from_secs(LEASE_SECONDS.unsigned_abs());
    report.judge(
        "longest time from a kill to the end of a job it interrupted",
        format!("at most a lease, {}", Time(lease)),
        Time(stuck),
        stuck <= lease || form.short,
    );
}

/// From the kill of its worker to the end of a job, the longest of all.
fn longest_after_kill(site: &Installation, orphans: &[Value]) -> Duration {
    if orphans.is_empty() {
        return Duration::ZERO;
    }
    let values: Vec<String> = orphans
        .iter()
        .map(|orphan| {
            let text = |name: &str| orphan[name].as_str().unwrap_or_default().to_owned();
            format!("('{}'::uuid, '{}'::timestamptz)", text("id"), text("at"))
        })
        .collect();
    let longest = site.count(&format!(
        "SELECT coalesce(max(extract(epoch FROM j.finished_at - o.at) * 1000)::bigint, 0) AS n
         FROM (VALUES {}) AS o (id, at) JOIN jobs j ON j.id = o.id",
        values.join(", ")
    ));
    Duration::from_millis(longest.unsigned_abs())
}

/// One workspace has `times` jobs waiting; others put one in now and then.
pub fn heap_of_one(form: Form, report: &mut Report) {
    let site = Installation::new(Site { shared: form.shared, ..Site::default() });
    drop(site.serve());
    let others: Vec<String> = (1..=form.pick(20, 3)).map(|n| format!("Other{n}")).collect();
    for other in &others {
        site.make_workspace(other);
    }
    // busy: each slot always has a job of the heap in its hands, and a fresh one waits for its end
    let payload = "jsonb_build_object('effects', 1, 'pause_ms', 20)";
    enqueue(&site, "main", form.times, payload);
    site.execute("ANALYZE jobs");
    let worker = worker(&site, SLOTS);
    wait_for("the worker works", Duration::from_secs(60), || {
        site.count("SELECT count(*) AS n FROM jobs WHERE state = 'succeeded'") > 0
    });
    let mut chance = Chance::new(form.seed);
    let span = form.pick(Duration::from_secs(60), Duration::from_secs(2));
    let started = Instant::now();
    let mut asked = 0_i64;
    while started.elapsed() < span {
        let at = usize::try_from(chance.below(others.len() as u64)).unwrap();
        enqueue(&site, &others[at], 1, payload);
        asked += 1;
        std::thread::sleep(chance.moment(Duration::from_millis(300)));
    }
    let theirs = "FROM jobs j JOIN workspaces w ON w.id = j.workspace_id WHERE w.name <> 'main'";
    wait_for("the jobs of the others are done", Duration::from_secs(120), || {
        site.count(&format!("SELECT count(*) AS n {theirs} AND state <> 'succeeded'")) == 0
    });
    let took = started.elapsed();
    let waits = site.rows(&format!(
        "SELECT (extract(epoch FROM percentile_disc(0.5) WITHIN GROUP (ORDER BY j.started_at - j.created_at)) * 1000)::bigint AS half,
            (extract(epoch FROM max(j.started_at - j.created_at)) * 1000)::bigint AS longest {theirs}"
    ));
    let time = |name: &str| {
        Duration::from_millis(waits[0][name].as_i64().unwrap_or(i64::MAX).unsigned_abs())
    };
    let of_heap = "FROM jobs j JOIN workspaces w ON w.id = j.workspace_id WHERE w.name = 'main'";
    let done = site.count(&format!("SELECT count(*) AS n {of_heap} AND state = 'succeeded'"));
    let waiting = site.count(&format!("SELECT count(*) AS n {of_heap} AND state = 'queued'"));
    drop(worker);
    report.judge(
        "jobs of one workspace that wait",
        form.times,
        format!("{waiting} at the end, {done} done in {}", Time(took)),
        waiting > 0 && done > 0,
    );
    let served = site.count(&format!("SELECT count(*) AS n {theirs} AND state = 'succeeded'"));
    report.exactly("jobs of others served meanwhile", asked, served);
    report.judge(
        format!("longest wait of the {} others", others.len()),
        format!("under {}", Time(FAIR_WAIT)),
        format!("{} (half of them at most {})", Time(time("longest")), Time(time("half"))),
        time("longest") < FAIR_WAIT || form.short,
    );
}
