//! Sealing what is settled. Run it now and then, and before a verification.

use chrono::{DateTime, Utc};

use kartoteka_domain::ids::WorkspaceId;
use kartoteka_domain::integrity::{
    Head, SEAL_ROWS, Seal, Stream, hex, leaves, merkle, pack, records,
};
use kartoteka_persistence::integrity::{self as store, StoredHead, StoredSeal};
use kartoteka_persistence::{Db, StoreError, Tenant, jobs};

use super::{Key, same};

/// Rows sealed in one transaction.
const BATCH: usize = 16 * SEAL_ROWS;

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Rows that were sealed.
    pub rows: usize,
    /// Nothing is left to seal at the moment.
    pub exhausted: bool,
}

/// Seals all that is settled in one workspace that is due; `None` when none is.
///
/// # Errors
/// What the database said.
pub fn seal_due(db: &Db, key: &Key, now: DateTime<Utc>) -> Result<Option<usize>, StoreError> {
    let Some(workspace) = db.system(store::due)? else { return Ok(None) };
    seal_workspace(db, workspace, key, now).map(Some)
}

/// Seals all that is settled in a workspace, and says how many rows that were.
///
/// # Errors
/// What the database said.
pub fn seal_workspace(
    db: &Db,
    workspace: WorkspaceId,
    key: &Key,
    now: DateTime<Utc>,
) -> Result<usize, StoreError> {
    align(db)?;
    let mut sealed = 0;
    for stream in Stream::ALL {
        loop {
            let step = db.write(workspace, |tenant| {
                jobs::lift_timeouts(tenant)?;
                seal_some(tenant, key, stream, now)
            })?;
            sealed += step.rows;
            if step.exhausted {
                break;
            }
        }
    }
    Ok(sealed)
}

/// Sees to it that transactions have larger numbers than all that are sealed: after a dump was restored on
/// another server they may not. At start-up, before anything is written, and before each sealing.
///
/// # Errors
/// What the database said.
pub fn align(db: &Db) -> Result<(), StoreError> {
    if db.system(store::align)? {
        tracing::warn!(
            "the database was moved to another server: rows are numbered on from those sealed"
        );
    }
    Ok(())
}

/// Seals the next rows of a stream, at most [`BATCH`]. Others who want to seal it wait.
///
/// # Errors
/// What the database said.
pub fn seal_some(
    tenant: &mut Tenant<'_>,
    key: &Key,
    stream: Stream,
    now: DateTime<Utc>,
) -> Result<Step, StoreError> {
    let mut stored = store::lock_head(tenant, stream)?;
    let made_up = stored.head.seq > 0 && !same(&stored.mac, &key.sign_head(&stored.head));
    if made_up || !store::seals(tenant, stream, stored.head.seq, 1)?.is_empty() {
        // nothing is built on what somebody made up or put back; a verification says more
        tracing::error!(
            stream = stream.as_str(),
            "the end of a chain of seals is not the one that was made; nothing is sealed"
        );
        store::put_head(tenant, &stored, true)?;
        return Ok(Step { rows: 0, exhausted: true });
    }
    // first the horizon, then the rows: what is below it is there by then
    let horizon = store::horizon(tenant, stream)?;
    let rows = store::unsealed(tenant, &stored, horizon, BATCH)?;
    // microseconds are what the database keeps
    let sealed_at = DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now);
    let mut seals = Vec::new();
    for part in rows.chunks(SEAL_ROWS) {
        let Some(last) = part.last() else { continue };
        let records = records(part);
        let count = i64::try_from(part.len()).unwrap_or(i64::MAX);
        let head = &mut stored.head;
        let seal = Seal {
            workspace: head.workspace,
            stream,
            seq: head.seq + 1,
            upto: last.place,
            rows: count,
            root: merkle::root(&leaves(&records)),
            previous: head.hash,
            sealed_at,
        };
        let hash = seal.hash();
        *head = Head {
            seq: seal.seq,
            rows: head.rows + count,
            hash,
            upto: seal.upto,
            workspace: head.workspace,
            stream,
        };
        let mac = key.sign_seal(&hash);
        seals.push(StoredSeal { seal, hash: hash.to_vec(), mac, records: pack(&records) });
    }
    store::insert_seals(tenant, &seals)?;
    let exhausted = rows.len() < BATCH;
    if !seals.is_empty() {
        stored.sealed_at = Some(sealed_at);
        stored.mac = key.sign_head(&stored.head);
        tell(&stored, rows.len());
    }
    let StoredHead { head, frontier, .. } = &mut stored;
    // in the middle of a transaction its rest is still to come
    *frontier = if exhausted { horizon.max(*frontier) } else { head.upto.txn.max(*frontier) };
    store::put_head(tenant, &stored, exhausted)?;
    Ok(Step { rows: rows.len(), exhausted })
}

/// The log is one of the places where the head of a chain is kept outside of the database.
fn tell(stored: &StoredHead, rows: usize) {
    let Head { workspace, stream, seq, hash, .. } = &stored.head;
    let (stream, hash) = (stream.as_str(), hex(hash));
    tracing::info!(%workspace, stream, seq, hash, rows, "rows were sealed");
}
