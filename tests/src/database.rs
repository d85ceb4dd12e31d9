//! A database of its own for every test, cloned from a template that is migrated once.
//!
//! The template is named by a hash of the migrations, so a change of the schema makes a new one. All
//! processes may want to make it at once: an advisory lock of the server lets one do it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use kartoteka_persistence::{Db, Settings};

use crate::canary::{self, Growing};
use crate::postgres;

/// Key of the advisory lock around making templates and databases.
const LOCK: i64 = 0x7465_6d70_6c61_7465;

/// A database that is dropped with the value.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    url: String,
    /// What PostgreSQL logs meanwhile.
    log: Option<Growing>,
}

#[derive(QueryableByName)]
struct Flag {
    #[diesel(sql_type = Bool)]
    flag: bool,
}

impl TestDatabase {
    /// A database with the current schema and no rows. Blocks, some 50 ms.
    #[must_use]
    pub fn migrated() -> Self {
        Self::make(Some(template()))
    }

    /// A database without anything, for tests of the migrations themselves.
    #[must_use]
    pub fn empty() -> Self {
        Self::make(None)
    }

    fn make(template: Option<&str>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}{}_{number}", postgres::PREFIX, std::process::id());
        canary::listen();
        let mut conn = maintenance();
        let log = postgres::log().map(Growing::now);
        let template = template.unwrap_or("template0");
        // without fsync a fourth of the time it takes to write the pages of a thousand files to the WAL
        conn.batch_execute(&format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)")).unwrap();
        conn.batch_execute(&format!(
            "CREATE DATABASE \"{name}\" TEMPLATE \"{template}\" STRATEGY FILE_COPY"
        ))
        .unwrap();
        Self { url: postgres::url(&name), name, log }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its URL, past PgBouncer: for looking into tables. What is tested takes [`TestDatabase::settings`].
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A connection past the pool, for looking into the tables.
    #[must_use]
    pub fn connection(&self) -> PgConnection {
        PgConnection::establish(&self.url).unwrap()
    }

    /// A small pool, as patient as a busy machine needs.
    #[must_use]
    pub fn pool(&self, size: u32) -> Db {
        Db::connect(&self.settings(size))
    }

    /// What [`TestDatabase::pool`] is made of, for tests that change it.
    #[must_use]
    pub fn settings(&self, size: u32) -> Settings {
        let mut settings = Settings::new(postgres::url_under_test(&self.name));
        settings.pgbouncer = postgres::through_pgbouncer();
        settings.pool_size = size;
        settings.wait = Duration::from_secs(20);
        settings.statement_timeout = Duration::from_secs(60);
        settings.selection_timeout = Duration::from_secs(60);
        settings
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // one that cannot be dropped now goes at the next start of the server
        if let Ok(mut conn) = PgConnection::establish(&postgres::url("postgres")) {
            let _ = conn.batch_execute(&format!("DROP DATABASE \"{}\" WITH (FORCE)", self.name));
        }
        if let Some(log) = &self.log {
            log.check();
        }
        canary::check();
    }
}

fn maintenance() -> PgConnection {
    PgConnection::establish(&postgres::url("postgres")).unwrap()
}

/// Name of the template database; made when there is none yet.
fn template() -> &'static str {
    static TEMPLATE: OnceLock<String> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let name = format!("{}template_{:016x}", postgres::PREFIX, hash_of_migrations());
        let mut conn = maintenance();
        if exists(&mut conn, &name) {
            return name;
        }
        conn.batch_execute(&format!("SELECT pg_advisory_lock({LOCK})")).unwrap();
        if !exists(&mut conn, &name) {
            // renamed when it is complete: a killed process leaves nothing half-made
            let draft = format!("{name}_new");
            conn.batch_execute(&format!("DROP DATABASE IF EXISTS \"{draft}\" WITH (FORCE)")).unwrap();
            conn.batch_execute(&format!("CREATE DATABASE \"{draft}\" TEMPLATE template0")).unwrap();
            migrate(&postgres::url(&draft));
            // a backend that is on its way out would still count as a user of the database
            conn.batch_execute(&format!(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{draft}'"
            ))
            .unwrap();
            conn.batch_execute(&format!("ALTER DATABASE \"{draft}\" RENAME TO \"{name}\"")).unwrap();
        }
        conn.batch_execute(&format!("SELECT pg_advisory_unlock({LOCK})")).unwrap();
        name
    })
}

fn exists(conn: &mut PgConnection, name: &str) -> bool {
    let sql = format!("SELECT EXISTS (SELECT FROM pg_database WHERE datname = '{name}') AS flag");
    diesel::sql_query(sql).get_result::<Flag>(conn).unwrap().flag
}

fn migrate(url: &str) {
    use diesel_migrations::MigrationHarness;
    let mut conn = PgConnection::establish(url).unwrap();
    conn.run_pending_migrations(kartoteka_persistence::MIGRATIONS).unwrap();
}

/// A hash over names and texts of all migrations.
fn hash_of_migrations() -> u64 {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let mut folders: Vec<_> =
        std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let mut hasher = DefaultHasher::new();
    for folder in folders {
        folder.file_name().hash(&mut hasher);
        std::fs::read(folder.join("up.sql")).unwrap_or_default().hash(&mut hasher);
    }
    hasher.finish()
}
