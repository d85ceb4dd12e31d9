//! Undo (IMP-18): a job that takes back, chunk by chunk and from the last row to the first, what an import
//! wrote.

use serde::{Deserialize, Serialize};
use serde_json::json;

use kartoteka_domain::codes::Code;
use kartoteka_domain::consents::ledger::{Action, LegalBasis, Source};
use kartoteka_domain::ids::{ContactId, ImportId, PurposeId};
use kartoteka_domain::imports::matching::InFile;
use kartoteka_domain::imports::state::ImportState;
use kartoteka_domain::jobs::JobState;
use kartoteka_persistence::consents::{self, Entry, Evidence};
use kartoteka_persistence::contacts::write;
use kartoteka_persistence::imports::classify::Rows;
use kartoteka_persistence::imports::revert::{self, Reverting};
use kartoteka_persistence::jobs::{Job, Progress};
use kartoteka_persistence::workspaces::{self, WriterLock};
use kartoteka_persistence::{Tenant, imports};

use super::work::{self, Kind};
use super::{ImportRecord, enqueue, get, locked, matching_of, read_json, state_of};
use crate::access::audit;
use crate::context::Context;
use crate::error::Error;
use crate::outbox;
use crate::worker::{Ended, JobError, Run};

/// Rows taken back in one transaction.
const CHUNK_ROWS: i64 = 20_000;
/// The same, over a job that lost workers.
const CAUTIOUS_CHUNK_ROWS: i64 = 200;

/// What undo did, in contacts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevertCounts {
    /// As before the import: made ones are in the trash, changed ones have their old values.
    pub reverted: i64,
    /// Edited or removed since, and left as they are there.
    pub kept: i64,
    /// Could not be taken back.
    pub failed: i64,
}

/// How far undo got; the checkpoint of the job.
#[derive(Debug, Serialize, Deserialize)]
struct Checkpoint {
    /// Rows from this one on are done.
    from_row: i64,
}

/// Has an import undone.
///
/// # Errors
/// `import_not_revertible` when it wrote nothing, runs, or is undone already; `not_permitted` with the number
/// of contacts that the caller may not delete or change as their owner (CON-12).
pub fn start(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: ImportId,
) -> Result<(ImportRecord, Job), Error> {
    let mut import = locked(tenant, id)?;
    let state = state_of(&import)?;
    let ended = matches!(state, ImportState::Done | ImportState::Failed | ImportState::Cancelled);
    if !ended || import.committed_at.is_none() {
        let detail = format!(
            "only an import that was written can be undone; this one is {}",
            state.as_str()
        );
        let extra = json!({ "state": state.as_str(), "next": state.next() });
        return Err(Error::refused_with(Code::ImportNotRevertible, detail, extra));
    }
    let forbidden = revert::not_permitted(tenant, &reverting(ctx, &import)?)?;
    if forbidden > 0 {
        let detail = format!(
            "Your level as an owner of {forbidden} of the contacts does not allow it; ask their main owners."
        );
        let extra = json!({ "contacts": forbidden });
        return Err(Error::refused_with(Code::NotPermitted, detail, extra));
    }
    import.state = ImportState::Reverting.as_str().to_owned();
    import.reverted = Some(json!(RevertCounts::default()));
    import.updated_at = ctx.now;
    audit::record(tenant, ctx, "import.revert", "import", Some(id.0), None)?;
    let job = enqueue(tenant, ctx, &mut import, Kind::Revert)?;
    Ok((import, job))
}

fn reverting(ctx: &Context, import: &ImportRecord) -> Result<Reverting, Error> {
    Ok(Reverting {
        import: ImportId(import.id),
        committed_at: import.committed_at.ok_or_else(|| super::inconsistent("not committed"))?,
        salt: import.id_salt.ok_or_else(|| super::inconsistent("no salt"))?,
        actor: ctx.actor,
        rows_share_contacts: matching_of(import)?.in_file == InFile::All,
        now: ctx.now,
    })
}

enum Chunk {
    Written(i64),
    Ended(Ended),
}

pub(crate) fn run(run: &mut Run<'_>) -> Result<Ended, JobError> {
    let id = work::subject(run.job())?;
    let import = run.db().read(run.workspace(), |tenant| get(tenant, id))?;
    let mut up_to = match &run.job().checkpoint {
        Some(value) => read_json::<Checkpoint>(Some(value), "the checkpoint")?.from_row - 1,
        None => import.applied_row,
    };
    let size = if run.is_cautious() { CAUTIOUS_CHUNK_ROWS } else { CHUNK_ROWS };
    loop {
        match run.step(|tenant, ctx, _held| take_back(run, tenant, ctx, id, up_to, size))? {
            Chunk::Written(from) => up_to = from - 1,
            Chunk::Ended(ended) => return Ok(ended),
        }
    }
}

fn take_back(
    run: &Run<'_>,
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: ImportId,
    up_to: i64,
    size: i64,
) -> Result<Chunk, Error> {
    workspaces::lock_writers(tenant, WriterLock::Exclusive)?;
    let mut import = locked(tenant, id)?;
    if state_of(&import)? != ImportState::Reverting || import.job_id != Some(run.job().id) {
        return run.end(tenant, JobState::Cancelled, None).map(Chunk::Ended);
    }
    let Some(from) = revert::chunk_start(tenant, id, up_to, size)? else {
        import.state = ImportState::Reverted.as_str().to_owned();
        import.updated_at = ctx.now;
        import.finished_at = Some(ctx.now);
        imports::save(tenant, &import)?;
        outbox::record_import(tenant, ctx, &import)?;
        let counts = import.reverted.clone();
        audit::record_for_job(
            tenant,
            ctx,
            "import.reverted",
            "import",
            Some(import.id),
            counts,
            Some(run.job().id),
        )?;
        return run.end(tenant, JobState::Succeeded, None).map(Chunk::Ended);
    };
    let reverting = reverting(ctx, &import)?;
    let rows = Rows { after: from - 1, up_to };
    let done = revert::revert(tenant, &reverting, rows)?;
    withdraw_merged(run, tenant, ctx, &reverting, rows)?;
    outbox::record_chunk(tenant, ctx, &import, rows, true)?;
    let trashed = done.trashed + done.trashed_again;
    workspaces::add_usage(tenant, -trashed, trashed, ctx.new_id())?;
    let mut counts: RevertCounts = read_json(import.reverted.as_ref(), "the counts of undo")?;
    counts.reverted += done.trashed + done.reverted;
    counts.kept += done.kept;
    import.reverted = Some(json!(counts));
    import.updated_at = ctx.now;
    imports::save(tenant, &import)?;
    let progress = Progress {
        done: import.applied_row - from + 1,
        total: Some(import.applied_row),
        counts: Some(json!(counts)),
        checkpoint: Some(json!(Checkpoint { from_row: from })),
    };
    run.advance(tenant, &progress)?;
    Ok(Chunk::Written(from))
}

/// A contact of the import that was merged into another stays as it is there, but a consent that the other has only
/// from it goes with its ground.
fn withdraw_merged(
    run: &Run<'_>,
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    reverting: &Reverting,
    rows: Rows,
) -> Result<(), Error> {
    for word in revert::merged_consents(tenant, reverting, rows)? {
        let entry = Entry {
            id: ctx.new_id(),
            contact: ContactId(word.contact_id),
            purpose: PurposeId(word.purpose_id),
            action: Action::Withdraw,
            at: ctx.now,
            actor: ctx.actor,
            source: Source::Import,
            source_id: Some(reverting.import.0),
            legal_basis: LegalBasis::from_word(&word.legal_basis).unwrap_or(LegalBasis::Consent),
            wording_version: word.wording_version,
            evidence: Evidence::default(),
        };
        consents::append(tenant, &entry)?;
        write::touch(tenant, &[word.contact_id], ctx.now)?;
        audit::record_for_job(
            tenant,
            ctx,
            "consent.withdraw",
            "contact",
            Some(word.contact_id),
            Some(json!({"purpose": word.purpose, "entry_id": entry.id})),
            Some(run.job().id),
        )?;
    }
    Ok(())
}
