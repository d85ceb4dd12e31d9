//! Seeing and stopping long work.

use kartoteka_domain::codes::Code;
use kartoteka_domain::ids::JobId;
use kartoteka_domain::jobs::JobState;
use kartoteka_persistence::Tenant;
use kartoteka_persistence::jobs::{self, NewJob};
use serde_json::Value;

pub use kartoteka_persistence::jobs::Job;

use crate::access::audit;
use crate::context::Context;
use crate::error::Error;
use crate::frozen;
use crate::outbox;
use crate::worker;

/// Puts in a job of a kind of which a workspace has one at a time, with its line in the audit trail.
///
/// # Errors
/// `conflict` with `busy` while another one waits or runs.
pub(crate) fn start_alone(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    (kind, payload): (&'static str, Value),
    action: &str,
    busy: &str,
) -> Result<JobId, Error> {
    let id = JobId(ctx.new_id());
    let job = NewJob {
        id,
        kind,
        payload,
        subject: None,
        unique_key: Some(kind.to_owned()),
        run_at: ctx.now,
        actor: ctx.actor,
        request_id: ctx.request_id.clone(),
        created_at: ctx.now,
    };
    jobs::enqueue(tenant, &job).map_err(|error| match error.constraint() {
        Some("jobs_unique_key") => Error::refused(Code::Conflict, busy),
        _ => Error::Store(error),
    })?;
    audit::record_for_job(tenant, ctx, action, "job", Some(id.0), None, Some(id.0))?;
    worker::wake();
    Ok(id)
}

/// One job of the workspace.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get(tenant: &mut Tenant<'_>, id: JobId) -> Result<Job, Error> {
    jobs::get(tenant, id)?.ok_or(Error::NotFound)
}

/// Jobs of the workspace, newest first, older than `before`.
///
/// # Errors
/// What the database said.
pub fn list(tenant: &mut Tenant<'_>, before: Option<JobId>, limit: i64) -> Result<Vec<Job>, Error> {
    Ok(jobs::list(tenant, before, limit)?)
}

/// Jobs by their ids, in no order.
///
/// # Errors
/// What the database said.
pub fn get_many(tenant: &mut Tenant<'_>, ids: Vec<uuid::Uuid>) -> Result<Vec<Job>, Error> {
    Ok(if ids.is_empty() { Vec::new() } else { jobs::get_many(tenant, ids)? })
}

/// Stops a job: at once when nobody works on it yet, else after its present step.
///
/// # Errors
/// [`Error::NotFound`], or `job_not_cancellable` when it has ended.
pub fn cancel(tenant: &mut Tenant<'_>, ctx: &Context, id: JobId) -> Result<Job, Error> {
    let known = get(tenant, id)?;
    let Some(job) = jobs::request_cancel(tenant, id)? else {
        return Err(Error::refused(
            Code::JobNotCancellable,
            format!("the job has ended: it is {}", known.state),
        ));
    };
    audit::record(tenant, ctx, "job.cancel", "job", Some(id.0), None)?;
    if jobs::cancel_queued(tenant, id, ctx.now)?
        && let Some(work) = worker::work_of(&job.kind)
    {
        work.on_cancelled(tenant, ctx, &job)?;
        outbox::record_job(tenant, ctx, &job, JobState::Cancelled)?;
    }
    get(tenant, id)
}

/// Contacts of a job over a frozen selection, with what became of each; none for other jobs.
///
/// # Errors
/// [`Error::NotFound`].
pub fn contacts(
    tenant: &mut Tenant<'_>,
    id: JobId,
    filter: &frozen::ReportFilter,
) -> Result<Vec<frozen::Reported>, Error> {
    get(tenant, id)?;
    Ok(frozen::report(tenant, id, filter)?)
}
