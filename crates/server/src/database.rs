//! Which PostgreSQL this process uses: the one of `DATABASE_URL`, or a private one that it
//! starts.

use crate::config::{Config, Secret};
use crate::embedded_postgres::{Cluster, Options, PostgresError, Stopped};

/// The database that a private server holds.
pub const DATABASE: &str = "kartoteka";

/// A database that takes connections. Keep it for as long as connections are used: dropping it
/// gives up (and, when it was the last user, stops) the private server.
#[derive(Debug)]
pub struct Database {
    url: Secret,
    cluster: Option<Cluster>,
}

impl Database {
    /// Makes sure that there is a server. Blocks; the first start takes seconds.
    ///
    /// # Errors
    /// When the private server cannot be started. A foreign server is not tried here.
    pub fn open(config: &Config) -> Result<Self, PostgresError> {
        if let Some(url) = &config.database_url {
            return Ok(Self { url: url.clone(), cluster: None });
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
        Ok(Self { url: Secret::new(cluster.url(DATABASE)), cluster: Some(cluster) })
    }

    /// The URL for connections.
    pub fn url(&self) -> &str {
        self.url.reveal()
    }

    /// The private server, if this is one.
    pub fn cluster(&self) -> Option<&Cluster> {
        self.cluster.as_ref()
    }

    /// Stops a private server that nobody else uses. Call it last, with all connections closed.
    ///
    /// # Errors
    /// When the server does not stop.
    pub fn close(mut self) -> Result<(), PostgresError> {
        if let Some(cluster) = &mut self.cluster {
            match cluster.stop()? {
                Stopped::Down => tracing::info!("private PostgreSQL stopped"),
                Stopped::LeftToOthers => {
                    tracing::info!("private PostgreSQL is left to the other processes");
                }
            }
        }
        Ok(())
    }
}
