//! The program as processes of its own, started, stopped and killed as an operator would.
//!
//! ```no_run
//! use kartoteka_tests::program::Installation;
//!
//! # async fn test() {
//! let installation = Installation::new().await;
//! let (one, two) = (installation.serve(&["--no-worker"]), installation.serve(&["--no-worker"]));
//! let worker = installation.worker();
//! let admin = installation.administrator(&one).await;
//! installation.through(&two, &admin).get("/contacts").await.expect(200);
//! worker.kill();
//! # }
//! ```

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::app::PASSWORD;
use crate::canary;
use crate::client::Client;
use crate::database::TestDatabase;

/// How long anything may take on a busy machine before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// The issuer of the tokens of all processes.
const PUBLIC_URL: &str = "http://kartoteka.example";

/// The administrator's address; the password is [`PASSWORD`].
const ADMINISTRATOR: &str = "admin@example.com";

/// Waits until `condition` holds.
///
/// # Panics
/// It does not hold within [`PATIENCE`].
#[track_caller]
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(LOOK);
    }
}

/// A database and a data directory, used by any number of processes.
pub struct Installation {
    folder: PathBuf,
    started: AtomicU32,
    program: PathBuf,
    // the last field: its users are gone before it is dropped
    database: TestDatabase,
}

/// A running process; killed when it is dropped.
pub struct Process {
    child: Child,
    log: PathBuf,
    url: String,
}

impl Installation {
    /// An empty data directory and a database with the present schema.
    pub async fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let database = tokio::task::spawn_blocking(TestDatabase::migrated).await.unwrap();
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("kartoteka-program-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Self {
            folder,
            started: AtomicU32::new(0),
            program: built("kartoteka-test-program"),
            database,
        }
    }

    /// The same with another build of the program.
    #[must_use]
    pub fn with_program(mut self, program: &Path) -> Self {
        program.clone_into(&mut self.program);
        self
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// The data directory.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// `kartoteka` with these arguments, in this installation.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("KARTOTEKA_") {
                command.env_remove(name);
            }
        }
        command.args(arguments).current_dir(&self.folder).stdin(Stdio::null());
        let database = self.database.settings(1);
        command.env("DATABASE_URL", database.url);
        command.env("KARTOTEKA_DB_PGBOUNCER", database.pgbouncer.to_string());
        command.env("KARTOTEKA_DATA_DIR", self.data_dir());
        command.env("KARTOTEKA_LISTEN", "127.0.0.1:0").env("KARTOTEKA_PUBLIC_URL", PUBLIC_URL);
        command.env("KARTOTEKA_ADMIN_EMAIL", ADMINISTRATOR);
        command.env("KARTOTEKA_ADMIN_PASSWORD", PASSWORD);
        command.env("KARTOTEKA_DB_POOL", "4").env("KARTOTEKA_RATE_LIMIT", "0");
        command.env("KARTOTEKA_WORKERS", "1").env("KARTOTEKA_LOG_FORMAT", "json");
        command
    }

    /// Starts `kartoteka serve` and waits until it takes requests.
    #[must_use]
    pub fn serve(&self, arguments: &[&str]) -> Process {
        self.serve_with(arguments, &[])
    }

    /// The same with more settings.
    #[must_use]
    pub fn serve_with(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Process {
        let mut command = self.command(&["serve"]);
        command.args(arguments).envs(settings.iter().copied());
        let mut process = self.start(command);
        let out = BufReader::new(process.child.stdout.take().unwrap());
        // its last words name the command for a token
        let ready = out.lines().map_while(Result::ok).any(|line| line.ends_with(" token"));
        assert!(ready, "the server did not start: {}", process.log());
        process.url = format!("http://{}", process.logged("listening", "address"));
        process
    }

    /// Starts `kartoteka worker` and waits until it works.
    #[must_use]
    pub fn worker(&self) -> Process {
        let mut process = self.start(self.command(&["worker"]));
        until("the worker is ready", || {
            assert!(process.child.try_wait().unwrap().is_none(), "it ended: {}", process.log());
            process.log().contains("worker is ready")
        });
        process
    }

    fn start(&self, mut command: Command) -> Process {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let log = self.folder.join(format!("{number}.log"));
        command.stdout(Stdio::piped()).stderr(File::create(&log).unwrap());
        Process { child: command.spawn().unwrap(), log, url: String::new() }
    }

    /// The administrator at one of the servers.
    pub async fn administrator(&self, server: &Process) -> Client {
        let form =
            [("grant_type", "password"), ("username", ADMINISTRATOR), ("password", PASSWORD)];
        let client = Client::new(server.url.clone());
        let answer = client.post("/auth/token").form(&form).await.expect(200);
        client.with_token(answer.text_at("/access_token"))
    }

    /// The same person at another server.
    #[must_use]
    pub fn through(&self, server: &Process, client: &Client) -> Client {
        let mut client = client.clone();
        client.base.clone_from(&server.url);
        client
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        canary::check_logs(&self.folder);
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Process {
    /// Ends it as a crash would: `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, and waits until it has. Fails when it does not end well.
    pub fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        until("the process has stopped", || self.child.try_wait().unwrap().is_some());
        assert!(self.child.wait().unwrap().success(), "{}", self.log());
    }

    /// Where it takes requests, without a slash at the end; empty for a worker.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// A field of the log line that says `message`.
    fn logged(&self, message: &str, field: &str) -> String {
        let log = self.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str(line).ok());
        let line = lines.into_iter().find(|line: &serde_json::Value| line["message"] == message);
        let line = line.unwrap_or_else(|| panic!("{message} is not in the log: {log}"));
        line[field].as_str().unwrap().to_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program of this package, as it was built with the tests.
pub(crate) fn built(name: &str) -> PathBuf {
    std::env::var_os(format!("CARGO_BIN_EXE_{name}"))
        .map_or_else(|| folder_of_programs().join(name), PathBuf::from)
}

/// Where the programs of this build are: `target/debug`.
pub(crate) fn folder_of_programs() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let folder = here.parent().unwrap();
    // target/debug/deps/it-0123456789abcdef, or a program itself
    let folder = if folder.ends_with("deps") { folder.parent().unwrap() } else { folder };
    folder.to_path_buf()
}
