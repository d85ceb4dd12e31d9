//! The way to a connection: a pool, transactions, and the [`Tenant`] that carries the workspace.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::{CacheSize, Connection, SimpleConnection};
use diesel::migration::Migration;
use diesel::pg::PgConnection;
use diesel::r2d2::{
    CustomizeConnection, Error as PoolError, Pool, PooledConnection, R2D2Connection,
};
use diesel::sql_types::Text;
use diesel::{ConnectionError, ConnectionResult, QueryableByName};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use r2d2::ManageConnection;

use kartoteka_domain::ids::WorkspaceId;

use crate::error::StoreError;
use crate::sql::Sql;

/// The schema, inside the binary.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// One key for all processes that migrate at the same time ("kartoteka" in a 64-bit number).
const MIGRATION_LOCK: i64 = 0x006b_6172_746f_7465;

/// How the pool reaches PostgreSQL.
#[derive(Clone, Debug)]
pub struct Settings {
    /// libpq URL or key-value string.
    pub url: String,
    /// Most connections at once.
    pub pool_size: u32,
    /// How long to wait for a free connection before the caller hears [`StoreError::Busy`].
    pub wait: Duration,
    /// The server is a PgBouncer in transaction mode: no named statements, no session settings.
    pub pgbouncer: bool,
    /// Shown in `pg_stat_activity`.
    pub application_name: String,
    /// A request's statement is cancelled after this. Jobs set their own.
    pub statement_timeout: Duration,
    /// One that looks for the contacts of a selection is cancelled after this.
    pub selection_timeout: Duration,
}

impl Settings {
    /// Defaults for `url`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            pool_size: 16,
            wait: Duration::from_millis(500),
            pgbouncer: false,
            application_name: "kartoteka".into(),
            statement_timeout: Duration::from_secs(15),
            selection_timeout: Duration::from_secs(10),
        }
    }
}

/// The pool of connections.
#[derive(Clone)]
pub struct Db {
    pool: Pool<Manager>,
    session: Arc<Session>,
    wait: Duration,
    /// [`Settings::selection_timeout`]
    patience: Duration,
}

/// How long a connection that answered is believed to be there. Asking before every request costs a round
/// trip, as long as a point read itself.
const BELIEVED: Duration = Duration::from_secs(1);

/// Opens connections, and asks whether they still are there: after [`BELIEVED`], and at once after any other
/// was found broken. So a restart of PostgreSQL costs the requests that were under way, and a few more, but
/// not one for each connection of the pool.
struct Manager {
    url: String,
    /// Connections found broken so far.
    broken: AtomicU64,
}

/// A connection, and when it last proved to be there.
pub(crate) struct Checked {
    conn: PgConnection,
    at: Instant,
    /// [`Manager::broken`] at that time.
    broken: u64,
}

impl ManageConnection for Manager {
    type Connection = Checked;
    type Error = PoolError;

    fn connect(&self) -> Result<Checked, PoolError> {
        let broken = self.broken.load(Ordering::Relaxed);
        let conn = establish(&self.url).map_err(PoolError::ConnectionError)?;
        Ok(Checked { conn, at: Instant::now(), broken })
    }

    fn is_valid(&self, checked: &mut Checked) -> Result<(), PoolError> {
        let broken = self.broken.load(Ordering::Relaxed);
        if checked.broken == broken && checked.at.elapsed() < BELIEVED {
            return Ok(());
        }
        // Diesel's own ping prepares and then executes: outside of a transaction PgBouncer may send the
        // two to different servers
        if let Err(error) = checked.conn.batch_execute("SELECT 1") {
            self.broken.fetch_add(1, Ordering::Relaxed);
            return Err(PoolError::QueryError(error));
        }
        checked.at = Instant::now();
        checked.broken = broken;
        Ok(())
    }

    fn has_broken(&self, checked: &mut Checked) -> bool {
        let broken = std::thread::panicking() || checked.conn.is_broken();
        if broken {
            self.broken.fetch_add(1, Ordering::Relaxed);
        }
        broken
    }
}

/// Opens a connection. Behind a PgBouncer the first words that Diesel says (time zone, encoding) are
/// prepared and executed apart, outside of a transaction, and so may miss each other when many connections
/// are opened at once; they are said again then.
fn establish(url: &str) -> ConnectionResult<PgConnection> {
    const ATTEMPTS: u32 = 10;
    let mut attempt = 1;
    loop {
        match PgConnection::establish(url) {
            Err(ConnectionError::CouldntSetupConfiguration(_)) if attempt < ATTEMPTS => {
                attempt += 1;
            }
            done => return done,
        }
    }
}

/// What each transaction (PgBouncer) or connection (otherwise) is told first.
struct Session {
    url: String,
    pgbouncer: bool,
    settings: String,
    settings_local: String,
}

impl Session {
    fn new(settings: &Settings) -> Self {
        let name = settings.application_name.replace('\'', "");
        let statement = settings.statement_timeout.as_millis();
        let list = [
            format!("application_name = '{name}'"),
            format!("statement_timeout = {statement}"),
            "lock_timeout = 5000".to_owned(),
            "idle_in_transaction_session_timeout = 60000".to_owned(),
            "timezone = 'UTC'".to_owned(),
            // compiling a statement of many conditions takes longer than running it
            "jit = off".to_owned(),
        ];
        let write = |word: &str| list.iter().map(|item| format!("{word} {item};")).collect();
        Self {
            url: settings.url.clone(),
            pgbouncer: settings.pgbouncer,
            settings: write("SET"),
            settings_local: write("SET LOCAL"),
        }
    }
}

/// [`Session`] behind the trait object the pool wants.
struct Customizer(Arc<Session>);

impl std::fmt::Debug for Customizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // the URL may hold a password
        f.debug_struct("Customizer").finish_non_exhaustive()
    }
}

impl CustomizeConnection<Checked, PoolError> for Customizer {
    fn on_acquire(&self, checked: &mut Checked) -> Result<(), PoolError> {
        if self.0.pgbouncer {
            // a named statement lives in one server connection, the next transaction may get another
            checked.conn.set_prepared_statement_cache_size(CacheSize::Disabled);
            return Ok(());
        }
        checked.conn.batch_execute(&self.0.settings).map_err(PoolError::QueryError)
    }
}

/// An error out of a transaction: of the work, or of `BEGIN` and `COMMIT`.
enum Unit<E> {
    Work(E),
    Diesel(diesel::result::Error),
}

impl<E> From<diesel::result::Error> for Unit<E> {
    fn from(error: diesel::result::Error) -> Self {
        Self::Diesel(error)
    }
}

impl Db {
    /// Makes the pool. Connections are opened when they are needed, so this succeeds without a server.
    #[must_use]
    pub fn connect(settings: &Settings) -> Self {
        let session = Arc::new(Session::new(settings));
        let pool = Pool::builder()
            .max_size(settings.pool_size)
            .min_idle(Some(1))
            .connection_timeout(settings.wait)
            .connection_customizer(Box::new(Customizer(Arc::clone(&session))))
            // who waits for a connection hears why there is none, and tells it once; the pool would say it at
            // each of its attempts, many times a second
            .error_handler(Box::new(r2d2::NopErrorHandler))
            .build_unchecked(Manager { url: settings.url.clone(), broken: AtomicU64::new(0) });
        Self { pool, session, wait: settings.wait, patience: settings.selection_timeout }
    }

    /// The same pool for a caller that has waited so long for something else already: for a connection it
    /// waits only the rest of [`Settings::wait`].
    #[must_use]
    pub fn after_waiting(&self, waited: Duration) -> Self {
        Self { wait: self.wait.saturating_sub(waited), ..self.clone() }
    }

    /// Most connections at once.
    #[must_use]
    pub fn size(&self) -> u32 {
        self.pool.max_size()
    }

    fn conn(&self) -> Result<PooledConnection<Manager>, StoreError> {
        Ok(self.pool.get_timeout(self.wait)?)
    }

    /// Runs `work` in one transaction of one workspace. `Err` rolls back.
    ///
    /// # Errors
    /// The error of `work`, or what the database said at `BEGIN` and `COMMIT`.
    pub fn write<T, E>(
        &self,
        workspace: WorkspaceId,
        work: impl FnOnce(&mut Tenant<'_>) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<StoreError>,
    {
        let patience = self.patience;
        self.system(|conn| work(&mut Tenant { conn, workspace, patience }))
    }

    /// Runs `work` for one workspace without a transaction around it: for single reads, which it saves
    /// two round trips. Each statement sees its own snapshot.
    ///
    /// # Errors
    /// The error of `work`, or no connection.
    pub fn read<T, E>(
        &self,
        workspace: WorkspaceId,
        work: impl FnOnce(&mut Tenant<'_>) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<StoreError>,
    {
        if self.session.pgbouncer {
            return self.write(workspace, work);
        }
        let mut pooled = self.conn()?;
        work(&mut Tenant { conn: &mut pooled.conn, workspace, patience: self.patience })
    }

    /// Runs `work` in one transaction that belongs to no workspace: login, leases, start-up.
    ///
    /// # Errors
    /// The error of `work`, or what the database said at `BEGIN` and `COMMIT`.
    pub fn system<T, E>(&self, work: impl FnOnce(&mut PgConnection) -> Result<T, E>) -> Result<T, E>
    where
        E: From<StoreError>,
    {
        let mut pooled = self.conn()?;
        let session = &self.session;
        let done = pooled.conn.transaction(|conn| {
            if session.pgbouncer {
                conn.batch_execute(&session.settings_local)?;
            }
            work(conn).map_err(Unit::Work)
        });
        done.map_err(|error| match error {
            Unit::Work(error) => error,
            Unit::Diesel(error) => StoreError::from(error).into(),
        })
    }

    /// Brings the schema up to date and says how many migrations that took. Any number of processes may
    /// call it at once. Opens a connection beside the pool, which holds the lock: one of the transaction,
    /// because PgBouncer would give the lock of a session to somebody else.
    ///
    /// # Errors
    /// [`StoreError::Migration`] names what failed.
    pub fn migrate(&self) -> Result<usize, StoreError> {
        let mut pooled = self.conn()?;
        let mut guard =
            establish(&self.session.url).map_err(|error| StoreError::Busy(error.to_string()))?;
        // Asked for again and again, each time in a transaction of its own, not waited for: whoever waits in a
        // statement has a snapshot, and an index that is built CONCURRENTLY by the one who holds the lock would
        // wait for that for ever.
        let ask =
            format!("SELECT pg_try_advisory_xact_lock({MIGRATION_LOCK})::integer::bigint AS n");
        loop {
            guard.batch_execute(
                "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; \
                 SET LOCAL idle_in_transaction_session_timeout = 0",
            )?;
            if Sql::new(&ask).count(&mut guard)? > 0 {
                break;
            }
            guard.batch_execute("ROLLBACK")?;
            std::thread::sleep(Duration::from_millis(100));
        }
        // the answer just read keeps a snapshot too, until the next statement takes its place
        guard.batch_execute("SELECT")?;
        let done = self.migrate_alone(&mut pooled.conn).map_err(|error| migration_error(&*error));
        guard.batch_execute("COMMIT")?;
        done
    }

    /// As Diesel's harness does it, but with every statement in a transaction: it prepares and executes
    /// apart, which outside of one PgBouncer may send to two servers.
    fn migrate_alone(
        &self,
        conn: &mut PgConnection,
    ) -> Result<usize, Box<dyn std::error::Error + Send + Sync>> {
        const LIFTED: &str = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0";
        let pending = conn.transaction(|conn| conn.pending_migrations(MIGRATIONS))?;
        for migration in &pending {
            let record = |conn: &mut PgConnection| {
                let mut sql = Sql::new("INSERT INTO __diesel_schema_migrations (version) VALUES (");
                sql.bind(migration.name().version().to_string()).push(")");
                sql.execute(conn)
            };
            if migration.metadata().run_in_transaction() {
                conn.transaction(|conn| {
                    conn.batch_execute(LIFTED)?;
                    migration.run(conn)?;
                    record(conn)?;
                    Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
                })?;
                continue;
            }
            if !self.session.pgbouncer {
                conn.batch_execute("SET statement_timeout = 0; SET lock_timeout = 0")?;
            }
            let done = migration.run(conn);
            if !self.session.pgbouncer {
                conn.batch_execute(&self.session.settings)?;
            }
            done?;
            conn.transaction(record)?;
        }
        Ok(pending.len())
    }

    /// Whether the database answers and its schema is the one this binary was built with, or a newer one.
    ///
    /// # Errors
    /// The database does not answer.
    pub fn is_current(&self) -> Result<bool, StoreError> {
        let mut pooled = self.conn()?;
        pooled
            .conn
            .transaction(|conn| conn.has_pending_migration(MIGRATIONS))
            .map(|pending| !pending)
            .map_err(|error: Box<dyn std::error::Error + Send + Sync>| migration_error(&*error))
    }
}

fn migration_error(error: &(dyn std::error::Error + Send + Sync)) -> StoreError {
    StoreError::Migration(error.to_string())
}

/// Opens one connection and closes it again: at start-up, to hear why there is none. A pool would only
/// say that it waited for too long.
///
/// # Errors
/// [`StoreError::Busy`] with the words of libpq, which name host and user but never the password.
pub fn probe(url: &str) -> Result<(), StoreError> {
    match establish(url) {
        Ok(_) => Ok(()),
        Err(error) => Err(StoreError::Busy(error.to_string())),
    }
}

/// A connection that belongs to one workspace: the only way to its data.
pub struct Tenant<'c> {
    pub(crate) conn: &'c mut PgConnection,
    pub(crate) workspace: WorkspaceId,
    /// How long a statement of [`Tenant::patiently`] may take.
    patience: Duration,
}

impl<'c> Tenant<'c> {
    /// The workspace everything is read and written in.
    #[must_use]
    pub fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    /// Lets this transaction end before its log is on the disk: for steps of a job that carry their own progress
    /// and are done again when a crash of the server takes them back. Whatever is committed later with the
    /// usual certainty, the job's end too, makes this one certain as well.
    ///
    /// # Errors
    /// What the database said.
    pub fn commit_without_waiting(&mut self) -> Result<(), StoreError> {
        Ok(self.conn.batch_execute("SET LOCAL synchronous_commit = off")?)
    }

    /// Runs work whose statements callers shape, so that nobody knows how long they take: each is cancelled
    /// after [`Settings::selection_timeout`], with "statement timeout" in the words of [`StoreError::Busy`].
    /// In a job, which has its own bounds, [`Tenant::patiently`] has no place.
    ///
    /// # Errors
    /// The error of `work`, or what the database said.
    pub fn patiently<T, E>(
        &mut self,
        work: impl FnOnce(&mut Tenant<'_>) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<StoreError>,
    {
        #[derive(QueryableByName)]
        struct Setting {
            #[diesel(sql_type = Text)]
            setting: String,
        }
        let (workspace, patience) = (self.workspace, self.patience);
        let limit = |value: String| {
            let mut sql = Sql::new("SELECT current_setting('statement_timeout') AS setting, ");
            sql.push("set_config('statement_timeout', ").bind(value).push(", true)");
            sql
        };
        let done = self.conn.transaction(|conn| {
            let limited = limit(patience.as_millis().to_string()).first::<Setting>(conn);
            let before = limited.map_err(|error| Unit::Work(error.into()))?;
            let done = work(&mut Tenant { conn: &mut *conn, workspace, patience });
            let done = done.map_err(Unit::Work)?;
            // inside of another transaction the setting would outlive this one
            if let Some(Setting { setting }) = before {
                limit(setting).execute(conn).map_err(|error| Unit::Work(error.into()))?;
            }
            Ok(done)
        });
        done.map_err(|error| match error {
            Unit::Work(error) => error,
            Unit::Diesel(error) => StoreError::from(error).into(),
        })
    }

    /// A tenant on a connection that a job or start-up already has.
    pub fn on(conn: &'c mut PgConnection, workspace: WorkspaceId) -> Self {
        let patience = Settings::new(String::new()).selection_timeout;
        Self { conn, workspace, patience }
    }
}
