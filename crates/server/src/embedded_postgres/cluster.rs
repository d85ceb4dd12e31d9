//! Starts, adopts, shares and stops the server.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::binaries::Binaries;
use super::error::{FileContext, PostgresError};
use super::identity::{Identity, private_folder, private_folder_in_public};
use super::layout::{self, Layout, PORT};
use super::postmaster::{self, Owner, PidFile};
use super::{locks, settings};

/// How often a starting server is looked at.
const POLL: Duration = Duration::from_millis(20);

/// The log is put aside at a start when it is longer than this.
const LOG_BYTES: u64 = 8 * 1024 * 1024;

/// What a start says while a server that was killed a moment ago, or its children, are still
/// on their way out.
const STILL_DYING: [&str; 2] =
    ["pre-existing shared memory block", "lock file \"postmaster.pid\" already exists"];

/// How long they are given.
const DYING: Duration = Duration::from_secs(20);

/// What a failed start quotes from the end of the log.
const LOG_TAIL_BYTES: u64 = 4 * 1024;

/// How to start the private server.
#[derive(Debug, Clone)]
pub struct Options {
    /// The application's data directory; the server takes its folder `postgres`.
    pub data_dir: PathBuf,
    /// The folder with PostgreSQL's programs; searched for when absent.
    pub binaries: Option<PathBuf>,
    /// Folders that may hold a `.tools` folder with PostgreSQL's programs.
    pub near: Vec<PathBuf>,
    /// The database that the first start makes.
    pub database: String,
    /// Settings of the server beyond the usual ones; they win over them.
    pub extra_settings: Vec<(String, String)>,
    /// How long a start may take, recovery after a crash included.
    pub patience: Duration,
}

impl Options {
    /// The usual options for a data directory and the database that the first start makes.
    pub fn new(data_dir: impl Into<PathBuf>, database: impl Into<String>) -> Self {
        let data_dir = data_dir.into();
        let mut near: Vec<PathBuf> = std::env::current_dir().into_iter().collect();
        near.extend(data_dir.parent().map(Path::to_owned));
        Self {
            data_dir,
            binaries: None,
            near,
            database: database.into(),
            extra_settings: Vec::new(),
            patience: Duration::from_secs(300),
        }
    }
}

/// What [`Cluster::stop`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// The server was shut down cleanly.
    Down,
    /// Another process still uses the server; it will stop it.
    LeftToOthers,
}

/// A running private server, leased by this process. Dropping it gives the lease back and stops
/// the server when nobody else uses it.
#[derive(Debug)]
pub struct Cluster {
    server: Server,
    socket_dir: PathBuf,
    port: u16,
    adopted: bool,
    first_start: bool,
    lease: Option<File>,
}

impl Cluster {
    /// Makes the server run: the first time it is laid out, a running one is adopted.
    ///
    /// Blocks until the server takes connections.
    ///
    /// # Errors
    /// See [`PostgresError`]; after an error nothing is left running that was not before.
    pub fn start(options: &Options) -> Result<Self, PostgresError> {
        let data_dir = ready_data_dir(&options.data_dir)?;
        let layout = Layout::new(&data_dir);
        let binaries = Binaries::find(
            options.binaries.as_deref(),
            &options.near,
            &layout.cluster(),
            cluster_major(&layout.cluster())?,
        )?;
        let identity = Identity::find(&binaries, &data_dir)?;
        private_folder(&layout.home, &identity)?;

        let _start = locks::exclusive_start(&layout.start_lock())?;
        let server = Server { layout, binaries, identity, patience: options.patience };
        let first_start = server.lay_out(&options.database)?;
        let alone = locks::nobody_else_leases(&server.layout.lease_lock())?;
        let lease = locks::shared_lease(&server.layout.lease_lock())?;

        let socket_dir = server.layout.socket_dir(&std::env::temp_dir());
        let text = settings::file_text(&socket_dir, &options.extra_settings);
        let running = match server.running()? {
            // Nobody uses it, and this version wants other settings: a fresh start is due.
            Some(pid_file)
                if alone && !server.has_settings(&text) && !server.is_out_of_reach(&pid_file) =>
            {
                server.stop()?;
                None
            }
            other => other,
        };
        let adopted = running.is_some();
        let state = match running {
            Some(pid) => server.wait_until_ready(&pid)?,
            None => {
                private_folder_in_public(&socket_dir, &server.identity)?;
                server.write_settings(&text)?;
                server.start().inspect_err(|_| {
                    // It may be on its way up still; nobody would stop it later.
                    let _ = server.stop();
                })?
            }
        };
        Ok(Self {
            socket_dir: state.socket_dir.unwrap_or(socket_dir),
            port: state.port.unwrap_or(PORT),
            server,
            adopted,
            first_start,
            lease: Some(lease),
        })
    }

    /// The URL of one of its databases, for libpq and everything that reads its URLs.
    pub fn url(&self, database: &str) -> String {
        layout::url(&self.socket_dir, self.port, database)
    }

    /// The folder with the server's files.
    pub fn folder(&self) -> &Path {
        &self.server.layout.home
    }

    /// The programs that run it.
    pub fn binaries(&self) -> &Binaries {
        &self.server.binaries
    }

    /// Whether a server was already running and has been taken over.
    pub fn was_adopted(&self) -> bool {
        self.adopted
    }

    /// Whether this start laid the cluster out.
    pub fn is_first_start(&self) -> bool {
        self.first_start
    }

    /// Starts the server again when it has died, for example because the system ran out of memory.
    /// Says whether it had to.
    ///
    /// # Errors
    /// When it does not start again.
    pub fn revive(&self) -> Result<bool, PostgresError> {
        if self.lease.is_none() || self.server.is_up()? {
            return Ok(false);
        }
        let _start = locks::exclusive_start(&self.server.layout.start_lock())?;
        // Another process that shares it may have been quicker.
        if self.server.running()?.is_some() {
            return Ok(false);
        }
        self.server.start()?;
        Ok(true)
    }

    /// Gives the lease back, and stops the server when nobody else uses it. A second call does
    /// nothing more.
    ///
    /// # Errors
    /// When the server did not stop in time or a lock could not be had.
    pub fn stop(&mut self) -> Result<Stopped, PostgresError> {
        let Some(lease) = self.lease.take() else { return Ok(Stopped::LeftToOthers) };
        let _start = locks::exclusive_start(&self.server.layout.start_lock())?;
        drop(lease);
        if !locks::nobody_else_leases(&self.server.layout.lease_lock())? {
            return Ok(Stopped::LeftToOthers);
        }
        match self.server.running()? {
            Some(pid_file) if self.server.is_out_of_reach(&pid_file) => Ok(Stopped::LeftToOthers),
            Some(_) => self.server.stop().map(|()| Stopped::Down),
            None => Ok(Stopped::Down),
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::error!(%error, "the private PostgreSQL did not stop");
        }
    }
}

/// The server's files and programs, whether it runs or not. Holds no locks.
#[derive(Debug)]
struct Server {
    layout: Layout,
    binaries: Binaries,
    identity: Identity,
    patience: Duration,
}

impl Server {
    /// Makes the cluster when there is none: in a folder beside it that is renamed when it is
    /// complete, so that an interrupted first start leaves nothing half-made.
    fn lay_out(&self, database: &str) -> Result<bool, PostgresError> {
        let cluster = self.layout.cluster();
        if cluster.join("PG_VERSION").is_file() {
            self.identity.give(&self.layout.home)?;
            self.identity.give(&cluster)?;
            return Ok(false);
        }
        let draft_name = format!("{}.new-{}", Layout::CLUSTER, std::process::id());
        let draft = self.layout.home.join(&draft_name);
        self.remove_drafts();
        self.run(self.program("initdb").args([
            "--pgdata",
            &draft_name,
            "--username=postgres",
            "--auth-local=trust",
            "--auth-host=reject",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--data-checksums",
        ]))?;
        self.append(&draft.join("postgresql.conf"), settings::INCLUDES)?;
        let local = draft.join(settings::LOCAL_FILE);
        fs::write(&local, settings::LOCAL_TEXT).on("write", &local)?;
        self.identity.give(&local)?;
        self.create_database(&draft_name, database)?;
        fs::rename(&draft, &cluster).on("rename", &draft)?;
        Ok(true)
    }

    fn remove_drafts(&self) {
        let prefix = format!("{}.new-", Layout::CLUSTER);
        for entry in fs::read_dir(&self.layout.home).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                // A draft that cannot be removed is only lost space.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// Makes the database in single-user mode: no connection, no client library.
    fn create_database(&self, cluster: &str, database: &str) -> Result<(), PostgresError> {
        let mut command = self.program("postgres");
        command.args(["--single", "-j", "-D", cluster, "template1"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let name = database.replace('"', "\"\"");
        let home = &self.layout.home;
        let mut child = command.spawn().on("run postgres in", home)?;
        if let Some(mut input) = child.stdin.take() {
            write!(input, "CREATE DATABASE \"{name}\";\n\n").on("run postgres in", home)?;
        }
        let output = child.wait_with_output().on("run postgres in", home)?;
        // Single-user mode goes on after an error and then ends well: its words count.
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() && !said.contains("ERROR:") && !said.contains("FATAL:") {
            Ok(())
        } else {
            Err(PostgresError::Program { program: "postgres --single".to_owned(), output: said })
        }
    }

    fn append(&self, path: &Path, text: &str) -> Result<(), PostgresError> {
        let mut file = fs::OpenOptions::new().append(true).open(path).on("write", path)?;
        file.write_all(text.as_bytes()).on("write", path)
    }

    fn has_settings(&self, text: &str) -> bool {
        fs::read_to_string(self.layout.cluster().join(settings::FILE)).is_ok_and(|is| is == text)
    }

    fn write_settings(&self, text: &str) -> Result<(), PostgresError> {
        let path = self.layout.cluster().join(settings::FILE);
        fs::write(&path, text).on("write", &path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).on("protect", &path)?;
        self.identity.give(&path)
    }

    /// The server that runs on this cluster, if any. Removes a pid file that is proven stale.
    fn running(&self) -> Result<Option<PidFile>, PostgresError> {
        let cluster = self.layout.cluster();
        let Some(pid_file) = postmaster::read(&cluster).on("read postmaster.pid of", &cluster)?
        else {
            return Ok(None);
        };
        match postmaster::owner(pid_file.pid, &cluster) {
            Owner::Ours => Ok(Some(pid_file)),
            // Another container shares the data directory: its processes cannot be seen from
            // here, but its server can be reached. A second one would destroy the data.
            Owner::Gone | Owner::Stale if answers(&pid_file) => Ok(Some(pid_file)),
            Owner::Gone => Ok(None),
            Owner::Stale => {
                let path = cluster.join("postmaster.pid");
                fs::remove_file(&path).on("remove", &path)?;
                Ok(None)
            }
            Owner::Unknown => {
                let running =
                    self.program("pg_ctl").args(["status", "-D", Layout::CLUSTER]).output();
                let running = running.on("run pg_ctl in", &self.layout.home)?;
                Ok(running.status.success().then_some(pid_file))
            }
        }
    }

    /// Whether the server seems to run. Changes nothing, so it may be asked without the lock.
    fn is_up(&self) -> Result<bool, PostgresError> {
        let cluster = self.layout.cluster();
        let pid_file = postmaster::read(&cluster).on("read postmaster.pid of", &cluster)?;
        Ok(pid_file.is_some_and(|pid_file| {
            let owner = postmaster::owner(pid_file.pid, &cluster);
            matches!(owner, Owner::Ours | Owner::Unknown) || answers(&pid_file)
        }))
    }

    /// Whether the server runs where its process cannot be seen, and so not be stopped.
    fn is_out_of_reach(&self, pid_file: &PidFile) -> bool {
        let owner = postmaster::owner(pid_file.pid, &self.layout.cluster());
        matches!(owner, Owner::Gone | Owner::Stale)
    }

    fn start(&self) -> Result<PidFile, PostgresError> {
        let deadline = Instant::now() + DYING;
        self.put_log_aside()?;
        loop {
            let seconds = self.patience.as_secs().to_string();
            self.remove_old_socket();
            let said_before = fs::metadata(self.layout.log()).map_or(0, |log| log.len());
            let mut command = self.program("pg_ctl");
            command.args(["start", "--wait", "--silent", "-D", Layout::CLUSTER]);
            command.args(["--log", Layout::LOG, "--timeout", &seconds]);
            let Err(error) = self.run(&mut command) else { break };
            let said = tail_of(&self.layout.log(), said_before);
            let is_dying = STILL_DYING.iter().any(|words| said.contains(words));
            if !is_dying || Instant::now() > deadline {
                return Err(match error {
                    PostgresError::Program { program, output } => {
                        PostgresError::Program { program, output: format!("{output}\n{said}") }
                    }
                    other => other,
                });
            }
            thread::sleep(POLL);
            if let Some(pid_file) = self.running()? {
                return self.wait_until_ready(&pid_file);
            }
        }
        let cluster = self.layout.cluster();
        match postmaster::read(&cluster).on("read postmaster.pid of", &cluster)? {
            Some(pid_file) => self.wait_until_ready(&pid_file),
            None => Err(PostgresError::Program {
                program: "postgres".to_owned(),
                output: tail_of(&self.layout.log(), 0),
            }),
        }
    }

    /// Removes the socket of a server that is gone, and the lock file beside it: that names a
    /// process id too, which may be somebody else's by now. The folder is this cluster's alone.
    fn remove_old_socket(&self) {
        let folder = self.layout.socket_dir(&std::env::temp_dir());
        for name in [format!(".s.PGSQL.{PORT}"), format!(".s.PGSQL.{PORT}.lock")] {
            // When it cannot be removed, the server says why it does not start.
            let _ = fs::remove_file(folder.join(name));
        }
    }

    /// Waits for a server that may still be starting, recovering, or on its way down.
    fn wait_until_ready(&self, first: &PidFile) -> Result<PidFile, PostgresError> {
        let cluster = self.layout.cluster();
        let deadline = Instant::now() + self.patience;
        loop {
            match postmaster::read(&cluster).on("read postmaster.pid of", &cluster)? {
                // The file of a server that was killed a moment ago says "ready" for ever.
                Some(pid_file) if pid_file.ready && answers(&pid_file) => return Ok(pid_file),
                Some(_) if Instant::now() > deadline => {
                    return Err(PostgresError::Timeout {
                        what: "PostgreSQL to take connections".to_owned(),
                        seconds: self.patience.as_secs(),
                    });
                }
                Some(_)
                    if [Owner::Ours, Owner::Unknown]
                        .contains(&postmaster::owner(first.pid, &cluster)) =>
                {
                    thread::sleep(POLL);
                }
                // It is down by now; clean up after it and start anew.
                _ => {
                    self.running()?;
                    return self.start();
                }
            }
        }
    }

    fn stop(&self) -> Result<(), PostgresError> {
        let mut command = self.program("pg_ctl");
        command.args(["stop", "--mode=fast", "--wait", "--silent", "-D", Layout::CLUSTER]);
        command.args(["--timeout", "60"]);
        self.run(&mut command)
    }

    fn program(&self, name: &str) -> Command {
        let mut command = self.identity.command(&self.binaries.program(name));
        command.current_dir(&self.layout.home).stdin(Stdio::null());
        command
    }

    /// Runs a program to its end. Output goes to a file, not to a pipe: the server inherits it
    /// and would keep a pipe open for as long as it lives.
    fn run(&self, command: &mut Command) -> Result<(), PostgresError> {
        let path = self.layout.home.join("command.log");
        let output = File::create(&path).on("write", &path)?;
        let errors = output.try_clone().on("write", &path)?;
        let status = command.stdout(output).stderr(errors).status();
        let status = status.on("run a PostgreSQL program in", &self.layout.home)?;
        let said = tail_of(&path, 0);
        let _ = fs::remove_file(&path);
        if status.success() {
            return Ok(());
        }
        let program = std::iter::once(command.get_program())
            .chain(command.get_args())
            .filter_map(|word| Path::new(word).file_name().and_then(|name| name.to_str()))
            .find(|word| ["initdb", "pg_ctl", "postgres"].contains(word));
        Err(PostgresError::Program {
            program: program.unwrap_or("a PostgreSQL program").to_owned(),
            output: said,
        })
    }

    fn put_log_aside(&self) -> Result<(), PostgresError> {
        let log = self.layout.log();
        if fs::metadata(&log).is_ok_and(|metadata| metadata.len() > LOG_BYTES) {
            fs::rename(&log, log.with_extension("log.1")).on("rename", &log)?;
        }
        Ok(())
    }
}

/// Makes the data directory when there is none; its absolute path without links.
fn ready_data_dir(data_dir: &Path) -> Result<PathBuf, PostgresError> {
    fs::create_dir_all(data_dir).on("make the folder", data_dir)?;
    fs::canonicalize(data_dir).on("find", data_dir)
}

/// The major version that wrote the cluster; `None` when there is no cluster.
fn cluster_major(cluster: &Path) -> Result<Option<u32>, PostgresError> {
    let path = cluster.join("PG_VERSION");
    match fs::read_to_string(&path) {
        Ok(text) => Ok(text.trim().parse().ok()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).on("read", &path),
    }
}

/// Whether the server takes a connection on its socket.
fn answers(pid_file: &PidFile) -> bool {
    let PidFile { port: Some(port), socket_dir: Some(folder), .. } = pid_file else {
        return false;
    };
    UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).is_ok()
}

/// The last lines of a file from an offset on; empty when it cannot be read.
fn tail_of(path: &Path, offset: u64) -> String {
    let Ok(mut file) = File::open(path) else { return String::new() };
    let length = file.metadata().map(|metadata| metadata.len()).unwrap_or_default();
    let _ = file.seek(SeekFrom::Start(offset.max(length.saturating_sub(LOG_TAIL_BYTES))));
    let mut bytes = Vec::new();
    let _ = file.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).trim().to_owned()
}
