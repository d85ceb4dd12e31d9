//! What the contact manager says of e-mail and mobile marketing of many contacts (MGR-A, MGR-B, MGR-C). The contacts
//! live, are locked, and are the actor's to change; actions on a channel have been checked ([`check_channel`]).

use std::collections::{HashMap, HashSet};

use serde_json::json;
use uuid::Uuid;

use kartoteka_domain::codes::Code;
use kartoteka_domain::consents::ledger::{Action, Channel, LegalBasis, Source};
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::JobId;
use kartoteka_domain::outbox::EventType;
use kartoteka_persistence::Tenant;
use kartoteka_persistence::consents::bulk::{self as store, Declared, Line};
use kartoteka_persistence::consents::requests::keep_purposes;
use kartoteka_persistence::contacts::write;

use crate::access::audit;
use crate::context::Context;
use crate::error::Error;
use crate::frozen::{Dids, Outcome};
use crate::outbox;

/// What is wrong with an action on a channel: where no purpose is of it, there is nothing to decide on. The purposes
/// stay until the end of the transaction. `at` is where the action stands in the request.
///
/// # Errors
/// What the database said.
pub(crate) fn check_channel(
    tenant: &mut Tenant<'_>,
    channel: Channel,
    at: &str,
) -> Result<Vec<Fault>, Error> {
    keep_purposes(tenant)?;
    if store::purposes_of(tenant, channel)?.is_empty() {
        let detail = format!("The workspace has no purpose of the channel {}.", channel.as_str());
        return Ok(vec![Fault::new(at, Code::UnknownPurpose, detail)]);
    }
    Ok(Vec::new())
}

/// Opts contacts out of e-mail (MGR-A), as unsubscribing does: all purposes of the channel are withdrawn, those nobody
/// asked for too, so that an import that declares one later meets the refusal. A bad address changes nothing of that.
///
/// # Errors
/// What the database said.
pub(crate) fn set_email_opt_out(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    ids: &[Uuid],
) -> Result<Dids, Error> {
    let applied = opt_out(tenant, ctx, job, Channel::Email, ids)?;
    Ok(dids(ids, &applied, &HashSet::new(), ""))
}

/// Opts contacts out of messages by phone (MGR-C), in the same way. Scenarios start by it.
///
/// # Errors
/// What the database said.
pub(crate) fn set_mobile_opt_out(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    ids: &[Uuid],
) -> Result<Dids, Error> {
    let applied = opt_out(tenant, ctx, job, Channel::Sms, ids)?;
    let told = ids.iter().filter(|id| applied.contains(id)).map(|id| (*id, json!({}))).collect();
    outbox::record_starting(tenant, ctx, EventType::ContactMobileOptedOut, told, Some(job.0))?;
    Ok(dids(ids, &applied, &HashSet::new(), ""))
}

/// Opts contacts in to messages by phone (MGR-C). What is granted is the oldest purpose of the channel, which a
/// workspace is born with, in its present wording, and no other: whoever declares this for many names one consent, not
/// each there will ever be. A contact who granted any of them has opted in already.
///
/// # Errors
/// What the database said.
pub(crate) fn set_mobile_opt_in(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    legal_basis: LegalBasis,
    ids: &[Uuid],
) -> Result<Dids, Error> {
    let purpose = store::purposes_of(tenant, Channel::Sms)?.into_iter().next();
    // it was there when the action was checked, and is held since
    let purpose = purpose.ok_or(Error::NotFound)?;
    let standings = store::mobile(tenant, ids)?;
    let unreachable = standings.iter().filter(|one| !one.phone).map(|one| one.contact_id).collect();
    let lines: Vec<Line> = standings
        .iter()
        .filter(|one| one.phone && !one.opted_in)
        .map(|one| Line {
            id: ctx.new_id(),
            contact: one.contact_id,
            purpose: purpose.id,
            version: purpose.version,
        })
        .collect();
    let names = HashMap::from([(purpose.id, purpose.name)]);
    let applied = declare(tenant, ctx, job, Action::Grant, legal_basis, &names, &lines)?;
    Ok(dids(ids, &applied, &unreachable, "no_phone"))
}

/// Marks addresses as ones that do not exist (MGR-B): nothing is sent to them. The ledger is as it was.
///
/// # Errors
/// What the database said.
pub(crate) fn mark_email_invalid(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    ids: &[Uuid],
) -> Result<Dids, Error> {
    let without = write::without_email(tenant, ids)?.into_iter().collect();
    let applied = set_invalid(tenant, ctx, job, true, ids)?;
    Ok(dids(ids, &applied, &without, "no_email"))
}

/// Takes the mark off again (MGR-B): what the ledger says shows again, which is what was before, and what was decided
/// meanwhile. Addresses on the list of those never to be written to stay on it.
///
/// # Errors
/// What the database said.
pub(crate) fn lift_email_invalid(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    ids: &[Uuid],
) -> Result<Dids, Error> {
    let applied = set_invalid(tenant, ctx, job, false, ids)?;
    Ok(dids(ids, &applied, &HashSet::new(), ""))
}

fn set_invalid(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    invalid: bool,
    ids: &[Uuid],
) -> Result<HashSet<Uuid>, Error> {
    let applied: HashSet<Uuid> =
        write::set_email_invalid(tenant, ids, invalid, ctx.now)?.into_iter().collect();
    let changes = json!({"email_invalid": [!invalid, invalid]});
    let lines = ids.iter().filter(|id| applied.contains(id));
    let lines = lines.map(|id| (*id, Some(changes.clone()))).collect();
    let action = "contact.email_invalid";
    audit::record_each_for_job(tenant, ctx, action, "contact", lines, Some(job.0))?;
    Ok(applied)
}

fn opt_out(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    channel: Channel,
    ids: &[Uuid],
) -> Result<HashSet<Uuid>, Error> {
    let open = store::open(tenant, channel, ids)?;
    let lines: Vec<Line> = open
        .iter()
        .map(|one| Line {
            id: ctx.new_id(),
            contact: one.contact_id,
            purpose: one.purpose_id,
            version: one.version,
        })
        .collect();
    let names = open.into_iter().map(|one| (one.purpose_id, one.purpose)).collect();
    declare(tenant, ctx, job, Action::Withdraw, LegalBasis::Consent, &names, &lines)
}

/// Writes the entries, and says of whom they are.
fn declare(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    action: Action,
    legal_basis: LegalBasis,
    names: &HashMap<Uuid, String>,
    lines: &[Line],
) -> Result<HashSet<Uuid>, Error> {
    let declared = Declared {
        action,
        at: ctx.now,
        actor: ctx.actor,
        source: Source::ContactManager,
        source_id: Some(job.0),
        legal_basis,
    };
    store::append_many(tenant, &declared, lines)?;
    let applied: HashSet<Uuid> = lines.iter().map(|line| line.contact).collect();
    if applied.is_empty() {
        return Ok(applied);
    }
    write::touch(tenant, &applied.iter().copied().collect::<Vec<_>>(), ctx.now)?;
    let told = |line: &Line| {
        let purpose = names.get(&line.purpose);
        (line.contact, Some(json!({"purpose": purpose, "entry_id": line.id})))
    };
    let told = lines.iter().map(told).collect();
    let action = format!("consent.{}", action.as_str());
    audit::record_each_for_job(tenant, ctx, &action, "contact", told, Some(job.0))?;
    Ok(applied)
}

/// An outcome for each contact; `reason` is why those that were left alone were.
fn dids(ids: &[Uuid], applied: &HashSet<Uuid>, skipped: &HashSet<Uuid>, reason: &str) -> Dids {
    let outcome = |id: &Uuid| {
        if skipped.contains(id) {
            Outcome::Skipped(reason.to_owned())
        } else if applied.contains(id) {
            Outcome::Applied
        } else {
            Outcome::Unchanged
        }
    };
    ids.iter().map(|id| (*id, outcome(id).into())).collect()
}
