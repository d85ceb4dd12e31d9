//! What `postmaster.pid` says about a running server, and whether it is to be believed.
//!
//! PostgreSQL leaves the file behind when it is killed. It copes with a dead process id itself,
//! but after a reboot or in a restarted container the id may be somebody else's by now; then it
//! refuses to start. The working directory of a postmaster is its data directory: a process
//! that works elsewhere is proven to be another.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The fields of `postmaster.pid` that matter here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PidFile {
    /// Process id of the postmaster.
    pub(super) pid: u32,
    /// Port; part of the socket's name.
    pub(super) port: Option<u16>,
    /// Folder of the socket.
    pub(super) socket_dir: Option<PathBuf>,
    /// Whether the server takes connections.
    pub(super) ready: bool,
}

/// Reads the file; `None` when there is none or when it makes no sense (yet).
pub(super) fn read(cluster: &Path) -> io::Result<Option<PidFile>> {
    match fs::read_to_string(cluster.join("postmaster.pid")) {
        Ok(text) => Ok(parse(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Line 1 process id, 2 data directory, 3 start time, 4 port, 5 socket folder, 6 address,
/// 7 shared memory, 8 state. The later lines are added while the server starts.
fn parse(text: &str) -> Option<PidFile> {
    let mut lines = text.lines();
    // A negative id marks a server in single-user mode.
    let pid = lines.next()?.trim().trim_start_matches('-').parse().ok()?;
    let port = lines.nth(2).and_then(|line| line.trim().parse().ok());
    let socket_dir = lines.next().filter(|line| !line.is_empty()).map(PathBuf::from);
    let ready = lines.nth(2).is_some_and(|state| state.trim() == "ready");
    Some(PidFile { pid, port, socket_dir, ready })
}

/// Whose process the id is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// It is the postmaster of this cluster.
    Ours,
    /// No such process: PostgreSQL takes the file over itself.
    Gone,
    /// A process that works in another directory, or one that has ended and is only not yet
    /// buried by its parent: the file is stale and in the way.
    Stale,
    /// The system does not tell: PostgreSQL shall decide.
    Unknown,
}

/// Finds out whose process the id in the file is.
pub(super) fn owner(pid: u32, cluster: &Path) -> Owner {
    if !Path::new("/proc/self").exists() {
        return Owner::Unknown;
    }
    let process = PathBuf::from(format!("/proc/{pid}"));
    match fs::read_link(process.join("cwd")) {
        Ok(directory) => {
            if fs::canonicalize(cluster).is_ok_and(|own| own == directory) {
                Owner::Ours
            } else {
                Owner::Stale
            }
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Owner::Unknown,
        // In a container nobody may bury the dead, and PostgreSQL takes them for alive.
        Err(_) if is_zombie(&process) => Owner::Stale,
        Err(_) => Owner::Gone,
    }
}

/// Whether the process has ended and waits for its parent: the state after the name in
/// parentheses, which may have parentheses itself, see proc(5).
fn is_zombie(process: &Path) -> bool {
    let stat = fs::read_to_string(process.join("stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').map(|(_, fields)| fields.trim_start());
    state.is_some_and(|fields| fields.starts_with(['Z', 'X']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_server_is_read() {
        let text = "4711\n/srv/data/postgres/cluster\n1795000000\n5432\n/srv/data/postgres/socket\n\n  \
                    12345         1\nready   \n";
        assert_eq!(
            parse(text),
            Some(PidFile {
                pid: 4711,
                port: Some(5432),
                socket_dir: Some(PathBuf::from("/srv/data/postgres/socket")),
                ready: true
            })
        );
    }

    #[test]
    fn a_starting_server_is_not_ready() {
        let text = "4711\n/srv/cluster\n1795000000\n5432\n/srv/socket\n\n 12345 1\nstarting\n";
        assert!(!parse(text).unwrap().ready);
        assert!(!parse("4711\n/srv/cluster\n1795000000\n5432\n").unwrap().ready);
    }

    #[test]
    fn rubbish_is_no_server() {
        assert_eq!(parse(""), None);
        assert_eq!(parse("nobody\n"), None);
    }

    #[test]
    fn the_own_process_is_no_server_of_a_cluster_elsewhere() {
        assert_eq!(owner(std::process::id(), Path::new("/nowhere")), Owner::Stale);
        let here = std::env::current_dir().unwrap();
        assert_eq!(owner(std::process::id(), &here), Owner::Ours);
    }

    #[test]
    fn a_dead_process_that_nobody_has_buried_is_no_server() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let process = PathBuf::from(format!("/proc/{}", child.id()));
        while !is_zombie(&process) {
            std::thread::yield_now();
        }
        assert_eq!(owner(child.id(), &std::env::current_dir().unwrap()), Owner::Stale);
        child.wait().unwrap();
    }

    #[test]
    fn a_process_that_does_not_exist_is_gone() {
        // Above the largest process id that Linux gives out (2^22).
        assert_eq!(owner(4_194_305, Path::new("/")), Owner::Gone);
    }
}
