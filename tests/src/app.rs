//! A whole server for one test: its own database, a real listener, a workspace with an administrator.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamptz, Uuid as SqlUuid};
use jsonwebtoken::{Algorithm, EncodingKey};
use kartoteka_api::tokens::{Grant, keys};
use kartoteka_api::{AppState, KeyRing, MetricsAccess, Settings};
use kartoteka_app::clock::Clock;
use kartoteka_app::erasures::Journal;
use kartoteka_app::webhooks::sending;
use kartoteka_app::worker::{self, Environment};
use kartoteka_domain::actor::Actor;
use kartoteka_domain::ids::{ClientId, UserId, WorkspaceId};
use kartoteka_domain::scopes::{Role, Scope};
use kartoteka_persistence::{Db, StoreError, workspaces};
use reqwest::multipart::{Form, Part};
use serde_json::Value;
use uuid::Uuid;

use crate::answer::Answer;
use crate::canary;
use crate::client::Client;
use crate::clock::TestClock;
use crate::cluster::Cluster;
use crate::database::TestDatabase;

/// Password of every person the harness makes.
pub const PASSWORD: &str = "correct horse battery staple";

/// `kid` of the key that signs the server's tokens.
pub const KID: &str = "k1";

/// Connections of the server under test.
const POOL: u32 = 4;

/// A running server. Acts as the administrator of its first workspace (it derefs to [`Client`]).
pub struct TestApp {
    home: Workspace,
    keys: KeyRing,
    pem: String,
    settings: Settings,
    clock: TestClock,
    db: Db,
    server: Server,
    made: AtomicU32,
    jobs_may_be_left: AtomicBool,
    journal_folder: String,
    // the last field: everything that uses it is gone before it is dropped
    database: TestDatabase,
}

/// What answers the requests.
enum Server {
    /// A thread of this process.
    Thread(Option<(ServerHandle, std::thread::JoinHandle<()>)>),
    /// Processes of their own, which do the jobs too.
    Cluster(Cluster),
}

/// A workspace and its administrator, who sends the requests (it derefs to [`Client`]).
#[derive(Clone, Debug)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// The administrator's id.
    pub user: UserId,
    /// The administrator's address; the password is [`PASSWORD`].
    pub email: String,
    client: Client,
}

impl Deref for TestApp {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.home.client
    }
}

impl Deref for Workspace {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.client
    }
}

impl TestApp {
    /// A server with the settings of tests: no rate limit, open metrics, patience.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// As [`TestApp::new`], with changed settings.
    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::with_pool(POOL, change).await
    }

    /// As [`TestApp::new`], but a statement that looks for the contacts of a selection has only so long.
    pub async fn hasty(patience: Duration) -> Self {
        Self::made(POOL, |_| {}, |database| database.selection_timeout = patience).await
    }

    /// As [`TestApp::with`], with so many connections to the database.
    pub async fn with_pool(pool: u32, change: impl FnOnce(&mut Settings)) -> Self {
        Self::made(pool, change, |_| {}).await
    }

    async fn made(
        pool: u32,
        change: impl FnOnce(&mut Settings),
        change_database: impl FnOnce(&mut kartoteka_persistence::Settings),
    ) -> Self {
        let journal_folder = journal_folder();
        let mut settings = Settings {
            secret: b"a secret of the tests, 32 bytes!".to_vec(),
            journal: Journal::new(
                std::env::temp_dir().join(&journal_folder).join("journal.ndjson"),
            ),
            requests_per_minute: 1_000_000,
            database_wait: Duration::from_secs(20),
            metrics: MetricsAccess::Open,
            workers: 1,
            webhook_allow: "127.0.0.0/8".parse().unwrap(),
            ..Settings::default()
        };
        change(&mut settings);
        canary::listen();
        // the first start of the database may take seconds, and other tests share this runtime
        let database = tokio::task::spawn_blocking(TestDatabase::migrated).await.unwrap();
        let mut database_settings = database.settings(pool);
        change_database(&mut database_settings);
        let db = Db::connect(&database_settings);
        let pem = keys::generate_pem().unwrap();
        let keys = KeyRing::from_pems([(KID, &pem)]).unwrap();
        let (server, clock, client);
        if Cluster::is_asked_for() {
            let started;
            (started, clock) = Cluster::start(&mut settings, &pem, &database_settings);
            client = Client::new(settings.public_url.clone()).alternating(started.bases());
            server = Server::Cluster(started);
        } else {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let base = format!("http://{}", listener.local_addr().unwrap());
            settings.public_url.clone_from(&base);
            clock = TestClock::default();
            let state = AppState::with(
                db.clone(),
                keys.clone(),
                settings.clone(),
                Arc::new(clock.clone()),
                Some(Arc::new(|| "# the metrics of the process\n".to_owned())),
            );
            server = Server::Thread(Some(start(state, listener).await));
            client = Client::new(base);
        }
        let made = AtomicU32::new(0);
        let home = settle(&db, &keys, &settings, &clock, &client, 0);
        made.store(1, Ordering::Relaxed);
        Self {
            home,
            keys,
            pem,
            settings,
            clock,
            db,
            server,
            made,
            jobs_may_be_left: AtomicBool::new(false),
            journal_folder,
            database,
        }
    }

    /// The first workspace.
    #[must_use]
    pub fn home(&self) -> &Workspace {
        &self.home
    }

    /// One more workspace with its own administrator; nothing of the first is to be seen there.
    #[must_use]
    pub fn other_workspace(&self) -> Workspace {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        settle(&self.db, &self.keys, &self.settings, &self.clock, &self.home.client, number)
    }

    /// The administrator of the first workspace with a token of these scopes only: `["contacts:read"]`.
    #[must_use]
    pub fn with_scopes(&self, scopes: &[&str]) -> Client {
        let scopes = scopes.iter().map(|word| word.parse().unwrap()).collect();
        self.client_of(Actor::User(self.home.user), self.home.id, &scopes)
    }

    /// An integration of the first workspace with these scopes: a row in `clients` and its token.
    #[must_use]
    pub fn integration(&self, scopes: &[&str]) -> Client {
        let id = kartoteka_app::context::new_id(self.clock.now());
        let mut conn = self.connection();
        diesel::sql_query(
            "INSERT INTO clients (workspace_id, id, name, scopes, secret_hash, created_at, updated_at) \
             VALUES ($1, $2, 'integration', string_to_array($3, ' '), '', $4, $4)",
        )
        .bind::<SqlUuid, _>(self.home.id.0)
        .bind::<SqlUuid, _>(id)
        .bind::<Text, _>(scopes.join(" "))
        .bind::<Timestamptz, _>(self.clock.now())
        .execute(&mut conn)
        .unwrap();
        let scopes = scopes.iter().map(|word| word.parse().unwrap()).collect();
        self.client_of(Actor::Client(ClientId(id)), self.home.id, &scopes)
    }

    /// Anybody anywhere: a token made without asking the database.
    #[must_use]
    pub fn client_of(
        &self,
        actor: Actor,
        workspace: WorkspaceId,
        scopes: &BTreeSet<Scope>,
    ) -> Client {
        let token = mint(&self.keys, &self.settings, &self.clock, actor, workspace, scopes);
        self.home.client.with_token(token)
    }

    /// Where the server listens, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.home.client.base
    }

    /// The keys that sign tokens.
    #[must_use]
    pub fn keys(&self) -> &KeyRing {
        &self.keys
    }

    /// A token with any header and any claims, rightly signed with the server's own key.
    #[must_use]
    pub fn signed(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        self.signed_text(&part(header), &part(claims))
    }

    /// As [`TestApp::signed`], of parts that are encoded already.
    #[must_use]
    pub fn signed_text(&self, header: &str, claims: &str) -> String {
        let text: String = self.pem.lines().filter(|line| !line.starts_with('-')).collect();
        let key = EncodingKey::from_ed_der(&STANDARD.decode(text).unwrap());
        let message = format!("{header}.{claims}");
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::EdDSA);
        format!("{message}.{}", signature.unwrap())
    }

    /// The settings of the API.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The server's clock.
    #[must_use]
    pub fn clock(&self) -> &TestClock {
        &self.clock
    }

    /// The server's pool.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// The database of this test.
    #[must_use]
    pub fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// A connection past the API, for looking into tables.
    #[must_use]
    pub fn connection(&self) -> PgConnection {
        self.database.connection()
    }

    /// A number out of the database: `count("SELECT count(*) AS n FROM contacts")`.
    #[must_use]
    pub fn count(&self, sql: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Number {
            #[diesel(sql_type = BigInt)]
            n: i64,
        }
        diesel::sql_query(sql).get_result::<Number>(&mut self.connection()).unwrap().n
    }

    /// Rows of a query as JSON objects.
    #[must_use]
    pub fn rows(&self, sql: &str) -> Vec<Value> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Jsonb)]
            row: Value,
        }
        let sql = format!("SELECT to_jsonb(q) AS row FROM ({sql}) AS q");
        let rows = diesel::sql_query(sql).load::<Row>(&mut self.connection()).unwrap();
        rows.into_iter().map(|row| row.row).collect()
    }

    /// Runs a statement past the API and says how many rows it changed.
    pub fn execute(&self, sql: &str) -> usize {
        diesel::sql_query(sql).execute(&mut self.connection()).unwrap()
    }

    /// Fails when the tables contradict one another: see [`crate::invariants`].
    #[track_caller]
    pub fn check_invariants(&self) {
        let breaches = crate::invariants::breaches(&mut self.connection());
        assert!(breaches.is_empty(), "the tables contradict one another: {breaches:#?}");
    }

    /// Works off everything that is due, as a worker would, and says how many jobs that was.
    pub async fn run_jobs(&self) -> usize {
        if let Server::Cluster(cluster) = &self.server {
            return cluster.run_jobs().await;
        }
        let environment = self.jobs_environment();
        let done = tokio::task::spawn_blocking(move || worker::run_due(&environment, "test"));
        done.await.unwrap().unwrap()
    }

    /// A whole import in one call, by e-mail with what is suggested unless `options` says otherwise; ends
    /// with the import as it is afterwards.
    pub async fn import(&self, bytes: impl Into<Vec<u8>>, options: &Value) -> Answer {
        self.import_into(&self.home.client, bytes, options).await
    }

    /// As [`TestApp::import`], sent by somebody else.
    pub async fn import_into(
        &self,
        client: &Client,
        bytes: impl Into<Vec<u8>>,
        options: &Value,
    ) -> Answer {
        let bytes = bytes.into();
        canary::sent_file(&bytes);
        canary::sent(options);
        let file = Part::bytes(bytes).file_name("list.csv").mime_str("text/csv").unwrap();
        let form = Form::new().text("options", options.to_string()).part("file", file);
        let job = client.post("/imports/run").multipart(form).await.expect(202);
        self.run_jobs().await;
        client.get(format!("/imports/{}", job.text_at("/subject/id"))).await.expect(200)
    }

    /// What jobs get from outside, for tests that run a worker themselves.
    #[must_use]
    pub fn jobs_environment(&self) -> Environment {
        Environment {
            db: self.db.clone(),
            clock: Arc::new(self.clock.clone()),
            secret: self.settings.secret.clone().into(),
            mail: self.settings.mail.clone(),
            links_url: self.settings.links_url().into(),
            journal: self.settings.journal.clone(),
        }
    }

    /// What sending webhooks needs from outside.
    #[must_use]
    pub fn sending_environment(&self) -> sending::Environment {
        sending::Environment {
            db: self.db.clone(),
            clock: Arc::new(self.clock.clone()),
            secret: self.settings.secret.clone().into(),
            allowed: self.settings.webhook_allow.clone(),
            show_contact: kartoteka_api::v1::webhooks::show_contact,
        }
    }

    /// Sends everything that is due to webhooks, and says how many attempts that were.
    pub async fn send_webhooks(&self) -> usize {
        let environment = self.sending_environment();
        let sent = tokio::task::spawn_blocking(move || sending::send_due(&environment, "test"));
        sent.await.unwrap().unwrap()
    }

    /// This test ends with unfinished jobs on purpose.
    pub fn leave_jobs(&self) {
        self.jobs_may_be_left.store(true, Ordering::Relaxed);
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        let left = if std::thread::panicking() || *self.jobs_may_be_left.get_mut() {
            0
        } else {
            self.count("SELECT count(*) AS n FROM jobs WHERE state IN ('queued', 'running')")
        };
        if let Server::Thread(server) = &mut self.server
            && let Some((handle, thread)) = server.take()
        {
            // the command is sent at once; the future only waits for it
            drop(handle.stop(false));
            let _ = thread.join();
        }
        assert!(
            left == 0,
            "{left} jobs are left: run_jobs(), or leave_jobs() when that is the point"
        );
        // a test may have put another journal in its place, which is not ours to remove
        let _ = std::fs::remove_dir_all(std::env::temp_dir().join(&self.journal_folder));
        canary::check();
    }
}

/// Name of a folder of its own for the journal of erasures of each server, below that of temporary files.
fn journal_folder() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("kartoteka-erasures-{}-{number}", std::process::id())
}

/// Runs the server on a thread of its own: actix has its own runtime.
async fn start(
    state: AppState,
    listener: TcpListener,
) -> (ServerHandle, std::thread::JoinHandle<()>) {
    let (tell, told) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("server".into())
        .spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = kartoteka_api::serve(state, listener).unwrap();
                let _ = tell.send(server.handle());
                server.await.unwrap();
            });
        })
        .unwrap();
    (told.await.unwrap(), thread)
}

/// Makes a workspace and its administrator.
fn settle(
    db: &Db,
    keys: &KeyRing,
    settings: &Settings,
    clock: &TestClock,
    client: &Client,
    number: u32,
) -> Workspace {
    let now = clock.now();
    let [id, user, email_purpose, sms_purpose] =
        std::array::from_fn(|_| kartoteka_app::context::new_id(now));
    let name = if number == 0 { "Home".to_owned() } else { format!("Other {number}") };
    let email = format!("admin{number}@example.com");
    let workspace = workspaces::Workspace {
        id,
        name,
        contact_limit: 1_000_000,
        phone_region: "CZ".into(),
        language: "cs".into(),
        time_zone: "Europe/Prague".into(),
        scenarios_on_owner_assigned: false,
        created_at: now,
        updated_at: now,
    };
    db.system(|conn| {
        workspaces::create(conn, &workspace, [email_purpose, sms_purpose])?;
        diesel::sql_query(
            "INSERT INTO users (workspace_id, id, email, email_key, role, password_hash, created_at, updated_at) \
             VALUES ($1, $2, $3, $3, 'administrator', $4, $5, $5)",
        )
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(user)
        .bind::<Text, _>(&email)
        .bind::<Text, _>(cheap_hash(PASSWORD))
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .map_err(StoreError::from)
    })
    .unwrap();
    let (id, user) = (WorkspaceId(id), UserId(user));
    let scopes = Role::Administrator.scopes();
    let token = mint(keys, settings, clock, Actor::User(user), id, &scopes);
    Workspace { id, user, email, client: client.with_token(token) }
}

fn mint(
    keys: &KeyRing,
    settings: &Settings,
    clock: &TestClock,
    actor: Actor,
    workspace: WorkspaceId,
    scopes: &BTreeSet<Scope>,
) -> String {
    let grant = Grant {
        issuer: &settings.issuer,
        audience: &settings.audience,
        actor,
        workspace,
        scopes,
        now: clock.now(),
        life: settings.access_token_life,
        id: Uuid::now_v7(),
    };
    keys.sign(&grant.claims()).unwrap()
}

/// An argon2id hash with the smallest cost: its parameters stand in it, so a login with it is fast too.
fn cheap_hash(password: &str) -> String {
    use argon2::password_hash::PasswordHasher;
    let params = argon2::Params::new(8, 1, 1, None).unwrap();
    let hasher = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    hasher.hash_password(password.as_bytes()).unwrap().to_string()
}
