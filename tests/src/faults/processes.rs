//! The program as processes that can be killed, on a database of their own.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb};
use kartoteka::embedded_postgres::{Cluster, Options};
use serde_json::Value;

use crate::canary;
use crate::client::Client;
use crate::database::TestDatabase;

/// How long a start may take on a busy machine, the first layout of a cluster included.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// Address of the administrator of the first workspace.
const ADMINISTRATOR: &str = "admin@example.com";

/// Waits until something is so.
///
/// # Panics
/// It is not so in time.
#[track_caller]
pub fn wait_for(what: &str, patience: Duration, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + patience;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited for {} s: {what}", patience.as_secs());
        std::thread::sleep(LOOK);
    }
}

/// Where the programs of this build are. `make faults` builds the real `kartoteka` beside its own program;
/// a build for tests may be of this package alone, which holds the same program under another name.
fn program(name: &str) -> PathBuf {
    let folder = crate::program::folder_of_programs();
    match name {
        "kartoteka" if cfg!(debug_assertions) => folder.join("kartoteka-test-program"),
        _ => folder.join(name),
    }
}

/// The database of an [`Installation`].
#[derive(Debug)]
enum Postgres {
    /// A server of its own, with the settings of the product.
    Own(Cluster),
    /// A database on the server of the tests.
    Shared(TestDatabase),
}

/// An installation that can be harmed: a folder, a database, and an address for its API.
#[derive(Debug)]
pub struct Installation {
    folder: PathBuf,
    /// Where its processes write what they say: not in a folder whose disk fills up.
    logs: PathBuf,
    postgres: Postgres,
    port: u16,
    settings: Vec<(String, String)>,
    private: bool,
}

/// How an [`Installation`] is made.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// Use a database on the server of the tests.
    pub shared: bool,
    /// The processes look after their own PostgreSQL, as they do without `DATABASE_URL`.
    pub private: bool,
    /// Where the data directory is to be; a new folder when absent.
    pub folder: Option<PathBuf>,
    /// Settings of an own PostgreSQL beyond the product's.
    pub postgres: Vec<(String, String)>,
    /// Environment variables of every process.
    pub settings: Vec<(String, String)>,
}

impl Site {
    /// With one more environment variable for every process.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl ToString) -> Self {
        self.settings.push((name.to_owned(), value.to_string()));
        self
    }

    /// With one more setting of its own PostgreSQL.
    #[must_use]
    pub fn postgres(mut self, name: &str, value: impl ToString) -> Self {
        self.postgres.push((name.to_owned(), value.to_string()));
        self
    }
}

impl Installation {
    /// A new one.
    ///
    /// # Panics
    /// PostgreSQL does not start.
    #[must_use]
    pub fn new(site: Site) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = site.folder.unwrap_or_else(|| {
            std::env::temp_dir().join(format!("kartoteka-faults-{}-{number}", std::process::id()))
        });
        let logs = std::env::temp_dir()
            .join(format!("kartoteka-faults-{}-{number}-logs", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::create_dir_all(&logs).unwrap();
        let postgres = if site.shared {
            Postgres::Shared(TestDatabase::migrated())
        } else {
            let mut options = Options::new(&folder, "kartoteka");
            options.extra_settings = site.postgres;
            Postgres::Own(Cluster::start(&options).unwrap())
        };
        // free a moment ago; kept for every start, because tokens name the address
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { folder, logs, postgres, port, settings: site.settings, private: site.private }
    }

    /// URL of the database.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.postgres {
            Postgres::Own(cluster) => cluster.url("kartoteka"),
            Postgres::Shared(database) => database.url().to_owned(),
        }
    }

    /// The data directory.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Address of the API.
    #[must_use]
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Port of the API.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A command of a program of this build, with everything it needs to find the database.
    #[must_use]
    pub fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program(name));
        for (name, _) in std::env::vars() {
            if name.starts_with("KARTOTEKA_") || name == "DATABASE_URL" {
                command.env_remove(name);
            }
        }
        command.args(arguments).current_dir("/").stdin(Stdio::null());
        if !self.private {
            command.env("DATABASE_URL", self.url());
        }
        command.env("KARTOTEKA_DATA_DIR", &self.folder);
        command.env("KARTOTEKA_LISTEN", format!("127.0.0.1:{}", self.port));
        command.env("KARTOTEKA_RATE_LIMIT", "0").env("KARTOTEKA_ADMIN_EMAIL", ADMINISTRATOR);
        command.env("RUST_BACKTRACE", "0").envs(self.settings.iter().cloned());
        command
    }

    /// Starts a program that goes on until it is stopped; what it says goes into a log.
    ///
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn start(&self, name: &str, arguments: &[&str]) -> Process {
        let log = self.logs.join(format!("{}.log", arguments.first().unwrap_or(&name)));
        let append = |path: &Path| File::options().create(true).append(true).open(path).unwrap();
        let mut command = self.command(name, arguments);
        // the welcome is for who starts it, and names the administrator
        command.stdout(append(&log.with_extension("out"))).stderr(append(&log));
        let child = command.spawn().unwrap_or_else(|error| {
            panic!("{:?} cannot be started ({error}): build it first", command.get_program())
        });
        Process { child }
    }

    /// `kartoteka serve --no-worker`, ready.
    ///
    /// # Panics
    /// It does not get ready.
    #[must_use]
    pub fn serve(&self) -> Process {
        let mut process = self.start("kartoteka", &["serve", "--no-worker"]);
        self.wait_until_ready(&mut process);
        process
    }

    /// Waits until the API says that it is ready.
    ///
    /// # Panics
    /// The process ends, or does not get ready in time.
    pub fn wait_until_ready(&self, process: &mut Process) {
        wait_for("the API is ready", PATIENCE, || {
            assert!(process.is_alive(), "the API ended: {}", self.log("serve"));
            crate::faults::http::get(self.port, "/readyz").is_ok_and(|(status, _)| status == 200)
        });
    }

    /// `kartoteka worker`.
    #[must_use]
    pub fn worker(&self) -> Process {
        self.start("kartoteka", &["worker"])
    }

    /// The end of what processes of a kind said.
    #[must_use]
    pub fn log(&self, name: &str) -> String {
        let text = fs::read_to_string(self.logs.join(format!("{name}.log"))).unwrap_or_default();
        let from = text.len().saturating_sub(4_000);
        text.get(from..).unwrap_or(&text).to_owned()
    }

    /// One more workspace with an administrator of its own.
    ///
    /// # Panics
    /// The program says no.
    pub fn make_workspace(&self, name: &str) {
        let email = format!("{}@example.com", name.to_lowercase());
        let arguments = ["workspace", "create", name, "--admin-email", &email];
        let output = self.command("kartoteka", &arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The administrator of the first workspace, for eight hours.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client_of("main", ADMINISTRATOR)
    }

    /// The administrator of a workspace made by [`Installation::make_workspace`].
    #[must_use]
    pub fn client_in(&self, workspace: &str) -> Client {
        self.client_of(workspace, &format!("{}@example.com", workspace.to_lowercase()))
    }

    fn client_of(&self, workspace: &str, email: &str) -> Client {
        let arguments = ["token", "--workspace", workspace, "--email", email, "--expires", "8h"];
        let output = self.command("kartoteka", &arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let token = String::from_utf8(output.stdout).unwrap();
        Client::new(self.base()).with_token(token.trim())
    }

    /// A connection past the program.
    #[must_use]
    pub fn connection(&self) -> PgConnection {
        self.try_connection().unwrap()
    }

    /// The same, where the server may be down.
    ///
    /// # Errors
    /// There is none.
    pub fn try_connection(&self) -> ConnectionResult<PgConnection> {
        PgConnection::establish(&self.url())
    }

    /// A number out of the database: `SELECT count(*) AS n …`.
    #[must_use]
    pub fn count(&self, sql: &str) -> i64 {
        count(&mut self.connection(), sql)
    }

    /// Rows of a query as JSON objects.
    #[must_use]
    pub fn rows(&self, sql: &str) -> Vec<Value> {
        rows(&mut self.connection(), sql)
    }

    /// Runs a statement and says how many rows it changed.
    pub fn execute(&self, sql: &str) -> usize {
        diesel::sql_query(sql).execute(&mut self.connection()).unwrap()
    }

    /// Rules that the tables break; see [`crate::invariants`].
    #[must_use]
    pub fn breaches(&self) -> Vec<String> {
        crate::invariants::breaches(&mut self.connection())
    }

    fn cluster(&self) -> &Cluster {
        match &self.postgres {
            Postgres::Own(cluster) => cluster,
            Postgres::Shared(_) => panic!("the server of the tests is not to be stopped"),
        }
    }

    /// The folder of its own PostgreSQL's files.
    #[must_use]
    pub fn cluster_folder(&self) -> PathBuf {
        self.cluster().folder().join("cluster")
    }

    /// Process id of its own PostgreSQL, if it runs.
    #[must_use]
    pub fn postmaster(&self) -> Option<u32> {
        let text = fs::read_to_string(self.cluster_folder().join("postmaster.pid")).ok()?;
        text.lines().next()?.trim().parse().ok()
    }

    /// Stops its own PostgreSQL by `pg_ctl stop`, without waiting for anybody.
    ///
    /// # Panics
    /// It does not stop.
    pub fn stop_postgres(&self, mode: &str) {
        // pg_ctl does not work as root
        let mut command = self.as_postgres(&self.cluster().binaries().folder.join("pg_ctl"));
        command.args(["stop", "--silent", "-w", "-t", "60", "-m", mode, "-D"]);
        let output = command.arg(self.cluster_folder()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// A command that runs as whom the files of PostgreSQL belong to.
    #[must_use]
    pub fn as_postgres(&self, program: &Path) -> Command {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new(program);
        let owner = fs::metadata(self.cluster_folder()).unwrap();
        if owner.uid() != fs::metadata("/proc/self").unwrap().uid() {
            command.uid(owner.uid()).gid(owner.gid());
        }
        command.current_dir("/").stdin(Stdio::null());
        command
    }

    /// Starts its own PostgreSQL again; does nothing when it runs.
    ///
    /// # Panics
    /// It does not start.
    pub fn start_postgres(&self) {
        self.cluster().revive().unwrap();
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("what the processes said is in {}", self.logs.display());
            return;
        }
        if let Postgres::Own(cluster) = &mut self.postgres {
            let _ = cluster.stop();
        }
        canary::check_logs(&self.logs);
        let _ = fs::remove_dir_all(&self.folder);
        let _ = fs::remove_dir_all(&self.logs);
    }
}

/// A process of the program; killed when it is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
}

impl Process {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// `kill -9`.
    ///
    /// # Panics
    /// It cannot be killed.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and waits for its end.
    ///
    /// # Panics
    /// It ends with an error.
    pub fn terminate(mut self) {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(self.child.wait().unwrap().success(), "it did not end well");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A number out of a database: `SELECT count(*) AS n …`.
pub fn count(conn: &mut PgConnection, sql: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = BigInt)]
        n: i64,
    }
    diesel::sql_query(sql).get_result::<Number>(conn).unwrap().n
}

/// Rows of a query as JSON objects.
pub fn rows(conn: &mut PgConnection, sql: &str) -> Vec<Value> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Jsonb)]
        row: Value,
    }
    let sql = format!("SELECT to_jsonb(q) AS row FROM ({sql}) AS q");
    let rows = diesel::sql_query(sql).load::<Row>(conn).unwrap();
    rows.into_iter().map(|row| row.row).collect()
}
