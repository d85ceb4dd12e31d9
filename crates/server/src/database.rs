//! Which PostgreSQL this process uses: the one of `DATABASE_URL`, or a private one that it
//! starts.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};

use crate::config::{Config, Secret};
use crate::embedded_postgres::{Cluster, Options, PostgresError, Stopped};

/// The database that a private server holds.
pub const DATABASE: &str = "kartoteka";

/// How often a private server is looked after.
const LOOK: Duration = Duration::from_secs(3);

/// A database that takes connections. Keep it for as long as connections are used: dropping it
/// gives up (and, when it was the last user, stops) the private server.
#[derive(Debug)]
pub struct Database {
    url: Secret,
    private: Option<Private>,
}

/// The private server of this process.
#[derive(Debug)]
struct Private {
    cluster: Arc<Mutex<Cluster>>,
    folder: PathBuf,
    major: u32,
}

impl Database {
    /// Makes sure that there is a server. Blocks; the first start takes seconds.
    ///
    /// # Errors
    /// When the private server cannot be started. A foreign server is not tried here.
    pub fn open(config: &Config) -> Result<Self, PostgresError> {
        if let Some(url) = &config.database_url {
            return Ok(Self { url: url.clone(), private: None });
        }
        let mut options = Options::new(&config.data_dir, DATABASE);
        options.binaries.clone_from(&config.postgres_bin);
        let cluster = Cluster::start(&options)?;
        tracing::info!(
            folder = %cluster.folder().display(),
            version = cluster.binaries().major,
            adopted = cluster.was_adopted(),
            "private PostgreSQL is ready"
        );
        let url = Secret::new(cluster.url(DATABASE));
        let (folder, major) = (cluster.folder().to_owned(), cluster.binaries().major);
        let cluster = Arc::new(Mutex::new(cluster));
        Ok(Self { url, private: Some(Private { cluster, folder, major }) })
    }

    /// The URL for connections.
    pub fn url(&self) -> &str {
        self.url.reveal()
    }

    /// The folder and the major version of a private server, if this is one.
    pub fn private(&self) -> Option<(&std::path::Path, u32)> {
        self.private.as_ref().map(|private| (private.folder.as_path(), private.major))
    }

    /// Looks after a private server for as long as the task is not aborted: starts it again when
    /// it has died. Must be called inside a Tokio runtime.
    pub fn look_after(&self) -> Option<JoinHandle<()>> {
        let cluster = Arc::clone(&self.private.as_ref()?.cluster);
        Some(tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                let cluster = Arc::clone(&cluster);
                let revived = spawn_blocking(move || {
                    cluster.lock().unwrap_or_else(PoisonError::into_inner).revive()
                });
                match revived.await {
                    Ok(Ok(true)) => tracing::warn!("private PostgreSQL had died; it runs again"),
                    Ok(Ok(false)) | Err(_) => {}
                    Ok(Err(error)) => {
                        tracing::error!(%error, "private PostgreSQL has died and does not start");
                    }
                }
            }
        }))
    }

    /// Stops a private server that nobody else uses. Call it last, with all connections closed.
    ///
    /// # Errors
    /// When the server does not stop.
    pub fn close(self) -> Result<(), PostgresError> {
        let Some(private) = self.private else { return Ok(()) };
        let mut cluster = private.cluster.lock().unwrap_or_else(PoisonError::into_inner);
        match cluster.stop()? {
            Stopped::Down => tracing::info!("private PostgreSQL stopped"),
            Stopped::LeftToOthers => {
                tracing::info!("private PostgreSQL is left to the other processes");
            }
        }
        Ok(())
    }
}
