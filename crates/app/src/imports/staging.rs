//! Staging: the stored bytes become rows of the staging table.
//!
//! Two threads, because there are two kinds of work: one reads, maps and encodes rows, the other, the job's
//! own, talks to the database. The second holds a transaction only while it copies rows that are ready, and
//! never more than one connection. Memory does not grow with the file: two batches and three pieces.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, channel, sync_channel};

use serde::{Deserialize, Serialize};
use serde_json::json;

use kartoteka_domain::consents::ledger::Channel;
use kartoteka_domain::ids::{ImportId, WorkspaceId};
use kartoteka_domain::imports::reader::{ReadError, Row};
use kartoteka_domain::imports::staged::RowMapper;
use kartoteka_persistence::imports::data;
use kartoteka_persistence::imports::stage::{self, Batch, Staged};
use kartoteka_persistence::jobs::Progress;

use super::plan::{is_wanted, read_error};
use super::receive::StoredSource;
use super::{ImportRecord, get};
use crate::consents::suppression;
use crate::error::Error;
use crate::worker::{JobError, Run};

/// Most bytes staged in one transaction, as they are copied: some five thousand rows.
const BATCH_BYTES: usize = 2 << 20;
/// Most rows staged in one transaction.
const BATCH_ROWS: usize = 20_000;
/// The same, over a job that lost workers.
const CAUTIOUS_BATCH_ROWS: usize = 500;

/// How far staging got; the checkpoint of the job.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// Rows up to this one are staged.
    pub(super) staged_row: u64,
}

/// What was found in the file.
#[derive(Debug)]
pub(super) struct Found {
    /// Rows that are not empty.
    pub(super) rows: i64,
    /// Rows that are.
    pub(super) empty: i64,
    /// The dictionary of its tags.
    pub(super) tags: Vec<String>,
}

/// What the reading thread says.
enum Event {
    /// It has no bytes left.
    Hungry,
    /// Rows to be staged, and how many there were so far.
    Rows(Batch, i64),
    /// The file was read.
    Ended(Result<Found, ReadError>),
}

/// What the reading thread needs.
pub(super) struct Reading {
    /// How the bytes are to be read.
    pub(super) source: StoredSource,
    /// Whether the first row names the columns.
    pub(super) header: bool,
    /// What becomes of a row.
    pub(super) mapper: RowMapper,
    /// The key of address hashes, when there are suppressions to look for.
    pub(super) secret: Option<Arc<[u8]>>,
    /// Rows up to this one are staged already; they are read again for the dictionary of tags.
    pub(super) staged_before: u64,
}

/// Stages what the file holds.
///
/// # Errors
/// What the database said; [`JobError::Unwanted`] when the import went another way; `import_too_many_rows`
/// and its like.
pub(super) fn stage(
    run: &Run<'_>,
    id: ImportId,
    import: &ImportRecord,
    reading: Reading,
) -> Result<Found, JobError> {
    let upload = import.upload_id.ok_or_else(|| super::inconsistent("the upload is missing"))?;
    // refused here, not in the other thread
    reading.source.encoding()?;
    let workspace = run.workspace();
    let batch_rows = if run.is_cautious() { CAUTIOUS_BATCH_ROWS } else { BATCH_ROWS };
    std::thread::scope(|scope| {
        let (pieces_in, pieces) = sync_channel(1);
        // nothing waits in it: a full batch stays with its maker until this thread is free to copy it
        let (events_in, events) = sync_channel(0);
        let (spare_in, spare) = channel();
        let bytes =
            Pieces { pieces, events: events_in.clone(), piece: Vec::new(), at: 0, ended: false };
        let batches = Batches { events: events_in, spare, workspace, id, rows: batch_rows };
        scope.spawn(move || {
            let found = reading.run(bytes, &batches);
            // nobody is left to hear it when the job broke off
            let _unheard = batches.events.send(Event::Ended(found));
        });
        let (mut seq, mut next) = (0, None);
        loop {
            // the reader shall have a piece when it has read its last one
            while let Some(piece) = match next.take() {
                Some(piece) => Some(piece),
                None if seq < 0 => None,
                None => {
                    let piece = run
                        .db()
                        .read(workspace, |tenant| data::piece(tenant, id, upload, seq))?
                        .unwrap_or_default();
                    // an empty piece is the end
                    seq = if piece.is_empty() { -1 } else { seq + 1 };
                    Some(piece)
                }
            } {
                match pieces_in.try_send(piece) {
                    Ok(()) => {}
                    Err(TrySendError::Full(piece)) => {
                        next = Some(piece);
                        break;
                    }
                    // it has ended and is about to say so
                    Err(TrySendError::Disconnected(_)) => {
                        seq = -1;
                        break;
                    }
                }
            }
            match events.recv() {
                Ok(Event::Hungry) => {}
                Ok(Event::Rows(mut batch, done)) => {
                    append(run, id, &batch, done)?;
                    batch.clear();
                    // it wants no more when it has ended
                    let _unwanted = spare_in.send(batch);
                }
                Ok(Event::Ended(found)) => return found.map_err(read_error),
                Err(_gone) => return Err(super::inconsistent("the file was not read").into()),
            }
        }
    })
}

fn append(run: &Run<'_>, id: ImportId, batch: &Batch, done: i64) -> Result<(), JobError> {
    let wanted = run.step(|tenant, _ctx, held| {
        let import = get(tenant, id)?;
        if held.cancel_requested || !is_wanted(&import, run) {
            return Ok(false);
        }
        tenant.commit_without_waiting()?;
        stage::append(tenant, batch)?;
        let checkpoint = Some(json!(Checkpoint { staged_row: batch.last_row() }));
        run.advance(tenant, &Progress { done, total: None, counts: None, checkpoint })?;
        Ok::<bool, Error>(true)
    })?;
    if wanted { Ok(()) } else { Err(JobError::Unwanted) }
}

/// Where batches come from and go to, as the reading thread sees it.
struct Batches {
    events: SyncSender<Event>,
    spare: Receiver<Batch>,
    workspace: WorkspaceId,
    id: ImportId,
    rows: usize,
}

impl Batches {
    /// Hands a batch over, when it is full or the last one; gives back one to be filled. The first call
    /// makes the second batch, later ones use the two in turn.
    fn hand_over(&self, batch: Batch, done: i64) -> io::Result<Batch> {
        self.events.send(Event::Rows(batch, done)).map_err(broken_off)?;
        Ok(self.spare.try_recv().unwrap_or_else(|_none| self.empty()))
    }

    fn empty(&self) -> Batch {
        Batch::new(self.workspace, self.id, BATCH_BYTES)
    }
}

/// The job is over; whoever still reads for it stops.
fn broken_off<T>(_gone: T) -> io::Error {
    io::Error::from(io::ErrorKind::BrokenPipe)
}

impl Reading {
    fn run(mut self, bytes: Pieces, batches: &Batches) -> Result<Found, ReadError> {
        let mut reader = self.source.reader(bytes, self.header).map_err(io::Error::other)?;
        let mut found = Found { rows: 0, empty: 0, tags: Vec::new() };
        let mut batch = batches.empty();
        let mut row = Row::new();
        while reader.next_row(&mut row)? {
            if row.is_empty() {
                found.empty += 1;
                continue;
            }
            found.rows += 1;
            let staged = self.mapper.read(&row);
            if staged.row <= self.staged_before {
                continue;
            }
            let email_hash = match (&self.secret, &staged.email_key) {
                (Some(secret), Some(key)) => Some(suppression::hash(secret, Channel::Email, key)),
                _ => None,
            };
            batch.push(&Staged { row: staged, email_hash });
            if batch.rows() >= batches.rows || batch.bytes() >= BATCH_BYTES {
                batch = batches.hand_over(batch, found.rows)?;
            }
        }
        if batch.rows() > 0 {
            batches.hand_over(batch, found.rows)?;
        }
        found.tags = self.mapper.tags().to_vec();
        Ok(found)
    }
}

/// The stored bytes, as the other thread hands them over.
struct Pieces {
    pieces: Receiver<Vec<u8>>,
    events: SyncSender<Event>,
    piece: Vec<u8>,
    at: usize,
    /// The empty piece behind the last one came.
    ended: bool,
}

impl Read for Pieces {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.piece.len() && !self.ended {
            self.piece = match self.pieces.try_recv() {
                Ok(piece) => piece,
                Err(TryRecvError::Empty) => {
                    self.events.send(Event::Hungry).map_err(broken_off)?;
                    self.pieces.recv().map_err(broken_off)?
                }
                Err(gone @ TryRecvError::Disconnected) => return Err(broken_off(gone)),
            };
            self.at = 0;
            self.ended = self.piece.is_empty();
        }
        let rest = self.piece.get(self.at..).unwrap_or_default();
        let length = rest.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..length), rest.get(..length)) {
            to.copy_from_slice(from);
        }
        self.at += length;
        Ok(length)
    }
}
