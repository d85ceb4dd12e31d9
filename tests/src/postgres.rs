//! One PostgreSQL for all test processes of a run.
//!
//! nextest runs every test in a process of its own, `cargo test` runs them as threads of one: a server
//! inside of a process would start hundreds of times, or die with the first test. So a keeper process
//! (`kartoteka-test-postgres`) holds it. The first test that finds none starts the keeper; every test
//! process holds a shared lock on a file for as long as it lives; when nobody has held it for
//! [`IDLE`], the keeper stops the server and ends. A keeper that was killed leaves a server that the
//! next one adopts.
//!
//! `KARTOTEKA_TEST_DATABASE_URL` names a server to use in its place: its user must be allowed to
//! create databases.
//!
//! With `KARTOTEKA_TEST_PGBOUNCER=1` the keeper also starts a PgBouncer in transaction mode, and everything
//! that is tested reaches the server through it; what only looks into tables goes past it.

use std::error::Error;
use std::fs::{self, File, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use kartoteka::embedded_postgres::{Cluster, Options};

/// How long the server outlives the last test process.
const IDLE: Duration = Duration::from_secs(15);
/// How often the keeper looks whether it is needed.
const LOOK: Duration = Duration::from_secs(1);
/// How long a test waits for the server; the first start lays the cluster out.
const PATIENCE: Duration = Duration::from_secs(120);

/// Databases made by tests begin with this.
pub(crate) const PREFIX: &str = "kartoteka_test_";

/// Set, it is the server that tests use.
const VARIABLE: &str = "KARTOTEKA_TEST_DATABASE_URL";

/// Set to `1`, a PgBouncer stands between the tests and the server.
const THROUGH_PGBOUNCER: &str = "KARTOTEKA_TEST_PGBOUNCER";

/// Connections of PgBouncer to one database: fewer than the program opens, so that they are shared.
pub const PGBOUNCER_POOL: u32 = 3;

/// Whether what is tested goes through PgBouncer.
#[must_use]
pub fn through_pgbouncer() -> bool {
    std::env::var(THROUGH_PGBOUNCER).is_ok_and(|value| value == "1")
}

/// The way to the server, and this process's claim on it.
struct Server {
    url: String,
    /// The same through PgBouncer.
    shared_url: Option<String>,
    /// Locked shared: tells the keeper that somebody is there.
    _claim: Option<File>,
}

/// URL of a database of the tests' server; starts it when there is none. Blocks.
#[must_use]
pub fn url(database: &str) -> String {
    with_database(&server().url, database)
}

/// The same for what is tested: through PgBouncer when that is asked for. Blocks.
#[must_use]
pub fn url_under_test(database: &str) -> String {
    let server = server();
    with_database(server.shared_url.as_ref().unwrap_or(&server.url), database)
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| match std::env::var(VARIABLE) {
        Ok(url) if !url.is_empty() => {
            assert!(!through_pgbouncer(), "{THROUGH_PGBOUNCER} is for the tests' own server");
            Server { url, shared_url: None, _claim: None }
        }
        _ => join(),
    })
}

/// The server's log; none when the server is somebody else's.
#[must_use]
pub fn log() -> Option<PathBuf> {
    let other = std::env::var(VARIABLE).is_ok_and(|url| !url.is_empty());
    (!other).then(|| folder().join("postgres/server.log"))
}

fn join() -> Server {
    let folder = folder();
    fs::create_dir_all(&folder).unwrap();
    let claim = open(&folder.join("claims.lock"));
    // waits while a keeper is on its way out
    claim.lock_shared().unwrap();
    let deadline = Instant::now() + PATIENCE;
    let mut started: Option<Instant> = None;
    loop {
        if let Ok(url) = fs::read_to_string(folder.join("url"))
            && PgConnection::establish(&with_database(&url, "postgres")).is_ok()
        {
            let shared_url =
                through_pgbouncer().then(|| fs::read_to_string(folder.join(SHARED_URL)).unwrap());
            return Server { url, shared_url, _claim: Some(claim) };
        }
        assert!(
            Instant::now() < deadline,
            "the tests' PostgreSQL did not start: see {}",
            folder.join("keeper.log").display()
        );
        // any number of keepers may be started: all but the first end at once
        if started.is_none_or(|at| at.elapsed() > Duration::from_secs(10)) {
            start_keeper(&folder);
            started = Some(Instant::now());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Beside the test programs: `target/tmp`, as cargo's `CARGO_TARGET_TMPDIR`.
fn folder() -> PathBuf {
    // a keeper that runs already may be one without PgBouncer
    let name = if through_pgbouncer() { "kartoteka-tests-pgbouncer" } else { "kartoteka-tests" };
    let programs = crate::program::folder_of_programs();
    programs.parent().unwrap().join("tmp").join(name)
}

fn start_keeper(folder: &Path) {
    let program = crate::program::built("kartoteka-test-postgres");
    let log = File::options().create(true).append(true).open(folder.join("keeper.log")).unwrap();
    let mut command = Command::new(&program);
    command.arg(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    // Ctrl-C in the terminal is for the tests; the keeper ends by itself
    command.process_group(0).current_dir("/");
    command.env("RUST_BACKTRACE", "0");
    #[expect(clippy::zombie_processes, reason = "it outlives this process")]
    let _child = command.spawn().unwrap_or_else(|error| {
        panic!("{} cannot be started ({error}): build the whole package", program.display())
    });
}

fn open(path: &Path) -> File {
    File::options().create(true).truncate(false).write(true).open(path).unwrap()
}

/// The keeper's life: start the server, wait until nobody needs it, stop it.
///
/// # Errors
/// The server does not start or stop.
pub fn keep(folder: &Path) -> Result<(), Box<dyn Error>> {
    let only = open(&folder.join("keeper.lock"));
    match only.try_lock() {
        Ok(()) => {}
        // another keeper is at work
        Err(TryLockError::WouldBlock) => return Ok(()),
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    let file = folder.join("url");
    let mut options = Options::new(folder, "kartoteka");
    // what a test needs is speed; what it writes nobody misses after a crash
    options.extra_settings = [
        ("fsync", "off"),
        ("synchronous_commit", "off"),
        ("full_page_writes", "off"),
        ("wal_compression", "off"),
        ("max_connections", "300"),
        ("shared_buffers", "128MB"),
        ("wal_level", "minimal"),
        ("max_wal_senders", "0"),
        // would meet template databases at work; statistics would come and go by chance
        ("autovacuum", "off"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let mut cluster = Cluster::start(&options)?;
    remove_leftovers(&cluster.url("postgres"))?;
    let _pgbouncer = if through_pgbouncer() {
        let (pgbouncer, url) = PgBouncer::start(folder, &cluster.url("postgres"))?;
        fs::write(folder.join(SHARED_URL), url)?;
        Some(pgbouncer)
    } else {
        None
    };
    let draft = folder.join("url.new");
    fs::write(&draft, cluster.url("postgres"))?;
    fs::rename(&draft, &file)?;

    let claims = open(&folder.join("claims.lock"));
    let mut needed = Instant::now();
    loop {
        std::thread::sleep(LOOK);
        match claims.try_lock() {
            // held until the server is down: who comes now waits and then starts another
            Ok(()) if needed.elapsed() >= IDLE => break,
            Ok(()) => claims.unlock()?,
            Err(TryLockError::WouldBlock) => needed = Instant::now(),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
    fs::remove_file(&file)?;
    cluster.stop()?;
    Ok(())
}

/// File with the URL of the server through PgBouncer.
const SHARED_URL: &str = "url-pgbouncer";

/// A PgBouncer in front of the tests' server; stopped with the value.
struct PgBouncer(Child);

impl PgBouncer {
    /// Starts it for the server of `url`, whose socket it shares the user of. Gives back its own URL.
    fn start(folder: &Path, url: &str) -> Result<(Self, String), Box<dyn Error>> {
        let server = url::parts(url).ok_or("the tests' server has no socket")?;
        let home = folder.join("pgbouncer");
        let _ = fs::remove_dir_all(&home);
        fs::create_dir_all(&home)?;
        let config = home.join("pgbouncer.ini");
        fs::write(
            &config,
            format!(
                "[databases]\n* = host='{}' port={} user=postgres\n\
                 [pgbouncer]\nlisten_addr =\nunix_socket_dir = {home}\nlisten_port = {port}\n\
                 auth_type = any\npool_mode = transaction\ndefault_pool_size = {PGBOUNCER_POOL}\n\
                 max_client_conn = 2000\nserver_idle_timeout = 30\nlog_connections = 0\n\
                 log_disconnections = 0\nlogfile = {home}/pgbouncer.log\n",
                server.socket_dir.display(),
                server.port,
                home = home.display(),
                port = PGBOUNCER_PORT,
            ),
        )?;
        // it refuses to run as root, and only the server's user may open the server's socket
        let owner = fs::metadata(&server.socket_dir)?;
        let mut command = if owner.uid() == 0 {
            let mut command = Command::new("unshare");
            command.args(["--user", "--map-user=65534", "--map-group=65534", "--", "pgbouncer"]);
            command
        } else {
            let mut command = Command::new("pgbouncer");
            if fs::metadata(&home)?.uid() == 0 {
                std::os::unix::fs::chown(&home, Some(owner.uid()), Some(owner.gid()))?;
                command.uid(owner.uid()).gid(owner.gid());
            }
            command
        };
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{path}:/usr/sbin:/sbin")).env("LC_ALL", "C.UTF-8");
        command.arg("-q").arg(&config).process_group(0).current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn().map_err(|error| {
            format!("pgbouncer cannot be started ({error}): scripts/setup pgbouncer installs it")
        })?;
        let mut pgbouncer = Self(child);
        let shared = url::of_socket(&home, PGBOUNCER_PORT);
        let deadline = Instant::now() + PATIENCE;
        while PgConnection::establish(&with_database(&shared, "postgres")).is_err() {
            if pgbouncer.0.try_wait()?.is_some() || Instant::now() > deadline {
                let log = fs::read_to_string(home.join("pgbouncer.log")).unwrap_or_default();
                return Err(format!("pgbouncer did not start: {log}").into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok((pgbouncer, shared))
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const PGBOUNCER_PORT: u16 = 6432;

/// URLs over sockets, as the private PostgreSQL writes them.
mod url {
    use std::path::{Path, PathBuf};

    /// Where a server listens.
    #[derive(Debug, PartialEq, Eq)]
    pub(super) struct Place {
        pub(super) socket_dir: PathBuf,
        pub(super) port: u16,
    }

    /// The socket of a URL like `postgresql://postgres@/x?host=%2Ftmp&port=5432`.
    pub(super) fn parts(url: &str) -> Option<Place> {
        let (_, query) = url.split_once('?')?;
        let value = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        let mut bytes = Vec::new();
        let mut rest = value("host")?.as_bytes().iter();
        while let Some(&byte) = rest.next() {
            if byte == b'%' {
                let digits = [*rest.next()?, *rest.next()?];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
            } else {
                bytes.push(byte);
            }
        }
        let socket_dir = PathBuf::from(String::from_utf8(bytes).ok()?);
        Some(Place { socket_dir, port: value("port")?.parse().ok()? })
    }

    /// The URL of a socket.
    pub(super) fn of_socket(folder: &Path, port: u16) -> String {
        let host: String = folder
            .to_string_lossy()
            .bytes()
            .map(|byte| match byte {
                b'/' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
                byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
                byte => format!("%{byte:02X}"),
            })
            .collect();
        format!("postgresql://postgres@/postgres?host={host}&port={port}")
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = PathBuf::from("/srv/a b/ž");
        let parsed = parts(&of_socket(&folder, 6432));
        assert_eq!(parsed, Some(Place { socket_dir: folder, port: 6432 }));
        assert_eq!(parts("postgres://u:p@h:5432/x"), None);
    }
}

/// Removes what killed tests left, and templates of earlier schemas.
fn remove_leftovers(url: &str) -> Result<(), Box<dyn Error>> {
    #[derive(QueryableByName)]
    struct Name {
        #[diesel(sql_type = diesel::sql_types::Text)]
        name: String,
    }
    let mut conn = PgConnection::establish(url)?;
    let unused: Vec<Name> = diesel::sql_query(format!(
        "SELECT datname::text AS name FROM pg_database WHERE datname LIKE '{PREFIX}%' \
         AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = pg_database.datname)"
    ))
    .load(&mut conn)?;
    for Name { name } in unused {
        diesel::sql_query(format!("DROP DATABASE IF EXISTS \"{name}\"")).execute(&mut conn)?;
    }
    Ok(())
}

/// The same server, another database. `url` may be a URL or libpq's `key=value` form.
fn with_database(url: &str, database: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        // the last word wins
        return format!("{url} dbname={database}");
    };
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let host = place.split_once('/').map_or(place, |(host, _)| host);
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{scheme}://{host}/{database}{mark}{query}")
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn the_database_of_any_url_can_be_exchanged() {
        for (given, made) in [
            (
                "postgresql://postgres@/postgres?host=%2Ftmp&port=1",
                "postgresql://postgres@/x?host=%2Ftmp&port=1",
            ),
            ("postgres://u:p@h:5432", "postgres://u:p@h:5432/x"),
            ("postgres://h/old", "postgres://h/x"),
            ("host=h dbname=old", "host=h dbname=old dbname=x"),
        ] {
            assert_eq!(with_database(given, "x"), made);
        }
    }
}
