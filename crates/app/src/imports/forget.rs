//! Files of imports that go before their import does: because a person is erased, or because their time is over.

use std::io::Read;

use serde_json::json;

use kartoteka_domain::codes::Code;
use kartoteka_domain::erasures::{Scanner, Sought};
use kartoteka_domain::ids::{ImportId, WorkspaceId};
use kartoteka_domain::imports::state::ImportState;
use kartoteka_domain::imports::transcode::Decoder;
use kartoteka_domain::jobs::JobState;
use kartoteka_persistence::erasures::elsewhere::{self, Whose};
use kartoteka_persistence::imports::{self, data, stage};
use kartoteka_persistence::{Db, StoreError, Tenant, jobs};

use super::receive::StoredSource;
use super::steps::Column;
use super::upload::StoredBytes;
use super::{ImportRecord, back_to, locked, read_json, state_of};
use crate::access::audit;
use crate::context::Context;
use crate::error::{Error, Refusal};
use crate::outbox;
use crate::worker::refusal_json;

/// Bytes of text looked at in one go.
const TEXT_BYTES: usize = 64 << 10;

/// Whether an address or number stands in the name, the staged rows or the file of an import. Reads the whole file,
/// in the memory of a piece.
///
/// # Errors
/// What the database said.
pub(crate) fn holds(
    db: &Db,
    workspace: WorkspaceId,
    id: ImportId,
    sought: &Sought,
    whose: &Whose,
) -> Result<bool, Error> {
    if sought.is_empty() {
        return Ok(false);
    }
    let (import, staged) = db.read(workspace, |tenant| {
        let staged = elsewhere::is_staged(tenant, id, whose)?;
        Ok::<_, Error>((imports::get(tenant, id)?, staged))
    })?;
    let Some(import) = import else { return Ok(false) };
    let texts = [&import.source, &import.columns];
    if staged
        || sought.is_in(&import.name)
        || texts.into_iter().flatten().any(|json| sought.is_in(&json.to_string()))
    {
        return Ok(true);
    }
    if import.upload_id.is_none() || import.source.is_none() {
        return Ok(false);
    }
    let source: StoredSource = read_json(import.source.as_ref(), "the source")?;
    let mut text = Decoder::new(StoredBytes::of(db, workspace, &import)?, source.encoding()?);
    let mut scanner = Scanner::new(sought);
    let mut buffer = vec![0; TEXT_BYTES];
    // letters that were cut at the end of the part before
    let mut held: Vec<u8> = Vec::new();
    loop {
        let length = text
            .read(&mut buffer)
            .map_err(|error| Error::Store(StoreError::Busy(error.to_string())))?;
        if length == 0 {
            return Ok(scanner.feed(&String::from_utf8_lossy(&held)) || scanner.end());
        }
        held.extend_from_slice(buffer.get(..length).unwrap_or_default());
        let whole = match std::str::from_utf8(&held) {
            Ok(_) => held.len(),
            Err(error) => error.valid_up_to(),
        };
        let rest = held.split_off(whole);
        if scanner.feed(&String::from_utf8_lossy(&held)) {
            return Ok(true);
        }
        held = rest;
    }
}

/// Takes a person out of an import: one that has ended, or is being written, loses its file; one on its way goes back to
/// its first step, to be sent again without them. `false` when there was nothing to remove.
///
/// # Errors
/// What the database said; [`StoreError::Busy`] when the import was given another job in this moment.
pub(crate) fn person(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: ImportId,
    sought: &Sought,
    whose: &Whose,
) -> Result<bool, Error> {
    let Some(seen) = imports::get(tenant, id)? else { return Ok(false) };
    // jobs are locked before their subjects, by everyone
    if let Some(job) = seen.job_id.filter(|_| seen.state == ImportState::Planning.as_str()) {
        jobs::lock(tenant, job.into())?;
    }
    let mut import = locked(tenant, id)?;
    if import.job_id != seen.job_id || import.state != seen.state {
        let what = "the import went on in this moment".to_owned();
        return Err(Error::Store(StoreError::Busy(what)));
    }
    let before = import.clone();
    if let Some(name) = sought.redact(&import.name, false) {
        import.name = name;
    }
    let state = state_of(&import)?;
    match state {
        ImportState::AwaitingData => {}
        ImportState::AwaitingHeader
        | ImportState::AwaitingMapping
        | ImportState::AwaitingMatching
        | ImportState::Planning
        | ImportState::AwaitingCommit => {
            if let Some(job) = import.job_id.filter(|_| state == ImportState::Planning) {
                stop_planning(tenant, ctx, job)?;
            }
            stage::clear(tenant, id)?;
            data::keep_only(tenant, id, None)?;
            back_to(&mut import, ImportState::AwaitingData, ctx);
            import.upload_id = None;
            import.source = None;
            import.problem =
                Some(gone("a person in the list was erased; send it again without them"));
        }
        // rows that wait to be written are left out when the person goes
        ImportState::Running => without_file(tenant, &mut import)?,
        ImportState::Reverting
        | ImportState::Done
        | ImportState::Failed
        | ImportState::Cancelled
        | ImportState::Reverted => {
            elsewhere::forget_staged(tenant, id, whose)?;
            without_file(tenant, &mut import)?;
        }
    }
    for shown in [&mut import.source, &mut import.columns].into_iter().flatten() {
        sought.redact_json(shown);
    }
    if import == before {
        return Ok(false);
    }
    imports::save(tenant, &import)?;
    audit::record(tenant, ctx, "import.forget", "import", Some(id.0), None)?;
    Ok(true)
}

/// Stops the job that reads the file.
fn stop_planning(tenant: &mut Tenant<'_>, ctx: &Context, job: uuid::Uuid) -> Result<(), Error> {
    let _ended = jobs::request_cancel(tenant, job.into())?;
    if jobs::cancel_queued(tenant, job.into(), ctx.now)? {
        let job = crate::jobs::get(tenant, job.into())?;
        outbox::record_job(tenant, ctx, &job, JobState::Cancelled)?;
    }
    Ok(())
}

/// Removes the file of an import, and what was shown of it.
fn without_file(tenant: &mut Tenant<'_>, import: &mut ImportRecord) -> Result<(), Error> {
    data::keep_only(tenant, ImportId(import.id), None)?;
    import.upload_id = None;
    if import.source.is_some() {
        let mut source: StoredSource = read_json(import.source.as_ref(), "the source")?;
        source.preview = Vec::new();
        source.filename = None;
        import.source = Some(json!(source));
    }
    if import.columns.is_some() {
        let mut columns: Vec<Column> = read_json(import.columns.as_ref(), "the columns")?;
        columns.iter_mut().for_each(|column| column.samples = Vec::new());
        import.columns = Some(json!(columns));
    }
    Ok(())
}

/// The refusal of what needs the file.
pub(crate) fn refuse_gone() -> Error {
    Error::refused(
        Code::ImportDataGone,
        "The uploaded list was removed; its rows and counts are kept.",
    )
}

fn gone(detail: &str) -> serde_json::Value {
    refusal_json(&Refusal {
        code: Code::ImportDataGone,
        detail: detail.to_owned(),
        faults: Vec::new(),
        extra: serde_json::Map::new(),
    })
}

/// Removes the file of an import that has ended; `false` when it has none or goes on.
///
/// # Errors
/// What the database said.
pub(crate) fn file(tenant: &mut Tenant<'_>, id: ImportId) -> Result<bool, Error> {
    let mut import = locked(tenant, id)?;
    let ended = matches!(
        state_of(&import)?,
        ImportState::Done | ImportState::Failed | ImportState::Cancelled | ImportState::Reverted
    );
    if !ended || import.upload_id.is_none() {
        return Ok(false);
    }
    without_file(tenant, &mut import)?;
    imports::save(tenant, &import)?;
    Ok(true)
}

/// Ends an import on which nobody took a step for long, and removes what was sent; `false` when somebody did now.
///
/// # Errors
/// What the database said.
pub(crate) fn abandon(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: ImportId,
    before: chrono::DateTime<chrono::Utc>,
) -> Result<bool, Error> {
    let mut import = locked(tenant, id)?;
    let waits = state_of(&import)? <= ImportState::AwaitingCommit
        && import.state != ImportState::Planning.as_str();
    if !waits || import.updated_at >= before {
        return Ok(false);
    }
    stage::clear(tenant, id)?;
    without_file(tenant, &mut import)?;
    import.state = ImportState::Cancelled.as_str().to_owned();
    import.problem = Some(gone("no step was taken for long"));
    import.updated_at = ctx.now;
    import.finished_at = Some(ctx.now);
    imports::save(tenant, &import)?;
    outbox::record_import(tenant, ctx, &import)?;
    audit::record(tenant, ctx, "import.cancel", "import", Some(id.0), None)?;
    Ok(true)
}
