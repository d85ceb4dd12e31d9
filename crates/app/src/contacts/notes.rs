//! Notes on a contact (CON-13). A private one is there for its author only.

pub(crate) mod bulk;

use serde_json::json;
use uuid::Uuid;

use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::owners::Deed;
use kartoteka_domain::ids::{ContactId, NoteId};
use kartoteka_domain::outbox::EventType;
use kartoteka_persistence::contacts::notes as store;
use kartoteka_persistence::{StoreError, Tenant};

use super::{patch, permission};
use crate::access::audit;
use crate::context::Context;
use crate::error::Error;
use crate::outbox;

pub use kartoteka_persistence::contacts::notes::Note;

/// Notes the caller sees, newest first, older than `before`.
///
/// # Errors
/// `not_found`.
pub fn list(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    before: Option<Uuid>,
    limit: usize,
) -> Result<Vec<Note>, Error> {
    super::get(tenant, contact)?;
    Ok(store::list(tenant, contact, ctx.actor, before, limit)?)
}

/// One note.
///
/// # Errors
/// `not_found`, also when it is private and somebody else's.
pub fn get(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    id: NoteId,
) -> Result<Note, Error> {
    store::get(tenant, contact, id, ctx.actor)?.ok_or(Error::NotFound)
}

/// Writes a note. The text has been checked for its length.
///
/// # Errors
/// `not_found`, `not_permitted`, `conflict` when the contact is in the trash.
pub fn create(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    text: String,
    private: bool,
) -> Result<Note, Error> {
    patch::refuse_in_trash(&permission::lock_for(tenant, ctx, contact, Deed::Change)?)?;
    let note = Note {
        id: ctx.new_id(),
        text,
        private,
        author_type: ctx.actor.kind().to_owned(),
        author_id: ctx.actor.id(),
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    store::insert(tenant, contact, &note)?;
    record(tenant, ctx, "note.create", contact, &note, &["text", "private"])?;
    let told = vec![(contact.0, json!({"note_id": note.id}))];
    outbox::record_starting(tenant, ctx, EventType::ContactNoteAdded, told, None)?;
    get(tenant, ctx, contact, NoteId(note.id))
}

/// Changes a note; what is `None` stays. Only its author makes it private or shows it to all: anybody else
/// would take it away from the others. `guard` sees it as it is now.
///
/// # Errors
/// `not_found`, `not_permitted`, `conflict` when the contact is in the trash, what `guard` says.
pub fn update<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    id: NoteId,
    (text, private): (Option<String>, Option<bool>),
    guard: impl FnOnce(&Note) -> Result<(), E>,
) -> Result<Note, E> {
    let before = lock(tenant, ctx, contact, id, guard, true)?;
    let mut after = before.clone();
    after.text = text.unwrap_or(after.text);
    after.private = private.unwrap_or(after.private);
    let mut fields = Vec::new();
    fields.extend((after.text != before.text).then_some("text"));
    fields.extend((after.private != before.private).then_some("private"));
    if fields.is_empty() {
        return Ok(before);
    }
    let own = before.author_type == ctx.actor.kind() && before.author_id == ctx.actor.id();
    if after.private != before.private && !own {
        let detail = "Only the author of a note says who sees it.";
        return Err(Error::refused(Code::NotPermitted, detail).into());
    }
    after.updated_at = ctx.now;
    let mut written = || -> Result<Note, Error> {
        store::update(tenant, &after)?;
        record(tenant, ctx, "note.update", contact, &after, &fields)?;
        get(tenant, ctx, contact, id)
    };
    Ok(written()?)
}

/// Removes a note, in the trash too. `guard` sees it as it is now.
///
/// # Errors
/// `not_found`, `not_permitted`, what `guard` says.
pub fn delete<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    id: NoteId,
    guard: impl FnOnce(&Note) -> Result<(), E>,
) -> Result<(), E> {
    let note = lock(tenant, ctx, contact, id, guard, false)?;
    store::delete(tenant, id).map_err(Error::from)?;
    record(tenant, ctx, "note.delete", contact, &note, &[]).map_err(Error::from)?;
    Ok(())
}

/// The note, which nobody else changes until the end of the transaction: the contact is locked.
fn lock<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    id: NoteId,
    guard: impl FnOnce(&Note) -> Result<(), E>,
    living: bool,
) -> Result<Note, E> {
    // what the caller does not see is not there, before anything else is said of it
    get(tenant, ctx, contact, id)?;
    let stored = permission::lock_for(tenant, ctx, contact, Deed::Change)?;
    let note = get(tenant, ctx, contact, id)?;
    guard(&note)?;
    if living {
        patch::refuse_in_trash(&stored)?;
    }
    Ok(note)
}

fn record(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    action: &str,
    contact: ContactId,
    note: &Note,
    fields: &[&str],
) -> Result<(), StoreError> {
    let changes = json!({"contact_id": contact, "fields": fields});
    audit::record(tenant, ctx, action, "note", Some(note.id), Some(changes))
}
