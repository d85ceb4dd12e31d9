//! What contacts say by the links in messages: a yes to a question (CNS-6), no more of this (CNS-7), and their
//! preferences.
//!
//! Only functions that are named after a change make one; those that show a page read and nothing else, because the
//! scanners of mail servers and the browsers open every link. Who comes by a link is nobody with a token: entries say
//! that Kartoteka wrote them, and their evidence says from where the contact came.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use kartoteka_domain::consents::ledger::{Action, Channel, LegalBasis, Source};
use kartoteka_domain::consents::requests::RequestState;
use kartoteka_domain::consents::words::{Tongue, masked};
use kartoteka_domain::ids::{ConsentRequestId, ContactId, PurposeId};
use kartoteka_persistence::consents::requests as store;
use kartoteka_persistence::consents::{self as ledger, Entry, Evidence};
use kartoteka_persistence::contacts::write::{self, Flag};
use kartoteka_persistence::contacts::{Stored, read};
use kartoteka_persistence::{Tenant, workspaces};

use super::ledger::tell_mobile_opt_out;
use super::links::AddressMark;
use super::requests::{message_id, tongue_of};
use super::suppression;
use crate::access::audit;
use crate::contacts::merges;
use crate::context::Context;
use crate::error::Error;

pub use kartoteka_persistence::consents::requests::Choice;

/// Characters of a browser's name that are kept.
const MAX_USER_AGENT_CHARS: usize = 1000;

/// Where an answer came from, kept beside its entry.
#[derive(Clone, Debug, Default)]
pub struct Visit {
    /// Address of whoever opened the link.
    pub ip: Option<String>,
    /// Browser, as it calls itself.
    pub user_agent: Option<String>,
}

impl Visit {
    fn evidence(&self, other: Value) -> Evidence {
        let readable = |text: &String| -> String {
            let letters = text.chars().filter(|letter| !letter.is_control());
            letters.take(MAX_USER_AGENT_CHARS).collect()
        };
        Evidence {
            ip: self.ip.clone(),
            user_agent: self.user_agent.as_ref().map(readable),
            other: Some(other),
        }
    }
}

/// The contact that a link is about, or that it was merged into; `None` when it is gone.
fn whom(tenant: &mut Tenant<'_>, contact: ContactId, lock: bool) -> Result<Option<Stored>, Error> {
    let look = |tenant: &mut Tenant<'_>, contact| {
        if lock { read::lock_one(tenant, contact) } else { read::get(tenant, contact) }
    };
    if let Some(stored) = look(tenant, contact)? {
        return Ok(Some(stored));
    }
    Ok(match merges::winner_of(tenant, contact)? {
        Some(winner) => look(tenant, winner)?,
        None => None,
    })
}

/// A question, as whoever holds its link sees it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who asks.
    pub sender: String,
    /// Language of the message.
    pub tongue: Tongue,
    /// What people see of the purpose.
    pub title: String,
    /// The wording.
    pub wording: String,
    /// What can still be said to it.
    pub state: Answerable,
    /// The contact takes nothing at present: a yes makes it take this and nothing else.
    pub unsubscribed: bool,
    /// Whom it is about, for the link to the preferences.
    pub contact: ContactId,
    /// The address it went to.
    pub address: AddressMark,
}

/// What can still be said to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answerable {
    /// Yes.
    Open,
    /// Yes was said.
    Confirmed,
    /// It is too late.
    Expired,
}

/// Looks at a question; `None` when there is none any more: the contact is gone or deleted, or has another address now.
///
/// # Errors
/// What the database said.
pub fn asked(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    secret: &[u8],
    request: ConsentRequestId,
) -> Result<Option<Asked>, Error> {
    let Some(request) = store::get(tenant, request)? else { return Ok(None) };
    let contact = whom(tenant, ContactId(request.contact_id), false)?;
    question(tenant, ctx, secret, &request, contact.as_ref())
}

fn question(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    secret: &[u8],
    request: &store::Request,
    contact: Option<&Stored>,
) -> Result<Option<Asked>, Error> {
    let Some(contact) = contact.filter(|contact| contact.trashed_at.is_none()) else {
        return Ok(None);
    };
    let key = contact.contact.email_key.as_deref();
    let hash = key.map(|key| suppression::hash(secret, Channel::Email, key));
    if hash.as_ref() != Some(&request.address_hash) {
        return Ok(None);
    }
    let state = match request.state(ctx.now)? {
        RequestState::Confirmed => Answerable::Confirmed,
        RequestState::Expired => Answerable::Expired,
        // the message arrived, whatever is known of it
        _ => Answerable::Open,
    };
    Ok(Some(Asked {
        sender: workspaces::get(tenant)?.name,
        tongue: Tongue::of_tag(&request.language).unwrap_or(Tongue::En),
        title: request.title.clone(),
        wording: request.wording.clone(),
        state,
        unsubscribed: !contact.subscribed,
        contact: contact.id,
        address: AddressMark::of(secret, key),
    }))
}

/// Says yes to a question: an entry of the ledger, with what proves it. Once; saying it again changes nothing.
///
/// A contact that takes nothing at present takes what it says yes to from now on, and nothing else: whatever else was
/// granted is withdrawn, as the contact had wished.
///
/// # Errors
/// What the database said.
pub fn confirm(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    secret: &[u8],
    request: ConsentRequestId,
    visit: &Visit,
    sender_domain: Option<&str>,
) -> Result<Option<Asked>, Error> {
    let Some(seen) = store::get(tenant, request)? else { return Ok(None) };
    // contacts are locked before their requests
    let contact = whom(tenant, ContactId(seen.contact_id), true)?;
    store::keep_purposes(tenant)?;
    let Some(request) = store::lock(tenant, request)? else { return Ok(None) };
    let asked = question(tenant, ctx, secret, &request, contact.as_ref())?;
    let Some(mut asked) = asked else { return Ok(None) };
    if asked.state != Answerable::Open {
        return Ok(Some(asked));
    }
    let said = |name: &str| json!({"by": "link", "request": request.id, "because_of": name});
    if asked.unsubscribed {
        let others = store::choices(tenant, asked.contact)?;
        let others = others
            .iter()
            .filter(|choice| choice.id != request.purpose_id && choice.granted == Some(true));
        for other in others {
            let evidence = visit.evidence(said(&request.purpose));
            withdraw(tenant, ctx, asked.contact, other, Some(request.id), evidence)?;
        }
        set_subscribed(tenant, ctx, asked.contact, true)?;
    }
    let mut proof = Map::new();
    proof.insert("by".into(), json!("double_opt_in"));
    proof.insert("request".into(), json!(request.id));
    proof.insert("asked_at".into(), json!(request.created_at));
    proof.insert("sent_at".into(), json!(request.mailed_at));
    proof.insert("confirmed_at".into(), json!(ctx.now));
    if let Some(domain) = sender_domain.filter(|_| request.mails > 0) {
        let message = message_id(request.id, request.mails, domain);
        proof.insert("message_id".into(), json!(message));
    }
    if let Some(id) = &ctx.request_id {
        proof.insert("request_id".into(), json!(id));
    }
    let entry = Entry {
        id: ctx.new_id(),
        contact: asked.contact,
        purpose: PurposeId(request.purpose_id),
        action: Action::Grant,
        at: ctx.now,
        actor: ctx.actor,
        source: Source::Form,
        source_id: Some(request.id),
        legal_basis: LegalBasis::from_word(&request.legal_basis).unwrap_or(LegalBasis::Consent),
        wording_version: request.wording_version,
        evidence: visit.evidence(Value::Object(proof)),
    };
    add(tenant, ctx, &entry, &request.purpose)?;
    store::confirm(tenant, ConsentRequestId(request.id), entry.id, ctx.now)?;
    write::touch(tenant, &[asked.contact.0], ctx.now)?;
    if let Some(contact) = &contact {
        tell_mobile_opt_out(tenant, ctx, contact.id, contact.sms_status)?;
    }
    asked.state = Answerable::Confirmed;
    Ok(Some(asked))
}

/// What a link to unsubscribe is about, as whoever holds it sees it.
#[derive(Clone, Debug)]
pub struct Unsubscribable {
    /// Who sends.
    pub sender: String,
    /// The contact's language.
    pub tongue: Tongue,
    /// Title of the purpose; all e-mail when none is named.
    pub title: Option<String>,
    /// For the link to the preferences.
    pub address: AddressMark,
}

/// Looks at what a link would unsubscribe from; `None` when the contact is gone, or the purpose.
///
/// # Errors
/// What the database said.
pub fn unsubscribable(
    tenant: &mut Tenant<'_>,
    secret: &[u8],
    contact: ContactId,
    purpose: Option<PurposeId>,
) -> Result<Option<Unsubscribable>, Error> {
    let Some(stored) = whom(tenant, contact, false)? else { return Ok(None) };
    let title = match purpose {
        None => None,
        Some(purpose) => match ledger::purpose(tenant, purpose, ledger::Hold::No)? {
            Some(purpose) => Some(purpose.title),
            None => return Ok(None),
        },
    };
    Ok(Some(Unsubscribable {
        sender: workspaces::get(tenant)?.name,
        tongue: tongue_of(&stored),
        title,
        address: AddressMark::of(secret, stored.contact.email_key.as_deref()),
    }))
}

/// How somebody unsubscribed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Its mail program did, with one click (RFC 8058).
    OneClick,
    /// On the page.
    Page,
}

/// Withdraws a purpose, or all purposes of e-mail, also those that nobody ever asked for: it is a refusal, and an
/// import that declares them later meets it. What is withdrawn already stays as it is. A contact that is gone has
/// nothing to withdraw; one in the trash has.
///
/// # Errors
/// What the database said.
pub fn unsubscribe(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    purpose: Option<PurposeId>,
    campaign: Option<Uuid>,
    by: By,
    visit: &Visit,
) -> Result<(), Error> {
    let Some(stored) = whom(tenant, contact, true)? else { return Ok(()) };
    store::keep_purposes(tenant)?;
    let by = match by {
        By::OneClick => "one_click",
        By::Page => "page",
    };
    let choices = store::choices(tenant, stored.id)?;
    let meant = choices.iter().filter(|choice| match purpose {
        Some(purpose) => choice.id == purpose.0,
        None => choice.channel == Channel::Email.as_str(),
    });
    let mut changed = false;
    for choice in meant.filter(|choice| choice.granted != Some(false)) {
        let evidence = visit.evidence(json!({ "by": by }));
        withdraw(tenant, ctx, stored.id, choice, campaign, evidence)?;
        changed = true;
    }
    if changed {
        write::touch(tenant, &[stored.id.0], ctx.now)?;
        tell_mobile_opt_out(tenant, ctx, stored.id, stored.sms_status)?;
    }
    Ok(())
}

/// What a contact gets, as whoever holds its link sees it: nothing of the contact but a masked address.
#[derive(Clone, Debug)]
pub struct Preferences {
    /// Who sends.
    pub sender: String,
    /// The contact's language.
    pub tongue: Tongue,
    /// Its address, masked.
    pub address: Option<String>,
    /// Takes marketing at all.
    pub subscribed: bool,
    /// What it can decide on: what it granted, and whatever comes on a channel on which it can be reached.
    pub choices: Vec<Choice>,
}

/// Looks at the preferences of a contact; `None` when it is gone or deleted, or has another address now.
///
/// # Errors
/// What the database said.
pub fn preferences(
    tenant: &mut Tenant<'_>,
    secret: &[u8],
    contact: ContactId,
    address: AddressMark,
) -> Result<Option<Preferences>, Error> {
    let stored = whom(tenant, contact, false)?;
    shown(tenant, secret, stored, address)
}

fn shown(
    tenant: &mut Tenant<'_>,
    secret: &[u8],
    stored: Option<Stored>,
    address: AddressMark,
) -> Result<Option<Preferences>, Error> {
    let Some(stored) = stored.filter(|stored| stored.trashed_at.is_none()) else {
        return Ok(None);
    };
    let content = &stored.contact;
    if AddressMark::of(secret, content.email_key.as_deref()) != address {
        return Ok(None);
    }
    let mut choices = store::choices(tenant, stored.id)?;
    choices.retain(|choice| {
        choice.granted == Some(true)
            || match choice.channel.as_str() {
                "email" => content.email_key.is_some(),
                "sms" => content.phone.is_some(),
                _ => content.city.is_some(),
            }
    });
    Ok(Some(Preferences {
        sender: workspaces::get(tenant)?.name,
        tongue: tongue_of(&stored),
        address: content.email.as_deref().map(masked),
        subscribed: stored.subscribed,
        choices,
    }))
}

/// A purpose as a form showed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Which.
    pub purpose: PurposeId,
    /// Number of the wording that was read.
    pub version: i32,
    /// The last word that was shown; none when there was none.
    pub entry: Option<Uuid>,
    /// Whether it was ticked when it was shown.
    pub ticked: bool,
}

/// What a contact sent from the page.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// What the form showed.
    pub shown: Vec<Shown>,
    /// What is ticked now.
    pub ticked: BTreeSet<Uuid>,
    /// Whether "no messages at all" was shown ticked, and is now; `None` when the form does not say.
    pub none: Option<(bool, bool)>,
}

/// Writes what a contact changed, and nothing else, and shows what holds then. Withdrawals are taken however old the
/// form is. A grant is taken for exactly what was read: when the wording or the last word on the purpose changed since,
/// it is not, and the flag says so.
///
/// # Errors
/// What the database said.
pub fn save(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    secret: &[u8],
    (contact, address): (ContactId, AddressMark),
    wishes: &Wishes,
    visit: &Visit,
) -> Result<Option<(Preferences, bool)>, Error> {
    let stored = whom(tenant, contact, true)?;
    let contact = stored.as_ref().map_or(contact, |stored| stored.id);
    let mobile = stored.as_ref().map(|stored| stored.sms_status);
    store::keep_purposes(tenant)?;
    let Some(before) = shown(tenant, secret, stored, address)? else { return Ok(None) };
    let (mut stale, mut changed) = (false, false);
    for shown in &wishes.shown {
        let ticked = wishes.ticked.contains(&shown.purpose.0);
        let choice = before.choices.iter().find(|choice| choice.id == shown.purpose.0);
        let Some(choice) = choice.filter(|_| ticked != shown.ticked) else { continue };
        let evidence = visit.evidence(json!({"by": "preferences"}));
        if !ticked {
            if choice.granted != Some(false) {
                withdraw(tenant, ctx, contact, choice, None, evidence)?;
                changed = true;
            }
        } else if choice.entry_id != shown.entry || choice.version != shown.version {
            stale |= choice.granted != Some(true);
        } else {
            let entry = Entry {
                id: ctx.new_id(),
                contact,
                purpose: shown.purpose,
                action: Action::Grant,
                at: ctx.now,
                actor: ctx.actor,
                source: Source::Form,
                source_id: None,
                legal_basis: LegalBasis::Consent,
                wording_version: choice.version,
                evidence,
            };
            add(tenant, ctx, &entry, &choice.name)?;
            changed = true;
        }
    }
    if let Some((shown, wished)) = wishes.none
        && shown != wished
    {
        if wished && before.subscribed {
            set_subscribed(tenant, ctx, contact, false)?;
            changed = true;
        } else if !wished && !before.subscribed {
            set_subscribed(tenant, ctx, contact, true)?;
            changed = true;
        }
    }
    if changed {
        write::touch(tenant, &[contact.0], ctx.now)?;
        if let Some(mobile) = mobile {
            tell_mobile_opt_out(tenant, ctx, contact, mobile)?;
        }
    }
    let after = preferences(tenant, secret, contact, address)?;
    Ok(after.map(|after| (after, stale)))
}

fn withdraw(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    choice: &Choice,
    source_id: Option<Uuid>,
    evidence: Evidence,
) -> Result<(), Error> {
    let entry = Entry {
        id: ctx.new_id(),
        contact,
        purpose: PurposeId(choice.id),
        action: Action::Withdraw,
        at: ctx.now,
        actor: ctx.actor,
        source: Source::Unsubscribe,
        source_id,
        legal_basis: LegalBasis::Consent,
        wording_version: choice.version,
        evidence,
    };
    add(tenant, ctx, &entry, &choice.name)
}

/// Adds an entry, and tells the trail and the webhooks.
fn add(tenant: &mut Tenant<'_>, ctx: &Context, entry: &Entry, purpose: &str) -> Result<(), Error> {
    ledger::append(tenant, entry)?;
    let changes = json!({"purpose": purpose, "entry_id": entry.id});
    let action = format!("consent.{}", entry.action.as_str());
    let contact = Some(entry.contact.0);
    Ok(audit::record(tenant, ctx, &action, "contact", contact, Some(changes))?)
}

/// The contact is locked, and the flag is another one.
fn set_subscribed(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    value: bool,
) -> Result<(), Error> {
    write::set_flag(tenant, contact, Flag::Subscribed, value, ctx.now)?;
    let changes = Some(json!({"subscribed": [!value, value]}));
    Ok(audit::record(tenant, ctx, "contact.subscribed", "contact", Some(contact.0), changes)?)
}
