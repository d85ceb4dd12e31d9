//! Imports: the ordered steps from bytes to contacts, and back.
//!
//! The steps before the commit are small transactions on the record of the import ([`steps`], [`receive`]).
//! Planning ([`plan`]), writing ([`commit`]) and undoing ([`revert`]) are jobs.

pub mod commit;
pub mod errors_csv;
pub(crate) mod forget;
pub mod one_call;
pub mod plan;
pub mod receive;
pub mod report;
pub mod revert;
mod staging;
pub mod steps;
pub mod templates;
mod upload;
mod work;

use std::sync::Arc;

use chrono::Timelike;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use kartoteka_domain::codes::Code;
use kartoteka_domain::ids::ImportId;
use kartoteka_domain::imports::mapping::Mapping;
use kartoteka_domain::imports::matching::Matching;
use kartoteka_domain::imports::state::{ImportState, Step};
use kartoteka_domain::jobs::JobState;
use kartoteka_persistence::imports;
use kartoteka_persistence::jobs::{self, Job, NewJob};
use kartoteka_persistence::{StoreError, Tenant};

pub use kartoteka_persistence::imports::ImportRecord;

use crate::context::Context;
use crate::error::Error;
use crate::worker::{Work, wake};

/// The kinds of long work of this noun.
#[must_use]
pub fn work() -> Vec<Arc<dyn Work>> {
    vec![
        Arc::new(work::ImportWork(work::Kind::Plan)),
        Arc::new(work::ImportWork(work::Kind::Commit)),
        Arc::new(work::ImportWork(work::Kind::Run)),
        Arc::new(work::ImportWork(work::Kind::Revert)),
    ]
}

/// One import.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get(tenant: &mut Tenant<'_>, id: ImportId) -> Result<ImportRecord, Error> {
    imports::get(tenant, id)?.ok_or(Error::NotFound)
}

/// Imports, newest first, older than `before`.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    before: Option<ImportId>,
    limit: i64,
) -> Result<Vec<ImportRecord>, Error> {
    Ok(imports::list(tenant, before, limit)?)
}

pub(crate) fn locked(tenant: &mut Tenant<'_>, id: ImportId) -> Result<ImportRecord, Error> {
    imports::lock(tenant, id)?.ok_or(Error::NotFound)
}

pub(crate) fn state_of(import: &ImportRecord) -> Result<ImportState, Error> {
    import.state.parse().map_err(|()| inconsistent("unknown state of an import"))
}

/// The import, locked, if `step` may be taken now.
pub(crate) fn at_step(
    tenant: &mut Tenant<'_>,
    id: ImportId,
    step: Step,
) -> Result<ImportRecord, Error> {
    let import = locked(tenant, id)?;
    let state = state_of(&import)?;
    if state.allows(step) {
        return Ok(import);
    }
    let detail = format!("the import is {}; next: {}", state.as_str(), state.next());
    let extra = json!({ "state": state.as_str(), "next": state.next() });
    Err(Error::refused_with(Code::StepOutOfOrder, detail, extra))
}

/// Takes an import back to `state`: everything that was decided later is forgotten.
pub(crate) fn back_to(import: &mut ImportRecord, state: ImportState, ctx: &Context) {
    if state <= ImportState::AwaitingHeader {
        import.first_row = None;
        import.columns = None;
    }
    if state <= ImportState::AwaitingMapping {
        import.mapping = None;
    }
    if state <= ImportState::AwaitingMatching {
        import.matching = None;
    }
    if state <= ImportState::AwaitingMatching {
        // whoever goes back wants to see the plan
        import.auto_commit = false;
    }
    import.plan = None;
    import.plan_hash = None;
    import.plan_revision = None;
    import.rows = None;
    import.problem = None;
    import.job_id = None;
    import.state = state.as_str().to_owned();
    import.updated_at = ctx.now;
}

pub(crate) fn inconsistent(problem: &str) -> Error {
    Error::Store(StoreError::Inconsistent { table: "imports", problem: problem.to_owned() })
}

pub(crate) fn read_json<T: DeserializeOwned>(
    value: Option<&Value>,
    what: &str,
) -> Result<T, Error> {
    let value = value.ok_or_else(|| inconsistent(&format!("{what} is missing")))?;
    serde_json::from_value(value.clone())
        .map_err(|_unreadable| inconsistent(&format!("{what} cannot be read")))
}

pub(crate) fn mapping_of(import: &ImportRecord) -> Result<Mapping, Error> {
    read_json(import.mapping.as_ref(), "the mapping")
}

pub(crate) fn matching_of(import: &ImportRecord) -> Result<Matching, Error> {
    read_json(import.matching.as_ref(), "the matching")
}

/// Enqueues a job for the import and makes it the import's job.
pub(crate) fn enqueue(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    import: &mut ImportRecord,
    kind: work::Kind,
) -> Result<Job, Error> {
    let id = ctx.new_id().into();
    jobs::enqueue(
        tenant,
        &NewJob {
            id,
            kind: kind.name(),
            payload: json!({ "import_id": import.id }),
            subject: Some(("import", import.id)),
            unique_key: None,
            run_at: ctx.now,
            actor: ctx.actor,
            request_id: ctx.request_id.clone(),
            created_at: ctx.now,
        },
    )?;
    import.job_id = Some(id.0);
    imports::save(tenant, import)?;
    wake();
    crate::jobs::get(tenant, id)
}

/// Milliseconds are what an id can hold; the time a contact is made at is cut to them, so that its id and
/// its `created_at` sort alike.
pub(crate) fn to_milliseconds(at: chrono::DateTime<chrono::Utc>) -> chrono::DateTime<chrono::Utc> {
    at.with_nanosecond(at.timestamp_subsec_millis() * 1_000_000).unwrap_or(at)
}

/// Stops an import. One that runs stops after its present chunk; what is written stays and can be undone.
///
/// # Errors
/// [`Error::NotFound`]; `job_not_cancellable` when it has ended.
pub fn cancel(tenant: &mut Tenant<'_>, ctx: &Context, id: ImportId) -> Result<ImportRecord, Error> {
    // a running step holds its job and then the import: whoever wants both asks in the same order, and waits
    // as long as a step may take
    let seen = get(tenant, id)?;
    if let Some(job) = seen.job_id {
        jobs::lift_timeouts(tenant)?;
        jobs::lock(tenant, job.into())?;
    }
    let mut import = locked(tenant, id)?;
    if import.job_id != seen.job_id {
        let what = "the import was given another job in this moment".to_owned();
        return Err(Error::Store(StoreError::Busy(what)));
    }
    let state = state_of(&import)?;
    match state {
        ImportState::Running | ImportState::Reverting => {
            if let Some(job) = import.job_id {
                crate::jobs::cancel(tenant, ctx, job.into())?;
            }
            return get(tenant, id);
        }
        ImportState::Done
        | ImportState::Failed
        | ImportState::Cancelled
        | ImportState::Reverted => {
            let detail = format!("the import has ended: it is {}", state.as_str());
            return Err(Error::refused(Code::JobNotCancellable, detail));
        }
        ImportState::Planning => {
            if let Some(job) = import.job_id {
                // a plan that ended in this very moment needs no stopping
                let _ended = jobs::request_cancel(tenant, job.into())?;
                if jobs::cancel_queued(tenant, job.into(), ctx.now)? {
                    let job = crate::jobs::get(tenant, job.into())?;
                    crate::outbox::record_job(tenant, ctx, &job, JobState::Cancelled)?;
                }
            }
        }
        ImportState::AwaitingData
        | ImportState::AwaitingHeader
        | ImportState::AwaitingMapping
        | ImportState::AwaitingMatching
        | ImportState::AwaitingCommit => {}
    }
    import.state = ImportState::Cancelled.as_str().to_owned();
    import.updated_at = ctx.now;
    import.finished_at = Some(ctx.now);
    imports::save(tenant, &import)?;
    crate::outbox::record_import(tenant, ctx, &import)?;
    crate::access::audit::record(tenant, ctx, "import.cancel", "import", Some(id.0), None)?;
    Ok(import)
}
