//! What the caller may do to a contact by being its owner (CON-12). Every use case that changes single
//! contacts locks them here; statements over sets use `owners::permitted` of the floor below.

use uuid::Uuid;

use kartoteka_domain::actor::Actor;
use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::owners::Deed;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::ContactId;
use kartoteka_persistence::Tenant;
use kartoteka_persistence::contacts::{Stored, owners, read};

use super::patch;
use crate::context::Context;
use crate::error::Error;

/// The contact, locked until the end of the transaction, when the caller may do this to it.
///
/// # Errors
/// `not_found`, `not_permitted`.
pub fn lock_for(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: ContactId,
    deed: Deed,
) -> Result<Stored, Error> {
    let contact = patch::lock(tenant, id)?;
    // most contacts have no owners, and then there is nothing to ask
    if !contact.owners.is_empty()
        && !owners::forbidden(tenant, ctx.actor, &[id.0], deed)?.is_empty()
    {
        return Err(refusal());
    }
    Ok(contact)
}

/// Refuses a list of ids when the caller may not do this to one of them: nothing of it is done.
///
/// # Errors
/// `not_permitted`, with the place of each such id in `#/ids`.
pub fn refuse_forbidden(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    ids: &[Uuid],
    deed: Deed,
) -> Result<(), Error> {
    // locked first: whoever makes the caller an owner meanwhile waits, or is seen
    if matches!(ctx.actor, Actor::User(_)) {
        read::lock(tenant, ids)?;
    }
    let forbidden = owners::forbidden(tenant, ctx.actor, ids, deed)?;
    if forbidden.is_empty() {
        return Ok(());
    }
    let faults =
        ids.iter().enumerate().filter(|(_, id)| forbidden.contains(id)).map(|(place, _)| {
            Fault::new(format!("#/ids/{place}"), Code::NotPermitted, Code::NotPermitted.title())
        });
    Err(Error::invalid(faults.collect()))
}

/// The refusal of a deed that the caller's level as an owner does not allow.
#[must_use]
pub fn refusal() -> Error {
    Error::refused(
        Code::NotPermitted,
        "Your level as an owner of this contact does not allow it; ask its main owner.",
    )
}
