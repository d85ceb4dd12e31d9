//! What can go wrong between us and PostgreSQL, sorted by what the caller can do about it.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// A failed read or write.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No connection in time, a lock not given, a statement over its time, a server that starts or stops:
    /// the same request may succeed in a moment.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// A named constraint refused the row.
    #[error("constraint {0} refused the row")]
    Constraint(String),
    /// There is no room left on the disk of the database.
    #[error("the database has no room left")]
    Full,
    /// The database can be read but not written: its disk failed, or it is the copy of another one.
    #[error("the database cannot be written")]
    ReadOnly,
    /// A stored row is not what the code expects.
    #[error("{table}: {problem}")]
    Inconsistent {
        /// Table the row is in.
        table: &'static str,
        /// What is wrong; holds no personal data.
        problem: String,
    },
    /// A worker lost its lease: whatever it wanted to write must not be written.
    #[error("the lease on the job is lost")]
    LeaseLost,
    /// Anything else the database said.
    #[error(transparent)]
    Database(DieselError),
    /// The schema could not be brought up to date.
    #[error("migration failed: {0}")]
    Migration(String),
}

impl StoreError {
    /// Whether the server, or the way to it, went away: whoever asked is not to blame.
    #[must_use]
    pub fn lost_connection(&self) -> bool {
        matches!(self, Self::Busy(words) if GONE.iter().any(|gone| words.contains(gone)))
    }

    /// Name of the constraint that refused the row, if that was it.
    #[must_use]
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Constraint(name) => Some(name),
            _ => None,
        }
    }
}

/// Beginnings of messages of PostgreSQL after which the same request may succeed. Diesel does not hand
/// out SQLSTATEs; these are the messages of classes 53, 55, 57 and 08.
const BUSY: &[&str] = &[
    "canceling statement due to",
    "canceling autovacuum task",
    "could not obtain lock",
    "deadlock detected",
    "remaining connection slots",
    "sorry, too many clients already",
    "terminating connection due to",
    "the database system is",
    "server closed the connection",
    "no connection to the server",
    "connection to server",
    "could not connect",
    "SSL connection has been closed",
    "could not receive data from server",
    "could not send data to server",
    "query_wait_timeout",
    "pgbouncer cannot connect",
];

/// Those of them that say that the server went away, or does not take connections.
const GONE: &[&str] = &[
    "terminating connection due to",
    "the database system is",
    "server closed the connection",
    "no connection to the server",
    "connection to server",
    "could not connect",
    "the connection broke",
    "SSL connection has been closed",
    "could not receive data from server",
    "could not send data to server",
    "pgbouncer cannot connect",
];

const FULL: &[&str] = &["could not extend file", "could not write", "No space left on device"];

const READ_ONLY: &[&str] = &["in a read-only transaction", "Read-only file system"];

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        let DieselError::DatabaseError(kind, info) = &error else {
            return match &error {
                DieselError::BrokenTransactionManager => Self::Busy("the connection broke".into()),
                _ => Self::Database(error),
            };
        };
        if let Some(name) = info.constraint_name() {
            return Self::Constraint(name.to_owned());
        }
        let message = info.message();
        // before FULL: it ends the same messages, and says more
        if READ_ONLY.iter().any(|words| message.contains(words)) {
            return Self::ReadOnly;
        }
        if FULL.iter().any(|start| message.contains(start)) {
            return Self::Full;
        }
        let broken = matches!(
            kind,
            DatabaseErrorKind::ClosedConnection
                | DatabaseErrorKind::UnableToSendCommand
                | DatabaseErrorKind::SerializationFailure
        );
        if broken || BUSY.iter().any(|start| message.contains(start)) {
            return Self::Busy(message.to_owned());
        }
        Self::Database(error)
    }
}

impl From<r2d2::Error> for StoreError {
    fn from(error: r2d2::Error) -> Self {
        Self::Busy(error.to_string())
    }
}
