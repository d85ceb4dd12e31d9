//! The private PostgreSQL as whole processes meet it: started, killed, adopted, shared, stopped.
//!
//! Every test runs `kartoteka postgres` on a data directory of its own, with the PostgreSQL
//! programs of this machine.

#![expect(clippy::unwrap_used, reason = "a broken fixture must stop the test")]

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use kartoteka::embedded_postgres::Binaries;

/// An ordinary user that every system has.
const NOBODY: u32 = 65_534;

/// A data directory that is cleaned up, with the server in it, however the test ends.
struct Folder {
    root: PathBuf,
    data: PathBuf,
}

impl Folder {
    fn new(name: &str) -> Self {
        let root =
            std::env::temp_dir().join(format!("kartoteka-test-{}-{name}", std::process::id()));
        fs::create_dir_all(&root).unwrap();
        Self { data: root.join("data"), root }
    }

    fn cluster(&self) -> PathBuf {
        self.data.join("postgres/cluster")
    }

    fn postmaster(&self) -> Option<u32> {
        let text = fs::read_to_string(self.cluster().join("postmaster.pid")).ok()?;
        text.lines().next()?.parse().ok()
    }

    /// The user that the running server belongs to.
    fn server_user(&self) -> u32 {
        fs::metadata(format!("/proc/{}", self.postmaster().unwrap())).unwrap().uid()
    }

    fn app(&self) -> App {
        App::start(program(), &self.data, |_| {})
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(pid) = self.postmaster() {
            signal("QUIT", pid);
        }
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// A running `kartoteka postgres`.
struct App {
    child: Child,
    url: String,
}

impl App {
    fn start(program: &Path, data: &Path, adjust: impl FnOnce(&mut Command)) -> Self {
        let mut command = command(program, data);
        adjust(&mut command);
        let mut child = command.spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut url).unwrap();
        if url.is_empty() {
            let mut said = String::new();
            child.stderr.as_mut().unwrap().read_to_string(&mut said).unwrap();
            panic!("the server did not start: {said}");
        }
        Self { child, url: url.trim_end().to_owned() }
    }

    /// The answer to a statement, one column per `|`.
    fn query(&self, sql: &str) -> String {
        let output = self.psql(sql);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn psql(&self, sql: &str) -> Output {
        Command::new(psql())
            .args(["--no-psqlrc", "--tuples-only", "--no-align", "--quiet", "--dbname", &self.url])
            .args(["--command", sql])
            .output()
            .unwrap()
    }

    fn terminate(mut self) {
        signal("TERM", self.child.id());
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(program: &Path, data: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("postgres").env("KARTOTEKA_DATA_DIR", data).env_remove("DATABASE_URL");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_kartoteka"))
}

fn psql() -> PathBuf {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    Binaries::find(None, &[project], Path::new(""), None).unwrap().program("psql")
}

fn signal(name: &str, pid: u32) {
    Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status().unwrap();
}

fn i_am_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

#[test]
fn a_first_start_is_safe_and_closed_and_a_stop_keeps_the_data() {
    let folder = Folder::new("first");
    let app = folder.app();
    assert_eq!(
        app.query(
            "SELECT current_database(), current_setting('fsync'), \
             current_setting('data_checksums'), current_setting('listen_addresses'), \
             current_setting('server_encoding'), current_setting('shared_buffers')"
        ),
        "kartoteka|on|on||UTF8|256MB"
    );
    let mode = fs::metadata(folder.data.join("postgres/socket")).unwrap().mode();
    assert_eq!(mode & 0o777, 0o700);
    app.query("CREATE TABLE kept AS SELECT 41 + 1 AS answer");
    app.terminate();
    assert_eq!(folder.postmaster(), None, "the server is down");

    let app = folder.app();
    assert_eq!(app.query("SELECT answer FROM kept"), "42");
    app.terminate();
}

#[test]
fn a_killed_application_leaves_a_server_that_the_next_one_adopts_and_stops() {
    let folder = Folder::new("adopt");
    let app = folder.app();
    let server = folder.postmaster().unwrap();
    app.kill();

    let app = folder.app();
    assert_eq!(folder.postmaster(), Some(server), "the very same server");
    assert_eq!(app.query("SELECT 1"), "1");
    app.terminate();
    assert_eq!(folder.postmaster(), None);
}

#[test]
fn after_a_power_cut_committed_rows_are_there() {
    let folder = Folder::new("crash");
    let app = folder.app();
    app.query("CREATE TABLE kept AS SELECT generate_series(1, 1000)");
    let server = folder.postmaster().unwrap();
    app.kill();
    signal("KILL", server);

    let app = folder.app();
    assert_ne!(folder.postmaster(), Some(server));
    assert_eq!(app.query("SELECT count(*) FROM kept"), "1000");
    app.terminate();
}

#[test]
fn a_server_that_dies_under_the_application_is_started_again() {
    let folder = Folder::new("revive");
    let app = folder.app();
    let server = folder.postmaster().unwrap();
    signal("KILL", server);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !app.psql("SELECT 1").status.success() {
        assert!(std::time::Instant::now() < deadline, "it is not back");
    }
    assert_ne!(folder.postmaster(), Some(server));
    app.terminate();
    assert_eq!(folder.postmaster(), None);
}

#[test]
fn a_pid_file_that_names_another_process_is_cleaned_away() {
    let folder = Folder::new("stale");
    folder.app().terminate();
    let pid_file = folder.cluster().join("postmaster.pid");
    // A process that lives, is not this test's own parent or child, and works elsewhere.
    let mut stranger = Command::new("sleep").arg("600").current_dir("/").spawn().unwrap();
    let text = format!("{}\n{}\n1700000000\n5432\n", stranger.id(), folder.cluster().display());
    fs::write(&pid_file, text).unwrap();

    let app = folder.app();
    assert_eq!(app.query("SELECT 1"), "1");
    assert!(stranger.try_wait().unwrap().is_none(), "the other process is left alone");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    app.terminate();
}

#[test]
fn two_processes_share_one_server_and_the_last_one_stops_it() {
    let folder = Folder::new("share");
    let first = folder.app();
    let second = folder.app();
    let server = folder.postmaster().unwrap();
    assert_eq!(first.url, second.url);
    first.terminate();
    assert_eq!(folder.postmaster(), Some(server));
    assert_eq!(second.query("SELECT 1"), "1");
    second.terminate();
    assert_eq!(folder.postmaster(), None);
}

#[test]
fn a_server_whose_process_cannot_be_seen_is_used_and_not_started_twice() {
    let folder = Folder::new("container");
    let first = folder.app();
    // What a second container on the same data directory sees: a process id of another world.
    let pid_file = folder.cluster().join("postmaster.pid");
    let text = fs::read_to_string(&pid_file).unwrap();
    let server = folder.postmaster().unwrap();
    fs::write(&pid_file, text.replacen(&server.to_string(), "4194305", 1)).unwrap();

    let second = folder.app();
    second.query("CREATE TABLE shared AS SELECT 7 AS seven");
    assert_eq!(first.query("SELECT seven FROM shared"), "7");
    second.terminate();
    assert_eq!(first.query("SELECT seven FROM shared"), "7");

    fs::write(&pid_file, text).unwrap();
    first.terminate();
    assert_eq!(folder.postmaster(), None);
}

#[test]
fn blanks_quotes_dollars_and_a_path_too_long_for_a_socket_are_fine() {
    let mut folder = Folder::new("odd");
    folder.data = folder.root.join(format!("o'clock \"now\", $HOME `x` {}", "é".repeat(40)));
    let app = folder.app();
    assert!(!folder.data.join("postgres/socket").exists(), "the socket is elsewhere");
    let socket = PathBuf::from(app.query("SHOW unix_socket_directories").trim_matches('"'));
    assert_eq!(fs::metadata(&socket).unwrap().mode() & 0o777, 0o700);
    app.terminate();
    fs::remove_dir_all(socket).unwrap();

    folder.data = folder.root.join("o'clock \"now\" $HOME `x`");
    let app = folder.app();
    assert_eq!(app.query("SELECT 1"), "1");
    app.terminate();
}

#[test]
fn other_settings_restart_a_server_that_nobody_uses() {
    let folder = Folder::new("settings");
    folder.app().kill();
    let settings = folder.cluster().join("kartoteka.conf");
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, text.replace("256MB", "64MB")).unwrap();
    fs::write(folder.cluster().join("local.conf"), "work_mem = '7MB'\n").unwrap();
    fs::set_permissions(folder.cluster().join("local.conf"), Permissions::from_mode(0o644))
        .unwrap();

    let app = folder.app();
    assert_eq!(
        app.query("SELECT current_setting('shared_buffers'), current_setting('work_mem')"),
        "256MB|7MB"
    );
    app.terminate();
}

#[test]
fn data_of_another_major_version_is_refused_and_not_touched() {
    let folder = Folder::new("version");
    fs::create_dir_all(folder.cluster()).unwrap();
    fs::write(folder.cluster().join("PG_VERSION"), "9\n").unwrap();
    let output = command(program(), &folder.data).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("written by PostgreSQL 9"), "{said}");
    assert_eq!(fs::read_dir(folder.cluster()).unwrap().count(), 1);
}

#[test]
fn the_server_never_runs_as_root() {
    let folder = Folder::new("user");
    if !i_am_root() {
        let app = folder.app();
        assert_eq!(folder.server_user(), fs::metadata("/proc/self").unwrap().uid());
        return app.terminate();
    }
    let app = folder.app();
    assert_ne!(folder.server_user(), 0, "a folder that others can reach");
    app.terminate();

    // A home that nobody else can enter: a namespace or a capability helps.
    let mut closed = Folder::new("closed");
    closed.data = closed.root.join("data");
    fs::set_permissions(&closed.root, Permissions::from_mode(0o700)).unwrap();
    let app = closed.app();
    assert_eq!(app.query("SELECT 1"), "1");
    app.terminate();
    assert_eq!(closed.postmaster(), None);

    // An ordinary user, who needs a program that can be reached.
    let ordinary = Folder::new("ordinary");
    fs::set_permissions(&ordinary.root, Permissions::from_mode(0o777)).unwrap();
    let reachable = ordinary.root.join("kartoteka");
    if fs::hard_link(program(), &reachable).is_err() {
        fs::copy(program(), &reachable).unwrap();
    }
    let app = App::start(&reachable, &ordinary.data, |command| {
        command.uid(NOBODY).gid(NOBODY).current_dir("/");
    });
    assert_eq!(ordinary.server_user(), NOBODY);
    assert_eq!(app.query("SELECT 1"), "1");
    app.terminate();
    assert_eq!(ordinary.postmaster(), None);
}
