//! The trash: what lies there comes back (TRS-1) or is removed for good (TRS-2).

use uuid::Uuid;

use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::owners::Deed;
use kartoteka_domain::ids::ContactId;
use kartoteka_persistence::contacts::{Stored, purge, read, write};
use kartoteka_persistence::{Tenant, workspaces};

use crate::access::audit;
use crate::contacts::trash::check;
use crate::contacts::{self, permission, room};
use crate::context::Context;
use crate::error::Error;

pub use kartoteka_persistence::contacts::read::Shared;

/// Takes one contact out of the trash, and says which of its keys other living contacts have meanwhile.
///
/// # Errors
/// `not_found`, `not_permitted`, `not_in_trash`.
pub fn restore(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: ContactId,
) -> Result<(Stored, Vec<Shared>), Error> {
    room::enter_beside(tenant)?;
    in_trash(&permission::lock_for(tenant, ctx, id, Deed::Change)?)?;
    restore_all(tenant, ctx, &[id.0], None)?;
    Ok((contacts::get(tenant, id)?, read::shared(tenant, &[id.0])?))
}

/// Takes contacts out of the trash and says how many, and which of their keys other living contacts have; ids
/// that are not there do not count.
///
/// # Errors
/// `empty_selection`, `too_many`, `not_permitted` at the ids the caller may not do it to: then none is.
pub fn restore_many(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    ids: &[Uuid],
) -> Result<(usize, Vec<Shared>), Error> {
    check(ids)?;
    room::enter_beside(tenant)?;
    permission::refuse_forbidden(tenant, ctx, ids, Deed::Change)?;
    let back = restore_all(tenant, ctx, ids, None)?;
    Ok((back.len(), read::shared(tenant, &back)?))
}

/// Takes contacts out of the trash, and says which. The caller holds the writer lock.
pub(crate) fn restore_all(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    ids: &[Uuid],
    job: Option<Uuid>,
) -> Result<Vec<Uuid>, Error> {
    let back = write::restore(tenant, ids, ctx.now)?;
    if let Some(first) = back.first() {
        let n = i64::try_from(back.len()).unwrap_or(i64::MAX);
        workspaces::add_usage(tenant, n, -n, job.unwrap_or(*first))?;
        let lines = back.iter().map(|id| (*id, None)).collect();
        audit::record_each_for_job(tenant, ctx, "contact.restore", "contact", lines, job)?;
    }
    Ok(back)
}

/// Removes one contact from the trash and everything about it.
///
/// # Errors
/// `not_found`, `not_permitted`, `not_in_trash`, what `guard` says of the contact as it is now.
pub fn purge<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: ContactId,
    guard: impl FnOnce(&Stored) -> Result<(), E>,
) -> Result<(), E> {
    room::enter_beside(tenant).map_err(Error::from)?;
    let contact = permission::lock_for(tenant, ctx, id, Deed::Delete)?;
    in_trash(&contact)?;
    guard(&contact)?;
    purge_all(tenant, ctx, &[id.0], None)?;
    Ok(())
}

/// Removes contacts from the trash and everything about them, and says how many; ids that are not there
/// do not count.
///
/// # Errors
/// `empty_selection`, `too_many`, `not_permitted` at the ids the caller may not do it to: then none is.
pub fn purge_many(tenant: &mut Tenant<'_>, ctx: &Context, ids: &[Uuid]) -> Result<usize, Error> {
    check(ids)?;
    room::enter_beside(tenant)?;
    permission::refuse_forbidden(tenant, ctx, ids, Deed::Delete)?;
    purge_all(tenant, ctx, ids, None)
}

/// Removes contacts that are in the trash. The caller holds the writer lock.
pub(crate) fn purge_all(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    ids: &[Uuid],
    job: Option<Uuid>,
) -> Result<usize, Error> {
    let gone = purge::purge(tenant, ids)?.ids;
    if let Some(first) = gone.first() {
        let n = i64::try_from(gone.len()).unwrap_or(i64::MAX);
        // a job counts in one shard only
        workspaces::add_usage(tenant, 0, -n, job.unwrap_or(*first))?;
        let lines = gone.iter().map(|id| (*id, None)).collect();
        audit::record_each_for_job(tenant, ctx, "contact.purge", "contact", lines, job)?;
    }
    Ok(gone.len())
}

fn in_trash(contact: &Stored) -> Result<(), Error> {
    if contact.trashed_at.is_some() {
        return Ok(());
    }
    Err(Error::refused(Code::NotInTrash, "The contact is not in the trash; delete it first."))
}
