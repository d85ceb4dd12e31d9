//! One note on many contacts, each its own (MGR-N). The contacts live, are locked, and are the actor's to change.

use serde_json::json;
use uuid::Uuid;

use kartoteka_domain::ids::JobId;
use kartoteka_domain::outbox::EventType;
use kartoteka_persistence::Tenant;
use kartoteka_persistence::contacts::notes as store;

use crate::access::audit;
use crate::context::Context;
use crate::error::Error;
use crate::frozen::{Dids, Outcome};
use crate::outbox;

/// Writes the note on each contact; whoever asked for the job is its author, and a private one is there for them only.
/// Scenarios start by it. The text has been checked for its length.
///
/// # Errors
/// What the database said.
pub(crate) fn add(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    (text, private): (&str, bool),
    ids: &[Uuid],
) -> Result<Dids, Error> {
    let notes: Vec<(Uuid, Uuid)> = ids.iter().map(|contact| (*contact, ctx.new_id())).collect();
    store::insert_many(tenant, &notes, (text, private), ctx.actor, ctx.now)?;
    let lines = notes.iter().map(|(contact, note)| {
        (*note, Some(json!({"contact_id": contact, "fields": ["text", "private"]})))
    });
    audit::record_each_for_job(tenant, ctx, "note.create", "note", lines.collect(), Some(job.0))?;
    let told = notes.iter().map(|(contact, note)| (*contact, json!({"note_id": note}))).collect();
    outbox::record_starting(tenant, ctx, EventType::ContactNoteAdded, told, Some(job.0))?;
    Ok(ids.iter().map(|id| (*id, Outcome::Applied.into())).collect())
}
