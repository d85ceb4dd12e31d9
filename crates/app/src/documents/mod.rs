//! Documents: files that Kartoteka made, such as lists of links (MGR-M).
//!
//! # Why no file is kept
//! A list of links names thousands of people. Kept as bytes it would have to be found and written anew whenever one of
//! them is purged, merged or asks for a mistake to be mended, and a copy that was missed would outlive the person. So what
//! is kept is of whom the list is, an id for each line, and the file is written while it is downloaded, from the contacts
//! as they are then, a thousand at a time. A purge removes the row as it does everywhere, and with it the line is gone; a
//! merged contact keeps its row, which leads to the winner until the merge is undone; whoever is in the trash is not in
//! the file until they are restored.
//!
//! For that, a document has no size and no hash of its own, and its entity tag says what is in it, not which bytes
//! ([`content::tag`]).
//!
//! # Whose it is
//! A document belongs to whoever had it made. A private one is there for them only, as private notes are
//! ([`crate::contacts::notes`]); others, administrators among them, hear `not_found`. Whoever it belongs to changes and
//! deletes it, and so do administrators where they see it.

pub(crate) mod bulk;
pub mod content;

use std::collections::HashMap;

use serde_json::json;
use uuid::Uuid;

use kartoteka_domain::codes::Code;
use kartoteka_domain::documents::read_name;
use kartoteka_domain::ids::DocumentId;
use kartoteka_domain::retention::Kind as Kept;
use kartoteka_persistence::documents as store;
use kartoteka_persistence::{StoreError, Tenant};

use crate::access::audit;
use crate::context::Context;
use crate::error::Error;
use crate::retention;

pub use kartoteka_persistence::documents::{Document, Filter};

/// Documents the caller sees, newest first, older than `before`.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    filter: &Filter,
    before: Option<Uuid>,
    limit: usize,
) -> Result<Vec<Document>, StoreError> {
    store::list(tenant, ctx.actor, filter, before, limit)
}

/// One document.
///
/// # Errors
/// `not_found`, also when it is private and somebody else's, or not whole yet.
pub fn get(tenant: &mut Tenant<'_>, ctx: &Context, id: DocumentId) -> Result<Document, Error> {
    store::get(tenant, ctx.actor, id, false)?.ok_or(Error::NotFound)
}

/// How many days documents are kept, by the rules of today; `None` is for ever.
///
/// # Errors
/// What the database said.
pub fn kept_days(tenant: &mut Tenant<'_>) -> Result<Option<i64>, StoreError> {
    Ok(retention::get(tenant)?.rules().days(Kept::Documents))
}

/// Changes name and privacy; what is `None` stays. `admin`: the caller administers the workspace. Only its owner makes a
/// document private: anybody else would take it away from themselves and all others. `guard` sees it as it is now.
///
/// # Errors
/// `not_found`, `not_permitted`, what is wrong with the name, what `guard` says.
pub fn update<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: DocumentId,
    admin: bool,
    (name, private): (Option<String>, Option<bool>),
    guard: impl FnOnce(&Document) -> Result<(), E>,
) -> Result<Document, E> {
    let before = lock(tenant, ctx, id, admin, guard)?;
    let changed = || -> Result<Document, Error> {
        let mut after = before.clone();
        if let Some(name) = name {
            after.name = read_name(&name, "#/name").map_err(|fault| Error::invalid(vec![fault]))?;
        }
        after.private = private.unwrap_or(after.private);
        let mut fields = Vec::new();
        fields.extend((after.name != before.name).then_some("name"));
        fields.extend((after.private != before.private).then_some("private"));
        if fields.is_empty() {
            return Ok(before);
        }
        if after.private != before.private && !is_owner(ctx, &before) {
            let detail = "Only whom a document belongs to says who sees it.";
            return Err(Error::refused(Code::NotPermitted, detail));
        }
        after.updated_at = ctx.now;
        store::update(tenant, &after)?;
        let changes = json!({ "fields": fields });
        audit::record(tenant, ctx, "document.update", "document", Some(after.id), Some(changes))?;
        Ok(after)
    };
    Ok(changed()?)
}

/// Removes a document. `admin`: the caller administers the workspace. `guard` sees it as it is now.
///
/// # Errors
/// `not_found`, `not_permitted`, what `guard` says.
pub fn delete<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: DocumentId,
    admin: bool,
    guard: impl FnOnce(&Document) -> Result<(), E>,
) -> Result<(), E> {
    lock(tenant, ctx, id, admin, guard)?;
    let mut removed = || -> Result<(), Error> {
        store::delete(tenant, id)?;
        audit::record(tenant, ctx, "document.delete", "document", Some(id.0), None)?;
        Ok(())
    };
    Ok(removed()?)
}

/// The document, which nobody else changes until the end of the transaction.
fn lock<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: DocumentId,
    admin: bool,
    guard: impl FnOnce(&Document) -> Result<(), E>,
) -> Result<Document, E> {
    let found = store::get(tenant, ctx.actor, id, true).map_err(Error::from)?;
    let document = found.ok_or(Error::NotFound)?;
    if !admin && !is_owner(ctx, &document) {
        let detail = "The document belongs to somebody else; ask them or an administrator.";
        return Err(Error::refused(Code::NotPermitted, detail).into());
    }
    guard(&document)?;
    Ok(document)
}

fn is_owner(ctx: &Context, document: &Document) -> bool {
    document.owner_type == ctx.actor.kind() && document.owner_id == ctx.actor.id()
}

/// The documents that jobs made, by job, where the caller sees them.
///
/// # Errors
/// What the database said.
pub fn of_jobs(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    jobs: Vec<Uuid>,
) -> Result<HashMap<Uuid, Uuid>, StoreError> {
    let found = store::of_jobs(tenant, ctx.actor, jobs)?;
    Ok(found.into_iter().map(|document| (document.job_id, document.id)).collect())
}
