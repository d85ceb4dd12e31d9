//! Who owns a contact (CON-12).

pub(crate) mod bulk;

use serde_json::json;

use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::owners::{Deed, Level, MAX_OWNERS};
use kartoteka_domain::ids::{ContactId, UserId};
use kartoteka_domain::outbox::EventType;
use kartoteka_persistence::access::users;
use kartoteka_persistence::contacts::{owners as store, write};
use kartoteka_persistence::{StoreError, Tenant, workspaces};

use super::{patch, permission, room};
use crate::access::audit;
use crate::context::Context;
use crate::error::Error;
use crate::outbox;

pub use kartoteka_persistence::contacts::owners::Owner;

/// Owners of a contact, those who may most first; at most [`MAX_OWNERS`].
///
/// # Errors
/// `not_found`.
pub fn list(tenant: &mut Tenant<'_>, contact: ContactId) -> Result<Vec<Owner>, Error> {
    super::get(tenant, contact)?;
    Ok(store::of_contact(tenant, contact, false)?)
}

/// One owner.
///
/// # Errors
/// `not_found`, also when the person does not own the contact.
pub fn get(tenant: &mut Tenant<'_>, contact: ContactId, user: UserId) -> Result<Owner, Error> {
    let owners = list(tenant, contact)?;
    owners.into_iter().find(|owner| owner.user_id == user.0).ok_or(Error::NotFound)
}

/// Makes somebody an owner, or changes how far they are one. `guard` sees the owner as they are now.
///
/// # Errors
/// `not_found` when there is no such contact or person, `not_permitted`, `conflict` when the contact is in
/// the trash, `too_many`, what `guard` says.
pub fn put<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    user: UserId,
    level: Level,
    guard: impl FnOnce(Option<&Owner>) -> Result<(), E>,
) -> Result<Owner, E> {
    room::enter_beside(tenant).map_err(Error::from)?;
    let before = permission::lock_for(tenant, ctx, contact, Deed::ChangeOwners)?;
    let owners = store::of_contact(tenant, contact, true).map_err(Error::from)?;
    let present = owners.iter().find(|owner| owner.user_id == user.0);
    guard(present)?;
    patch::refuse_in_trash(&before)?;
    if let Some(owner) = present.filter(|owner| owner.level == level.as_str()) {
        return Ok(owner.clone());
    }
    let mut written = || -> Result<Owner, Error> {
        if users::get(tenant, user.0)?.is_none() {
            return Err(Error::NotFound);
        }
        if present.is_none() && owners.len() >= MAX_OWNERS {
            let detail = format!("A contact has at most {MAX_OWNERS} owners.");
            return Err(Error::refused(Code::TooMany, detail));
        }
        store::put(tenant, contact, user, level, ctx.now).map_err(gone)?;
        let levels = json!([present.map(|owner| owner.level.as_str()), level.as_str()]);
        changed(tenant, ctx, contact, user, &levels)?;
        if present.is_none() {
            let told = vec![(contact.0, json!({"user_id": user, "level": level.as_str()}))];
            outbox::record_starting(tenant, ctx, EventType::ContactOwnerAssigned, told, None)?;
        }
        get(tenant, contact, user)
    };
    Ok(written()?)
}

/// Takes an owner away; in the trash too. `guard` sees the owner as they are now.
///
/// # Errors
/// `not_found`, also when the person does not own the contact; `not_permitted`, `last_owner`, what `guard`
/// says.
pub fn remove<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    user: UserId,
    guard: impl FnOnce(&Owner) -> Result<(), E>,
) -> Result<(), E> {
    room::enter_beside(tenant).map_err(Error::from)?;
    permission::lock_for(tenant, ctx, contact, Deed::ChangeOwners)?;
    let owners = store::of_contact(tenant, contact, true).map_err(Error::from)?;
    let owner = owners.iter().find(|owner| owner.user_id == user.0).ok_or(Error::NotFound)?;
    guard(owner)?;
    if owners.len() == 1 {
        let detail = "Somebody has to own the contact: give it another owner first.";
        return Err(Error::refused(Code::LastOwner, detail).into());
    }
    store::remove(tenant, contact, user).map_err(Error::from)?;
    changed(tenant, ctx, contact, user, &json!([owner.level, null])).map_err(Error::from)?;
    Ok(())
}

fn changed(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    user: UserId,
    levels: &serde_json::Value,
) -> Result<(), StoreError> {
    write::touch(tenant, &[contact.0], ctx.now)?;
    // what an owner may not change, their import leaves out: a plan made before is old
    workspaces::add_usage(tenant, 0, 0, contact.0)?;
    let changes = json!({"fields": ["owners"], "user_id": user, "level": levels});
    audit::record(tenant, ctx, "contact.owner", "contact", Some(contact.0), Some(changes))
}

/// The person was removed while they were made an owner.
fn gone(error: StoreError) -> Error {
    match error.constraint() {
        Some("contact_owners_user_fkey") => Error::NotFound,
        _ => Error::Store(error),
    }
}
