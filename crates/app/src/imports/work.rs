//! The jobs of imports.

use serde_json::Value;

use kartoteka_domain::ids::ImportId;
use kartoteka_domain::imports::state::ImportState;
use kartoteka_persistence::jobs::Job;
use kartoteka_persistence::{Tenant, imports};

use super::{commit, plan, revert, state_of};
use crate::context::Context;
use crate::error::{Error, Refusal};
use crate::outbox;
use crate::worker::{Ended, JobError, Run, Work, refusal_json};

/// What is to be done with the import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Read, stage, sort, count.
    Plan,
    /// Write contacts.
    Commit,
    /// Both, one after the other (IMP-19).
    Run,
    /// Take it back.
    Revert,
}

impl Kind {
    /// Name in the queue.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plan => "import_plan",
            Self::Commit => "import_commit",
            Self::Run => "import_run",
            Self::Revert => "import_revert",
        }
    }
}

/// Work on one import.
pub(crate) struct ImportWork(pub(crate) Kind);

/// The import a job is about.
pub(crate) fn subject(job: &Job) -> Result<ImportId, Error> {
    let id = job.payload.get("import_id").and_then(Value::as_str).and_then(|id| id.parse().ok());
    id.ok_or_else(|| super::inconsistent("a job without its import"))
}

impl Work for ImportWork {
    fn kind(&self) -> &'static str {
        self.0.name()
    }

    fn run(&self, run: &mut Run<'_>) -> Result<Ended, JobError> {
        match self.0 {
            Kind::Plan => plan::run(run, plan::Then::Stop),
            Kind::Run => plan::run(run, plan::Then::Commit),
            Kind::Commit => commit::run(run),
            Kind::Revert => revert::run(run),
        }
    }

    fn on_failed(
        &self,
        tenant: &mut Tenant<'_>,
        ctx: &Context,
        job: &Job,
        refusal: &Refusal,
    ) -> Result<(), Error> {
        let Some(mut import) = imports::lock(tenant, subject(job)?)? else { return Ok(()) };
        if import.job_id != Some(job.id) {
            return Ok(());
        }
        let state = state_of(&import)?;
        if !matches!(state, ImportState::Planning | ImportState::Running | ImportState::Reverting) {
            return Ok(());
        }
        import.state = ImportState::Failed.as_str().to_owned();
        import.problem = Some(refusal_json(refusal));
        import.updated_at = ctx.now;
        import.finished_at = Some(ctx.now);
        imports::save(tenant, &import)?;
        Ok(outbox::record_import(tenant, ctx, &import)?)
    }

    fn on_cancelled(&self, tenant: &mut Tenant<'_>, ctx: &Context, job: &Job) -> Result<(), Error> {
        let Some(mut import) = imports::lock(tenant, subject(job)?)? else { return Ok(()) };
        if import.job_id != Some(job.id) {
            return Ok(());
        }
        import.state = ImportState::Cancelled.as_str().to_owned();
        import.updated_at = ctx.now;
        import.finished_at = Some(ctx.now);
        imports::save(tenant, &import)?;
        Ok(outbox::record_import(tenant, ctx, &import)?)
    }
}
