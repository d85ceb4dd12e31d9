//! A search for duplicates, as a job.
//!
//! Whom the selection means is put down first. Then each contact is staged with its keys, the keys that several
//! share are found, the weights are learnt from a sample, and the pairs that share a key are compared, chunk by
//! chunk. Nothing of it grows with the base but the tables: a chunk is read, scored without a transaction, and
//! written in one with the place the search got to.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use kartoteka_domain::codes::Code;
use kartoteka_domain::duplicates::{
    Frequencies, Key, LEAST_EXACT_SCORE, Profile, Score, Tally, Weights, keys, most_members,
};
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::JobId;
use kartoteka_domain::jobs::JobState;
use kartoteka_domain::segments::Selection;
use kartoteka_persistence::duplicates::{self as store, Candidate, FoundPair, Staged};
use kartoteka_persistence::frozen as lists;
use kartoteka_persistence::jobs::{Job, Progress};
use kartoteka_persistence::{StoreError, Tenant};

use crate::context::Context;
use crate::error::{Error, Refusal};
use crate::jobs::start_alone;
use crate::segments;
use crate::worker::{Ended, JobError, Run, Work};

/// Name of the jobs in the queue.
pub const KIND: &str = "duplicates_find";

/// Contacts staged in one transaction.
const STAGED: i64 = 5_000;
/// Contacts compared with all that come after them, in one transaction.
const COMPARED: i64 = 1_000;
/// Both, over a job that lost workers.
const CAUTIOUS: i64 = 100;
/// Contacts whose keys are sorted at once.
const BLOCKED: i64 = 125_000;
/// Stretches of the base the weights are learnt from, and how long each is.
const STRETCHES: i64 = 40;
const STRETCH: i64 = 250;
/// Contacts of which all pairs are drawn as pairs at random.
const RANDOM: i64 = 250;

/// Starts a search: checks the request whole and enqueues the job.
///
/// # Errors
/// All faults of the body; `conflict` while another search of the workspace waits or runs.
pub fn start(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    body: &Map<String, Value>,
) -> Result<Job, Error> {
    read(tenant, body)?;
    let busy = "A search for duplicates is under way.";
    let payload = Value::Object(body.clone());
    let id = start_alone(tenant, ctx, (KIND, payload), "duplicate.find", busy)?;
    if let Some(selection) = body.get("selection") {
        segments::keep_for_job(tenant, id, selection)?;
    }
    crate::jobs::get(tenant, id)
}

/// Reads the body with all its faults.
fn read(tenant: &mut Tenant<'_>, body: &Map<String, Value>) -> Result<Selection, Error> {
    let faults = body
        .keys()
        .filter(|name| *name != "selection")
        .map(|name| {
            let pointer = format!("#/{}", name.replace('~', "~0").replace('/', "~1"));
            Fault::new(&pointer, Code::UnknownField, Code::UnknownField.title())
        })
        .collect();
    let selection = body.get("selection").unwrap_or(&Value::Null);
    segments::selection(tenant, selection, "#/selection", faults)
}

/// What a search does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    Staging,
    Blocking,
    Comparing,
}

/// How far a search got.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Checkpoint {
    /// Contacts in all.
    total: i64,
    phase: Phase,
    /// Contacts up to this place are done; when blocking, parts.
    at: i64,
    /// Most contacts of a key that is looked at.
    most: usize,
    weights: Option<Weights>,
    counts: Counts,
}

/// The counts of the job.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Counts {
    /// Contacts looked at.
    contacts: i64,
    /// Pairs compared.
    compared: i64,
    /// Pairs that are one.
    pairs: i64,
}

impl Checkpoint {
    fn done(&self) -> i64 {
        match self.phase {
            Phase::Staging => self.at,
            Phase::Blocking => self.total,
            Phase::Comparing => self.total + self.at,
        }
    }

    fn contacts(&self) -> usize {
        usize::try_from(self.total).unwrap_or(0)
    }
}

/// The job.
pub(crate) struct FindWork;

impl Work for FindWork {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn run(&self, run: &mut Run<'_>) -> Result<Ended, JobError> {
        let mut checkpoint = match &run.job().checkpoint {
            Some(value) => {
                serde_json::from_value(value.clone()).map_err(|_unreadable| unreadable())?
            }
            None => match begin(run)? {
                Next::On(checkpoint) => checkpoint,
                Next::Ended(ended) => return Ok(ended),
            },
        };
        let mut frequencies = None;
        loop {
            let next = match checkpoint.phase {
                Phase::Staging => stage(run, checkpoint)?,
                Phase::Blocking => block(run, checkpoint)?,
                Phase::Comparing => {
                    let known = match &frequencies {
                        Some(known) => known,
                        None => &*frequencies.insert(count(run, &checkpoint)?),
                    };
                    compare(run, checkpoint, known)?
                }
            };
            match next {
                Next::On(on) => checkpoint = on,
                Next::Ended(ended) => return Ok(ended),
            }
        }
    }

    fn on_failed(
        &self,
        tenant: &mut Tenant<'_>,
        _: &Context,
        job: &Job,
        _: &Refusal,
    ) -> Result<(), Error> {
        Ok(store::clear(tenant, JobId(job.id))?)
    }

    fn on_cancelled(&self, tenant: &mut Tenant<'_>, _: &Context, job: &Job) -> Result<(), Error> {
        Ok(store::clear(tenant, JobId(job.id))?)
    }
}

enum Next {
    On(Checkpoint),
    Ended(Ended),
}

/// A step that goes on from `before` to `after`, unless somebody wants the search to stop.
fn step(
    run: &Run<'_>,
    after: Checkpoint,
    effect: impl FnOnce(&mut Tenant<'_>, &Context, JobId) -> Result<(), Error>,
) -> Result<Next, JobError> {
    run.step(|tenant, ctx, held| {
        let job = JobId(run.job().id);
        if held.cancel_requested {
            // the pairs found so far stay, and those that were known
            store::clear(tenant, job)?;
            return run.end(tenant, JobState::Cancelled, None).map(Next::Ended);
        }
        tenant.commit_without_waiting()?;
        effect(tenant, ctx, job)?;
        advance(run, tenant, &after)?;
        Ok(Next::On(after))
    })
}

fn advance(run: &Run<'_>, tenant: &mut Tenant<'_>, checkpoint: &Checkpoint) -> Result<(), Error> {
    let progress = Progress {
        done: checkpoint.done(),
        total: Some(2 * checkpoint.total),
        counts: Some(json!(checkpoint.counts)),
        checkpoint: Some(json!(checkpoint)),
    };
    run.advance(tenant, &progress)
}

fn begin(run: &Run<'_>) -> Result<Next, JobError> {
    let body = match &run.job().payload {
        Value::Object(body) => body.clone(),
        _ => Map::new(),
    };
    run.step(|tenant, ctx, held| {
        if held.cancel_requested {
            return run.end(tenant, JobState::Cancelled, None).map(Next::Ended);
        }
        // read again: what it refers to may be gone by now
        let selection = read(tenant, &body)?;
        let total = lists::freeze_selection(
            tenant,
            JobId(run.job().id),
            &selection,
            lists::Order::ById,
            ctx.now,
        )?;
        let checkpoint = Checkpoint {
            total,
            phase: Phase::Staging,
            at: 0,
            most: 0,
            weights: None,
            counts: Counts { contacts: total, ..Counts::default() },
        };
        advance(run, tenant, &checkpoint)?;
        Ok(Next::On(checkpoint))
    })
}

/// Makes the next contacts ready.
fn stage(run: &Run<'_>, mut checkpoint: Checkpoint) -> Result<Next, JobError> {
    let job = JobId(run.job().id);
    let size = if run.is_cautious() { CAUTIOUS } else { STAGED };
    let (from, until) = (checkpoint.at, checkpoint.at + size);
    let contacts = checkpoint.contacts();
    let read = run.db().read(run.workspace(), |tenant| store::frozen(tenant, job, from, until))?;
    let staged: Vec<Staged> = read
        .into_iter()
        .map(|Candidate { seq, contact_id, record }| {
            let profile = Profile::from(&record);
            let (keys, terms) = (keys(&profile, contacts), Frequencies::terms(&profile));
            Staged { seq, contact_id, keys, terms }
        })
        .collect();
    checkpoint.at = until.min(checkpoint.total);
    if checkpoint.at == checkpoint.total {
        checkpoint.phase = Phase::Blocking;
        checkpoint.at = 0;
    }
    step(run, checkpoint, |tenant, _, job| Ok(store::stage(tenant, job, staged)?))
}

/// Finds the shared keys of one part of all keys; behind the last part, learns.
fn block(run: &Run<'_>, mut checkpoint: Checkpoint) -> Result<Next, JobError> {
    let parts = checkpoint.total / BLOCKED + 1;
    if checkpoint.at < parts {
        let (from, to) = part_of_keys(checkpoint.at, parts);
        checkpoint.at += 1;
        return step(run, checkpoint, |tenant, _, job| Ok(store::block(tenant, job, from, to)?));
    }
    let job = JobId(run.job().id);
    let contacts = checkpoint.contacts();
    let sizes = run.step(|tenant, _, _| Ok(store::sizes(tenant, job)?))?;
    checkpoint.most = most_members(&sizes, contacts);
    checkpoint.weights = Some(learn(run, &checkpoint)?);
    checkpoint.phase = Phase::Comparing;
    checkpoint.at = 0;
    step(run, checkpoint, |_, _, _| Ok(()))
}

/// The keys of a part, of `parts` of one size that cover all.
fn part_of_keys(part: i64, parts: i64) -> (Key, Key) {
    let edge = |part: i64| {
        let width = (i128::from(i64::MAX) - i128::from(i64::MIN) + 1) * i128::from(part);
        i128::from(i64::MIN) + width / i128::from(parts.max(1))
    };
    let key = |edge: i128| i64::try_from(edge).unwrap_or(i64::MAX);
    (key(edge(part)), key(edge(part + 1) - 1))
}

/// Pairs of a chunk with what is compared of them.
struct Chunk {
    pairs: Vec<(i64, i64)>,
    known: HashMap<i64, (Uuid, Profile)>,
}

impl Chunk {
    /// The contacts whose places are behind `after` and up to `until`, with all they are to be compared with.
    fn read(run: &Run<'_>, after: i64, until: i64, most: usize) -> Result<Self, JobError> {
        let job = JobId(run.job().id);
        let (pairs, read) = run.db().read(run.workspace(), |tenant| {
            let mut pairs = store::pairs(tenant, job, after, until, most)?;
            pairs.sort_unstable();
            let mut places: Vec<i64> = pairs.iter().flat_map(|(a, b)| [*a, *b]).collect();
            places.sort_unstable();
            places.dedup();
            Ok::<_, StoreError>((pairs, store::at(tenant, job, places)?))
        })?;
        Ok(Self { pairs, known: profiles(read) })
    }

    /// The pairs that still live.
    fn pairs(&self) -> impl Iterator<Item = (&(Uuid, Profile), &(Uuid, Profile))> {
        self.pairs.iter().filter_map(|(a, b)| Some((self.known.get(a)?, self.known.get(b)?)))
    }
}

fn profiles(read: Vec<Candidate>) -> HashMap<i64, (Uuid, Profile)> {
    read.into_iter().map(|one| (one.seq, (one.contact_id, Profile::from(&one.record)))).collect()
}

fn learn(run: &Run<'_>, checkpoint: &Checkpoint) -> Result<Weights, JobError> {
    let job = JobId(run.job().id);
    let total = checkpoint.total;
    let every = (total / RANDOM).max(1);
    let places: Vec<i64> = (0..RANDOM).map(|n| 1 + n * every).filter(|at| *at <= total).collect();
    let drawn = run.db().read(run.workspace(), |tenant| store::at(tenant, job, places))?;
    let mut drawn: Vec<(i64, (Uuid, Profile))> = profiles(drawn).into_iter().collect();
    drawn.sort_unstable_by_key(|(seq, _)| *seq);
    let mut random = Tally::default();
    for (at, (_, (_, a))) in drawn.iter().enumerate() {
        drawn.iter().skip(at + 1).for_each(|(_, (_, b))| random.add(a, b));
    }
    let whole = total <= STRETCHES * STRETCH;
    let every = if whole { STRETCH } else { total / STRETCHES };
    let (mut candidates, mut seen, mut after) = (Tally::default(), 0, 0);
    while after < total {
        let until = (after + STRETCH).min(total);
        let chunk = Chunk::read(run, after, until, checkpoint.most)?;
        chunk.pairs().for_each(|((_, a), (_, b))| candidates.add(a, b));
        seen += until - after;
        after += every;
    }
    let real = |n: i64| u32::try_from(n).map_or(f64::from(u32::MAX), f64::from);
    let share = real(seen) / real(total).max(1.0);
    Ok(Weights::learn(checkpoint.contacts(), &random, &candidates, share))
}

/// Counts the values of the base. Not kept: it is the same after a worker died.
fn count(run: &Run<'_>, checkpoint: &Checkpoint) -> Result<Frequencies, JobError> {
    let contacts = checkpoint.contacts();
    let counts = run.step(|tenant, _, _| {
        Ok(store::frequencies(tenant, JobId(run.job().id), Frequencies::floor(contacts))?)
    })?;
    Ok(Frequencies::new(contacts, counts))
}

/// Compares the next contacts; behind the last one, ends the search.
fn compare(
    run: &Run<'_>,
    mut checkpoint: Checkpoint,
    frequencies: &Frequencies,
) -> Result<Next, JobError> {
    if checkpoint.at >= checkpoint.total {
        return run.step(|tenant, _, held| {
            let job = JobId(run.job().id);
            let state = if held.cancel_requested {
                JobState::Cancelled
            } else {
                store::drop_unseen(tenant, job)?;
                JobState::Succeeded
            };
            store::clear(tenant, job)?;
            run.end(tenant, state, None).map(Next::Ended)
        });
    }
    let weights = checkpoint.weights.clone().ok_or_else(unreadable)?;
    let size = if run.is_cautious() { CAUTIOUS } else { COMPARED };
    let until = (checkpoint.at + size).min(checkpoint.total);
    let chunk = Chunk::read(run, checkpoint.at, until, checkpoint.most)?;
    let mut found = Vec::new();
    for ((one, a), (other, b)) in chunk.pairs() {
        checkpoint.counts.compared += 1;
        // most candidates are two: reasons are for the others
        if weights.probability(a, b, frequencies) >= LEAST_EXACT_SCORE {
            let score = weights.score(a, b, frequencies);
            if score.is_offered() {
                found.push(pair(*one, *other, &score));
            }
        }
    }
    checkpoint.counts.pairs += i64::try_from(found.len()).unwrap_or(0);
    checkpoint.at = until;
    step(run, checkpoint, |tenant, ctx, job| Ok(store::keep(tenant, job, &found, ctx.now)?))
}

/// A pair as it is kept: without values, and with no more places than mean something.
pub(super) fn pair(one: Uuid, other: Uuid, score: &Score) -> FoundPair {
    let round = |value: f64, places: f64| (value * places).round() / places;
    let mut reasons: Vec<Value> = score
        .reasons
        .iter()
        .map(|reason| json!({"field": reason.field.as_str(), "level": reason.level, "weight": round(reason.weight, 100.0)}))
        .collect();
    if score.shared <= -0.5 {
        let weight = round(score.shared, 100.0);
        reasons.push(json!({"field": "shared", "level": "possible", "weight": weight}));
    }
    FoundPair {
        one,
        other,
        score: round(score.probability, 10_000.0),
        exact: score.exact,
        reasons: Value::Array(reasons),
    }
}

fn unreadable() -> Error {
    Error::Store(StoreError::Inconsistent {
        table: "jobs",
        problem: "the checkpoint cannot be read".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CON-16
    #[test]
    fn the_parts_of_the_keys_cover_all_of_them_once() {
        for parts in [1, 2, 3, 9] {
            let mut next = i128::from(i64::MIN);
            for part in 0..parts {
                let (from, to) = part_of_keys(part, parts);
                assert_eq!(i128::from(from), next);
                next = i128::from(to) + 1;
            }
            assert_eq!(next, i128::from(i64::MAX) + 1);
        }
    }
}
