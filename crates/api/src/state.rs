//! What all handlers share, and the one way from a request to a use case.
//!
//! Use cases are synchronous and run on blocking threads. A request waits for its turn as a task, not as
//! a thread ([`AppState::read`], [`AppState::write`]): actix' pool of blocking threads queues silently, the
//! [`crate::gate`] answers `database_busy` instead.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::StatusCode;
use tokio::sync::Semaphore;
use tracing::Span;

use kartoteka_app::access::idempotency;
use kartoteka_app::clock::{Clock, Microseconds, SystemClock};
use kartoteka_app::{Context, Db, Tenant};
use kartoteka_domain::codes::Code;
use kartoteka_domain::ids::WorkspaceId;

use crate::extract::{Caller, Fingerprint, IdempotencyKey};
use crate::gate::{Gate, Turn};
use crate::links::Visitor;
use crate::middleware::{self, Limits};
use crate::problem::Problem;
use crate::reply::Reply;
use crate::settings::Settings;
use crate::subjects::Subjects;
use crate::tokens::KeyRing;
use crate::tokens::foreign::ForeignIssuers;
use crate::tokens::proven::Proven;
use crate::v1::auth::throttle::Throttle;

/// Handed to handlers as [`State`]; cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Inner>);

/// What a handler takes as argument.
pub type State = actix_web::web::Data<AppState>;

struct Inner {
    db: Db,
    gate: Arc<Gate>,
    keys: KeyRing,
    proven: Proven,
    foreign: ForeignIssuers,
    settings: Settings,
    clock: Arc<dyn Clock>,
    limits: Limits,
    subjects: Subjects,
    throttle: Throttle,
    hashers: Arc<Semaphore>,
    render_metrics: Option<RenderMetrics>,
}

/// How long a login waits for a core.
const HASHING_WAIT: Duration = Duration::from_secs(10);

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Writes the metrics of the process in Prometheus' text form.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

impl AppState {
    /// The state of a server on `db`, with the machine's clock and no metrics.
    #[must_use]
    pub fn new(db: Db, keys: KeyRing, settings: Settings) -> Self {
        Self::with(db, keys, settings, Arc::new(SystemClock), None)
    }

    /// The state of a server, with everything that can be replaced.
    #[must_use]
    pub fn with(
        db: Db,
        keys: KeyRing,
        settings: Settings,
        clock: Arc<dyn Clock>,
        render_metrics: Option<RenderMetrics>,
    ) -> Self {
        let turns = usize::try_from(db.size()).unwrap_or(1);
        Self(Arc::new(Inner {
            gate: Arc::new(Gate::new(turns, settings.database_wait)),
            proven: Proven::default(),
            foreign: ForeignIssuers::new(&settings.foreign_issuers),
            limits: Limits::new(&settings),
            subjects: Subjects::default(),
            throttle: Throttle::default(),
            hashers: Arc::new(Semaphore::new(cores())),
            db,
            keys,
            settings,
            clock: Arc::new(Microseconds(clock)),
            render_metrics,
        }))
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The clock; a handler reads it through its caller's context.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// The keys of our tokens.
    #[must_use]
    pub fn keys(&self) -> &KeyRing {
        &self.0.keys
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.0.gate
    }

    pub(crate) fn proven(&self) -> &Proven {
        &self.0.proven
    }

    pub(crate) fn foreign(&self) -> &ForeignIssuers {
        &self.0.foreign
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    pub(crate) fn subjects(&self) -> &Subjects {
        &self.0.subjects
    }

    pub(crate) fn throttle(&self) -> &Throttle {
        &self.0.throttle
    }

    pub(crate) fn render_metrics(&self) -> Option<&RenderMetrics> {
        self.0.render_metrics.as_ref()
    }

    /// Blocking threads that can have work at once: all turns, all who hash, and one who fetches keys.
    pub(crate) fn most_at_once(&self) -> usize {
        usize::try_from(self.0.db.size()).unwrap_or(1) + cores() + 1
    }

    /// Runs a use case that only reads, without a transaction around it. When several statements must see
    /// one state, use [`AppState::write`].
    ///
    /// # Errors
    /// The problem of `work`, or `database_busy`.
    pub async fn read<T: Send + 'static>(
        &self,
        caller: &Caller,
        work: impl FnOnce(&mut Tenant<'_>, &Context) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let ctx = self.context(caller);
        self.blocking(move |db| db.read(ctx.workspace, |tenant| work(tenant, &ctx))).await
    }

    /// Runs a use case in one transaction; an error rolls it back.
    ///
    /// # Errors
    /// The problem of `work`, or `database_busy`.
    pub async fn write<T: Send + 'static>(
        &self,
        caller: &Caller,
        work: impl FnOnce(&mut Tenant<'_>, &Context) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let ctx = self.context(caller);
        self.blocking(move |db| db.write(ctx.workspace, |tenant| work(tenant, &ctx))).await
    }

    /// Runs the use case of a `POST` in one transaction, once for any number of requests with one
    /// `Idempotency-Key`. The answer is rendered and kept inside the transaction.
    ///
    /// # Errors
    /// The problem of `work`, `idempotency_in_progress`, `idempotency_key_reused`, `database_busy`.
    pub async fn post<R: Into<Reply>>(
        &self,
        caller: &Caller,
        idempotency: &IdempotencyKey,
        fingerprint: Fingerprint,
        work: impl FnOnce(&mut Tenant<'_>, &Context) -> Result<R, Problem> + Send + 'static,
    ) -> Result<Reply, Problem> {
        let key = idempotency.key.clone();
        let fingerprint = idempotency.cover(fingerprint);
        let client = caller.subject.clone();
        self.write(caller, move |tenant, ctx| {
            let Some(key) = key else { return work(tenant, ctx).map(Into::into) };
            if let Some(kept) = idempotency::replay(tenant, ctx, &client, &key, &fingerprint)? {
                return Ok(Reply::replayed(kept));
            }
            let reply: Reply = work(tenant, ctx)?.into();
            if reply.status < StatusCode::BAD_REQUEST {
                idempotency::keep(tenant, ctx, &client, &key, &fingerprint, &reply.to_answer())?;
            }
            Ok(reply)
        })
        .await
    }

    /// Runs work that opens its own transactions: several steps, or none of a workspace.
    ///
    /// # Errors
    /// The problem of `work`, or `database_busy`.
    pub async fn run<T: Send + 'static>(
        &self,
        caller: &Caller,
        work: impl FnOnce(&Db, &Context) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let ctx = self.context(caller);
        self.blocking(move |db| work(db, &ctx)).await
    }

    /// Reads what a link in a message leads to, which names its workspace itself.
    ///
    /// # Errors
    /// The problem of `work`, or `database_busy`.
    pub(crate) async fn visit<T: Send + 'static>(
        &self,
        workspace: WorkspaceId,
        visitor: &Visitor,
        work: impl FnOnce(&mut Tenant<'_>, &Context) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let ctx = visitor.context(workspace, self.0.clock.now());
        self.blocking(move |db| db.read(ctx.workspace, |tenant| work(tenant, &ctx))).await
    }

    /// Writes what somebody answers by a link in a message, in one transaction.
    ///
    /// # Errors
    /// The problem of `work`, or `database_busy`.
    pub(crate) async fn answer<T: Send + 'static>(
        &self,
        workspace: WorkspaceId,
        visitor: &Visitor,
        work: impl FnOnce(&mut Tenant<'_>, &Context) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let ctx = visitor.context(workspace, self.0.clock.now());
        self.blocking(move |db| db.write(ctx.workspace, |tenant| work(tenant, &ctx))).await
    }

    /// The circumstances of the caller's request, now.
    #[must_use]
    pub fn context(&self, caller: &Caller) -> Context {
        Context {
            workspace: caller.workspace,
            actor: caller.actor,
            now: self.0.clock.now(),
            request_id: caller.request_id.clone(),
            ip: caller.ip.clone(),
        }
    }

    /// Waits for a turn, then runs `work` on a blocking thread inside the caller's span. The turn is held
    /// until the work ends, even when the client has gone.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Db) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let since = Instant::now();
        let turn = self.turn().await?;
        let db = self.0.db.clone();
        unblocked(move || {
            let _turn = turn;
            // one patience for all waits: for the turn, for a thread, and for the connection
            work(&db.after_waiting(since.elapsed()))
        })
        .await
    }

    /// Hashes or compares a password: slow on purpose, so no more at once than there are cores, and not
    /// while holding a turn at the database.
    pub(crate) async fn hashing<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = Arc::clone(&self.0.hashers).acquire_owned();
        let turn = tokio::time::timeout(HASHING_WAIT, turn).await;
        let Ok(Ok(turn)) = turn else {
            return Err(Problem::new(Code::RateLimited, "Too many logins at once; try again.")
                .with_header(actix_web::http::header::RETRY_AFTER, "5"));
        };
        unblocked(move || {
            let _turn = turn;
            work()
        })
        .await
    }

    async fn turn(&self) -> Result<Turn, Problem> {
        self.0.gate.turn().await.ok_or_else(|| {
            self.0.gate.refuse();
            Problem::refused()
        })
    }
}

/// Runs slow work that needs no database (hashing, fetching keys) on a blocking thread.
#[expect(clippy::disallowed_methods, reason = "the one home of blocking threads")]
pub(crate) async fn unblocked<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let span = Span::current();
    let work = middleware::with_request_id(work);
    match actix_web::web::block(move || span.in_scope(work)).await {
        Ok(done) => done,
        Err(error) => Err(Problem::internal(error)),
    }
}
