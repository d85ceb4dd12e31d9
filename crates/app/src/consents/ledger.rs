//! Entries of the consent ledger: given and taken back, one purpose at a time (CNS-3).

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use kartoteka_domain::actor::Actor;
use kartoteka_domain::codes::Code;
use kartoteka_domain::consents::ledger::{Action, Channel, ChannelStatus, LegalBasis, Source};
use kartoteka_domain::contacts::owners::Deed;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::{ContactId, PurposeId};
use kartoteka_domain::outbox::EventType;
use kartoteka_persistence::Tenant;
use kartoteka_persistence::consents::{self as store, Entry, Evidence, Hold};
use kartoteka_persistence::contacts::{merges, write};
use uuid::Uuid;

use crate::access::audit;
use crate::contacts::{self, patch, permission};
use crate::context::Context;
use crate::error::Error;
use crate::outbox;

pub use kartoteka_persistence::consents::{Current, ShownEntry};

/// Bytes of what proves an entry, as JSON.
const MAX_EVIDENCE_BYTES: usize = 16 * 1024;
/// Characters of a user agent.
const MAX_USER_AGENT_CHARS: usize = 1000;

/// What a request declares.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// Name of the purpose.
    pub purpose: String,
    /// Given or taken back.
    pub action: Action,
    /// What the processing stands on; needed for a grant, `consent` for a withdrawal that names none.
    pub legal_basis: Option<LegalBasis>,
    /// What proves it: `ip`, `user_agent` and anything else.
    pub evidence: Option<Map<String, Value>>,
}

/// Adds an entry. Repeating what is known adds one too: it is a new declaration, with its own proof.
/// A withdrawal is taken even for a contact in the trash.
///
/// # Errors
/// `not_found`, all faults of the declaration, `conflict` for a grant to a contact in the trash.
pub fn declare(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    declaration: &Declaration,
) -> Result<ShownEntry, Error> {
    let Declaration { purpose, action, legal_basis, evidence } = declaration;
    let before = permission::lock_for(tenant, ctx, contact, Deed::Change)?;
    let mut faults = Vec::new();
    let purpose = store::purpose_named(tenant, purpose, Hold::Keep)?;
    if purpose.is_none() {
        let fault = Fault::new("#/purpose", Code::UnknownPurpose, Code::UnknownPurpose.title());
        faults.push(fault);
    }
    let legal_basis = match (legal_basis, action) {
        (Some(basis), _) => *basis,
        (None, Action::Withdraw) => LegalBasis::Consent,
        (None, Action::Grant) => {
            let detail = "Say what the processing stands on.";
            faults.push(Fault::new("#/legal_basis", Code::MissingField, detail));
            LegalBasis::Consent
        }
    };
    let evidence = read_evidence(evidence.as_ref(), &mut faults);
    let Some(purpose) = purpose.filter(|_| faults.is_empty()) else {
        return Err(Error::invalid(faults));
    };
    if *action == Action::Grant {
        patch::refuse_in_trash(&before)?;
    }
    let entry = Entry {
        id: ctx.new_id(),
        contact,
        purpose: PurposeId(purpose.id),
        action: *action,
        at: ctx.now,
        actor: ctx.actor,
        source: source(ctx),
        source_id: None,
        legal_basis,
        wording_version: purpose.version,
        evidence,
    };
    store::append(tenant, &entry)?;
    write::touch(tenant, &[contact.0], ctx.now)?;
    let changes = json!({"purpose": purpose.name, "entry_id": entry.id});
    let action = format!("consent.{}", action.as_str());
    audit::record(tenant, ctx, &action, "contact", Some(contact.0), Some(changes))?;
    tell_mobile_opt_out(tenant, ctx, contact, before.sms_status)?;
    let mut newest = store::history(tenant, &[contact.0], None, None, 1)?;
    newest.pop().ok_or(Error::NotFound)
}

/// Tells when an act made the mobile status of a contact, which is locked, an opt-out; scenarios start by it (SCN-4).
/// `before` is what the status was. A further withdrawal of somebody who has opted out is none.
///
/// # Errors
/// What the database said.
pub(crate) fn tell_mobile_opt_out(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    before: ChannelStatus,
) -> Result<(), Error> {
    if before == ChannelStatus::OptOut
        || store::status(tenant, contact, Channel::Sms)? != ChannelStatus::OptOut
    {
        return Ok(());
    }
    let told = vec![(contact.0, json!({}))];
    Ok(outbox::record_starting(tenant, ctx, EventType::ContactMobileOptedOut, told, None)?)
}

/// People write at the contact's card, integrations by API.
fn source(ctx: &Context) -> Source {
    match ctx.actor {
        Actor::User(_) | Actor::System => Source::Card,
        Actor::Client(_) => Source::Api,
    }
}

fn read_evidence(evidence: Option<&Map<String, Value>>, faults: &mut Vec<Fault>) -> Evidence {
    let Some(members) = evidence else { return Evidence::default() };
    if serde_json::to_string(members).is_ok_and(|text| text.len() > MAX_EVIDENCE_BYTES) {
        let detail = format!("At most {MAX_EVIDENCE_BYTES} bytes.");
        faults.push(Fault::new("#/evidence", Code::TooLong, detail));
        return Evidence::default();
    }
    let mut read = Evidence::default();
    let mut other = Map::new();
    for (name, value) in members {
        match (name.as_str(), value) {
            ("ip" | "user_agent", Value::Null) => {}
            ("ip", Value::String(text)) if text.parse::<IpAddr>().is_ok() => {
                read.ip = Some(text.clone());
            }
            ("ip", _) => {
                let detail = "This is not an IP address.";
                faults.push(Fault::new("#/evidence/ip", Code::InvalidValue, detail));
            }
            ("user_agent", Value::String(text)) if text.chars().count() <= MAX_USER_AGENT_CHARS => {
                read.user_agent = Some(text.clone());
            }
            ("user_agent", _) => {
                let detail = format!("Text of at most {MAX_USER_AGENT_CHARS} characters.");
                faults.push(Fault::new("#/evidence/user_agent", Code::InvalidValue, detail));
            }
            _ => drop(other.insert(name.clone(), value.clone())),
        }
    }
    read.other = (!other.is_empty()).then_some(Value::Object(other));
    read
}

/// All purposes with the last word of a contact on each, and a page of its entries, newest first. `before`
/// is the entry the page before ended with. What contacts that were merged into it had declared is part of its entries. With `as_of` all of it is as it was at that instant (CNS-5). The
/// third part says whether there are more.
///
/// # Errors
/// `not_found`.
pub fn of_contact(
    tenant: &mut Tenant<'_>,
    contact: ContactId,
    before: Option<Uuid>,
    as_of: Option<DateTime<Utc>>,
    limit: usize,
) -> Result<(Vec<Current>, Vec<ShownEntry>, bool), Error> {
    contacts::get(tenant, contact)?;
    let current = match as_of {
        None => store::current(tenant, contact)?,
        Some(instant) => store::current_at(tenant, contact, instant)?,
    };
    let ids = merges::ids_of(tenant, contact)?;
    let mut history = store::history(tenant, &ids, before, as_of, limit + 1)?;
    let more = history.len() > limit;
    history.truncate(limit);
    Ok((current, history, more))
}
