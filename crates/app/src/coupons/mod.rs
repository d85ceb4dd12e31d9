//! Coupons of contacts: found, and redeemed once (MGR-J). The contact manager makes them ([`bulk`]).

pub(crate) mod bulk;

use serde_json::json;

use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::owners::Deed;
use kartoteka_domain::coupons as domain;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::{ContactId, CouponId};
use kartoteka_persistence::Tenant;
use kartoteka_persistence::coupons as store;
use uuid::Uuid;

use crate::access::audit;
use crate::contacts::{patch, permission};
use crate::context::Context;
use crate::error::Error;

pub use kartoteka_persistence::coupons::{Coupon, Filter, list};

/// How often the contact of a coupon is looked for again while it is being merged.
const LOOKS: usize = 3;

/// One coupon.
///
/// # Errors
/// `not_found`.
pub fn get(tenant: &mut Tenant<'_>, id: CouponId) -> Result<Coupon, Error> {
    store::get(tenant, id)?.ok_or(Error::NotFound)
}

/// Coupons of a contact, newest first, older than `before`.
///
/// # Errors
/// `not_found`.
pub fn of_contact(
    tenant: &mut Tenant<'_>,
    contact: ContactId,
    before: Option<Uuid>,
    limit: usize,
) -> Result<Vec<Coupon>, Error> {
    crate::contacts::get(tenant, contact)?;
    let filter = Filter { contact: Some(contact.0), ..Filter::default() };
    Ok(list(tenant, &filter, before, limit)?)
}

/// Redeems a coupon by its code, however it is spelt. Of two at once one does it.
///
/// # Errors
/// `unknown_reference` when there is no such code, `coupon_redeemed`, `coupon_expired`, `not_permitted`, `conflict` when
/// the contact is in the trash.
pub fn redeem(tenant: &mut Tenant<'_>, ctx: &Context, code: &str) -> Result<Coupon, Error> {
    let code = domain::typed(code).ok_or_else(unknown)?;
    let coupon = lock(tenant, ctx, &code)?;
    if let Some(at) = coupon.redeemed_at {
        let detail = "Each coupon is redeemed once.";
        let when = json!({ "redeemed_at": at });
        return Err(Error::refused_with(Code::CouponRedeemed, detail, when));
    }
    if coupon.valid_until <= ctx.now {
        let detail = "The time of the coupon is over.";
        let when = json!({ "valid_until": coupon.valid_until });
        return Err(Error::refused_with(Code::CouponExpired, detail, when));
    }
    let id = CouponId(coupon.id);
    store::redeem(tenant, id, ctx.now)?;
    let of = json!({"contact_id": coupon.contact_id, "fields": ["redeemed_at"]});
    audit::record(tenant, ctx, "coupon.redeem", "coupon", Some(coupon.id), Some(of))?;
    get(tenant, id)
}

/// The coupon with this code. Its contact is locked, so that nobody else redeems it: what removes or merges contacts
/// locks them before what hangs on them.
fn lock(tenant: &mut Tenant<'_>, ctx: &Context, code: &str) -> Result<Coupon, Error> {
    for _ in 0..LOOKS {
        let found = store::by_code(tenant, code)?.ok_or_else(unknown)?;
        let contact = ContactId(found.contact_id);
        let stored = match permission::lock_for(tenant, ctx, contact, Deed::Change) {
            // it was merged or purged meanwhile
            Err(Error::NotFound) => continue,
            other => other?,
        };
        let coupon = store::by_code(tenant, code)?.ok_or_else(unknown)?;
        if coupon.contact_id == contact.0 {
            patch::refuse_in_trash(&stored)?;
            return Ok(coupon);
        }
    }
    Err(unknown())
}

fn unknown() -> Error {
    let detail = "There is no coupon with this code.";
    Error::invalid(vec![Fault::new("#/code", Code::UnknownReference, detail)])
}
