//! One claimed job in the hands of its work.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use kartoteka_domain::codes::Code;
use kartoteka_domain::ids::{JobId, WorkspaceId};
use kartoteka_domain::jobs::{CRASHES_BEFORE_CAUTION, JobState};
use kartoteka_persistence::jobs::{self, Held, Job, Progress};
use kartoteka_persistence::{Db, StoreError, Tenant};

use super::Environment;
use crate::Context;
use crate::error::{Error, Refusal};
use crate::outbox;

/// Proof that the end of a job is written; only [`Run::end`] makes one.
#[derive(Debug)]
pub struct Ended(pub(super) JobState);

/// Why a job did not end.
#[derive(Debug)]
pub enum JobError {
    /// It may go better in a moment: tried again after a pause.
    Retry(Error),
    /// It will never go: the job fails with this.
    Fail(Box<Refusal>),
    /// Somebody else has the job by now; nothing more is to be written.
    LeaseLost,
    /// The worker stops; the job goes back into the queue.
    Stopped,
    /// Its subject went another way: the job ends as cancelled.
    Unwanted,
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        Error::from(error).into()
    }
}

impl From<Error> for JobError {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(StoreError::LeaseLost) => Self::LeaseLost,
            Error::Store(StoreError::Full) => Self::Fail(Box::new(Refusal {
                code: Code::StorageFull,
                detail: "the database has no room left; make room and start again".into(),
                faults: Vec::new(),
                extra: serde_json::Map::new(),
            })),
            Error::Store(StoreError::ReadOnly) => Self::Fail(Box::new(Refusal {
                code: Code::StorageReadOnly,
                detail: "the database could not be written; see to its disk and start again".into(),
                faults: Vec::new(),
                extra: serde_json::Map::new(),
            })),
            Error::Refused(refusal) => Self::Fail(refusal),
            Error::NotFound => Self::Fail(Box::new(Refusal {
                code: Code::NotFound,
                detail: "what the job was to work on is gone".into(),
                faults: Vec::new(),
                extra: serde_json::Map::new(),
            })),
            Error::Store(_) => Self::Retry(error),
        }
    }
}

/// A claimed job: the way to the database for its work.
pub struct Run<'a> {
    pub(super) environment: &'a Environment,
    pub(super) job: Job,
    pub(super) stop: &'a AtomicBool,
    /// Whether it got on since it was claimed: then earlier failures are forgotten.
    pub(super) advanced: AtomicBool,
}

impl Run<'_> {
    /// The job as it was claimed.
    #[must_use]
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// What jobs get from outside.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        self.environment
    }

    /// The database, for reads.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.environment.db
    }

    /// The workspace of the job.
    #[must_use]
    pub fn workspace(&self) -> WorkspaceId {
        WorkspaceId(self.job.workspace_id)
    }

    /// Whether earlier workers died over it: work in the smallest steps.
    #[must_use]
    pub fn is_cautious(&self) -> bool {
        self.job.crashes >= CRASHES_BEFORE_CAUTION
    }

    /// Circumstances of a step that happens now.
    #[must_use]
    pub fn context(&self) -> Context {
        Context {
            workspace: self.workspace(),
            actor: self.job.actor(),
            now: self.environment.clock.now(),
            request_id: self.job.request_id.clone(),
            ip: None,
        }
    }

    /// One effect: a transaction that begins with the proof of the lease.
    ///
    /// # Errors
    /// [`JobError::Stopped`] when the worker is to stop; otherwise what `work` said.
    pub fn step<T>(
        &self,
        work: impl FnOnce(&mut Tenant<'_>, &Context, Held) -> Result<T, Error>,
    ) -> Result<T, JobError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(JobError::Stopped);
        }
        self.account(work)
    }

    /// As [`Run::step`], even when the worker is to stop: for an effect outside that has happened already.
    ///
    /// # Errors
    /// What `work` said.
    pub fn account<T>(
        &self,
        work: impl FnOnce(&mut Tenant<'_>, &Context, Held) -> Result<T, Error>,
    ) -> Result<T, JobError> {
        let ctx = self.context();
        let done = self.environment.db.write(self.workspace(), |tenant| {
            jobs::lift_timeouts(tenant)?;
            let held = jobs::hold(tenant, JobId(self.job.id), self.job.lease_epoch)?;
            work(tenant, &ctx, held)
        });
        Ok(done?)
    }

    /// Writes progress inside a [`Run::step`].
    ///
    /// # Errors
    /// What the database said.
    pub fn advance(&self, tenant: &mut Tenant<'_>, progress: &Progress) -> Result<(), Error> {
        let now = self.environment.clock.now();
        jobs::advance(tenant, JobId(self.job.id), self.job.lease_epoch, progress, now)?;
        self.advanced.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Ends the job inside a [`Run::step`], together with its last effect.
    ///
    /// # Errors
    /// What the database said.
    pub fn end(
        &self,
        tenant: &mut Tenant<'_>,
        state: JobState,
        problem: Option<&Refusal>,
    ) -> Result<Ended, Error> {
        let now = self.environment.clock.now();
        let problem = problem.map(refusal_json);
        jobs::finish(tenant, JobId(self.job.id), self.job.lease_epoch, state, problem, now)?;
        outbox::record_job(tenant, &self.context(), &self.job, state)?;
        Ok(Ended(state))
    }
}

/// A refusal as it is kept with a job or an import; the API adds what belongs to a problem document.
#[must_use]
pub(crate) fn refusal_json(refusal: &Refusal) -> Value {
    let mut value = json!({
        "code": refusal.code,
        "title": refusal.code.title(),
        "detail": refusal.detail,
    });
    if let Some(object) = value.as_object_mut() {
        if !refusal.faults.is_empty() {
            object.insert("errors".into(), json!(refusal.faults));
        }
        for (name, member) in &refusal.extra {
            object.insert(name.clone(), member.clone());
        }
    }
    value
}
