//! The commit: planned rows become contacts, chunk by chunk, each chunk one transaction (IMP-17).

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use kartoteka_domain::actor::Actor;
use kartoteka_domain::codes::Code;
use kartoteka_domain::ids::ImportId;
use kartoteka_domain::imports::mapping::Mapping;
use kartoteka_domain::imports::matching::{Class, Matching, OnLimit};
use kartoteka_domain::imports::state::{ImportState, Step};
use kartoteka_domain::jobs::JobState;
use kartoteka_domain::tags::TagName;
use kartoteka_persistence::contacts::search;
use kartoteka_persistence::imports::apply::{self, Applied, Applying, ClassConsent};
use kartoteka_persistence::imports::classify::{self, Lookup, Own, Rows};
use kartoteka_persistence::imports::purposes::{self, NamedPurpose};
use kartoteka_persistence::imports::stage;
use kartoteka_persistence::jobs::{Job, Progress};
use kartoteka_persistence::workspaces::{self, WriterLock};
use kartoteka_persistence::{Tenant, imports};

use super::plan::{self, Plan, plan_of};
use super::work::{self, Kind};
use super::{
    ImportRecord, at_step, enqueue, get, locked, mapping_of, matching_of, read_json, state_of,
    to_milliseconds,
};
use crate::access::audit;
use crate::context::Context;
use crate::error::Error;
use crate::outbox;
use crate::worker::{Ended, JobError, Run};

/// Rows written in one transaction: long enough that its fixed cost does not count, short enough that other
/// writers of the workspace do not wait long.
const CHUNK_ROWS: i64 = 20_000;
/// The same, over a job that lost workers.
const CAUTIOUS_CHUNK_ROWS: i64 = 200;

/// What became of the rows (IMP-15).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// New contacts.
    pub created: i64,
    /// Contacts that changed.
    pub updated: i64,
    /// Contacts out of the trash.
    pub restored: i64,
    /// Left out by choice, or for want of room.
    pub skipped: i64,
    /// Cannot become contacts.
    pub invalid: i64,
    /// Nothing to change.
    pub unchanged: i64,
    /// Folded into another row.
    pub merged_in_file: i64,
}

impl Summary {
    fn add(&mut self, applied: Applied) {
        self.created += applied.created;
        self.updated += applied.updated;
        self.restored += applied.restored;
        self.skipped += applied.skipped;
        self.invalid += applied.invalid;
        self.unchanged += applied.unchanged;
        self.merged_in_file += applied.merged_in_file;
    }

    fn rows(&self) -> i64 {
        self.created
            + self.updated
            + self.restored
            + self.skipped
            + self.invalid
            + self.unchanged
            + self.merged_in_file
    }
}

/// What asking for a commit led to.
#[derive(Debug)]
pub enum Outcome {
    /// It is on its way.
    Accepted(Box<ImportRecord>, Box<Job>),
    /// The base changed; the import has a new plan now, to be looked at.
    Outdated(Box<Plan>),
}

/// Has the plan written. The caller names the plan; one that no longer holds is made anew and not written.
///
/// # Errors
/// `step_out_of_order`, `plan_unknown`, `contact_limit_reached`.
pub fn commit(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: ImportId,
    plan_hash: &str,
) -> Result<Outcome, Error> {
    let mut import = at_step(tenant, id, Step::Commit)?;
    let plan = plan_of(&import)?;
    if plan.hash != plan_hash {
        let detail = "the import has another plan by now; look at it and name its hash";
        return Err(Error::refused_with(Code::PlanUnknown, detail, json!({ "hash": plan.hash })));
    }
    let usage = workspaces::usage(tenant)?;
    let workspace = workspaces::get(tenant)?;
    if import.plan_revision != Some(usage.revision) || plan.limit.limit != workspace.contact_limit {
        let matching = matching_of(&import)?;
        kartoteka_persistence::jobs::lift_timeouts(tenant)?;
        let fresh = plan::sort(tenant, &mut import, &matching, plan.empty)?;
        if fresh.hash != plan.hash {
            import.updated_at = ctx.now;
            imports::save(tenant, &import)?;
            return Ok(Outcome::Outdated(Box::new(fresh)));
        }
    }
    begin(tenant, ctx, &mut import, &plan)?;
    let job = enqueue(tenant, ctx, &mut import, Kind::Commit)?;
    Ok(Outcome::Accepted(Box::new(import), Box::new(job)))
}

/// Marks the import as running, with all that makes the ids of its contacts. The caller saves it.
pub(crate) fn begin(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    import: &mut ImportRecord,
    plan: &Plan,
) -> Result<(), Error> {
    if plan.limit.over > 0 && matching_of(import)?.on_limit == OnLimit::Refuse {
        let usage = workspaces::usage(tenant)?;
        return Err(limit_reached(plan.limit.limit, usage.live, usage.trashed));
    }
    import.state = ImportState::Running.as_str().to_owned();
    let committed_at = to_milliseconds(ctx.now);
    search::defer(tenant, ImportId(import.id), committed_at)?;
    import.committed_at = Some(committed_at);
    import.id_salt = Some(i64::from(rand::random::<u32>()));
    import.applied_row = 0;
    import.summary = Some(json!(Summary::default()));
    import.problem = None;
    import.updated_at = ctx.now;
    let counts = Some(json!({ "plan_hash": plan.hash }));
    Ok(audit::record(tenant, ctx, "import.commit", "import", Some(import.id), counts)?)
}

fn limit_reached(limit: i64, live: i64, trash: i64) -> Error {
    let detail = format!("the workspace may hold {limit} contacts, trash included");
    Error::refused_with(
        Code::ContactLimitReached,
        detail,
        json!({ "limit": limit, "live": live, "trash": trash }),
    )
}

/// What stays the same over all chunks.
struct Committing {
    id: ImportId,
    mapping: Mapping,
    matching: Matching,
    import: ImportRecord,
    file_tags: Vec<String>,
    chunk: i64,
}

enum Chunk {
    Written,
    Ended(Ended),
}

pub(crate) fn run(run: &mut Run<'_>) -> Result<Ended, JobError> {
    let id = work::subject(run.job())?;
    let (import, file_tags) = run.db().read(run.workspace(), |tenant| {
        Ok::<_, Error>((get(tenant, id)?, apply::file_tags(tenant, id)?))
    })?;
    let committing = Committing {
        id,
        mapping: mapping_of(&import)?,
        matching: matching_of(&import)?,
        import,
        file_tags,
        chunk: if run.is_cautious() { CAUTIOUS_CHUNK_ROWS } else { CHUNK_ROWS },
    };
    // on its own: two imports that look at the table at once wait for one another until the step ends
    run.step(|tenant, _ctx, _held| Ok(stage::analyze_rows(tenant)?))?;
    loop {
        let chunk = run.step(|tenant, ctx, held| {
            write_chunk(run, tenant, ctx, &committing, held.cancel_requested)
        })?;
        if let Chunk::Ended(ended) = chunk {
            return Ok(ended);
        }
    }
}

#[tracing::instrument(name = "imports.commit.chunk", skip_all, fields(import.id = %committing.id))]
fn write_chunk(
    run: &Run<'_>,
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    committing: &Committing,
    cancel: bool,
) -> Result<Chunk, Error> {
    classify::room_to_work(tenant)?;
    // everyone who makes, trashes, restores or re-keys a contact waits until this chunk is written
    workspaces::lock_writers(tenant, WriterLock::Exclusive)?;
    let mut import = locked(tenant, committing.id)?;
    let state = state_of(&import)?;
    if state != ImportState::Running || import.job_id != Some(run.job().id) {
        // written by a worker that did not come to say so, or stopped
        let state =
            if state == ImportState::Done { JobState::Succeeded } else { JobState::Cancelled };
        return run.end(tenant, state, None).map(Chunk::Ended);
    }
    let after = import.applied_row;
    let end = apply::chunk_end(tenant, committing.id, after, committing.chunk)?;
    let Some(up_to) = end.filter(|_| !cancel) else {
        // who wants it stopped after the last row gets what is there: all of it
        let (state, job_state) = if end.is_some() {
            (ImportState::Cancelled, JobState::Cancelled)
        } else {
            (ImportState::Done, JobState::Succeeded)
        };
        import.state = state.as_str().to_owned();
        import.updated_at = ctx.now;
        import.finished_at = Some(ctx.now);
        imports::save(tenant, &import)?;
        outbox::record_import(tenant, ctx, &import)?;
        let summary = import.summary.clone();
        audit::record_for_job(
            tenant,
            ctx,
            "import.end",
            "import",
            Some(import.id),
            summary,
            Some(run.job().id),
        )?;
        return run.end(tenant, job_state, None).map(Chunk::Ended);
    };
    tenant.commit_without_waiting()?;
    let rows = Rows { after, up_to };
    hold_plan(tenant, ctx, committing, &import, rows)?;
    let applying = applying(tenant, ctx, committing)?;
    let applied = apply::apply(tenant, &applying, rows)?;
    outbox::record_chunk(tenant, ctx, &import, rows, false)?;
    workspaces::add_usage(
        tenant,
        applied.created + applied.out_of_trash,
        -applied.out_of_trash,
        ctx.new_id(),
    )?;
    let mut summary: Summary = read_json(import.summary.as_ref(), "the summary")?;
    summary.add(applied);
    import.summary = Some(json!(summary));
    import.applied_row = up_to;
    import.plan_revision = import.plan_revision.map(|revision| revision + 1);
    import.updated_at = ctx.now;
    imports::save(tenant, &import)?;
    let counts = Some(json!(summary));
    let progress = Progress { done: summary.rows(), total: import.rows, counts, checkpoint: None };
    run.advance(tenant, &progress)?;
    tracing::info!(rows = summary.rows(), "a chunk of an import is written");
    Ok(Chunk::Written)
}

/// Makes sure that what was planned for these rows still holds: when anybody else changed which contacts
/// there are since the plan, they are sorted again, and the contact limit is kept. The revision of the plan
/// only moves with the own chunks, so from the first foreign change on every chunk is sorted again.
fn hold_plan(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    committing: &Committing,
    import: &ImportRecord,
    rows: Rows,
) -> Result<(), Error> {
    let usage = workspaces::usage(tenant)?;
    let workspace = workspaces::get(tenant)?;
    let used = usage.live + usage.trashed;
    let beginner = Actor::from_parts(&import.actor_type, import.actor_id);
    if import.plan_revision != Some(usage.revision) {
        let matching = &committing.matching;
        let lookup = Lookup::suited(matching.key.as_ref(), committing.chunk, used);
        let own = match (import.committed_at, import.id_salt) {
            (Some(committed_at), Some(salt)) => Some(Own { committed_at, salt }),
            _ => None,
        };
        classify::forget(tenant, committing.id, rows)?;
        classify::classify(tenant, committing.id, matching, rows, lookup, own)?;
        if let Some(beginner) = beginner {
            classify::forbid(tenant, committing.id, rows, beginner)?;
        }
        classify::suppressed(tenant, committing.id, rows)?;
    }
    // who commits may be another one than who planned, and bound where that one was not
    if beginner != Some(ctx.actor) {
        classify::forbid(tenant, committing.id, rows, ctx.actor)?;
    }
    let room = workspace.contact_limit - used;
    // before the first row is written it is still time to refuse as a whole
    let refuses = committing.matching.on_limit == OnLimit::Refuse;
    let planned = if refuses && import.applied_row == 0 { Rows::ALL } else { rows };
    if apply::creations(tenant, committing.id, planned)? > room {
        if refuses {
            return Err(limit_reached(workspace.contact_limit, usage.live, usage.trashed));
        }
        classify::cap(tenant, committing.id, rows, room)?;
    }
    Ok(())
}

fn applying<'a>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    committing: &'a Committing,
) -> Result<Applying<'a>, Error> {
    let import = &committing.import;
    let matching = &committing.matching;
    let class_tags = tags(tenant, ctx, committing)?;
    apply::bind_tags(tenant, committing.id)?;
    let known: HashMap<String, NamedPurpose> =
        purposes::all(tenant)?.into_iter().map(|purpose| (purpose.name.clone(), purpose)).collect();
    let named = |name: &str| {
        known.get(name).ok_or_else(|| {
            Error::refused(
                Code::UnknownPurpose,
                format!("the purpose {name} was removed after the plan was made"),
            )
        })
    };
    let mut class_consents = Vec::new();
    for class in Class::ALL {
        for consent in &matching.policy(class).consents {
            let purpose = named(&consent.purpose)?;
            class_consents.push(ClassConsent {
                class,
                purpose: purpose.id,
                version: purpose.version,
                legal_basis: consent.legal_basis.clone(),
            });
        }
    }
    let mut column_purposes = Vec::new();
    for name in committing.mapping.purposes() {
        let purpose = named(name)?;
        column_purposes.push((purpose.id, purpose.version));
    }
    Ok(Applying {
        import: committing.id,
        mapping: &committing.mapping,
        matching,
        committed_at: import.committed_at.ok_or_else(|| super::inconsistent("not committed"))?,
        salt: import.id_salt.ok_or_else(|| super::inconsistent("no salt"))?,
        // who commits declares the consents (CNS-4), whoever began the import
        actor: ctx.actor,
        now: ctx.now,
        class_tags,
        class_consents,
        column_purposes,
    })
}

/// Makes the tags the file and the classes name; gives back those of the classes.
fn tags(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    committing: &Committing,
) -> Result<Vec<(Class, Uuid)>, Error> {
    let mut wanted: Vec<(Class, TagName)> = Vec::new();
    for class in Class::ALL {
        // checked when the matching was chosen
        let names = committing.matching.policy(class).tags.iter();
        wanted.extend(names.filter_map(|name| TagName::parse(name).ok()).map(|name| (class, name)));
    }
    let mut names = committing.file_tags.clone();
    for (_, name) in &wanted {
        if !names.iter().any(|known| known.to_lowercase() == name.key()) {
            names.push(name.as_str().to_owned());
        }
    }
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let ids = names.iter().map(|_| ctx.new_id()).collect();
    apply::make_tags(tenant, &names, ids, ctx.now)?;
    let known = apply::tag_ids(tenant, &names)?;
    let mut tags: Vec<(Class, Uuid)> = Vec::new();
    for (class, name) in wanted {
        if let Some(id) = known.get(name.key())
            && !tags.contains(&(class, *id))
        {
            tags.push((class, *id));
        }
    }
    Ok(tags)
}
