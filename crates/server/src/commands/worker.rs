//! `kartoteka worker`: the background jobs, in a process of their own or beside the API.

use std::sync::Arc;
use std::time::Duration;

use kartoteka_app::clock::{Clock, SystemClock};
use kartoteka_app::worker::{Environment, Runner};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::CommandResult;
use super::serve::bind;
use crate::config::Config;
use crate::database::Database;
use crate::keys::Keys;
use crate::metrics;
use crate::opening::{open, pool};
use crate::shutdown::Shutdown;
use crate::wiring::api_settings;

/// How long a job gets to finish its step after a signal. What is not finished then is taken up
/// by another worker when the lease has run out.
const PATIENCE: Duration = Duration::from_secs(25);

/// Connections beside one for each job: leases, and the claim of the next job.
const CONNECTIONS_BESIDE_JOBS: u32 = 2;

/// Works until a signal comes.
pub(super) async fn run(config: Config) -> CommandResult {
    let shutdown = Shutdown::listen()?;
    let metrics_listener = config.metrics_listen.map(bind).transpose()?;
    let config = Arc::new(config);
    let (opening, asked) = (Arc::clone(&config), shutdown.clone());
    let database = spawn_blocking(move || open(&opening, Some(&asked))).await??;
    let worked = work_on(&config, &database, metrics_listener, &shutdown).await;
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

/// The threads that work.
pub(super) struct Worker {
    runner: Runner,
}

impl Worker {
    /// Starts them on a pool of their own.
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
        };
        // Unique even when two containers have the same process id.
        let owner = format!("{}-{:08x}", std::process::id(), rand::random::<u32>());
        let slots = usize::try_from(config.workers).unwrap_or(1);
        Ok(Self { runner: Runner::start(environment, owner, slots)? })
    }

    /// Lets every job finish its step, but does not wait for ever.
    pub(super) async fn stop(self) {
        if timeout(PATIENCE, spawn_blocking(move || self.runner.stop())).await.is_err() {
            tracing::warn!("a job did not finish its step in time; another worker will take it up");
        }
    }
}
