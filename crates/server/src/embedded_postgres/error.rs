//! What can go wrong with the private PostgreSQL, said so that the reader knows what to do next.

use std::io;
use std::path::{Path, PathBuf};

/// Why the private PostgreSQL could not be started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// No folder with `initdb`, `pg_ctl` and `postgres` was found.
    #[error(
        "no PostgreSQL {minimum} or newer was found on this machine (looked in: {looked}). \
         Install it (Debian, Ubuntu: apt-get install postgresql; or run `make setup`), name its \
         folder in KARTOTEKA_POSTGRES_BIN, or use a server of your own with DATABASE_URL"
    )]
    NoBinaries {
        /// The oldest major version that is accepted.
        minimum: u32,
        /// The folders that were tried.
        looked: String,
    },
    /// The folder named by the setting lacks a program.
    #[error("KARTOTEKA_POSTGRES_BIN is {folder:?}, but there is no program {missing:?} in it")]
    IncompleteBinaries {
        /// The folder of the setting.
        folder: PathBuf,
        /// The first program that is missing.
        missing: String,
    },
    /// The cluster was made by another major version than the programs at hand.
    #[error(
        "the data in {directory:?} was written by PostgreSQL {found}, but the programs at hand \
         are of version {offered}. Install PostgreSQL {found} beside them, or name its folder in \
         KARTOTEKA_POSTGRES_BIN; to move to a newer version use pg_upgrade or pg_dump"
    )]
    OtherMajorVersion {
        /// The data directory of the cluster.
        directory: PathBuf,
        /// Its major version.
        found: u32,
        /// The versions that were found on the machine.
        offered: String,
    },
    /// No way was found to run PostgreSQL as somebody else than root.
    #[error(
        "PostgreSQL refuses to run as root, and no other way works for {directory:?}: {tried}. \
         Start Kartoteka as an ordinary user, or put the data directory where the user \
         `postgres` can reach it"
    )]
    NoIdentity {
        /// The data directory.
        directory: PathBuf,
        /// Each way that was tried and why it failed.
        tried: String,
    },
    /// One of PostgreSQL's programs ended with an error.
    #[error("{program} failed: {output}")]
    Program {
        /// The program's name.
        program: String,
        /// The last lines that it printed or logged.
        output: String,
    },
    /// The server did not become ready, or another process did not finish, in time.
    #[error("gave up waiting for {what} after {seconds} s")]
    Timeout {
        /// What was waited for.
        what: String,
        /// For how long.
        seconds: u64,
    },
    /// The folder for the socket is somebody else's.
    #[error("the folder {folder:?} for the socket belongs to somebody else or is open to others")]
    UnsafeSocketFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// A file or directory could not be read, written or locked.
    #[error("{action} {path:?}: {source}")]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Gives a system error the name of the file and of the attempt.
pub(super) trait FileContext<T> {
    /// Turns the error into [`PostgresError::File`].
    fn on(self, action: &'static str, path: &Path) -> Result<T, PostgresError>;
}

impl<T> FileContext<T> for io::Result<T> {
    fn on(self, action: &'static str, path: &Path) -> Result<T, PostgresError> {
        self.map_err(|source| PostgresError::File { action, path: path.to_owned(), source })
    }
}
