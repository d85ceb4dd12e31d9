//! Deleting: into the trash, from where it can come back (TRS-1, CON-6).

use uuid::Uuid;

use kartoteka_domain::codes::Code;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::ContactId;
use kartoteka_persistence::contacts::{Stored, write};
use kartoteka_persistence::{Tenant, workspaces};

use super::{patch, room};
use crate::access::audit;
use crate::context::Context;
use crate::error::Error;

/// Ids one request may name.
pub const MAX_IDS: usize = 1000;

/// Puts one contact in the trash; one that is there stays as it is.
///
/// # Errors
/// `not_found`, what `guard` says of the contact as it is now.
pub fn trash<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: ContactId,
    guard: impl FnOnce(&Stored) -> Result<(), E>,
) -> Result<(), E> {
    room::enter_beside(tenant).map_err(Error::from)?;
    let before = patch::lock(tenant, id)?;
    guard(&before)?;
    move_all(tenant, ctx, &[id.0])?;
    Ok(())
}

/// Puts contacts in the trash and says how many. Ids that do not exist here, or are in the trash already,
/// do not count.
///
/// # Errors
/// `empty_selection`, `too_many`.
pub fn trash_many(tenant: &mut Tenant<'_>, ctx: &Context, ids: &[Uuid]) -> Result<usize, Error> {
    check(ids)?;
    room::enter_beside(tenant)?;
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
