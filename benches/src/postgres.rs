//! The private PostgreSQL of a run: fixed settings, databases from templates, and what it used.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use kartoteka::embedded_postgres::{Cluster, Options};

use crate::Outcome;
use crate::process;

/// Beyond what the private server of `make run` has. Everything that decides about speed is said here,
/// so that a change of the product's defaults does not move a figure unnoticed.
const SETTINGS: &[(&str, &str)] = &[
    ("shared_buffers", "256MB"),
    ("effective_cache_size", "1GB"),
    ("work_mem", "16MB"),
    ("maintenance_work_mem", "128MB"),
    ("random_page_cost", "1.1"),
    ("wal_compression", "on"),
    ("jit", "off"),
    // nothing is traded for speed
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
    // a checkpoint comes before each measurement and never into one
    ("max_wal_size", "16GB"),
    ("checkpoint_timeout", "1d"),
    // would come or not by chance, and hold on to templates
    ("autovacuum", "off"),
];

/// What PostgreSQL used up to now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// CPU time of all of its processes, those that have ended included.
    pub(crate) cpu: Duration,
    /// Bytes of write-ahead log.
    pub(crate) wal: i64,
}

/// The server; it stops when this is dropped.
pub(crate) struct Postgres {
    cluster: Cluster,
    exchange: PathBuf,
}

impl Postgres {
    /// Starts it in a folder of its own. With `explain`, plans of slow statements go to its log.
    pub(crate) fn start(folder: &Path, explain: bool) -> Outcome<Self> {
        let mut options = Options::new(folder.join("postgres"), "bench");
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        options.extra_settings = SETTINGS.iter().map(owned).collect();
        if explain {
            options.extra_settings.extend(EXPLAIN.iter().map(owned));
        }
        let cluster = Cluster::start(&options)?;
        // read and written by the server, which may run as another user
        let exchange = folder.join("exchange");
        fs::create_dir_all(&exchange)?;
        fs::set_permissions(&exchange, fs::Permissions::from_mode(0o777))?;
        Ok(Self { cluster, exchange })
    }

    /// URL of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        self.cluster.url(database)
    }

    /// Version, for the report.
    pub(crate) fn version(&self) -> Outcome<String> {
        self.text("postgres", "SELECT current_setting('server_version') AS t")
    }

    /// A connection past the product, for looking and preparing.
    pub(crate) fn connect(&self, database: &str) -> Outcome<PgConnection> {
        Ok(PgConnection::establish(&self.url(database))?)
    }

    /// Runs statements in a connection of their own.
    pub(crate) fn execute(&self, database: &str, sql: &str) -> Outcome<()> {
        self.connect(database)?.batch_execute(sql).map_err(|error| format!("{error}: {sql}").into())
    }

    /// A number; the statement names it `n`.
    pub(crate) fn number(&self, database: &str, sql: &str) -> Outcome<i64> {
        #[derive(QueryableByName)]
        struct Number {
            #[diesel(sql_type = BigInt)]
            n: i64,
        }
        let mut conn = self.connect(database)?;
        Ok(diesel::sql_query(sql).get_result::<Number>(&mut conn)?.n)
    }

    /// A text; the statement names it `t`.
    pub(crate) fn text(&self, database: &str, sql: &str) -> Outcome<String> {
        #[derive(QueryableByName)]
        struct Words {
            #[diesel(sql_type = Text)]
            t: String,
        }
        let mut conn = self.connect(database)?;
        Ok(diesel::sql_query(sql).get_result::<Words>(&mut conn)?.t)
    }

    /// Makes a database as `template` is; one of that name is removed first. Nobody may be connected to
    /// either.
    pub(crate) fn create(&self, name: &str, template: &str) -> Outcome<()> {
        self.remove(name)?;
        // copied as files: through the log it would take twice as long and fill the log
        self.execute(
            "postgres",
            &format!("CREATE DATABASE \"{name}\" TEMPLATE \"{template}\" STRATEGY file_copy"),
        )
    }

    /// Removes a database, if there is one.
    pub(crate) fn remove(&self, name: &str) -> Outcome<()> {
        self.execute("postgres", &format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)"))
    }

    /// Whether there is a database of this name.
    pub(crate) fn has(&self, name: &str) -> Outcome<bool> {
        let sql = format!("SELECT count(*) AS n FROM pg_database WHERE datname = '{name}'");
        Ok(self.number("postgres", &sql)? > 0)
    }

    /// Writes everything out, so that what is measured next does not pay for what was before.
    pub(crate) fn settle(&self) -> Outcome<()> {
        self.execute("postgres", "CHECKPOINT")
    }

    /// What it used up to now.
    pub(crate) fn usage(&self) -> Outcome<Usage> {
        let sql = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint AS n";
        let wal = self.number("postgres", sql)?;
        Ok(Usage { cpu: process::cpu_of_family(self.postmaster()?)?, wal })
    }

    /// A path that the server can read and write.
    pub(crate) fn exchange(&self, name: &str) -> PathBuf {
        self.exchange.join(name)
    }

    /// The server's log.
    pub(crate) fn log(&self) -> PathBuf {
        self.cluster.folder().join("server.log")
    }

    /// Process id of the postmaster.
    pub(crate) fn postmaster(&self) -> Outcome<u32> {
        let text = fs::read_to_string(self.cluster.folder().join("cluster/postmaster.pid"))?;
        let first = text.lines().next().unwrap_or_default();
        Ok(first.trim().parse()?)
    }
}

/// What writes plans into the log.
const EXPLAIN: &[(&str, &str)] = &[
    ("session_preload_libraries", "auto_explain"),
    ("auto_explain.log_min_duration", "20ms"),
    ("auto_explain.log_analyze", "on"),
    ("auto_explain.log_buffers", "on"),
    ("auto_explain.log_wal", "on"),
    ("auto_explain.log_nested_statements", "off"),
];
