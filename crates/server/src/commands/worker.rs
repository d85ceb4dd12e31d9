//! `kartoteka worker`: the background jobs, in a process of their own or beside the API.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kartoteka_app::Db;
use kartoteka_app::access::maintenance::sweep;
use kartoteka_app::clock::{Clock, SystemClock};
use kartoteka_app::contacts::search_index;
use kartoteka_app::integrity::{Key, seal};
use kartoteka_app::retention;
use kartoteka_app::webhooks::sending::{self, Sender};
use kartoteka_app::worker::{Environment, Presence, Runner};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use super::serve::bind;
use super::{CommandResult, erasures};
use crate::config::Config;
use crate::database::Database;
use crate::keys::Keys;
use crate::metrics;
use crate::opening::{open, pool};
use crate::shutdown::Shutdown;
use crate::wiring::{api_settings, journal};

/// How long a job gets to finish its step after a signal. What is not finished then is taken up
/// by another worker.
const PATIENCE: Duration = Duration::from_secs(25);

/// How often kept answers, ended logins and the rules of retention are looked through.
const TIDY_EVERY: Duration = Duration::from_secs(3_600);

/// Where the workers of one data directory see each other.
const PRESENCE_FOLDER: &str = "workers";

/// Connections beside one for each job: leases, the claim of the next job, the search index, seals.
const CONNECTIONS_BESIDE_JOBS: u32 = 4;

/// How often somebody is looked for whom the search index does not know yet.
const INDEX_EVERY: Duration = Duration::from_secs(1);

/// How much of that goes into looking through the index as long as nothing is wrong in it.
const LOOKING: Duration = Duration::from_millis(50);

/// How often a workspace is looked for whose ledger and trail are to be sealed; each is, every some minutes.
const SEAL_EVERY: Duration = Duration::from_secs(30);

/// Works until a signal comes.
pub(super) async fn run(config: Config) -> CommandResult {
    let shutdown = Shutdown::listen()?;
    let metrics_listener = config.metrics_listen.map(bind).transpose()?;
    let config = Arc::new(config);
    let (opening, asked) = (Arc::clone(&config), shutdown.clone());
    let database = spawn_blocking(move || open(&opening, Some(&asked))).await??;
    let watch = database.look_after();
    let worked = work_on(&config, &database, metrics_listener, &shutdown).await;
    if let Some(watch) = watch {
        watch.abort();
    }
    spawn_blocking(move || database.close()).await??;
    worked
}

async fn work_on(
    config: &Config,
    database: &Database,
    metrics_listener: Option<std::net::TcpListener>,
    shutdown: &Shutdown,
) -> CommandResult {
    let keys = Keys::open(&config.keys_dir, SystemClock.now())?;
    erasures::replay_own(config, database);
    let render = metrics::start()?;
    let measuring = match metrics_listener {
        Some(listener) => {
            let state = kartoteka_api::AppState::with(
                pool(config, database, "kartoteka metrics", 1),
                keys.ring()?,
                api_settings(config, &keys),
                Arc::new(SystemClock),
                Some(render),
            );
            Some(tokio::spawn(kartoteka_api::serve_metrics(state, listener)?))
        }
        None => None,
    };
    let worker = Worker::start(config, database, &keys)?;
    tracing::info!(jobs = config.workers, "worker is ready");
    shutdown.asked().await;
    worker.stop().await;
    if let Some(measuring) = measuring {
        measuring.abort();
    }
    Ok(())
}

/// Receivers of webhooks that are sent to at the same time. A thread each while it lasts; most of it is waiting.
const RECEIVERS: usize = 16;

/// Connections of those that send: an outcome takes one for a moment.
const CONNECTIONS_OF_SENDERS: u32 = 4;

/// The threads that work and send, and the tasks that tidy up and index.
pub(super) struct Worker {
    runner: Runner,
    sender: Sender,
    tidying: JoinHandle<()>,
    indexing: JoinHandle<()>,
    sealing: JoinHandle<()>,
}

impl Worker {
    /// Starts them on a pool of their own. Must be called inside a Tokio runtime.
    pub(super) fn start(
        config: &Config,
        database: &Database,
        keys: &Keys,
    ) -> std::io::Result<Self> {
        let connections = config.workers + CONNECTIONS_BESIDE_JOBS;
        let environment = Environment {
            db: pool(config, database, "kartoteka worker", connections),
            clock: Arc::new(SystemClock),
            secret: Arc::from(keys.secret.as_slice()),
            mail: config.mail.clone(),
            links_url: Arc::from(config.links_url()),
            journal: journal(config),
        };
        // Unique even when two containers have the same process id.
        let owner = format!("{}-{:08x}", std::process::id(), rand::random::<u32>());
        let slots = usize::try_from(config.workers).unwrap_or(1);
        let sending = sending::Environment {
            db: pool(config, database, "kartoteka webhooks", CONNECTIONS_OF_SENDERS),
            clock: Arc::clone(&environment.clock),
            secret: Arc::clone(&environment.secret),
            allowed: config.webhook_allow.clone(),
            show_contact: kartoteka_api::v1::webhooks::show_contact,
        };
        let sender = Sender::start(sending, owner.clone(), RECEIVERS)?;
        let tidying = tokio::spawn(tidy(environment.db.clone()));
        let indexing = tokio::spawn(index(environment.db.clone()));
        let sealing =
            tokio::spawn(keep_sealing(environment.db.clone(), Key::of(&environment.secret)));
        let runner = match Presence::announce(&config.data_dir.join(PRESENCE_FOLDER), owner.clone())
        {
            Ok(presence) => Runner::start_seen(environment, presence, slots)?,
            Err(error) => {
                tracing::warn!(%error, "other workers cannot see this one: its jobs wait for their leases when it dies");
                Runner::start(environment, owner, slots)?
            }
        };
        Ok(Self { runner, sender, tidying, indexing, sealing })
    }

    /// Lets every job finish its step, but does not wait for ever.
    pub(super) async fn stop(self) {
        self.tidying.abort();
        self.indexing.abort();
        self.sealing.abort();
        let jobs = timeout(PATIENCE, spawn_blocking(move || self.runner.stop()));
        let messages = timeout(PATIENCE, spawn_blocking(move || self.sender.stop()));
        let (jobs, messages) = tokio::join!(jobs, messages);
        if jobs.is_err() {
            tracing::warn!("a job did not finish its step in time; another worker will take it up");
        }
        if messages.is_err() {
            tracing::warn!("a webhook did not answer in time; it is sent to again");
        }
    }
}

/// Deletes what has outlived its time, again and again.
async fn tidy(db: Db) {
    let mut hours = tokio::time::interval(TIDY_EVERY);
    loop {
        hours.tick().await;
        let db = db.clone();
        let tidied = spawn_blocking(move || {
            let rows = sweep(&db, SystemClock.now())?;
            let things = retention::look_after(&db, SystemClock.now())?;
            Ok::<_, kartoteka_app::Error>((rows, things))
        });
        match tidied.await {
            Ok(Ok((rows, things))) => {
                tracing::debug!(rows, things, "deleted what has outlived its time");
            }
            Ok(Err(error)) => tracing::warn!(%error, "could not tidy up; tried again in an hour"),
            Err(error) => tracing::error!(%error, "tidying up broke off"),
        }
    }
}

/// Keeps the search index in step with the imports, and once a day holds it against the contacts.
async fn index(db: Db) {
    let mut seconds = tokio::time::interval(INDEX_EVERY);
    seconds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        seconds.tick().await;
        loop {
            let db = db.clone();
            match spawn_blocking(move || search_index::catch_up(&db)).await {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => break,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the search index has to wait; tried again in a second");
                    break;
                }
                Err(error) => {
                    tracing::error!(%error, "indexing broke off");
                    break;
                }
            }
        }
        let began = Instant::now();
        loop {
            let db = db.clone();
            match spawn_blocking(move || search_index::look_through(&db)).await {
                Ok(Ok(Some(0))) if began.elapsed() < LOOKING => {}
                Ok(Ok(None | Some(0))) => break,
                // where some are wrong, many may be
                Ok(Ok(Some(contacts))) => {
                    tracing::info!(contacts, "the search index was brought up to date");
                }
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the search index could not be looked through");
                    break;
                }
                Err(error) => {
                    tracing::error!(%error, "looking through the search index broke off");
                    break;
                }
            }
        }
    }
}

/// Seals what is new in the consent ledger and the audit trail of each workspace, again and again.
async fn keep_sealing(db: Db, key: Key) {
    let mut rounds = tokio::time::interval(SEAL_EVERY);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        loop {
            let (db, key) = (db.clone(), key.clone());
            match spawn_blocking(move || seal::seal_due(&db, &key, SystemClock.now())).await {
                Ok(Ok(Some(_))) => {}
                Ok(Ok(None)) => break,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "ledger and trail have to wait for their seals; tried again soon");
                    break;
                }
                Err(error) => {
                    tracing::error!(%error, "sealing broke off");
                    break;
                }
            }
        }
    }
}
