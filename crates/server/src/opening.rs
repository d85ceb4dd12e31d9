//! What every command that touches data does first: a server, a pool, an up-to-date schema.

use std::io;
use std::time::{Duration, Instant};

use kartoteka_app::integrity::seal;
use kartoteka_persistence::{Db, Settings, StoreError, probe};

use crate::config::Config;
use crate::database::Database;
use crate::embedded_postgres::PostgresError;
use crate::shutdown::Shutdown;

/// How long a server that is not there yet is waited for: whoever starts everything at once
/// (compose, systemd) starts the database a few seconds before it answers.
const SERVER_WAIT: Duration = Duration::from_secs(30);

const SERVER_POLL: Duration = Duration::from_millis(500);

/// How long a command waits for a free connection.
const CONNECTION_WAIT: Duration = Duration::from_secs(5);

/// How long a request does.
const REQUEST_WAIT: Duration = Duration::from_millis(500);

/// Why there is no database to work with.
#[derive(Debug, thiserror::Error)]
pub enum OpeningError {
    /// The private server does not run.
    #[error(transparent)]
    Server(#[from] PostgresError),
    /// No connection.
    #[error("no connection to the database: {0}")]
    Connection(StoreError),
    /// The schema could not be brought up to date.
    #[error("the schema could not be brought up to date: {0}")]
    Schema(StoreError),
    /// The process was asked to stop meanwhile.
    #[error("stopped before the start was complete")]
    Stopped,
    /// The system refused something.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// Makes sure that there is a server that answers and that its schema is this program's.
///
/// Blocks. `shutdown` ends it early, with the private server stopped again.
///
/// # Errors
/// See [`OpeningError`].
pub fn open(config: &Config, shutdown: Option<&Shutdown>) -> Result<Database, OpeningError> {
    let database = Database::open(config)?;
    wait_for_server(database.url(), shutdown)?;
    let mut settings = settings(config, &database, "kartoteka start");
    settings.pool_size = 1;
    let db = Db::connect(&settings);
    let done = db.migrate().map_err(OpeningError::Schema)?;
    if done > 0 {
        tracing::info!(migrations = done, "schema is up to date");
    }
    seal::align(&db).map_err(OpeningError::Schema)?;
    stop_when_asked(shutdown)?;
    Ok(database)
}

/// A pool of `connections` on the database, shown to PostgreSQL as `name`.
pub fn pool(config: &Config, database: &Database, name: &str, connections: u32) -> Db {
    let mut settings = settings(config, database, name);
    settings.pool_size = connections;
    Db::connect(&settings)
}

/// The pool of the API. Its requests queue for their turn before they ask for a connection, so a
/// connection that is not there at once means that the database is not there: the wait is short.
pub fn request_pool(config: &Config, database: &Database) -> Db {
    let mut settings = settings(config, database, "kartoteka api");
    settings.pool_size = config.db_pool;
    settings.wait = REQUEST_WAIT;
    Db::connect(&settings)
}

fn settings(config: &Config, database: &Database, name: &str) -> Settings {
    let mut settings = Settings::new(database.url());
    settings.pgbouncer = config.db_pgbouncer;
    name.clone_into(&mut settings.application_name);
    settings.wait = CONNECTION_WAIT;
    settings
}

fn wait_for_server(url: &str, shutdown: Option<&Shutdown>) -> Result<(), OpeningError> {
    let deadline = Instant::now() + SERVER_WAIT;
    let mut told = false;
    loop {
        stop_when_asked(shutdown)?;
        let Err(error) = probe(url) else { return Ok(()) };
        if Instant::now() > deadline || is_final(&error) {
            return Err(OpeningError::Connection(error));
        }
        if !told {
            tracing::warn!(%error, "waiting for the database");
            told = true;
        }
        std::thread::sleep(SERVER_POLL);
    }
}

/// Whether waiting will not help: the server is there and says no.
fn is_final(error: &StoreError) -> bool {
    let text = error.to_string();
    ["authentication failed", "does not exist", "no pg_hba.conf entry", "SSL", "invalid"]
        .iter()
        .any(|words| text.contains(words))
}

fn stop_when_asked(shutdown: Option<&Shutdown>) -> Result<(), OpeningError> {
    match shutdown {
        Some(shutdown) if shutdown.is_asked() => Err(OpeningError::Stopped),
        _ => Ok(()),
    }
}
