//! Jobs over frozen selections: whom a selection means is put down when the job begins, then gone through
//! chunk by chunk, with an outcome for each contact.
//!
//! Each chunk is one transaction with its outcomes and the place the job got to. So a worker that dies
//! repeats at most what it had not committed, and nobody is changed twice.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use kartoteka_domain::ids::JobId;
use kartoteka_domain::jobs::JobState;
use kartoteka_persistence::contacts::read;
use kartoteka_persistence::frozen as store;
use kartoteka_persistence::jobs::Progress;
use kartoteka_persistence::workspaces::{self, WriterLock};
use kartoteka_persistence::{StoreError, Tenant};

use crate::context::Context;
use crate::error::Error;
use crate::worker::{Ended, JobError, Run};

pub use kartoteka_persistence::frozen::{Outcome, ReportFilter, Reported, report};

/// Contacts changed in one transaction.
const CHUNK: i64 = 5_000;
/// The same, over a job that lost workers.
const CAUTIOUS_CHUNK: i64 = 200;

/// How many contacts ended how; the counts of the job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Changed.
    pub applied: i64,
    /// Like that already.
    pub unchanged: i64,
    /// Left alone, by reason.
    pub skipped: BTreeMap<String, i64>,
}

impl Counts {
    fn add(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Applied => self.applied += 1,
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Skipped(reason) => *self.skipped.entry(reason.clone()).or_default() += 1,
        }
    }
}

/// How far the job got; its checkpoint.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Checkpoint {
    /// Contacts in all.
    total: i64,
    /// Those up to this place are done.
    seq: i64,
    /// What became of them.
    counts: Counts,
}

enum Chunk {
    Done(Checkpoint),
    Ended(Ended),
}

/// Goes through the frozen selection of a job. `freeze` puts it down, in the first step, and says how many
/// contacts it holds; `apply` does `action` with living contacts, which are locked and in order of their ids,
/// and says what became of each. Both run inside the transaction of the step.
///
/// # Errors
/// See [`JobError`].
pub(crate) fn work_off(
    run: &Run<'_>,
    action: &str,
    freeze: impl FnOnce(&mut Tenant<'_>, &Context, JobId) -> Result<i64, Error>,
    apply: impl Fn(&mut Tenant<'_>, &Context, &[Uuid]) -> Result<HashMap<Uuid, Outcome>, Error>,
) -> Result<Ended, JobError> {
    let mut checkpoint = match &run.job().checkpoint {
        Some(value) => serde_json::from_value(value.clone()).map_err(|_unreadable| unreadable())?,
        None => match run
            .step(|tenant, ctx, held| begin(run, tenant, ctx, held.cancel_requested, freeze))?
        {
            Chunk::Done(checkpoint) => checkpoint,
            Chunk::Ended(ended) => return Ok(ended),
        },
    };
    let size = if run.is_cautious() { CAUTIOUS_CHUNK } else { CHUNK };
    loop {
        let next = run.step(|tenant, ctx, held| {
            if held.cancel_requested {
                return run.end(tenant, JobState::Cancelled, None).map(Chunk::Ended);
            }
            chunk(run, tenant, ctx, action, checkpoint.clone(), size, &apply)
        })?;
        match next {
            Chunk::Done(done) => checkpoint = done,
            Chunk::Ended(ended) => return Ok(ended),
        }
    }
}

fn begin(
    run: &Run<'_>,
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    cancelled: bool,
    freeze: impl FnOnce(&mut Tenant<'_>, &Context, JobId) -> Result<i64, Error>,
) -> Result<Chunk, Error> {
    if cancelled {
        return run.end(tenant, JobState::Cancelled, None).map(Chunk::Ended);
    }
    let total = freeze(tenant, ctx, JobId(run.job().id))?;
    let checkpoint = Checkpoint { total, ..Checkpoint::default() };
    advance(run, tenant, &checkpoint)?;
    Ok(Chunk::Done(checkpoint))
}

fn chunk(
    run: &Run<'_>,
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    action: &str,
    mut checkpoint: Checkpoint,
    size: i64,
    apply: impl Fn(&mut Tenant<'_>, &Context, &[Uuid]) -> Result<HashMap<Uuid, Outcome>, Error>,
) -> Result<Chunk, Error> {
    let job = JobId(run.job().id);
    // beside single writes, but not beside a chunk of an import, which locks contacts in another order
    workspaces::lock_writers(tenant, WriterLock::Shared)?;
    let frozen = store::chunk(tenant, job, checkpoint.seq, size)?;
    let Some(last) = frozen.last() else {
        return run.end(tenant, JobState::Succeeded, None).map(Chunk::Ended);
    };
    let ids: Vec<Uuid> = frozen.iter().map(|one| one.contact_id).collect();
    read::lock(tenant, &ids)?;
    let untouchable = store::untouchable(tenant, &ids, ctx.actor)?;
    let skipped = untouchable.into_iter().map(|one| (one.contact_id, Outcome::Skipped(one.reason)));
    let mut outcomes: HashMap<Uuid, Outcome> = skipped.collect();
    let living: Vec<Uuid> = ids.iter().copied().filter(|id| !outcomes.contains_key(id)).collect();
    if !living.is_empty() {
        outcomes.extend(apply(tenant, ctx, &living)?);
    }
    let rows: Vec<(i64, Outcome)> = frozen
        .iter()
        .map(|one| (one.seq, outcomes.get(&one.contact_id).cloned().unwrap_or(Outcome::Unchanged)))
        .collect();
    store::record(tenant, job, action, &rows)?;
    rows.iter().for_each(|(_, outcome)| checkpoint.counts.add(outcome));
    checkpoint.seq = last.seq;
    advance(run, tenant, &checkpoint)?;
    Ok(Chunk::Done(checkpoint))
}

fn advance(run: &Run<'_>, tenant: &mut Tenant<'_>, checkpoint: &Checkpoint) -> Result<(), Error> {
    let progress = Progress {
        done: checkpoint.seq,
        total: Some(checkpoint.total),
        counts: Some(json!(checkpoint.counts)),
        checkpoint: Some(json!(checkpoint)),
    };
    run.advance(tenant, &progress)
}

fn unreadable() -> Error {
    Error::Store(StoreError::Inconsistent {
        table: "jobs",
        problem: "the checkpoint cannot be read".into(),
    })
}
