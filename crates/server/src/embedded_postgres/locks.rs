//! File locks by which several processes agree on one server.
//!
//! `start.lock` (exclusive) serialises starting and stopping; `lease.lock` (shared) says "in
//! use". Both are flock(2) locks: the kernel frees them when a process dies, however it dies.
//! Rust opens files close-on-exec, so the server itself never holds them.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::error::{FileContext, PostgresError};

/// How long a process waits for another one that is starting or stopping the server. A first
/// start on a slow disk takes tens of seconds.
const START_LOCK_WAIT: Duration = Duration::from_secs(180);

const POLL: Duration = Duration::from_millis(20);

/// Takes the right to start or stop the server; freed when the file is dropped.
pub(super) fn exclusive_start(path: &Path) -> Result<File, PostgresError> {
    let file = open(path)?;
    let deadline = Instant::now() + START_LOCK_WAIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(source)) => return Err(source).on("lock", path),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(POLL),
            Err(TryLockError::WouldBlock) => {
                return Err(PostgresError::Timeout {
                    what: "another Kartoteka process that starts or stops PostgreSQL".to_owned(),
                    seconds: START_LOCK_WAIT.as_secs(),
                });
            }
        }
    }
}

/// Says "I use the server" until the file is dropped. Call it with the start lock held, so that
/// nobody holds the lease exclusively for longer than a look.
pub(super) fn shared_lease(path: &Path) -> Result<File, PostgresError> {
    let file = open(path)?;
    file.lock_shared().on("lock", path)?;
    Ok(file)
}

/// Whether no process uses the server. Call it with the start lock held and the own lease given
/// back.
pub(super) fn nobody_else_leases(path: &Path) -> Result<bool, PostgresError> {
    match open(path)?.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(source)) => Err(source).on("lock", path),
    }
}

fn open(path: &Path) -> Result<File, PostgresError> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(path)
        .on("open", path)
}
