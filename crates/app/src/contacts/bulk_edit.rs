//! One change for many contacts, as a job with an outcome for each (CON-6).

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};
use uuid::Uuid;

use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::bulk::{self as domain, BulkEdit, Changes, Whom};
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::JobId;
use kartoteka_domain::segments::Selection;
use kartoteka_persistence::contacts::bulk::{self as store, Edit};
use kartoteka_persistence::contacts::write;
use kartoteka_persistence::jobs::{self, Job, NewJob};
use kartoteka_persistence::{Tenant, frozen as lists, workspaces};

use super::{reading, references};
use crate::access::audit;
use crate::context::Context;
use crate::error::{Error, Refusal};
use crate::frozen::{self, Batch, Counts, Dids, Labour, Outcome};
use crate::segments;
use crate::tags;
use crate::worker::{Ended, JobError, Run, Work, wake};

/// Name of the jobs in the queue.
pub const KIND: &str = "contacts_bulk_edit";
/// What outcomes of these jobs are kept under.
pub const ACTION: &str = "edit";

/// Whom a request is about, with the selection read.
enum Chosen {
    Ids(Vec<Uuid>),
    Selection(Box<Selection>),
}

/// Starts a bulk edit: checks it whole and enqueues the job.
///
/// # Errors
/// All faults of the body; `empty_selection` when it says of nobody, or of everybody without saying so;
/// `nothing_to_change`.
pub fn start(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    body: &Map<String, Value>,
) -> Result<Job, Error> {
    let (chosen, changes) = read(tenant, ctx, body)?;
    let refuse = |detail: &str| Err(Error::refused(Code::EmptySelection, detail));
    match chosen {
        None => return refuse("Name ids or a selection."),
        Some(Chosen::Ids(ids)) if ids.is_empty() => return refuse("Name at least one id."),
        Some(Chosen::Ids(_)) => {}
        Some(Chosen::Selection(selection)) if selection.is_everything() => {
            return refuse("A selection without conditions is refused here: say who is meant.");
        }
        Some(Chosen::Selection(selection)) => {
            if !segments::bounded(tenant, |tenant| {
                lists::means_anybody(tenant, &selection, ctx.now)
            })? {
                return refuse("The selection means no contact.");
            }
        }
    }
    if changes.is_empty() {
        return Err(Error::refused(Code::NothingToChange, "Name at least one change."));
    }
    let id = JobId(ctx.new_id());
    // of contacts found in another way there is no one thing that it works on
    let segment = body.get("selection").and_then(segments::only_segment);
    let job = NewJob {
        id,
        kind: KIND,
        payload: Value::Object(body.clone()),
        subject: segment.map(|segment| ("segment", segment.0)),
        unique_key: None,
        run_at: ctx.now,
        actor: ctx.actor,
        request_id: ctx.request_id.clone(),
        created_at: ctx.now,
    };
    jobs::enqueue(tenant, &job)?;
    if let Some(selection) = body.get("selection") {
        segments::keep_for_job(tenant, id, selection)?;
    }
    let fields = json!({ "fields": names(&changes) });
    let action = "contact.bulk_edit";
    audit::record_for_job(tenant, ctx, action, "job", Some(id.0), Some(fields), Some(id.0))?;
    wake();
    crate::jobs::get(tenant, id)
}

/// Reads the body with all its faults: its own, those of what it refers to, those of the selection.
fn read(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    body: &Map<String, Value>,
) -> Result<(Option<Chosen>, Changes), Error> {
    let reading = reading(tenant, ctx)?;
    let BulkEdit { whom, changes, mut faults } = domain::read(body, reading);
    faults.extend(unknown(tenant, &changes)?);
    let chosen = match whom {
        Some(Whom::Selection(json)) => {
            let read = segments::selection(tenant, &json, "#/selection", faults)?;
            return Ok((Some(Chosen::Selection(Box::new(read))), changes));
        }
        Some(Whom::Ids(ids)) => Some(Chosen::Ids(ids)),
        None => None,
    };
    if faults.is_empty() { Ok((chosen, changes)) } else { Err(Error::invalid(faults)) }
}

/// What the changes refer to and is not there. What is there stays until the end of the transaction.
fn unknown(tenant: &mut Tenant<'_>, changes: &Changes) -> Result<Vec<Fault>, Error> {
    Ok(references::faults(tenant, [&changes.fields])?.into_iter().flatten().collect())
}

/// Names of the fields that the changes are about.
fn names(changes: &Changes) -> Vec<String> {
    let mut names: Vec<String> = Edit::of(changes).names().into_iter().map(str::to_owned).collect();
    let sets = [
        ("tags", changes.add_tags.is_empty() && changes.remove_tags.is_empty()),
        ("group_ids", changes.add_groups.is_empty() && changes.remove_groups.is_empty()),
    ];
    names.extend(sets.iter().filter(|(_, none)| !none).map(|(name, _)| (*name).to_owned()));
    names
}

/// The job.
pub(crate) struct BulkEditWork;

impl Work for BulkEditWork {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn run(&self, run: &mut Run<'_>) -> Result<Ended, JobError> {
        let body = match &run.job().payload {
            Value::Object(body) => body.clone(),
            _ => Map::new(),
        };
        let reading = run.db().read(run.workspace(), |tenant| reading(tenant, &run.context()))?;
        // it was read without faults when it was asked for
        let changes = domain::read(&body, reading).changes;
        let edit = Edit::of(&changes);
        frozen::work_off(run, &Editing { run, body: &body, changes: &changes, edit: &edit })
    }

    fn on_failed(
        &self,
        _: &mut Tenant<'_>,
        _: &Context,
        _: &Job,
        _: &Refusal,
    ) -> Result<(), Error> {
        // what is written stays, and the list says of whom
        Ok(())
    }

    fn on_cancelled(&self, _: &mut Tenant<'_>, _: &Context, _: &Job) -> Result<(), Error> {
        Ok(())
    }
}

/// A bulk edit under way.
struct Editing<'a> {
    run: &'a Run<'a>,
    body: &'a Map<String, Value>,
    changes: &'a Changes,
    edit: &'a Edit,
}

impl Labour for Editing<'_> {
    type Tally = Counts;

    fn freeze(&self, tenant: &mut Tenant<'_>, ctx: &Context, job: JobId) -> Result<i64, Error> {
        freeze(tenant, ctx, job, self.body)
    }

    fn apply(
        &self,
        tenant: &mut Tenant<'_>,
        ctx: &Context,
        batch: &Batch,
    ) -> Result<Vec<(&'static str, Dids)>, Error> {
        let Self { run, changes, edit, .. } = *self;
        let mut dids = Dids::new();
        if !batch.living.is_empty() {
            let outcomes = apply(run, tenant, ctx, changes, edit, &batch.living)?;
            dids.extend(outcomes.into_iter().map(|(id, outcome)| (id, outcome.into())));
        }
        Ok(vec![(ACTION, batch.with_untouchable(dids))])
    }
}

fn freeze(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    body: &Map<String, Value>,
) -> Result<i64, Error> {
    // read again: what it refers to may be gone by now
    Ok(match read(tenant, ctx, body)?.0 {
        Some(Chosen::Ids(ids)) => lists::freeze_ids(tenant, job, &ids)?,
        Some(Chosen::Selection(selection)) => {
            lists::freeze_selection(tenant, job, &selection, frozen::SPREAD, ctx.now)?
        }
        None => 0,
    })
}

fn apply(
    run: &Run<'_>,
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    changes: &Changes,
    edit: &Edit,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Outcome>, Error> {
    let faults = unknown(tenant, changes)?;
    if !faults.is_empty() {
        return Err(Error::invalid(faults));
    }
    let mut outcomes = HashMap::new();
    // names of the fields that change, by contact
    let mut fields: HashMap<Uuid, Vec<Value>> = HashMap::new();
    let mut rekeyed = false;
    if !edit.is_empty() {
        for difference in store::differences(tenant, edit, ids)? {
            if let Some(reason) = difference.refused {
                outcomes.insert(difference.id, Outcome::Skipped(reason));
            } else if let Value::Array(names) = difference.fields
                && !names.is_empty()
            {
                rekeyed = rekeyed || edit.touches_keys();
                fields.insert(difference.id, names);
            }
        }
    }
    let written: Vec<Uuid> = ids.iter().copied().filter(|id| fields.contains_key(id)).collect();
    store::write(tenant, edit, &written, ctx.now)?;
    let open: Vec<Uuid> = ids.iter().copied().filter(|id| !outcomes.contains_key(id)).collect();
    for (name, changed) in [
        ("tags", change_tags(tenant, ctx, changes, &open)?),
        ("group_ids", change_groups(tenant, ctx, changes, &open)?),
    ] {
        for id in changed {
            fields.entry(id).or_default().push(json!(name));
        }
    }
    let written: HashSet<Uuid> = written.into_iter().collect();
    let beside: Vec<Uuid> = open
        .iter()
        .copied()
        .filter(|id| fields.contains_key(id) && !written.contains(id))
        .collect();
    if !beside.is_empty() {
        write::touch(tenant, &beside, ctx.now)?;
    }
    if let Some(first) = ids.first().filter(|_| rekeyed) {
        // plans of imports made before are old now
        workspaces::add_usage(tenant, 0, 0, *first)?;
    }
    let mut lines = Vec::with_capacity(fields.len());
    for id in open {
        let outcome = match fields.remove(&id) {
            Some(names) => {
                lines.push((id, Some(json!({ "fields": names }))));
                Outcome::Applied
            }
            None => Outcome::Unchanged,
        };
        outcomes.insert(id, outcome);
    }
    let job = Some(run.job().id);
    audit::record_each_for_job(tenant, ctx, "contact.update", "contact", lines, job)?;
    Ok(outcomes)
}

fn change_tags(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    changes: &Changes,
    ids: &[Uuid],
) -> Result<HashSet<Uuid>, Error> {
    let keys = changes.remove_tags.iter().map(|tag| tag.key().to_owned()).collect();
    let mut changed: HashSet<Uuid> = store::remove_tags(tenant, ids, keys)?.into_iter().collect();
    let known = tags::ensure(tenant, ctx, changes.add_tags.iter().map(|tag| &tag.name))?;
    let add: Vec<_> = changes
        .add_tags
        .iter()
        .filter_map(|tag| Some((*known.get(tag.name.key())?, tag.score)))
        .collect();
    changed.extend(store::add_tags(tenant, ids, &add, ctx.now)?);
    Ok(changed)
}

fn change_groups(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    changes: &Changes,
    ids: &[Uuid],
) -> Result<HashSet<Uuid>, Error> {
    let gone = store::remove_groups(tenant, ids, &changes.remove_groups)?;
    let new = store::add_groups(tenant, ids, &changes.add_groups, ctx.now)?;
    Ok(gone.into_iter().chain(new).collect())
}
