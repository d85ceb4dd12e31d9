//! Erasing a person (TRS-5, GDPR art. 17): asked for by a request, done by a job, kept in a journal, done again after a
//! restored backup.
//!
//! # What goes
//! The contact with everything that hangs on it (a purge, from wherever it is), and what
//! [`places`](kartoteka_persistence::erasures::places) lists beyond that: files and staged rows of imports the person
//! is in, problems of their rows, kept answers, addresses in what jobs were asked, in saved conditions and in names of
//! documents, texts of activities they share with others. What stays are counts, lines of the audit trail by id, and keyed hashes.
//!
//! An address that another contact has is left where it is, and not suppressed: it is not this person's alone. The
//! record says whose it is too ([`Erasure::also_used_by`]); with the last of them it goes. Asked for by address, all
//! who have it go at once.
//!
//! # In which order
//! 1. The request writes a record and a job, in one transaction.
//! 2. The job writes a line into the [`journal`] and waits until it is on the disk. Without it nothing is erased.
//! 3. Files of imports are looked through and removed, an import at a time; the contact is still there and says what
//!    to look for, so that a worker that was killed can go on.
//! 4. Conditions, documents and jobs are cleaned.
//! 5. One transaction removes the contact and the rest, suppresses the addresses, and ends record and job.
//!
//! Whoever is killed between 2 and 5 leaves a job that is taken up again; it cannot be cancelled. So a line of the
//! journal always ends in an erasure.
//!
//! # After a restored backup
//! The database has lost the erasures of the time after the backup; the journal has not. Each start of a server or
//! worker reads it ([`replay()`]): an erasure that the database does not know is done again, by the ids of its contacts
//! and by the hashes of their addresses. Who was made after the erasure was asked for is somebody who came back,
//! and is left alone.

pub mod journal;
pub mod replay;
mod work;

use uuid::Uuid;

use kartoteka_domain::actor::Actor;
use kartoteka_domain::codes::Code;
use kartoteka_domain::consents::ledger::Channel;
use kartoteka_domain::contacts::email::Email;
use kartoteka_domain::contacts::owners::Deed;
use kartoteka_domain::contacts::phone::{Phone, Region};
use kartoteka_domain::erasures::Reason;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::{ContactId, ErasureId, JobId};
use kartoteka_persistence::contacts::{merges, owners, read};
use kartoteka_persistence::erasures as store;
use kartoteka_persistence::erasures::elsewhere::{self, Keys};
use kartoteka_persistence::jobs::{self, Job, NewJob};
use kartoteka_persistence::{StoreError, Tenant, workspaces};
use serde_json::{Map, Value, json};

use crate::access::audit;
use crate::consents::suppression;
use crate::contacts::permission;
use crate::context::Context;
use crate::error::Error;
use crate::worker::wake;

pub use journal::Journal;
pub use kartoteka_persistence::erasures::Erasure;
pub use replay::{Replayed, replay};
pub(crate) use work::EraseWork;

/// Contacts one erasure may be about.
const MAX_CONTACTS: usize = 1_000;
/// Others with the same address that a record names.
const MAX_OTHERS: i64 = 100;

/// Who is to be erased.
#[derive(Clone, PartialEq, Eq)]
pub enum Whom {
    /// This contact, in the trash or not.
    Contact(ContactId),
    /// Everybody with this e-mail address, and the address itself wherever it stands.
    Email(String),
    /// Everybody with this number, and the number itself wherever it stands.
    Phone(String),
}

impl std::fmt::Debug for Whom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Contact(id) => write!(f, "Contact({id})"),
            Self::Email(_) => f.write_str("Email(…)"),
            Self::Phone(_) => f.write_str("Phone(…)"),
        }
    }
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who.
    pub whom: Whom,
    /// Why.
    pub reason: Reason,
    /// Whether the addresses may not be written to afterwards (CNS-8).
    pub suppress: bool,
}

/// An address of a person in the form it is compared in.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Addresses {
    /// Keys of e-mail addresses.
    pub(crate) emails: Vec<String>,
    /// Numbers in E.164.
    pub(crate) phones: Vec<String>,
}

impl Addresses {
    fn add(&mut self, email: Option<&String>, phone: Option<&String>) {
        self.emails.extend(email.cloned());
        self.phones.extend(phone.cloned());
        for list in [&mut self.emails, &mut self.phones] {
            list.sort_unstable();
            list.dedup();
        }
    }

    /// Those of contacts that were merged into the person's, and those that a merge replaced.
    pub(crate) fn add_merged(
        &mut self,
        tenant: &mut Tenant<'_>,
        contacts: &[Uuid],
    ) -> Result<(), StoreError> {
        for email in merges::former(tenant, contacts, "email_key")? {
            self.add(Some(&email), None);
        }
        for phone in merges::former(tenant, contacts, "phone")? {
            self.add(None, Some(&phone));
        }
        Ok(())
    }

    /// Without those that one of these has too.
    pub(crate) fn without(&self, others: &[Keys]) -> Self {
        let (mut emails, mut phones) = (self.emails.clone(), self.phones.clone());
        emails.retain(|email| !others.iter().any(|other| other.email_key.as_ref() == Some(email)));
        phones.retain(|phone| !others.iter().any(|other| other.phone.as_ref() == Some(phone)));
        Self { emails, phones }
    }

    /// Keyed hashes with their channels.
    pub(crate) fn hashes(&self, secret: &[u8]) -> Vec<(Channel, Vec<u8>)> {
        let hash =
            |channel, address: &String| (channel, suppression::hash(secret, channel, address));
        let emails = self.emails.iter().map(|address| hash(Channel::Email, address));
        let phones = self.phones.iter().map(|address| hash(Channel::Sms, address));
        emails.chain(phones).collect()
    }
}

/// How a hash stands in the record and in the journal.
pub(crate) fn written(channel: Channel, hash: &[u8]) -> String {
    let digits: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}:{digits}", channel.as_str())
}

/// Asks for an erasure. One that is under way for the contact is given back as it is.
///
/// # Errors
/// `not_found`; `not_permitted` when the caller may not delete one of the contacts as its owner; faults of the address;
/// `too_many` when more contacts have it than one erasure takes.
pub fn request(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    secret: &[u8],
    request: &Request,
) -> Result<(Erasure, Job), Error> {
    let mut addresses = Addresses::default();
    // the address is kept with the job until it is done, because nothing else may say it
    let mut payload = Map::new();
    let contacts = match &request.whom {
        Whom::Contact(id) => {
            permission::lock_for(tenant, ctx, *id, Deed::Delete)?;
            vec![id.0]
        }
        Whom::Email(text) => {
            let email = Email::parse(text)
                .map_err(|error| fault("#/email", Code::InvalidEmail, error.to_string()))?;
            payload.insert("email".into(), json!(email.key()));
            addresses.add(Some(&email.key().to_owned()), None);
            holding(tenant, ctx, &addresses)?
        }
        Whom::Phone(text) => {
            let region = Region::parse(&workspaces::get(tenant)?.phone_region).ok();
            let phone = Phone::parse(text, region)
                .map_err(|error| fault("#/phone", Code::InvalidPhone, error.to_string()))?;
            payload.insert("phone".into(), json!(phone.as_str()));
            addresses.add(None, Some(&phone.as_str().to_owned()));
            holding(tenant, ctx, &addresses)?
        }
    };
    // whoever was merged into them is the same person, and a restored backup may know them apart
    let contacts = merges::ids_of_all(tenant, &contacts)?;
    if let Some(known) = store::under_way(tenant, &contacts)?
        && contacts.iter().all(|id| known.contact_ids.contains(id))
    {
        let job = crate::jobs::get(tenant, JobId(known.job_id))?;
        return Ok((known, job));
    }
    for contact in read::get_many(tenant, &contacts)? {
        addresses.add(contact.contact.email_key.as_ref(), contact.contact.phone.as_ref());
    }
    addresses.add_merged(tenant, &contacts)?;
    let limit = i64::try_from(contacts.len()).unwrap_or(i64::MAX).saturating_add(MAX_OTHERS);
    let mut others = elsewhere::holders(tenant, &addresses.emails, &addresses.phones, limit)?;
    others.retain(|other| !contacts.contains(&other.id));
    let mut also_used_by: Vec<Uuid> = others.iter().map(|other| other.id).collect();
    also_used_by.dedup();
    let id = ctx.new_id();
    payload.insert("erasure_id".into(), json!(id));
    let job = enqueue(tenant, ctx, id, payload)?;
    // what others have too is not this person's alone, and must not find them after a restore
    let hashes = addresses.without(&others).hashes(secret);
    let erasure = Erasure {
        id,
        state: "requested".to_owned(),
        reason: request.reason.as_str().to_owned(),
        suppress: request.suppress,
        by_address: !matches!(request.whom, Whom::Contact(_)),
        contact_ids: contacts,
        addresses: hashes.iter().map(|(channel, hash)| written(*channel, hash)).collect(),
        also_used_by,
        actor_type: ctx.actor.kind().to_owned(),
        actor_id: ctx.actor.id(),
        job_id: job.id,
        counts: json!({}),
        problem: None,
        requested_at: ctx.now,
        replayed_at: None,
        looked_up: true,
        erased_at: None,
    };
    store::insert(tenant, &erasure)?;
    let changes = json!({"contact_ids": erasure.contact_ids, "reason": erasure.reason, "suppress": erasure.suppress});
    let action = "erasure.request";
    audit::record_for_job(tenant, ctx, action, "erasure", Some(id), Some(changes), Some(job.id))?;
    wake();
    Ok((erasure, job))
}

/// Contacts that have the address and that the caller may delete.
fn holding(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    addresses: &Addresses,
) -> Result<Vec<Uuid>, Error> {
    let limit = i64::try_from(MAX_CONTACTS).unwrap_or(i64::MAX) + 1;
    let found = elsewhere::holders(tenant, &addresses.emails, &addresses.phones, limit)?;
    let mut ids: Vec<Uuid> = found.into_iter().map(|one| one.id).collect();
    ids.extend(merges::holders(tenant, &addresses.emails, &addresses.phones, limit)?);
    ids.sort_unstable();
    ids.dedup();
    if ids.len() > MAX_CONTACTS {
        let detail = format!("More than {MAX_CONTACTS} contacts have it; erase them one by one.");
        return Err(fault("#", Code::TooMany, detail));
    }
    if matches!(ctx.actor, Actor::User(_)) {
        read::lock(tenant, &ids)?;
    }
    if !owners::forbidden(tenant, ctx.actor, &ids, Deed::Delete)?.is_empty() {
        return Err(permission::refusal());
    }
    Ok(ids)
}

fn fault(pointer: &str, code: Code, detail: String) -> Error {
    Error::invalid(vec![Fault::new(pointer, code, detail)])
}

/// Puts the job into the queue.
fn enqueue(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    erasure: Uuid,
    payload: Map<String, Value>,
) -> Result<Job, Error> {
    let id = JobId(ctx.new_id());
    jobs::enqueue(
        tenant,
        &NewJob {
            id,
            kind: work::KIND,
            payload: Value::Object(payload),
            subject: Some(("erasure", erasure)),
            unique_key: None,
            run_at: ctx.now,
            actor: ctx.actor,
            request_id: ctx.request_id.clone(),
            created_at: ctx.now,
        },
    )?;
    crate::jobs::get(tenant, id)
}

/// One erasure.
///
/// # Errors
/// `not_found`.
pub fn get(tenant: &mut Tenant<'_>, id: ErasureId) -> Result<Erasure, Error> {
    store::get(tenant, id)?.ok_or(Error::NotFound)
}

/// Erasures, newest first, older than `before`.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    before: Option<Uuid>,
    limit: usize,
) -> Result<Vec<Erasure>, StoreError> {
    store::list(tenant, before, limit)
}
