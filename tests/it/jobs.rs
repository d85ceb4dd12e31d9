//! The queue of long work: who is served next, what a dead worker leaves, and when a job is given up.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_app::Context;
use kartoteka_app::error::{Error, Refusal};
use kartoteka_app::worker::{Ended, JobError, Run, Runner, Work, run_due_with};
use kartoteka_domain::actor::Actor;
use kartoteka_domain::ids::{JobId, WorkspaceId};
use kartoteka_domain::jobs::{JobState, LEASE_SECONDS};
use kartoteka_persistence::jobs::{self, Job, NewJob, Progress};
use kartoteka_persistence::{StoreError, Tenant, workspaces};
use kartoteka_tests::TestApp;

type Does = dyn Fn(&mut Run<'_>) -> Result<Ended, JobError> + Send + Sync;

/// Work that does what the test says.
struct Scripted {
    does: Box<Does>,
    failed: Mutex<Vec<Value>>,
}

impl Work for Scripted {
    fn kind(&self) -> &'static str {
        "scripted"
    }

    fn run(&self, run: &mut Run<'_>) -> Result<Ended, JobError> {
        (self.does)(run)
    }

    fn on_failed(
        &self,
        _: &mut Tenant<'_>,
        _: &Context,
        _: &Job,
        refusal: &Refusal,
    ) -> Result<(), Error> {
        self.failed.lock().unwrap().push(json!(refusal.code));
        Ok(())
    }

    fn on_cancelled(&self, _: &mut Tenant<'_>, _: &Context, _: &Job) -> Result<(), Error> {
        Ok(())
    }
}

fn scripted(
    does: impl Fn(&mut Run<'_>) -> Result<Ended, JobError> + Send + Sync + 'static,
) -> (Arc<Scripted>, Vec<Arc<dyn Work>>) {
    let work = Arc::new(Scripted { does: Box::new(does), failed: Mutex::default() });
    let works: Vec<Arc<dyn Work>> = vec![Arc::<Scripted>::clone(&work)];
    (work, works)
}

fn succeeds(run: &Run<'_>) -> Result<Ended, JobError> {
    run.step(|tenant, _ctx, _held| run.end(tenant, JobState::Succeeded, None))
}

fn busy() -> JobError {
    JobError::Retry(Error::Store(StoreError::Busy("the database is away".into())))
}

fn enqueue(
    app: &TestApp,
    workspace: WorkspaceId,
    unique_key: Option<&str>,
) -> Result<Uuid, StoreError> {
    use kartoteka_app::clock::Clock;
    let now = app.clock().now();
    let id = kartoteka_app::context::new_id(now);
    app.db().write(workspace, |tenant| {
        jobs::enqueue(
            tenant,
            &NewJob {
                id: JobId(id),
                kind: "scripted",
                payload: json!({}),
                subject: None,
                unique_key: unique_key.map(str::to_owned),
                run_at: now,
                actor: Actor::System,
                request_id: None,
                created_at: now,
            },
        )
    })?;
    Ok(id)
}

fn one(app: &TestApp) -> Uuid {
    enqueue(app, app.home().id, None).unwrap()
}

fn row(app: &TestApp, id: Uuid) -> Value {
    app.rows(&format!("SELECT * FROM jobs WHERE id = '{id}'")).remove(0)
}

fn work_off(app: &TestApp, works: &[Arc<dyn Work>]) -> usize {
    run_due_with(&app.jobs_environment(), "test", works, &AtomicBool::new(false)).unwrap()
}

fn claim(app: &TestApp, owner: &str) -> Option<Job> {
    app.db().system(|conn| jobs::claim(conn, owner, Utc::now())).unwrap()
}

/// One workspace with thousands of jobs does not make the others wait.
#[tokio::test]
async fn whoever_waited_longest_is_served_next_however_much_another_has_queued() {
    let app = TestApp::new().await;
    app.leave_jobs();
    app.execute(
        "INSERT INTO jobs (workspace_id, id, kind, state, run_at, payload, actor_type, created_at)
         SELECT id, gen_random_uuid(), 'scripted', 'queued', now() - interval '1 hour', '{}', 'system', now() FROM workspaces, generate_series(1, 2000)",
    );
    let others = [app.other_workspace(), app.other_workspace(), app.other_workspace()];
    // one slot: each job ends before the next is taken
    let served = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&served);
    let stop = Arc::new(AtomicBool::new(false));
    let stopping = Arc::clone(&stop);
    let (_, works) = scripted(move |run| {
        let mut seen = seen.lock().unwrap();
        seen.push(run.workspace());
        let ended = succeeds(run);
        stopping.store(seen.len() >= 10, Ordering::Relaxed);
        ended
    });
    for other in &others {
        enqueue(&app, other.id, None).unwrap();
        enqueue(&app, other.id, None).unwrap();
    }
    run_due_with(&app.jobs_environment(), "test", &works, &stop).unwrap();
    let served = served.lock().unwrap();
    for other in &others {
        let places: Vec<_> = (0..served.len()).filter(|at| served[*at] == other.id).collect();
        assert!(places.len() == 2 && places[0] < 4 && places[1] < 8, "{served:?}");
    }
    // many slots: nobody gets a second one while others have none
    let others = [app.other_workspace(), app.other_workspace()];
    for other in &others {
        enqueue(&app, other.id, None).unwrap();
    }
    let claimed: Vec<_> =
        (0..3).map(|_| WorkspaceId(claim(&app, "w").unwrap().workspace_id)).collect();
    assert!(others.iter().all(|other| claimed.contains(&other.id)), "{claimed:?}");
}

/// A claim takes exactly one job, also where the planner knows nothing of the table.
#[tokio::test]
async fn a_claim_takes_one_job_on_a_table_without_statistics() {
    let app = TestApp::new().await;
    app.leave_jobs();
    app.execute("ALTER TABLE jobs SET (autovacuum_enabled = off)");
    for _ in 0..50 {
        one(&app);
    }
    for taken in 1..=5 {
        claim(&app, "w").unwrap();
        assert_eq!(app.count("SELECT count(*) AS n FROM jobs WHERE state = 'running'"), taken);
    }
}

/// A job that is not due is not taken, and does not hide one that is.
#[tokio::test]
async fn a_job_waits_for_its_time() {
    let app = TestApp::new().await;
    let (_, works) = scripted(|run| succeeds(run));
    let later = one(&app);
    app.execute("UPDATE jobs SET run_at = now() + interval '10 minutes'");
    assert_eq!(work_off(&app, &works), 0);
    one(&app);
    assert_eq!(work_off(&app, &works), 1);
    app.clock().advance(TimeDelta::minutes(11));
    assert_eq!(work_off(&app, &works), 1);
    assert_eq!(row(&app, later)["state"], "succeeded");
}

/// IMP-17: two processes with many slots run each job once.
#[tokio::test]
async fn two_runners_never_run_one_job_twice() {
    let app = TestApp::new().await;
    let other = app.other_workspace();
    let runs = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&runs);
    let (_, works) = scripted(move |run| {
        seen.lock().unwrap().push(run.job().id);
        succeeds(run)
    });
    for n in 0..200 {
        enqueue(&app, if n % 3 == 0 { other.id } else { app.home().id }, None).unwrap();
    }
    let start = |name: &str| {
        Runner::start_with(app.jobs_environment(), name.to_owned(), 2, works.clone()).unwrap()
    };
    let runners = [start("one"), start("two")];
    while app.count("SELECT count(*) AS n FROM jobs WHERE state <> 'succeeded'") > 0 {
        tokio::task::yield_now().await;
    }
    runners.into_iter().for_each(Runner::stop);
    let mut runs = runs.lock().unwrap().clone();
    assert_eq!(runs.len(), 200);
    runs.sort_unstable();
    runs.dedup();
    assert_eq!(runs.len(), 200);
}

/// While a job with a key waits or runs there is no second one.
#[tokio::test]
async fn a_key_is_unique_while_its_job_lives() {
    let app = TestApp::new().await;
    let (_, works) = scripted(|run| succeeds(run));
    enqueue(&app, app.home().id, Some("nightly")).unwrap();
    let twice = enqueue(&app, app.home().id, Some("nightly")).unwrap_err();
    assert!(format!("{twice:?}").contains("jobs_unique_key"), "{twice:?}");
    enqueue(&app, app.other_workspace().id, Some("nightly")).unwrap();
    assert_eq!(work_off(&app, &works), 2);
    enqueue(&app, app.home().id, Some("nightly")).unwrap();
    assert_eq!(work_off(&app, &works), 1);
}

/// A failure that may pass is tried again after a pause that grows, until the attempts are used up.
#[tokio::test]
async fn a_job_that_fails_is_tried_again_with_growing_pauses_and_then_given_up() {
    let app = TestApp::new().await;
    let (work, works) = scripted(|_| Err(busy()));
    let id = one(&app);
    let mut pauses = Vec::new();
    for attempt in 1..8 {
        assert_eq!(work_off(&app, &works), 1);
        let job = row(&app, id);
        assert_eq!((&job["state"], &job["attempt"]), (&json!("queued"), &json!(attempt)));
        assert_eq!(work_off(&app, &works), 0, "not before its time");
        let pause = app.count(&format!(
            "SELECT (extract(epoch FROM run_at - now()) * 1000)::bigint AS n FROM jobs WHERE id = '{id}'"
        ));
        pauses.push(pause);
        app.execute("UPDATE jobs SET run_at = now()");
    }
    for (at, pause) in pauses.iter().enumerate() {
        let base = 5_000 << at;
        assert!(*pause > base * 7 / 10 && *pause <= base * 12 / 10, "{pauses:?}");
    }
    assert_eq!(work_off(&app, &works), 1);
    let job = row(&app, id);
    assert_eq!((&job["state"], &job["problem"]["code"]), (&json!("failed"), &json!("job_failed")));
    assert_eq!(*work.failed.lock().unwrap(), [json!("job_failed")]);
}

/// IMP-17: that the database went away says nothing about the job: its pauses do not grow, and it goes on in
/// small steps.
#[tokio::test]
async fn a_job_whose_database_goes_away_goes_on_soon_and_in_small_steps() {
    let app = TestApp::new().await;
    let (_, works) = scripted(|run| {
        if run.is_cautious() {
            return succeeds(run);
        }
        let words = "server closed the connection unexpectedly";
        Err(JobError::Retry(Error::Store(StoreError::Busy(words.into()))))
    });
    let id = one(&app);
    app.execute("UPDATE jobs SET attempt = 4");
    for crashes in 1..=2 {
        assert_eq!(work_off(&app, &works), 1);
        let job = row(&app, id);
        assert_eq!((&job["state"], &job["crashes"]), (&json!("queued"), &json!(crashes)));
        let pause = app.count(&format!(
            "SELECT (extract(epoch FROM run_at - now()) * 1000)::bigint AS n FROM jobs WHERE id = '{id}'"
        ));
        assert!(pause <= 6_000, "{pause} ms");
        app.execute("UPDATE jobs SET run_at = now()");
    }
    assert_eq!(work_off(&app, &works), 1);
    assert_eq!(row(&app, id)["state"], "succeeded");
}

/// A panic is a failed attempt and takes nobody along.
#[tokio::test]
async fn a_job_that_panics_ends_failed_and_the_others_go_on() {
    let app = TestApp::new().await;
    let poison = Arc::new(Mutex::new(None));
    let poisoned = Arc::clone(&poison);
    let (_, works) = scripted(move |run| {
        let poison = *poisoned.lock().unwrap();
        assert!(poison != Some(run.job().id), "poison");
        succeeds(run)
    });
    let id = one(&app);
    *poison.lock().unwrap() = Some(id);
    let good = one(&app);
    for _ in 0..8 {
        work_off(&app, &works);
        app.execute("UPDATE jobs SET run_at = now() WHERE state = 'queued'");
    }
    let job = row(&app, id);
    assert_eq!((&job["state"], &job["attempt"]), (&json!("failed"), &json!(8)));
    assert_eq!(job["problem"]["code"], "job_failed");
    assert_eq!(row(&app, good)["state"], "succeeded");
}

/// A job that gets on has all its attempts again.
#[tokio::test]
async fn getting_on_forgets_earlier_failures() {
    let app = TestApp::new().await;
    let (_, works) = scripted(|run| {
        let done = run.job().progress_done + 1;
        if done > 20 {
            return succeeds(run);
        }
        run.step(|tenant, _ctx, _held| {
            run.advance(tenant, &Progress { done, ..Progress::default() })
        })?;
        Err(busy())
    });
    let id = one(&app);
    app.execute("UPDATE jobs SET attempt = 7, crashes = 1");
    for _ in 0..21 {
        assert_eq!(work_off(&app, &works), 1);
        app.execute("UPDATE jobs SET run_at = now() WHERE state = 'queued'");
    }
    let job = row(&app, id);
    assert_eq!(
        (&job["state"], &job["crashes"], &job["progress_done"]),
        (&json!("succeeded"), &json!(0), &json!(20))
    );
}

/// IMP-17: a worker that was thought dead and comes back changes nothing.
#[tokio::test]
async fn who_lost_the_lease_writes_nothing() {
    let app = TestApp::new().await;
    let database = app.database().url().to_owned();
    let (work, works) = scripted(move |run| {
        use diesel::prelude::*;
        let name = |tenant: &mut Tenant<'_>, name: &str| {
            let mut workspace = workspaces::get(tenant)?;
            name.clone_into(&mut workspace.name);
            Ok::<_, Error>(workspaces::update(tenant, &workspace)?)
        };
        run.step(|tenant, _ctx, _held| name(tenant, "mine"))?;
        let mut other = PgConnection::establish(&database).unwrap();
        diesel::sql_query("UPDATE jobs SET lease_epoch = lease_epoch + 1")
            .execute(&mut other)
            .unwrap();
        run.step(|tenant, _ctx, _held| name(tenant, "still mine"))?;
        succeeds(run)
    });
    let id = one(&app);
    assert_eq!(work_off(&app, &works), 1);
    assert_eq!(row(&app, id)["state"], "running", "it is the other worker's now");
    assert_eq!(app.rows("SELECT name FROM workspaces"), [json!({ "name": "mine" })]);
    assert!(work.failed.lock().unwrap().is_empty());
    app.leave_jobs();
}

/// IMP-17: a lease that runs out is taken up, at once and with the worker's death counted; a job that loses
/// too many workers ends failed and visible.
#[tokio::test]
async fn the_job_of_a_silent_worker_is_taken_up_and_in_the_end_given_up() {
    let app = TestApp::new().await;
    let (work, works) = scripted(|run| succeeds(run));
    let id = one(&app);
    claim(&app, "dead").unwrap();
    assert_eq!(work_off(&app, &works), 0, "its lease holds");
    app.clock().advance(TimeDelta::seconds(LEASE_SECONDS + 1));
    assert_eq!(work_off(&app, &works), 1);
    let job = row(&app, id);
    assert_eq!(
        (&job["state"], &job["crashes"], &job["attempt"]),
        (&json!("succeeded"), &json!(1), &json!(2))
    );

    let id = one(&app);
    app.execute(&format!("UPDATE jobs SET attempt = 7 WHERE id = '{id}'"));
    app.db()
        .system(|conn| {
            jobs::claim(conn, "dead", Utc::now() + TimeDelta::seconds(LEASE_SECONDS + 2))
        })
        .unwrap()
        .unwrap();
    app.clock().advance(TimeDelta::seconds(2 * LEASE_SECONDS + 5));
    assert_eq!(work_off(&app, &works), 0);
    let job = row(&app, id);
    assert_eq!((&job["state"], &job["problem"]["code"]), (&json!("failed"), &json!("job_lost")));
    assert_eq!(*work.failed.lock().unwrap(), [json!("job_lost")]);
}

/// IMP-17: the leases of a worker that is known to be dead are taken back as if they had run out; those of
/// others, and a step that is just being written, are left alone.
#[tokio::test]
async fn only_the_leases_of_the_dead_are_taken_back_before_their_time() {
    let app = TestApp::new().await;
    app.leave_jobs();
    let [first, last, theirs, written] = std::array::from_fn(|_| {
        let id = one(&app);
        let owner = if app.count("SELECT count(*) AS n FROM jobs") == 3 { "alive" } else { "dead" };
        assert_eq!(claim(&app, owner).unwrap().id, id);
        id
    });
    app.execute(&format!("UPDATE jobs SET attempt = max_attempts WHERE id = '{last}'"));
    let mut step = app.connection();
    let hold = format!("BEGIN; SELECT FROM jobs WHERE id = '{written}' FOR NO KEY UPDATE");
    step.batch_execute(&hold).unwrap();
    let take =
        || app.db().system(|conn| jobs::take_from(conn, "dead", "heir", Utc::now())).unwrap();
    let taken = take();
    assert_eq!((taken.jobs, taken.more), (2, true));
    assert_eq!(taken.given_up.iter().map(|job| job.id).collect::<Vec<_>>(), [last]);
    let stands = |id| {
        let job = row(&app, id);
        (job["state"].clone(), job["crashes"].clone(), job["lease_owner"].clone())
    };
    assert_eq!(stands(first), (json!("queued"), json!(1), Value::Null));
    assert_eq!(stands(last), (json!("running"), json!(1), json!("heir")));
    assert_eq!(stands(theirs), (json!("running"), json!(0), json!("alive")));
    assert_eq!(stands(written), (json!("running"), json!(0), json!("dead")));
    step.batch_execute("ROLLBACK").unwrap();
    let taken = take();
    assert_eq!((taken.jobs, taken.more), (1, false));
    assert_eq!(take().jobs, 0);
}

/// A job that killed its worker twice runs alone and cautiously.
#[tokio::test]
async fn a_job_that_lost_two_workers_is_worked_on_cautiously() {
    let app = TestApp::new().await;
    let cautious = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&cautious);
    let (_, works) = scripted(move |run| {
        seen.store(run.is_cautious(), Ordering::Relaxed);
        succeeds(run)
    });
    one(&app);
    for _ in 0..2 {
        use kartoteka_app::clock::Clock;
        let now = app.clock().now();
        app.db().system(|conn| jobs::claim(conn, "dead", now)).unwrap().unwrap();
        app.clock().advance(TimeDelta::seconds(LEASE_SECONDS + 1));
        let now = app.clock().now();
        app.db().system(|conn| jobs::expire(conn, "test", now)).unwrap();
    }
    work_off(&app, &works);
    assert!(cautious.load(Ordering::Relaxed));
}

/// A worker that is told to stop gives its job back, without an attempt being counted.
#[tokio::test]
async fn who_is_stopped_gives_the_job_back_without_an_attempt() {
    let app = TestApp::new().await;
    let stop = Arc::new(AtomicBool::new(false));
    let stopping = Arc::clone(&stop);
    let (_, works) = scripted(move |run| {
        run.step(|tenant, _ctx, _held| {
            run.advance(tenant, &Progress { done: 1, ..Progress::default() })
        })?;
        stopping.store(true, Ordering::Relaxed);
        run.step(|_tenant, _ctx, _held| Ok(()))?;
        succeeds(run)
    });
    let id = one(&app);
    run_due_with(&app.jobs_environment(), "test", &works, &stop).unwrap();
    let job = row(&app, id);
    assert_eq!(
        (&job["state"], &job["attempt"], &job["progress_done"]),
        (&json!("queued"), &json!(0), &json!(1))
    );
    assert!(job["lease_until"].is_null());
    let (_, works) = scripted(|run| succeeds(run));
    assert_eq!(work_off(&app, &works), 1);
}

/// A runner that is stopped in the middle of work waits for the step and leaves nothing running.
#[tokio::test]
async fn a_stopped_runner_leaves_no_job_running() {
    let app = TestApp::new().await;
    app.leave_jobs();
    let steps = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&steps);
    let (_, works) = scripted(move |run| {
        loop {
            counted.fetch_add(1, Ordering::Relaxed);
            run.step(|tenant, _ctx, _held| run.advance(tenant, &Progress::default()))?;
        }
    });
    for _ in 0..3 {
        one(&app);
    }
    let runner = Runner::start_with(app.jobs_environment(), "one".into(), 2, works).unwrap();
    while steps.load(Ordering::Relaxed) < 10 {
        tokio::task::yield_now().await;
    }
    runner.stop();
    assert_eq!(app.count("SELECT count(*) AS n FROM jobs WHERE state = 'queued'"), 3);
}

/// A job of a kind that this version does not know fails visibly.
#[tokio::test]
async fn an_unknown_kind_of_job_fails() {
    let app = TestApp::new().await;
    let id = one(&app);
    assert_eq!(work_off(&app, &[]), 1);
    assert_eq!(row(&app, id)["state"], "failed");
}

/// Progress only grows.
#[tokio::test]
async fn progress_never_goes_back() {
    let app = TestApp::new().await;
    let (_, works) = scripted(|run| {
        for done in [5, 3] {
            run.step(|tenant, _ctx, _held| {
                run.advance(tenant, &Progress { done, ..Progress::default() })
            })?;
        }
        succeeds(run)
    });
    let id = one(&app);
    work_off(&app, &works);
    assert_eq!(row(&app, id)["progress_done"], 5);
}
