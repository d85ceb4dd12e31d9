//! The contact manager: one job, several actions, exactly the contacts that its selection means when it begins (MGR).
//!
//! A job is a row of `jobs` whose payload is the request as it came. When it begins it reads the request again, puts down
//! whom the selection means ([`crate::frozen`]) and goes through them chunk by chunk; each action is one statement for a
//! chunk, with an outcome for each contact, in the transaction of the effect. Undoing is a job of its own over the same
//! list ([`undo`]).

mod actions;
mod details;
mod gender;
mod rights;
mod tags;
pub mod undo;
mod work;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use kartoteka_domain::actor::Actor;
use kartoteka_domain::codes::Code;
use kartoteka_domain::contact_manager::{self as domain, Action, JobRequest, StartsScenarios};
use kartoteka_domain::contacts::patch::Reading;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::JobId;
use kartoteka_domain::scopes::Scope;
use kartoteka_domain::segments::Selection;
use kartoteka_persistence::contacts::list::Sort;
use kartoteka_persistence::jobs::{self, Job, NewJob};
use kartoteka_persistence::{StoreError, Tenant, frozen as lists};

use crate::access::audit;
use crate::contacts::reading;
use crate::context::Context;
use crate::documents;
use crate::error::Error;
use crate::frozen::{self, Counts, ReportFilter, Reported};
use crate::funnels;
use crate::segments;
use crate::worker::wake;

pub use kartoteka_persistence::contacts::list::Page;

pub(crate) use undo::UndoWork;
pub(crate) use work::ManagerWork;

/// Name of the jobs in the queue.
pub const KIND: &str = "contact_manager";
/// Contacts a recount shows.
pub const SAMPLE: usize = 10;

/// A job of the contact manager and what belongs to it.
#[derive(Clone, Debug)]
pub struct ManagerJob {
    /// The job.
    pub job: Job,
    /// The request, as it came, but for what only its author sees.
    pub request: Value,
    /// What became of the contacts, by action.
    pub outcomes: BTreeMap<String, Counts>,
    /// Actions that undoing it would undo.
    pub reversible: Vec<&'static str>,
    /// Why it cannot be undone now; `None` when it can.
    pub not_undoable: Option<&'static str>,
    /// The document that it made, where the caller sees it.
    pub document_id: Option<Uuid>,
    /// The job that undid it or is at it.
    pub undone_by: Option<Uuid>,
    /// The job that it undoes.
    pub undoes: Option<Uuid>,
}

/// How many contacts the selection means now, and some of them (MGR-1).
///
/// # Errors
/// `selection_too_slow`.
pub fn recount(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    selection: &Selection,
) -> Result<(i64, Page), Error> {
    let contacts = segments::count(tenant, selection, ctx.now)?;
    let sample = segments::page(tenant, selection, ctx.now, &Sort::default(), None, SAMPLE)?;
    Ok((contacts, sample))
}

/// Whether an action starts scenarios in this workspace (MGR-2).
///
/// # Errors
/// What the database said.
pub fn starts_scenarios(tenant: &mut Tenant<'_>, starts: StartsScenarios) -> Result<bool, Error> {
    Ok(match starts {
        StartsScenarios::Yes => true,
        StartsScenarios::No => false,
        StartsScenarios::BySetting => actions::owners_start_scenarios(tenant)?,
    })
}

/// What is said of a job for nobody.
const WHOM: &str = "Say whom: a selection is needed.";

/// Puts in a job: checks it whole and enqueues it. `scopes` are those of the caller's token.
///
/// # Errors
/// All faults of the body; `empty_selection` when it says of nobody, or of everybody without saying so.
pub fn create(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    body: &Map<String, Value>,
    scopes: &BTreeSet<Scope>,
) -> Result<ManagerJob, Error> {
    let (selection, request) = read(tenant, ctx, body)?;
    let refuse = |detail: &str| Err(Error::refused(Code::EmptySelection, detail));
    match &selection {
        None => return refuse(WHOM),
        Some(selection) if selection.is_everything() => {
            return refuse("A selection without conditions is refused here: say who is meant.");
        }
        // who comes to fit until then is meant too
        Some(_) if request.run_at.is_some() => {}
        Some(selection) => {
            if !segments::bounded(tenant, |tenant| {
                lists::means_anybody(tenant, selection, ctx.now)
            })? {
                return refuse("The selection means no contact.");
            }
            actions::check_size(tenant, ctx, &request.actions, selection)?;
        }
    }
    let id = JobId(ctx.new_id());
    let json = body.get("selection").filter(|selection| !selection.is_null());
    let segment = json.and_then(segments::only_segment);
    let kept = meant(tenant, body, &request.actions)?;
    let job = NewJob {
        id,
        kind: KIND,
        payload: rights::payload(tenant, ctx, kept, scopes)?,
        subject: segment.map(|segment| ("segment", segment.0)),
        unique_key: None,
        run_at: request.run_at.unwrap_or(ctx.now),
        actor: ctx.actor,
        request_id: ctx.request_id.clone(),
        created_at: ctx.now,
    };
    jobs::enqueue(tenant, &job)?;
    if let Some(json) = json {
        segments::keep_for_job(tenant, id, json)?;
    }
    let kinds: Vec<&str> =
        request.actions.iter().map(|placed| placed.action.kind().as_str()).collect();
    let what = json!({ "actions": kinds });
    let action = "contact_manager.create";
    audit::record_for_job(tenant, ctx, action, "job", Some(id.0), Some(what), Some(id.0))?;
    wake();
    get(tenant, ctx, id)
}

/// The body as it is kept: where it leaves the funnel out, because there is only one, with that one. It may be another one
/// when the job begins.
fn meant(
    tenant: &mut Tenant<'_>,
    body: &Map<String, Value>,
    actions: &[domain::Placed],
) -> Result<Value, Error> {
    let mut body = Value::Object(body.clone());
    for domain::Placed { at, action } in actions {
        if let Action::RemoveFromFunnel { stage_id: None, funnel_id: None } = action
            && let Some(members) = body.pointer_mut(at.trim_start_matches('#'))
        {
            members["funnel_id"] = json!(funnels::bulk::only(tenant)?);
        }
    }
    Ok(body)
}

/// Reads the body with all its faults: its own, those of what it refers to, those of the selection.
fn read(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    body: &Map<String, Value>,
) -> Result<(Option<Selection>, JobRequest), Error> {
    let reading = reading(tenant, ctx)?;
    let mut request = domain::read(body, reading, ctx.now);
    let mut faults = std::mem::take(&mut request.faults);
    // what is over when the job begins is no use
    let then = Context { now: request.run_at.unwrap_or(ctx.now), ..ctx.clone() };
    faults.extend(actions::check(tenant, &then, &request.actions)?);
    let selection = match &request.selection {
        Some(json) => Some(segments::selection(tenant, json, "#/selection", faults)?),
        // alone it is a refusal of its own
        None if faults.is_empty() => None,
        None => {
            faults.push(Fault::new("#/selection", Code::MissingField, WHOM));
            return Err(Error::invalid(faults));
        }
    };
    Ok((selection, request))
}

/// One job.
///
/// # Errors
/// `not_found`, also for jobs of other kinds.
pub fn get(tenant: &mut Tenant<'_>, ctx: &Context, id: JobId) -> Result<ManagerJob, Error> {
    let job = jobs::get(tenant, id)?.filter(is_ours).ok_or(Error::NotFound)?;
    described(tenant, ctx, vec![job])?.pop().ok_or(Error::NotFound)
}

/// Jobs, newest first, older than `before`.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    before: Option<JobId>,
    limit: i64,
) -> Result<Vec<ManagerJob>, Error> {
    let jobs = jobs::list_of_kinds(tenant, &[KIND, undo::KIND], before, limit)?;
    described(tenant, ctx, jobs)
}

/// The contacts of a job, with what became of each.
///
/// # Errors
/// `not_found`.
pub fn contacts(
    tenant: &mut Tenant<'_>,
    id: JobId,
    filter: &ReportFilter,
) -> Result<Vec<Reported>, Error> {
    jobs::get(tenant, id)?.filter(is_ours).ok_or(Error::NotFound)?;
    Ok(frozen::report(tenant, id, filter)?)
}

/// Stops a job: at once when nobody works on it yet, else after its present chunk.
///
/// # Errors
/// `not_found`, `job_not_cancellable` when it has ended.
pub fn cancel(tenant: &mut Tenant<'_>, ctx: &Context, id: JobId) -> Result<ManagerJob, Error> {
    jobs::get(tenant, id)?.filter(is_ours).ok_or(Error::NotFound)?;
    crate::jobs::cancel(tenant, ctx, id)?;
    get(tenant, ctx, id)
}

fn is_ours(job: &Job) -> bool {
    matches!(job.kind.as_str(), KIND | undo::KIND)
}

/// The request in the payload of a job.
fn request_of(job: &Job) -> Map<String, Value> {
    match job.payload.get("request") {
        Some(Value::Object(body)) => body.clone(),
        _ => Map::new(),
    }
}

/// The actions of a job, in their order.
fn actions_of(tenant: &mut Tenant<'_>, job: &Job) -> Result<Vec<domain::Placed>, Error> {
    Ok(actions_in(job, workspace_reading(tenant, job.created_at)?))
}

/// With what this workspace reads bodies.
fn workspace_reading(tenant: &mut Tenant<'_>, now: DateTime<Utc>) -> Result<Reading, StoreError> {
    let workspace = tenant.workspace();
    let ctx = Context { workspace, actor: Actor::System, now, request_id: None, ip: None };
    reading(tenant, &ctx)
}

/// As [`actions_of`]. They were read without faults when the job was asked for, with the clock of then.
fn actions_in(job: &Job, reading: Reading) -> Vec<domain::Placed> {
    let reading = Reading { today: job.created_at.date_naive(), ..reading };
    domain::read(&request_of(job), reading, job.created_at).actions
}

/// Stands for what only the author sees.
const HIDDEN: &str = "…";

/// Takes out of a request what is its author's alone: the text of private notes (CON-13), and where private links lead
/// (MGR-M).
fn hide_private(request: &mut Map<String, Value>) {
    let actions = request.get_mut("actions").and_then(Value::as_array_mut);
    for action in actions.into_iter().flatten() {
        let member = match action.get("type").and_then(Value::as_str) {
            Some("add_note") => "text",
            Some("generate_links") => "url",
            _ => continue,
        };
        if action.get("private") == Some(&Value::Bool(true)) {
            action[member] = Value::from(HIDDEN);
        }
    }
}

/// Jobs with what belongs to them, in their order, as the caller sees them.
fn described(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    jobs: Vec<Job>,
) -> Result<Vec<ManagerJob>, Error> {
    let ids: Vec<Uuid> = jobs.iter().filter(|job| job.kind == KIND).map(|job| job.id).collect();
    let mut undoing: HashMap<Uuid, Job> = HashMap::new();
    let mut documents: HashMap<Uuid, Uuid> = HashMap::new();
    let mut listed: HashSet<Uuid> = HashSet::new();
    if !ids.is_empty() {
        let last = |job: &Job| Some((job.id, job.progress_total?));
        listed = lists::kept(tenant, &jobs.iter().filter_map(last).collect::<Vec<_>>())?;
        documents = documents::of_jobs(tenant, ctx, ids.clone())?;
        for job in jobs::of_subjects(tenant, undo::KIND, ids)? {
            // the newest comes first
            if let Some(subject) = job.subject_id {
                undoing.entry(subject).or_insert(job);
            }
        }
    }
    let reading = workspace_reading(tenant, ctx.now)?;
    let mut described = Vec::with_capacity(jobs.len());
    for job in jobs {
        let undo = undoing.remove(&job.id);
        let reversible = match job.kind.as_str() {
            KIND => {
                let actions = actions_in(&job, reading);
                let reversible = actions.iter().filter(|placed| placed.action.is_reversible());
                reversible.map(|placed| placed.action.kind().as_str()).collect()
            }
            _ => Vec::new(),
        };
        let is_listed = listed.contains(&job.id);
        let not_undoable = undo::why_not(&job, &reversible, undo.as_ref(), is_listed)?;
        let mut request = request_of(&job);
        if job.actor() != ctx.actor {
            hide_private(&mut request);
        }
        described.push(ManagerJob {
            request: Value::Object(request),
            outcomes: serde_json::from_value(job.counts.clone()).unwrap_or_default(),
            reversible,
            not_undoable,
            document_id: documents.remove(&job.id),
            undone_by: undo.map(|job| job.id),
            undoes: job.subject_id.filter(|_| job.kind == undo::KIND),
            job,
        });
    }
    Ok(described)
}

/// Whether an action is one of those in the list.
fn has(actions: &[domain::Placed], wanted: impl Fn(&Action) -> bool) -> bool {
    actions.iter().any(|placed| wanted(&placed.action))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CON-13, MGR-M: other actions, and what is not private, stay.
    #[test]
    fn what_is_private_is_taken_out_of_a_request() {
        let link = |private: Value| json!({"type": "generate_links", "url": "https://x.cz/", "private": private});
        let note = |private: Value| json!({"type": "add_note", "text": "x", "private": private});
        let other = json!({"type": "set_score", "text": "x", "private": true});
        let mut request = Map::from_iter([(
            "actions".to_owned(),
            json!([
                note(json!(true)),
                link(json!(true)),
                note(json!(false)),
                link(Value::Null),
                other
            ]),
        )]);
        hide_private(&mut request);
        let expected = json!([
            {"type": "add_note", "text": HIDDEN, "private": true},
            {"type": "generate_links", "url": HIDDEN, "private": true},
            note(json!(false)), link(Value::Null), other,
        ]);
        assert_eq!(request["actions"], expected);
    }
}
