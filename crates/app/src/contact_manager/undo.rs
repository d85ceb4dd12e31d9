//! Undoing a job: what it changed is given back where it is still as the job left it (MGR-4).
//!
//! A job of its own over the same list, at the same places. The actions are undone in the opposite order.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_domain::codes::Code;
use kartoteka_domain::contact_manager::{Action, ActionType, Placed};
use kartoteka_domain::ids::JobId;
use kartoteka_domain::jobs::JobState;
use kartoteka_domain::scopes::Scope;
use kartoteka_persistence::jobs::{self, Job, NewJob};
use kartoteka_persistence::{StoreError, Tenant, frozen as lists};

use super::actions::{self, Past};
use super::rights::{self, Rights, not_permitted};
use super::{KIND as MANAGER, ManagerJob, actions_of, get};
use crate::access::audit;
use crate::context::Context;
use crate::error::{Error, Refusal};
use crate::frozen::{self, Batch, Changed, Dids, Labour, Outcome};
use crate::worker::{Ended, JobError, Run, Work, wake};

/// Name of the jobs in the queue.
pub const KIND: &str = "contact_manager_undo";

/// Why a job cannot be undone now: `not_ended`, `not_reversible`, `undone`, `is_undo`, `list_gone`. `is_listed` says whether
/// the list of its contacts is kept.
pub(super) fn why_not(
    job: &Job,
    reversible: &[&str],
    undo: Option<&Job>,
    is_listed: bool,
) -> Result<Option<&'static str>, StoreError> {
    if job.kind != MANAGER {
        return Ok(Some("is_undo"));
    }
    if reversible.is_empty() {
        return Ok(Some("not_reversible"));
    }
    if !job.state()?.is_ended() {
        return Ok(Some("not_ended"));
    }
    // one that broke off may be started again: it goes by what the other one left
    if let Some(undo) = undo
        && !matches!(undo.state()?, JobState::Failed | JobState::Cancelled)
    {
        return Ok(Some("undone"));
    }
    Ok(if is_listed { None } else { Some("list_gone") })
}

/// Starts to undo a job that has ended, or was stopped. `scopes` are those of the caller's token: what it takes to do an
/// action, it takes to undo it.
///
/// # Errors
/// `not_found`; `job_not_undoable` with the reason.
pub fn start(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: JobId,
    scopes: &BTreeSet<Scope>,
) -> Result<ManagerJob, Error> {
    jobs::lock(tenant, id)?;
    let known = get(tenant, ctx, id)?;
    if let Some(reason) = known.not_undoable {
        let detail = match reason {
            "is_undo" => "This job undid another one; do that one again instead.",
            "not_reversible" => "Nothing that this job does can be undone.",
            "not_ended" => "The job has not ended; cancel it first.",
            "undone" => "The job is undone already.",
            _ => {
                "There is no list of its contacts: it never began, or the list is not kept any more."
            }
        };
        let extra = json!({ "reason": reason, "job_id": known.undone_by });
        return Err(Error::refused_with(Code::JobNotUndoable, detail, extra));
    }
    let undo = JobId(ctx.new_id());
    let request = what_is_undone(&known);
    let job = NewJob {
        id: undo,
        kind: KIND,
        payload: rights::payload(tenant, ctx, request, scopes)?,
        subject: Some(("job", id.0)),
        unique_key: Some(format!("{KIND}/{}", id.0)),
        run_at: ctx.now,
        actor: ctx.actor,
        request_id: ctx.request_id.clone(),
        created_at: ctx.now,
    };
    jobs::enqueue(tenant, &job)?;
    let what = json!({ "actions": known.reversible });
    let action = "contact_manager.undo";
    audit::record_for_job(tenant, ctx, action, "job", Some(id.0), Some(what), Some(undo.0))?;
    wake();
    get(tenant, ctx, undo)
}

/// The request of a job with the actions that are undone, and no others: what it wrote into private notes is no matter of
/// whoever undoes it.
fn what_is_undone(known: &ManagerJob) -> Value {
    let mut request = known.request.clone();
    if let Some(Value::Array(actions)) = request.get_mut("actions") {
        let type_of =
            |action: &Value| action.get("type").and_then(Value::as_str).map(str::to_owned);
        actions.retain(|action| {
            type_of(action).is_some_and(|word| known.reversible.contains(&word.as_str()))
        });
    }
    request
}

/// The job.
pub(crate) struct UndoWork;

impl Work for UndoWork {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn run(&self, run: &mut Run<'_>) -> Result<Ended, JobError> {
        let undone = run.job().subject_id.unwrap_or_default();
        let past = run.db().read(run.workspace(), |tenant| -> Result<_, Error> {
            let job = jobs::get(tenant, JobId(undone))?.ok_or(Error::NotFound)?;
            let actions = actions_of(tenant, &job)?;
            let others = jobs::of_subjects(tenant, KIND, vec![undone])?.into_iter();
            let others = others.map(|other| other.id).filter(|other| *other != run.job().id);
            Ok((actions, others.collect()))
        });
        let (mut actions, earlier) = past?;
        actions.retain(|placed| placed.action.is_reversible());
        actions.reverse();
        frozen::work_off(run, &Undoing { run, job: JobId(undone), earlier, actions })
    }

    fn on_failed(
        &self,
        _: &mut Tenant<'_>,
        _: &Context,
        _: &Job,
        _: &Refusal,
    ) -> Result<(), Error> {
        Ok(())
    }

    fn on_cancelled(&self, _: &mut Tenant<'_>, _: &Context, _: &Job) -> Result<(), Error> {
        Ok(())
    }
}

/// A job that undoes another one.
struct Undoing<'a> {
    run: &'a Run<'a>,
    /// The other one.
    job: JobId,
    /// Jobs that began to undo it and broke off: what they gave back is not given back again.
    earlier: Vec<Uuid>,
    /// What can be undone of it, the last first.
    actions: Vec<Placed>,
}

impl Labour for Undoing<'_> {
    type Tally = std::collections::BTreeMap<String, frozen::Counts>;

    fn freeze(&self, tenant: &mut Tenant<'_>, _: &Context, job: JobId) -> Result<i64, Error> {
        Ok(lists::freeze_those_of(tenant, job, self.job)?)
    }

    fn apply(
        &self,
        tenant: &mut Tenant<'_>,
        ctx: &Context,
        batch: &Batch,
    ) -> Result<Vec<(&'static str, Dids)>, Error> {
        let rights = Rights::now(tenant, self.run.job())?;
        let mut all = Vec::with_capacity(self.actions.len());
        for Placed { action, .. } in &self.actions {
            let kind = action.kind().as_str();
            let (after, up_to) = (batch.after, batch.up_to);
            let changed = lists::changed(tenant, self.job, kind, (after, up_to), &self.earlier)?;
            if !rights.allow(action.kind()) {
                let skipped = changed.into_iter().map(|row| (row.contact_id, not_permitted()));
                all.push((kind, skipped.collect()));
                continue;
            }
            let mut dids = Dids::new();
            let mut rows: Vec<Changed> = Vec::with_capacity(changed.len());
            for row in changed {
                match batch.untouchable.get(&row.contact_id) {
                    Some(reason) if !comes_back(action, reason) => {
                        let outcome = Outcome::Skipped((*reason).to_owned());
                        dids.insert(row.contact_id, outcome.into());
                    }
                    _ => rows.push(row),
                }
            }
            if !rows.is_empty() {
                let undo = JobId(self.run.job().id);
                let past = Past { job: self.job, undo, rows: &rows };
                dids.extend(actions::undo(tenant, ctx, action, &past)?);
            }
            all.push((kind, dids));
        }
        actions::move_on(tenant, JobId(self.run.job().id), &all)?;
        Ok(all)
    }
}

/// Whom the action put into the trash can be restored from there.
fn comes_back(action: &Action, reason: &str) -> bool {
    action.kind() == ActionType::Delete && reason == "in_trash"
}
