//! Working off the queue: claim, run, heartbeat, give back.
//!
//! A job may be run twice (a worker dies after its last effect and before saying so), so each must reach
//! the same state again. It decides itself between transactions whether to go on; no transaction stays
//! open while it works.

mod presence;
mod run;
mod runner;

pub use presence::Presence;
pub(crate) use run::refusal_json;
pub use run::{Ended, JobError, Run};
pub use runner::{Runner, run_due, run_due_with, wake};

use std::sync::Arc;

use kartoteka_persistence::jobs::Job;
use kartoteka_persistence::{Db, Tenant};

use crate::Context;
use crate::clock::Clock;
use crate::erasures::Journal;
use crate::error::{Error, Refusal};
use crate::mail::Mail;

/// What jobs get from outside.
#[derive(Clone)]
pub struct Environment {
    /// The database. A pool of its own, so that jobs and requests do not starve each other.
    pub db: Db,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Key of the hashes of suppressed addresses, and of the links in messages.
    pub secret: Arc<[u8]>,
    /// Through whom mail goes; `None` where the operator said nothing.
    pub mail: Option<Mail>,
    /// Where browsers reach the pages behind links in messages, without a slash at the end.
    pub links_url: Arc<str>,
    /// Where erasures are noted before they are done.
    pub journal: Journal,
}

/// One kind of long work.
pub trait Work: Send + Sync {
    /// Name in the queue. Renaming it orphans what is already queued.
    fn kind(&self) -> &'static str;

    /// Does it, or goes on with it. Must reach the same state when run twice.
    ///
    /// # Errors
    /// See [`JobError`].
    fn run(&self, run: &mut Run<'_>) -> Result<Ended, JobError>;

    /// Brings the subject into its failed state, in the transaction that fails the job.
    ///
    /// # Errors
    /// What the database said.
    fn on_failed(
        &self,
        tenant: &mut Tenant<'_>,
        ctx: &Context,
        job: &Job,
        refusal: &Refusal,
    ) -> Result<(), Error>;

    /// Brings the subject into its cancelled state, in the transaction that cancels a job which no worker
    /// had yet.
    ///
    /// # Errors
    /// What the database said.
    fn on_cancelled(&self, tenant: &mut Tenant<'_>, ctx: &Context, job: &Job) -> Result<(), Error>;
}

/// Every kind of work this binary knows.
#[must_use]
pub fn registry() -> Vec<Arc<dyn Work>> {
    let mut work = crate::imports::work();
    work.extend(crate::webhooks::work());
    work.push(Arc::new(crate::contact_manager::ManagerWork));
    work.push(Arc::new(crate::contact_manager::UndoWork));
    work.push(Arc::new(crate::contacts::bulk_edit::BulkEditWork));
    work.push(Arc::new(crate::duplicates::find::FindWork));
    work.push(Arc::new(crate::integrity::verify::VerifyWork));
    work.push(Arc::new(crate::consents::requests::RequestWork));
    work.push(Arc::new(crate::erasures::EraseWork));
    work.push(Arc::new(crate::retention::RetentionWork));
    work
}

/// The work with this name.
#[must_use]
pub fn work_of(kind: &str) -> Option<Arc<dyn Work>> {
    registry().into_iter().find(|work| work.kind() == kind)
}
