//! What happened to a contact, newest first (CON-18).

use kartoteka_domain::ids::ContactId;
use kartoteka_persistence::Tenant;
use kartoteka_persistence::contacts::{merges, timeline as store};

use crate::context::Context;
use crate::error::Error;

pub use kartoteka_persistence::contacts::timeline::{Entry, Filter};

/// Entries that fit. Private notes are here for their author only.
///
/// # Errors
/// `not_found`.
pub fn list(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<Entry>, Error> {
    super::get(tenant, contact)?;
    let ids = merges::ids_of(tenant, contact)?;
    if filter.kinds.is_empty() {
        return Ok(Vec::new());
    }
    Ok(store::list(tenant, contact, &ids, ctx.actor, ctx.now, filter, limit)?)
}
