//! Deleting: into the trash, from where it can come back (TRS-1, CON-6).

use uuid::Uuid;

use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::owners::Deed;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::ContactId;
use kartoteka_persistence::contacts::{Stored, write};
use kartoteka_persistence::{Tenant, workspaces};

use super::{permission, room};
use crate::access::audit;
use crate::context::Context;
use crate::error::Error;

/// Ids one request may name.
pub const MAX_IDS: usize = 1000;

/// Puts one contact in the trash; one that is there stays as it is.
///
/// # Errors
/// `not_found`, `not_permitted`, what `guard` says of the contact as it is now.
pub fn trash<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: ContactId,
    guard: impl FnOnce(&Stored) -> Result<(), E>,
) -> Result<(), E> {
    room::enter_beside(tenant).map_err(Error::from)?;
    let before = permission::lock_for(tenant, ctx, id, Deed::Delete)?;
    guard(&before)?;
    move_all(tenant, ctx, &[id.0])?;
    Ok(())
}

/// Puts contacts in the trash and says how many. Ids that do not exist here, or are in the trash already,
/// do not count.
///
/// # Errors
/// `empty_selection`, `too_many`, `not_permitted` at the ids the caller may not delete: then none is.
pub fn trash_many(tenant: &mut Tenant<'_>, ctx: &Context, ids: &[Uuid]) -> Result<usize, Error> {
    check(ids)?;
    room::enter_beside(tenant)?;
    permission::refuse_forbidden(tenant, ctx, ids, Deed::Delete)?;
    move_all(tenant, ctx, ids)
}

fn move_all(tenant: &mut Tenant<'_>, ctx: &Context, ids: &[Uuid]) -> Result<usize, Error> {
    let moved = write::trash(tenant, ids, ctx.now)?;
    if let Some(first) = moved.first() {
        let n = i64::try_from(moved.len()).unwrap_or(i64::MAX);
        workspaces::add_usage(tenant, -n, n, *first)?;
        audit::record_many(tenant, ctx, "contact.trash", "contact", &moved)?;
    }
    Ok(moved.len())
}

/// Refuses a list of ids that is empty or too long.
pub(crate) fn check(ids: &[Uuid]) -> Result<(), Error> {
    if ids.is_empty() {
        return Err(Error::refused(Code::EmptySelection, "Name at least one id."));
    }
    if ids.len() > MAX_IDS {
        let detail = format!("At most {MAX_IDS} ids at once.");
        return Err(Error::invalid(vec![Fault::new("#/ids", Code::TooMany, detail)]));
    }
    Ok(())
}
