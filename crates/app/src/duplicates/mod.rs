//! Duplicates (CON-16): finding pairs, listing them, and saying that two are two.

mod at_once;
pub mod find;

use serde_json::json;
use uuid::Uuid;

use kartoteka_domain::codes::Code;
use kartoteka_domain::ids::ContactId;
use kartoteka_persistence::contacts::{Stored, read};
use kartoteka_persistence::duplicates as store;
use kartoteka_persistence::jobs;
use kartoteka_persistence::{StoreError, Tenant};

use crate::access::audit;
use crate::context::Context;
use crate::error::Error;

pub use kartoteka_persistence::duplicates::{Pair, PairFilter, Rejection, RejectionFilter};

/// A pair with its two contacts.
#[derive(Clone, Debug)]
pub struct PairOfContacts {
    /// What the search said.
    pub pair: Pair,
    /// The two, in the order of their ids.
    pub contacts: Vec<Stored>,
}

/// Pairs of living contacts that nobody rejected, the most probable first. A small workspace that was never searched
/// is compared on the spot.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    filter: &PairFilter,
) -> Result<Vec<PairOfContacts>, Error> {
    let pairs = if jobs::any_of(tenant, find::KIND)? {
        store::list(tenant, filter)?
    } else {
        at_once::list(tenant, ctx, filter)?
    };
    let mut ids: Vec<Uuid> =
        pairs.iter().flat_map(|pair| [pair.contact_id, pair.other_id]).collect();
    ids.sort_unstable();
    ids.dedup();
    let known = read::get_many(tenant, &ids)?;
    let of = |id: Uuid| known.iter().find(|contact| contact.id.0 == id).cloned();
    Ok(pairs
        .into_iter()
        .map(|pair| PairOfContacts {
            contacts: [pair.contact_id, pair.other_id].into_iter().filter_map(of).collect(),
            pair,
        })
        .collect())
}

/// Pairs of which somebody said that they are two.
///
/// # Errors
/// What the database said.
pub fn rejections(
    tenant: &mut Tenant<'_>,
    filter: &RejectionFilter,
) -> Result<Vec<Rejection>, Error> {
    Ok(store::rejections(tenant, filter)?)
}

/// One of them.
///
/// # Errors
/// `not_found`, also when nobody said so of the two.
pub fn rejection(
    tenant: &mut Tenant<'_>,
    one: ContactId,
    other: ContactId,
) -> Result<Rejection, Error> {
    store::rejection(tenant, one, other)?.ok_or(Error::NotFound)
}

/// Says that the two are two: they are offered no more, by no search, and must not be merged. `guard` sees what was
/// said before.
///
/// # Errors
/// `not_found` when one of them is not there; `conflict` for a contact and itself; what `guard` says.
pub fn reject<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    one: ContactId,
    other: ContactId,
    guard: impl FnOnce(Option<&Rejection>) -> Result<(), E>,
) -> Result<Rejection, E> {
    lock(tenant, one, other)?;
    if one == other {
        return Err(
            Error::refused(Code::Conflict, "A contact is not two: name another one.").into()
        );
    }
    let before = store::rejection(tenant, one, other).map_err(Error::from)?;
    guard(before.as_ref())?;
    if let Some(known) = before {
        return Ok(known);
    }
    store::reject(tenant, one, other, ctx.now).map_err(Error::from)?;
    record(tenant, ctx, "duplicate.reject", one, other).map_err(Error::from)?;
    Ok(rejection(tenant, one, other)?)
}

/// Takes it back. `guard` sees what was said.
///
/// # Errors
/// `not_found`, what `guard` says.
pub fn accept<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    one: ContactId,
    other: ContactId,
    guard: impl FnOnce(&Rejection) -> Result<(), E>,
) -> Result<(), E> {
    lock(tenant, one, other)?;
    let before = rejection(tenant, one, other)?;
    guard(&before)?;
    store::accept(tenant, one, other).map_err(Error::from)?;
    Ok(record(tenant, ctx, "duplicate.accept", one, other).map_err(Error::from)?)
}

/// Locks both contacts, in the trash or not.
fn lock(tenant: &mut Tenant<'_>, one: ContactId, other: ContactId) -> Result<(), Error> {
    let mut ids = vec![one.0, other.0];
    ids.sort_unstable();
    ids.dedup();
    if read::lock(tenant, &ids)? == ids.len() { Ok(()) } else { Err(Error::NotFound) }
}

fn record(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    action: &str,
    one: ContactId,
    other: ContactId,
) -> Result<(), StoreError> {
    let (contact, other) = store::ordered(one.0, other.0);
    let changes = Some(json!({ "other_id": other }));
    audit::record(tenant, ctx, action, "contact", Some(contact), changes)
}
