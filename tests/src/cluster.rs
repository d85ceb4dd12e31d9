//! Two serving and two working processes in place of the server inside of a test.
//!
//! With `KARTOTEKA_TEST_CLUSTER=1` each [`TestApp`](crate::TestApp) is such a cluster: its requests go to
//! the servers in turn, `run_jobs` lets both workers work at the same time, and all of them follow the
//! test's clock. So whatever a test shows holds as well where nothing is shared but the database. What a
//! process knows by itself (rate limits, who was disabled a moment ago) is not for such a run.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kartoteka_api::{MetricsAccess, Settings};
use kartoteka_app::erasures::Journal;
use kartoteka_persistence::Settings as DbSettings;
use serde::{Deserialize, Serialize};

use crate::clock::TestClock;

/// Set to `1`, tests run against a cluster.
const VARIABLE: &str = "KARTOTEKA_TEST_CLUSTER";

/// What a process of the cluster is told, as JSON in this variable.
const ORDERS: &str = "KARTOTEKA_TEST_NODE";

/// Servers, and workers.
const NODES: usize = 2;

/// What a process of the cluster has to know. The process is `kartoteka-test-node`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Orders {
    /// Answers requests on the listener that is its standard input; otherwise does the jobs for each line
    /// there.
    pub serves: bool,
    /// Name of the worker.
    pub owner: String,
    /// File of the test's clock.
    pub clock: PathBuf,
    /// Signing key.
    pub pem: String,
    /// URL of the database.
    pub database_url: String,
    /// Whether that is a PgBouncer.
    pub pgbouncer: bool,
    /// Connections.
    pub pool_size: u32,
    /// Of [`Settings`].
    pub public_url: String,
    /// Of [`Settings`].
    pub secret: Vec<u8>,
    /// Of [`Settings`]: its file.
    pub journal: PathBuf,
    /// Of [`Settings`].
    pub upload_limit: u64,
    /// Of [`Settings`].
    pub json_limit: usize,
    /// Of [`Settings`].
    pub requests_per_minute: u32,
    /// Of [`Settings`].
    pub cors_origins: Vec<String>,
    /// Of [`Settings`].
    pub body_timeout: Duration,
    /// Of [`Settings`].
    pub database_wait: Duration,
    /// Of [`Settings`], as it is written in the configuration.
    pub webhook_allow: String,
}

impl Orders {
    /// Those of this process.
    #[must_use]
    pub fn read() -> Self {
        serde_json::from_str(&std::env::var(ORDERS).unwrap()).unwrap()
    }

    /// The settings of the API.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            public_url: self.public_url.clone(),
            secret: self.secret.clone(),
            journal: Journal::new(self.journal.clone()),
            upload_limit: self.upload_limit,
            json_limit: self.json_limit,
            requests_per_minute: self.requests_per_minute,
            cors_origins: self.cors_origins.clone(),
            body_timeout: self.body_timeout,
            database_wait: self.database_wait,
            webhook_allow: self.webhook_allow.parse().unwrap(),
            metrics: MetricsAccess::Open,
            workers: 1,
            ..Settings::default()
        }
    }

    /// The settings of the pool.
    #[must_use]
    pub fn database(&self) -> DbSettings {
        let mut settings = DbSettings::new(&self.database_url);
        settings.pgbouncer = self.pgbouncer;
        settings.pool_size = self.pool_size;
        settings.wait = Duration::from_secs(20);
        settings.statement_timeout = Duration::from_secs(60);
        settings.selection_timeout = Duration::from_secs(60);
        settings
    }
}

/// The running processes; killed with the value.
pub(crate) struct Cluster {
    servers: Vec<Child>,
    bases: Vec<String>,
    workers: Vec<Arc<Mutex<Worker>>>,
    clock: PathBuf,
}

struct Worker {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Cluster {
    pub(crate) fn is_asked_for() -> bool {
        std::env::var(VARIABLE).is_ok_and(|value| value == "1")
    }

    /// Starts the processes; says in `settings` where they are reached.
    pub(crate) fn start(
        settings: &mut Settings,
        pem: &str,
        database: &DbSettings,
    ) -> (Self, TestClock) {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("kartoteka-clock-{}-{number}", std::process::id());
        let file = std::env::temp_dir().join(name);
        let clock = TestClock::shown_in(&file);
        let listeners: Vec<_> =
            (0..NODES).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let bases: Vec<_> = listeners
            .iter()
            .map(|listener| format!("http://{}", listener.local_addr().unwrap()))
            .collect();
        settings.public_url.clone_from(&bases[0]);
        let orders = Orders {
            serves: true,
            owner: String::new(),
            clock: file.clone(),
            pem: pem.to_owned(),
            database_url: database.url.clone(),
            pgbouncer: database.pgbouncer,
            pool_size: database.pool_size,
            public_url: settings.public_url.clone(),
            secret: settings.secret.clone(),
            journal: settings.journal.path().to_owned(),
            upload_limit: settings.upload_limit,
            json_limit: settings.json_limit,
            requests_per_minute: settings.requests_per_minute,
            cors_origins: settings.cors_origins.clone(),
            body_timeout: settings.body_timeout,
            database_wait: settings.database_wait,
            webhook_allow: settings.webhook_allow.to_string(),
        };
        let servers = listeners
            .into_iter()
            .map(|listener| {
                let listener = Stdio::from(OwnedFd::from(listener));
                node(&orders).stdin(listener).stdout(Stdio::null()).spawn().unwrap()
            })
            .collect();
        let workers = (0..NODES)
            .map(|number| {
                let orders =
                    Orders { serves: false, owner: format!("node-{number}"), ..orders.clone() };
                let mut command = node(&orders);
                let mut child =
                    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
                let orders = child.stdin.take().unwrap();
                let answers = BufReader::new(child.stdout.take().unwrap());
                Arc::new(Mutex::new(Worker { child, orders, answers }))
            })
            .collect();
        (Self { servers, bases, workers, clock: file }, clock)
    }

    /// Where the servers listen.
    pub(crate) fn bases(&self) -> Vec<String> {
        self.bases.clone()
    }

    /// Lets all workers work off what is due, at once; how many jobs they did.
    pub(crate) async fn run_jobs(&self) -> usize {
        let running: Vec<_> = self
            .workers
            .iter()
            .map(|worker| {
                let worker = Arc::clone(worker);
                tokio::task::spawn_blocking(move || worker.lock().unwrap().run())
            })
            .collect();
        let mut done = 0;
        for worker in running {
            done += worker.await.unwrap();
        }
        done
    }
}

impl Worker {
    fn run(&mut self) -> usize {
        writeln!(self.orders, "run").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer.trim().parse().unwrap_or_else(|_| panic!("a worker broke off: {answer}"))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for worker in &self.workers {
            let mut worker = worker.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            end(&mut worker.child);
        }
        self.servers.iter_mut().for_each(end);
        let _ = std::fs::remove_file(&self.clock);
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn node(orders: &Orders) -> Command {
    let mut command = Command::new(crate::program::built("kartoteka-test-node"));
    command.env(ORDERS, serde_json::to_string(orders).unwrap());
    command
}
