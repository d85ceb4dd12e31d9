//! Jobs over frozen selections: whom a selection means is put down when the job begins, then gone through
//! chunk by chunk, with an outcome for each contact.
//!
//! Each chunk is one transaction with its outcomes and the place the job got to. So a worker that dies
//! repeats at most what it had not committed, and nobody is changed twice.

use std::collections::{BTreeMap, HashMap};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_domain::ids::JobId;
use kartoteka_domain::jobs::JobState;
use kartoteka_persistence::frozen as store;
use kartoteka_persistence::jobs::Progress;
use kartoteka_persistence::workspaces::{self, WriterLock};
use kartoteka_persistence::{StoreError, Tenant};

use crate::context::Context;
use crate::error::Error;
use crate::worker::{Ended, JobError, Run};

pub use kartoteka_persistence::frozen::{
    Changed, Outcome, Recorded, ReportFilter, Reported, report,
};

/// Contacts changed in one transaction.
const CHUNK: i64 = 5_000;
/// How the contacts of a job are put down that changes them.
pub(crate) const SPREAD: store::Order = store::Order::Spread { chunk: CHUNK };
/// Contacts changed in one transaction, over a job that lost workers.
const CAUTIOUS_CHUNK: i64 = 200;

/// What an action did with a contact.
#[derive(Clone, Debug, PartialEq)]
pub struct Did {
    /// What became of it.
    pub outcome: Outcome,
    /// What undoing needs beyond that: numbers, words and ids, never personal data.
    pub before: Option<Value>,
}

impl From<Outcome> for Did {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, before: None }
    }
}

/// What an action did with each contact of a chunk.
pub type Dids = HashMap<Uuid, Did>;

/// The outcomes of a statement that says whom it changed; the others were like that already.
#[must_use]
pub fn applied(ids: &[Uuid], changed: Vec<Changed>) -> Dids {
    let mut dids: Dids = ids.iter().map(|id| (*id, Outcome::Unchanged.into())).collect();
    for Changed { contact_id, before } in changed {
        dids.insert(contact_id, Did { outcome: Outcome::Applied, before });
    }
    dids
}

/// The ids of those that were changed, in order.
#[must_use]
pub fn changed_ids(dids: &Dids) -> Vec<Uuid> {
    let changed = dids.iter().filter(|(_, did)| did.outcome == Outcome::Applied);
    let mut ids: Vec<Uuid> = changed.map(|(id, _)| *id).collect();
    ids.sort_unstable();
    ids
}

/// How many contacts ended how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Changed.
    pub applied: i64,
    /// Like that already.
    pub unchanged: i64,
    /// Left alone, by reason.
    pub skipped: BTreeMap<String, i64>,
}

/// The counts of a job, as they stand in it.
pub(crate) trait Tally: Clone + Default + Serialize + DeserializeOwned {
    /// Counts one more.
    fn add(&mut self, action: &str, outcome: &Outcome);
}

impl Tally for Counts {
    fn add(&mut self, _: &str, outcome: &Outcome) {
        match outcome {
            Outcome::Applied => self.applied += 1,
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Skipped(reason) => *self.skipped.entry(reason.clone()).or_default() += 1,
        }
    }
}

/// By action.
impl Tally for BTreeMap<String, Counts> {
    fn add(&mut self, action: &str, outcome: &Outcome) {
        self.entry(action.to_owned()).or_default().add(action, outcome);
    }
}

/// What is done with a frozen selection. All of it runs inside the transaction of a step.
pub(crate) trait Labour {
    /// How it is counted.
    type Tally: Tally;

    /// Puts the contacts down, in the first step, and says how many they are.
    ///
    /// # Errors
    /// What the use case said.
    fn freeze(&self, tenant: &mut Tenant<'_>, ctx: &Context, job: JobId) -> Result<i64, Error>;

    /// Works on the next contacts, and says for each action what became of whom. Who is not named is not counted.
    ///
    /// # Errors
    /// What the use case said.
    fn apply(
        &self,
        tenant: &mut Tenant<'_>,
        ctx: &Context,
        batch: &Batch,
    ) -> Result<Vec<(&'static str, Dids)>, Error>;

    /// What is left to do when all are done.
    ///
    /// # Errors
    /// What the use case said.
    fn finish(&self, _: &mut Tenant<'_>, _: &Context) -> Result<(), Error> {
        Ok(())
    }

    /// What is left to do when it was stopped on its way.
    ///
    /// # Errors
    /// What the use case said.
    fn abandon(&self, _: &mut Tenant<'_>, _: &Context) -> Result<(), Error> {
        Ok(())
    }
}

/// Contacts of one chunk, locked in order of their ids.
pub(crate) struct Batch {
    /// Those that live and that the actor may change, in order.
    pub(crate) living: Vec<Uuid>,
    /// The others, with the reason.
    pub(crate) untouchable: HashMap<Uuid, &'static str>,
    /// They stand behind this place.
    pub(crate) after: i64,
    /// The last of them stands at this place.
    pub(crate) up_to: i64,
}

impl Batch {
    /// The outcomes of an action, with those that were left alone before it came to them.
    pub(crate) fn with_untouchable(&self, mut dids: Dids) -> Dids {
        for (id, reason) in &self.untouchable {
            dids.insert(*id, Outcome::Skipped((*reason).to_owned()).into());
        }
        for id in &self.living {
            dids.entry(*id).or_insert_with(|| Outcome::Unchanged.into());
        }
        dids
    }
}

/// How far the job got; its checkpoint.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Checkpoint<T> {
    /// Contacts in all.
    total: i64,
    /// Those up to this place are done.
    seq: i64,
    /// What became of them.
    counts: T,
}

enum Chunk<T> {
    Done(Checkpoint<T>),
    Ended(Ended),
}

/// Goes through the frozen selection of a job.
///
/// # Errors
/// See [`JobError`].
pub(crate) fn work_off<L: Labour>(run: &Run<'_>, labour: &L) -> Result<Ended, JobError> {
    let mut checkpoint: Checkpoint<L::Tally> = match &run.job().checkpoint {
        Some(value) => serde_json::from_value(value.clone()).map_err(|_unreadable| unreadable())?,
        None => match run
            .step(|tenant, ctx, held| begin(run, tenant, ctx, held.cancel_requested, labour))?
        {
            Chunk::Done(checkpoint) => checkpoint,
            Chunk::Ended(ended) => return Ok(ended),
        },
    };
    let size = if run.is_cautious() { CAUTIOUS_CHUNK } else { CHUNK };
    loop {
        let next = run.step(|tenant, ctx, held| {
            if held.cancel_requested {
                labour.abandon(tenant, ctx)?;
                return run.end(tenant, JobState::Cancelled, None).map(Chunk::Ended);
            }
            chunk(run, tenant, ctx, labour, checkpoint.clone(), size)
        })?;
        match next {
            Chunk::Done(done) => checkpoint = done,
            Chunk::Ended(ended) => return Ok(ended),
        }
    }
}

fn begin<L: Labour>(
    run: &Run<'_>,
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    cancelled: bool,
    labour: &L,
) -> Result<Chunk<L::Tally>, Error> {
    if cancelled {
        return run.end(tenant, JobState::Cancelled, None).map(Chunk::Ended);
    }
    let total = labour.freeze(tenant, ctx, JobId(run.job().id))?;
    let checkpoint = Checkpoint { total, seq: 0, counts: L::Tally::default() };
    advance(run, tenant, &checkpoint)?;
    Ok(Chunk::Done(checkpoint))
}

fn chunk<L: Labour>(
    run: &Run<'_>,
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    labour: &L,
    mut checkpoint: Checkpoint<L::Tally>,
    size: i64,
) -> Result<Chunk<L::Tally>, Error> {
    let job = JobId(run.job().id);
    // beside single writes, but not beside a chunk of an import, which locks contacts in another order
    workspaces::lock_writers(tenant, WriterLock::Shared)?;
    let frozen = store::chunk(tenant, job, checkpoint.seq, size)?;
    let Some(last) = frozen.last() else {
        labour.finish(tenant, ctx)?;
        return run.end(tenant, JobState::Succeeded, None).map(Chunk::Ended);
    };
    let ids: Vec<Uuid> = frozen.iter().map(|one| one.contact_id).collect();
    let untouchable = store::hold(tenant, &ids, ctx.actor)?;
    let untouchable: HashMap<Uuid, &'static str> =
        untouchable.into_iter().map(|one| (one.contact_id, one.reason)).collect();
    let living = ids.iter().copied().filter(|id| !untouchable.contains_key(id)).collect();
    let batch = Batch { living, untouchable, after: checkpoint.seq, up_to: last.seq };
    for (action, mut dids) in labour.apply(tenant, ctx, &batch)? {
        let rows: Vec<Recorded> = frozen
            .iter()
            .filter_map(|one| {
                let Did { outcome, before } = dids.remove(&one.contact_id)?;
                Some(Recorded { seq: one.seq, outcome, before })
            })
            .collect();
        store::record(tenant, job, action, &rows)?;
        rows.iter().for_each(|row| checkpoint.counts.add(action, &row.outcome));
    }
    checkpoint.seq = last.seq;
    advance(run, tenant, &checkpoint)?;
    Ok(Chunk::Done(checkpoint))
}

fn advance<T: Tally>(
    run: &Run<'_>,
    tenant: &mut Tenant<'_>,
    checkpoint: &Checkpoint<T>,
) -> Result<(), Error> {
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
