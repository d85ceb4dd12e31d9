//! A verification, as a job: what is settled is sealed, and then every seal is held against the rows it covers.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use kartoteka_domain::integrity::{
    Difference, Hash, Kind, Place, Record, SEAL_ROWS, Stream, compare, leaves, merkle, unpack,
    without_row,
};
use kartoteka_domain::jobs::JobState;
use kartoteka_persistence::integrity::{self as store, StoredHead, StoredSeal, Verification};
use kartoteka_persistence::jobs::{Job, Progress};
use kartoteka_persistence::{StoreError, Tenant};

use super::{Key, same, seal};
use crate::context::Context;
use crate::error::{Error, Refusal};
use crate::jobs::start_alone;
use crate::worker::{Ended, JobError, Run, Work};

/// Name of the jobs in the queue.
pub const KIND: &str = "integrity_verify";

/// Most faults that are kept with their rows; all are counted.
pub const LISTED: usize = 1000;

/// Seals held against their rows in one transaction.
const SEALS: usize = 8;
/// Over a job that lost workers.
const CAUTIOUS: usize = 1;
/// Rows looked at that no seal covers although all were sealed.
const OUTSIDE: usize = 10 * SEAL_ROWS;

/// Starts a verification.
///
/// # Errors
/// `conflict` while another one of the workspace waits or runs.
pub fn start(tenant: &mut Tenant<'_>, ctx: &Context) -> Result<Job, Error> {
    let busy = "A verification is under way.";
    let id = start_alone(tenant, ctx, (KIND, json!({})), "integrity.verify", busy)?;
    crate::jobs::get(tenant, id)
}

/// A fault that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// In which stream.
    pub stream: Stream,
    /// What is wrong.
    pub kind: Kind,
    /// Number of the seal; none for a row that no seal covers.
    pub seal: Option<i64>,
    /// The contact of the row.
    pub contact_id: Option<Uuid>,
    /// The purpose of the row.
    pub purpose_id: Option<Uuid>,
    /// The entry of the ledger or of the trail.
    pub entry_id: Option<Uuid>,
}

impl Finding {
    fn of_seal(stream: Stream, seal: i64, kind: Kind) -> Self {
        Self { stream, kind, seal: Some(seal), contact_id: None, purpose_id: None, entry_id: None }
    }

    fn of_row(stream: Stream, seal: Option<i64>, kind: Kind, key: [Uuid; 3]) -> Self {
        let [a, b, c] = key;
        let bare = Self { stream, kind, seal, contact_id: None, purpose_id: None, entry_id: None };
        match stream {
            Stream::Consents => {
                Self { contact_id: Some(a), purpose_id: Some(b), entry_id: Some(c), ..bare }
            }
            Stream::Audit => Self { entry_id: Some(a), ..bare },
            Stream::Removals => Self { contact_id: Some(a), ..bare },
        }
    }
}

/// What was looked at so far of one chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Counts {
    seals: i64,
    rows: i64,
    removed: i64,
    faults: i64,
}

/// How far a verification got.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Checkpoint {
    /// Chains that are done.
    streams: usize,
    /// Seals in all.
    total: i64,
    /// Of the chains before, all together.
    before: Counts,
    /// Of the present one.
    counts: Counts,
    findings: Vec<Finding>,
    /// Number, hash and end of the last seal looked at.
    seq: i64,
    hash: Hash,
    upto: Place,
    /// The seal before the next one is missing or not as it was made, so nobody knows where the next begins.
    adrift: bool,
}

impl Checkpoint {
    fn new(total: i64) -> Self {
        Self {
            streams: 0,
            total,
            before: Counts::default(),
            counts: Counts::default(),
            findings: Vec::new(),
            seq: 0,
            hash: [0; 32],
            upto: Place::START,
            adrift: false,
        }
    }

    fn all(&self) -> Counts {
        let (a, b) = (self.before, self.counts);
        Counts {
            seals: a.seals + b.seals,
            rows: a.rows + b.rows,
            removed: a.removed + b.removed,
            faults: a.faults + b.faults,
        }
    }

    /// On to the next chain.
    fn next(self) -> Self {
        let before = self.all();
        Self { streams: self.streams + 1, before, ..Self::new(self.total) }
    }

    fn note(&mut self, finding: Finding) {
        self.counts.faults += 1;
        if self.findings.len() < LISTED {
            self.findings.push(finding);
        }
    }
}

/// The job.
pub(crate) struct VerifyWork;

impl Work for VerifyWork {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn run(&self, run: &mut Run<'_>) -> Result<Ended, JobError> {
        let key = Key::of(&run.environment().secret);
        let mut checkpoint = match &run.job().checkpoint {
            Some(value) => {
                serde_json::from_value(value.clone()).map_err(|_unreadable| unreadable())?
            }
            None => begin(run, &key)?,
        };
        let most = if run.is_cautious() { CAUTIOUS } else { SEALS };
        loop {
            let next = run.step(|tenant, ctx, held| {
                if held.cancel_requested {
                    return run.end(tenant, JobState::Cancelled, None).map(Next::Ended);
                }
                let mut on = checkpoint.clone();
                let Some(stream) = Stream::ALL.get(on.streams).copied() else {
                    return run.end(tenant, JobState::Succeeded, None).map(Next::Ended);
                };
                if !verify_some(tenant, &key, stream, &mut on, most)? {
                    // somebody may seal just now: locked, and looked again whether there are more
                    let head = store::lock_head(tenant, stream)?;
                    if !verify_some(tenant, &key, stream, &mut on, most)? {
                        verify_end(tenant, &key, &head, &mut on)?;
                        conclude(tenant, ctx, run.job().id, stream, &on)?;
                        on = on.next();
                    }
                }
                advance(run, tenant, &on)?;
                Ok(Next::On(Box::new(on)))
            })?;
            match next {
                Next::On(on) => checkpoint = *on,
                Next::Ended(ended) => return Ok(ended),
            }
        }
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

enum Next {
    On(Box<Checkpoint>),
    Ended(Ended),
}

fn advance(run: &Run<'_>, tenant: &mut Tenant<'_>, checkpoint: &Checkpoint) -> Result<(), Error> {
    let counts = checkpoint.all();
    let progress = Progress {
        done: counts.seals,
        total: Some(checkpoint.total.max(counts.seals)),
        counts: Some(json!(counts)),
        checkpoint: Some(json!(checkpoint)),
    };
    run.advance(tenant, &progress)
}

/// Seals what is settled, so that everything written before is verified too, and counts the seals.
fn begin(run: &Run<'_>, key: &Key) -> Result<Checkpoint, JobError> {
    seal::align(run.db())?;
    let mut total = 0;
    for stream in Stream::ALL {
        loop {
            let step =
                run.step(|tenant, ctx, _| Ok(seal::seal_some(tenant, key, stream, ctx.now)?))?;
            if step.exhausted {
                break;
            }
        }
        let head = run.step(|tenant, _, _| Ok(store::head(tenant, stream)?))?;
        total += head.map_or(0, |stored| stored.head.seq);
    }
    run.step(|tenant, _, _| {
        let checkpoint = Checkpoint::new(total);
        advance(run, tenant, &checkpoint)?;
        Ok(checkpoint)
    })
}

/// Holds the next seals against their rows; `false` when there are none.
fn verify_some(
    tenant: &mut Tenant<'_>,
    key: &Key,
    stream: Stream,
    on: &mut Checkpoint,
    most: usize,
) -> Result<bool, Error> {
    let seals = store::seals(tenant, stream, on.seq, most)?;
    if seals.is_empty() {
        return Ok(false);
    }
    let from = on.upto;
    let whole: Vec<Whole> = seals.iter().filter_map(|stored| judge(key, on, stored)).collect();
    if whole.is_empty() {
        return Ok(true);
    }
    // all their rows at once, then each to its seal
    let limit = whole.len() * SEAL_ROWS + OUTSIDE;
    let rows = store::rows_between(tenant, stream, &from, &on.upto, Some(limit))?;
    on.counts.rows += i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let mut rest = rows.as_slice();
    for seal in &whole {
        let (of_it, others) = rest.split_at(rest.partition_point(|row| row.place <= seal.upto));
        rest = others;
        let without = without_row(&seal.records, of_it);
        let removed = removed(tenant, stream, on, seal.seq, &without)?;
        for difference in compare(&seal.records, of_it, &removed) {
            let finding = match difference {
                Difference::Changed(key) => {
                    Finding::of_row(stream, Some(seal.seq), Kind::Changed, key)
                }
                Difference::Added(_) if seal.adrift => continue,
                Difference::Added(key) => Finding::of_row(stream, Some(seal.seq), Kind::Added, key),
                Difference::Missing(_) => Finding::of_seal(stream, seal.seq, Kind::Missing),
            };
            on.note(finding);
        }
    }
    Ok(true)
}

/// A seal that is as it was made.
struct Whole {
    seq: i64,
    upto: Place,
    records: Vec<Record>,
    /// The seal before it is not, so what is not under this one may be of that one.
    adrift: bool,
}

/// Looks at a seal itself, at its place in the chain and at what it keeps of its rows.
fn judge(key: &Key, on: &mut Checkpoint, stored: &StoredSeal) -> Option<Whole> {
    let StoredSeal { seal, hash, mac, records } = stored;
    on.counts.seals += 1;
    if seal.seq != on.seq + 1 {
        for seq in (on.seq + 1..seal.seq).take(LISTED) {
            on.note(Finding::of_seal(seal.stream, seq, Kind::SealMissing));
        }
        on.adrift = true;
    }
    let computed = seal.hash();
    let fits = computed.as_slice() == hash.as_slice()
        && same(mac, &key.sign_seal(&computed))
        && (on.adrift || seal.previous == on.hash)
        && seal.upto > on.upto;
    let kept = unpack(records).filter(|records| {
        let counted = i64::try_from(records.len()).is_ok_and(|n| n == seal.rows);
        fits && counted && merkle::root(&leaves(records)) == seal.root
    });
    on.seq = seal.seq;
    on.hash = computed;
    let adrift = std::mem::replace(&mut on.adrift, kept.is_none());
    match kept {
        Some(records) => {
            on.upto = seal.upto;
            Some(Whole { seq: seal.seq, upto: seal.upto, records, adrift })
        }
        None => {
            on.note(Finding::of_seal(seal.stream, seal.seq, Kind::SealBroken));
            None
        }
    }
}

/// Which of these hashes are of entries that went with their contacts. Asked after the rows were read: who was
/// purged meanwhile left its hashes before its entries were gone.
fn removed(
    tenant: &mut Tenant<'_>,
    stream: Stream,
    on: &mut Checkpoint,
    seq: i64,
    without: &[Hash],
) -> Result<HashSet<Hash>, Error> {
    let mut gone = HashSet::new();
    if stream != Stream::Consents {
        return Ok(gone);
    }
    for found in store::removed(tenant, without)? {
        let Ok(leaf) = Hash::try_from(found.leaf.as_slice()) else { continue };
        gone.insert(leaf);
        on.counts.removed += 1;
        if found.still_there != 0 {
            let finding = Finding::of_seal(stream, seq, Kind::RemovalForged);
            on.note(Finding { contact_id: Some(found.contact_id), ..finding });
        }
    }
    Ok(gone)
}

/// Looks at the end of a chain: whether it is where it was, and whether rows are behind it that nobody can have
/// written so late. The caller has locked it, and seen no seal behind the last one after that.
fn verify_end(
    tenant: &mut Tenant<'_>,
    key: &Key,
    stored: &StoredHead,
    on: &mut Checkpoint,
) -> Result<(), Error> {
    let head = &stored.head;
    let stream = head.stream;
    if head.seq > 0 && !same(&stored.mac, &key.sign_head(head)) {
        on.note(Finding::of_seal(stream, head.seq, Kind::SealBroken));
        return Ok(());
    }
    if head.seq > on.seq {
        for seq in (on.seq + 1..=head.seq).take(LISTED) {
            on.note(Finding::of_seal(stream, seq, Kind::SealMissing));
        }
        return Ok(());
    }
    if on.adrift {
        return Ok(());
    }
    if head.seq < on.seq || head.hash != on.hash || head.upto != on.upto {
        on.note(Finding::of_seal(stream, on.seq, Kind::SealBroken));
        return Ok(());
    }
    if stored.frontier > on.upto.txn {
        let end = Place::end_of(stored.frontier - 1);
        for row in store::rows_between(tenant, stream, &on.upto, &end, Some(OUTSIDE))? {
            on.note(Finding::of_row(stream, None, Kind::Added, row.place.key));
        }
    }
    Ok(())
}

/// Keeps what was found of a chain, and says it where somebody may see it.
fn conclude(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: Uuid,
    stream: Stream,
    on: &Checkpoint,
) -> Result<(), StoreError> {
    let Counts { seals, rows, removed, faults } = on.counts;
    let (workspace, stream) = (tenant.workspace(), stream.as_str());
    if faults > 0 {
        let first = on.findings.first();
        let (kind, seal) = (first.map(|found| found.kind), first.and_then(|found| found.seal));
        tracing::error!(%workspace, stream, faults, ?kind, seal, "sealed rows are not what they were");
    } else {
        tracing::info!(%workspace, stream, seals, rows, "sealed rows are what they were");
    }
    let labels = [("stream", stream.to_owned()), ("workspace", workspace.to_string())];
    // a gauge is a float; a number of faults that it cannot hold exactly is no better news
    let shown = u32::try_from(faults).unwrap_or(u32::MAX);
    metrics::gauge!("integrity_faults", &labels).set(f64::from(shown));
    let found = Verification {
        stream: stream.to_owned(),
        job_id: job,
        verified_at: ctx.now,
        seals,
        row_count: rows,
        removed,
        faults,
        findings: json!(on.findings),
    };
    store::put_verification(tenant, &found)
}

fn unreadable() -> Error {
    Error::Store(StoreError::Inconsistent {
        table: "jobs",
        problem: "the checkpoint cannot be read".into(),
    })
}
