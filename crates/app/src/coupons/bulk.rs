//! Coupons for many contacts at once (MGR-J).

use std::collections::{HashMap, HashSet};

use serde_json::json;
use uuid::Uuid;

use kartoteka_domain::classes::{ClassName, read_name};
use kartoteka_domain::codes::Code;
use kartoteka_domain::contact_manager::ValidUntil;
use kartoteka_domain::coupons as domain;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::JobId;
use kartoteka_persistence::coupons::{self as store, Batch, Candidate};
use kartoteka_persistence::{Tenant, workspaces};

use crate::access::audit;
use crate::context::Context;
use crate::error::Error;
use crate::frozen::{Dids, Outcome};

/// How often codes that were taken are made again. Where there is room ([`domain::ROOM`]), one in a thousand is.
const ROUNDS: usize = 32;
/// From so many possible coupons on nobody looks how many there are: no workspace has as many.
const PLENTY: u128 = 100_000_000;

/// What is wrong with making coupons: the name, or a time that is over.
pub(crate) fn check_generate(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    name: &str,
    until: ValidUntil,
    at: &str,
) -> Result<Vec<Fault>, Error> {
    let mut faults = Vec::new();
    read_name(name, &format!("{at}/name"), &mut faults);
    let zone = workspaces::get(tenant)?.time_zone;
    let at = format!("{at}/valid_until");
    match domain::good_until(until, &zone) {
        None => faults.push(Fault::new(at, Code::InvalidDate, "This is too far in the future.")),
        Some(until) if until <= ctx.now => {
            faults.push(Fault::new(at, Code::OutOfRange, "This is over."));
        }
        Some(_) => {}
    }
    Ok(faults)
}

/// The fault of codes that are too short for so many contacts besides the coupons there are: those of the same length, as
/// others neither take such a code nor make one easier to guess.
pub(crate) fn check_room(
    tenant: &mut Tenant<'_>,
    length: u32,
    contacts: i64,
    at: &str,
) -> Result<Option<Fault>, Error> {
    if has_room(tenant, length, contacts)? {
        return Ok(None);
    }
    let most = domain::most(length);
    let mut least =
        domain::length_for(u128::try_from(contacts).unwrap_or_default()).max(length + 1);
    while !has_room(tenant, least, contacts)? {
        least += 1;
    }
    let detail = format!(
        "There is room for {most} coupons with codes of {length} characters, those of them that exist included, and \
         {contacts} contacts are meant; take at least {least}."
    );
    Ok(Some(Fault::new(format!("{at}/length"), Code::OutOfRange, detail)))
}

fn has_room(tenant: &mut Tenant<'_>, length: u32, contacts: i64) -> Result<bool, Error> {
    let most = domain::most(length);
    if most >= PLENTY {
        return Ok(true);
    }
    let room = i64::try_from(most).unwrap_or(i64::MAX) - contacts;
    Ok(room >= 0 && !store::are_more_than(tenant, length, room)?)
}

/// Gives each contact a coupon with a code of its own. Who holds a good one of that name keeps it. A contact for
/// which no free code is found, where all but few are taken, is `no_free_code`.
pub(crate) fn generate(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    (name, length, until): (&str, u32, ValidUntil),
    ids: &[Uuid],
) -> Result<Dids, Error> {
    let mut faults = Vec::new();
    let name: ClassName =
        read_name(name, "#/name", &mut faults).ok_or_else(|| Error::invalid(faults))?;
    let zone = workspaces::get(tenant)?.time_zone;
    let Some(valid_until) = domain::good_until(until, &zone) else { return Err(Error::NotFound) };
    let batch = Batch { name: &name, valid_until, job, now: ctx.now };
    let holders: HashSet<Uuid> = store::holders(tenant, ids, &name, ctx.now)?.into_iter().collect();
    let mut open: Vec<Uuid> = ids.iter().copied().filter(|id| !holders.contains(id)).collect();
    let mut made: HashMap<Uuid, Uuid> = HashMap::new();
    for _ in 0..ROUNDS {
        if open.is_empty() {
            break;
        }
        let candidates: Vec<Candidate> = open
            .iter()
            .map(|contact| Candidate {
                id: ctx.new_id(),
                contact: *contact,
                code: domain::code(length, |below| rand::random_range(0..below)),
            })
            .collect();
        let whose: HashMap<Uuid, Uuid> =
            candidates.iter().map(|one| (one.id, one.contact)).collect();
        for coupon in store::insert(tenant, &batch, candidates)? {
            if let Some(contact) = whose.get(&coupon) {
                made.insert(*contact, coupon);
            }
        }
        open.retain(|contact| !made.contains_key(contact));
    }
    let mut dids: Dids = ids.iter().map(|id| (*id, Outcome::Unchanged.into())).collect();
    let skipped = || Outcome::Skipped("no_free_code".to_owned()).into();
    dids.extend(open.into_iter().map(|contact| (contact, skipped())));
    dids.extend(made.keys().map(|contact| (*contact, Outcome::Applied.into())));
    let fields = json!(["name", "code", "valid_until"]);
    let mut lines: Vec<_> = made
        .into_iter()
        .map(|(contact, coupon)| (coupon, Some(json!({ "contact_id": contact, "fields": fields }))))
        .collect();
    lines.sort_unstable_by_key(|(coupon, _)| *coupon);
    audit::record_each_for_job(tenant, ctx, "coupon.create", "coupon", lines, Some(job.0))?;
    Ok(dids)
}
