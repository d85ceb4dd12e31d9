//! The plan: the file is read, staged and sorted, and the outcome of every row counted, before anything is
//! written to contacts (IMP-13).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use kartoteka_domain::actor::Actor;
use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::phone::Region;
use kartoteka_domain::ids::ImportId;
use kartoteka_domain::imports::matching::{Matching, OnLimit};
use kartoteka_domain::imports::reader::ReadError;
use kartoteka_domain::imports::staged::RowMapper;
use kartoteka_domain::imports::state::ImportState;
use kartoteka_domain::jobs::JobState;
use kartoteka_persistence::imports::classify::{self, Lookup, PlanCounts, Rows};
use kartoteka_persistence::imports::stage;
use kartoteka_persistence::jobs::Progress;
use kartoteka_persistence::workspaces::{self, Usage, Workspace, WriterLock};
use kartoteka_persistence::{Tenant, fields, imports};

use super::staging::{self, Checkpoint, Found, Reading};
use super::{
    ImportRecord, commit, get, locked, mapping_of, matching_of, read_json, state_of, work,
};
use crate::error::{Error, Refusal};
use crate::worker::{Ended, JobError, Run};

/// What comes after the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// The person looks at it.
    Stop,
    /// It is committed at once (IMP-19).
    Commit,
}

/// The counts of a plan as they are kept and shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Name of exactly this plan.
    pub hash: String,
    /// Rows that are not empty.
    pub rows: i64,
    /// Rows that are.
    pub empty: i64,
    /// Rows by class.
    pub classes: Map<String, Value>,
    /// Rows by outcome.
    pub outcomes: Map<String, Value>,
    /// New contacts that would be duplicates.
    pub duplicates_if_imported: i64,
    /// Rows with something to report.
    pub with_problems: i64,
    /// What the contact limit will do.
    pub limit: LimitView,
}

/// What the contact limit will do (TRS-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitView {
    /// Most contacts.
    pub limit: i64,
    /// Contacts now, trash included.
    pub used: i64,
    /// Contacts after the commit.
    pub after: i64,
    /// Contacts for which there is no room.
    pub over: i64,
}

pub(crate) fn run(run: &mut Run<'_>, then: Then) -> Result<Ended, JobError> {
    let id = work::subject(run.job())?;
    let import = run.db().read(run.workspace(), |tenant| get(tenant, id))?;
    let state = state_of(&import)?;
    if then == Then::Commit && state == ImportState::Running {
        return commit::run(run);
    }
    if state != ImportState::Planning || import.job_id != Some(run.job().id) {
        return end_unwanted(run);
    }
    let Found { rows, empty, .. } = stage_rows(run, id, &import)?;
    let after = run.step(|tenant, ctx, held| {
        let mut import = locked(tenant, id)?;
        if held.cancel_requested || !is_wanted(&import, run) {
            return run.end(tenant, JobState::Cancelled, None).map(Some);
        }
        import.rows = Some(rows);
        let plan = decide(tenant, &mut import, empty)?;
        import.state = ImportState::AwaitingCommit.as_str().to_owned();
        import.updated_at = ctx.now;
        if then == Then::Commit {
            commit::begin(tenant, ctx, &mut import, &plan)?;
            imports::save(tenant, &import)?;
            run.advance(
                tenant,
                &Progress { done: 0, total: Some(plan.rows), ..Progress::default() },
            )?;
            return Ok(None);
        }
        imports::save(tenant, &import)?;
        let counts = json!({ "rows": plan.rows, "outcomes": plan.outcomes });
        let progress = Progress {
            done: plan.rows,
            total: Some(plan.rows),
            counts: Some(counts),
            checkpoint: None,
        };
        run.advance(tenant, &progress)?;
        run.end(tenant, JobState::Succeeded, None).map(Some)
    })?;
    match after {
        Some(ended) => Ok(ended),
        None => commit::run(run),
    }
}

pub(super) fn is_wanted(import: &ImportRecord, run: &Run<'_>) -> bool {
    import.job_id == Some(run.job().id) && import.state == ImportState::Planning.as_str()
}

/// The import went another way while the job waited: nothing is left to do.
fn end_unwanted(run: &Run<'_>) -> Result<Ended, JobError> {
    run.step(|tenant, _ctx, _held| run.end(tenant, JobState::Cancelled, None))
}

/// Reads the file and stages its rows. A resumed job reads again what is staged (the dictionary of tags is
/// made of it) and stages the rest.
fn stage_rows(run: &Run<'_>, id: ImportId, import: &ImportRecord) -> Result<Found, JobError> {
    let checkpoint: Checkpoint = match &run.job().checkpoint {
        Some(value) => read_json(Some(value), "the checkpoint")?,
        None => {
            run.step(|tenant, _ctx, _held| Ok(stage::clear(tenant, id)?))?;
            Checkpoint::default()
        }
    };
    let (matching, mapping) = (matching_of(import)?, mapping_of(import)?);
    let details = mapping.details().into_iter().map(|(name, _, _)| name.to_owned()).collect();
    let (workspace, hashes, definitions) = run.db().read(run.workspace(), |tenant| {
        // who changes definitions looks for imports that are planned: either sees the other
        fields::lock(tenant, WriterLock::Shared)?;
        let definitions = fields::definitions(tenant, details)?;
        Ok::<_, Error>((workspaces::get(tenant)?, classify::has_suppressions(tenant)?, definitions))
    })?;
    let now = run.context().now;
    let reading = Reading {
        source: read_json(import.source.as_ref(), "the source")?,
        header: import.first_row.as_deref() == Some("header"),
        mapper: RowMapper::new(mapping, &matching, region(&workspace), now, definitions),
        secret: hashes.then(|| Arc::clone(&run.environment().secret)),
        staged_before: checkpoint.staged_row,
    };
    let found = staging::stage(run, id, import, reading)?;
    run.step(|tenant, _ctx, _held| {
        stage::save_tags(tenant, id, &found.tags)?;
        Ok(stage::analyze(tenant)?)
    })?;
    Ok(found)
}

fn region(workspace: &Workspace) -> Option<Region> {
    Region::parse(&workspace.phone_region).ok()
}

pub(super) fn read_error(error: ReadError) -> JobError {
    let code = match &error {
        ReadError::Io(_) => {
            return JobError::Retry(Error::Store(kartoteka_persistence::StoreError::Busy(
                error.to_string(),
            )));
        }
        ReadError::TooManyColumns { .. } => Code::ImportTooManyColumns,
        ReadError::TooManyRows => Code::ImportTooManyRows,
    };
    JobError::Fail(Box::new(Refusal {
        code,
        detail: error.to_string(),
        faults: Vec::new(),
        extra: Map::new(),
    }))
}

/// Folds, classifies and counts what is staged, and puts the plan into the record.
fn decide(tenant: &mut Tenant<'_>, import: &mut ImportRecord, empty: i64) -> Result<Plan, Error> {
    let id = ImportId(import.id);
    let matching = matching_of(import)?;
    classify::room_to_work(tenant)?;
    if matching.key.is_some() {
        classify::fold(tenant, id, &mapping_of(import)?, matching.in_file)?;
    }
    sort(tenant, import, &matching, empty)
}

/// Sorts the staged rows against the base as it is now.
pub(crate) fn sort(
    tenant: &mut Tenant<'_>,
    import: &mut ImportRecord,
    matching: &Matching,
    empty: i64,
) -> Result<Plan, Error> {
    let id = ImportId(import.id);
    classify::room_to_work(tenant)?;
    // read first: whatever changes while the rows are sorted makes the plan outdated, never wrongly valid
    let usage = workspaces::usage(tenant)?;
    let workspace = workspaces::get(tenant)?;
    let staged = import.rows.unwrap_or(i64::MAX);
    let lookup = Lookup::suited(matching.key.as_ref(), staged, usage.live + usage.trashed);
    classify::forget(tenant, id, Rows::ALL)?;
    classify::classify(tenant, id, matching, Rows::ALL, lookup, None)?;
    if let Some(actor) = Actor::from_parts(&import.actor_type, import.actor_id) {
        classify::forbid(tenant, id, Rows::ALL, actor)?;
    }
    let suppressed = classify::suppressed(tenant, id, Rows::ALL)?;
    let mut counts = classify::count(tenant, id)?;
    let wanted = counts.create;
    let room = workspace.contact_limit - usage.live - usage.trashed;
    if wanted > room && matching.on_limit == OnLimit::Fill {
        classify::cap(tenant, id, Rows::ALL, room)?;
        counts = classify::count(tenant, id)?;
    }
    let duplicates = classify::duplicates(tenant, id, matching, lookup, &counts)?;
    let limit = limit_view(&workspace, usage, &counts, wanted);
    let mut plan = Plan {
        hash: String::new(),
        rows: counts.rows,
        empty,
        classes: object(&[
            ("none", counts.none),
            ("one", counts.one),
            ("many", counts.many),
            ("in_trash", counts.in_trash),
        ]),
        outcomes: object(&[
            ("create", counts.create),
            ("update", counts.update),
            ("restore", counts.restore),
            ("skip", counts.skip),
            ("invalid", counts.invalid),
            ("merged_in_file", counts.merged_in_file),
            ("suppressed", suppressed),
        ]),
        duplicates_if_imported: duplicates,
        with_problems: counts.with_problems,
        limit,
    };
    plan.hash = hash(import, &plan, &counts);
    import.rows = Some(counts.rows);
    import.plan = Some(json!(plan));
    import.plan_hash = Some(plan.hash.clone());
    import.plan_revision = Some(usage.revision);
    Ok(plan)
}

fn limit_view(workspace: &Workspace, usage: Usage, counts: &PlanCounts, wanted: i64) -> LimitView {
    let used = usage.live + usage.trashed;
    LimitView {
        limit: workspace.contact_limit,
        used,
        after: used + counts.create,
        over: (used + wanted - workspace.contact_limit).max(0).min(wanted),
    }
}

fn object(members: &[(&str, i64)]) -> Map<String, Value> {
    members.iter().map(|(name, count)| ((*name).to_owned(), json!(count))).collect()
}

/// Names the plan: another file, mapping, policy, decision or limit gives another name.
fn hash(import: &ImportRecord, plan: &Plan, counts: &PlanCounts) -> String {
    let named = json!([
        import.id,
        import.upload_id,
        import.mapping,
        import.matching,
        plan.outcomes,
        plan.limit.over,
        counts.digest
    ]);
    let digest = Sha256::digest(named.to_string().as_bytes());
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The plan of an import.
///
/// # Errors
/// `step_out_of_order` while there is none.
pub fn plan_of(import: &ImportRecord) -> Result<Plan, Error> {
    match &import.plan {
        Some(_) => read_json(import.plan.as_ref(), "the plan"),
        None => {
            let state = state_of(import)?;
            let detail = format!(
                "there is no plan yet: the import is {}; next: {}",
                state.as_str(),
                state.next()
            );
            let extra = json!({ "state": state.as_str(), "next": state.next() });
            Err(Error::refused_with(Code::StepOutOfOrder, detail, extra))
        }
    }
}
