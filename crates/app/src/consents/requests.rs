//! Asking a contact for a consent by e-mail: double opt-in (CNS-6).
//!
//! The request and the job that sends its message are written together. The job speaks to the mail server up to the
//! content, asks the gate again, notes that the message is being handed over, and only then gives it away. So a message
//! goes out at most once: what became of one that was given away when the process died, or when the connection broke,
//! is unknown, and it is never sent again by itself. One that the server put off is tried by a job of its own later.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use kartoteka_domain::codes::Code;
use kartoteka_domain::consents::gate::{Kind, Reason};
use kartoteka_domain::consents::ledger::{Channel, LegalBasis};
use kartoteka_domain::consents::requests::{
    Again, DAY, MAILS_A_DAY, MOST_TRIES, RequestState, again, pause,
};
use kartoteka_domain::consents::words::Tongue;
use kartoteka_domain::contacts::owners::Deed;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::{ConsentRequestId, ContactId, JobId, PurposeId};
use kartoteka_domain::jobs::JobState;
use kartoteka_gateways::smtp::{Failure, HandedOver, Letter};
use kartoteka_persistence::consents::requests::{self as store, Handing, Step};
use kartoteka_persistence::consents::{self as ledger, Hold};
use kartoteka_persistence::contacts::{Stored, read};
use kartoteka_persistence::jobs::{self, Job, NewJob, Progress};
use kartoteka_persistence::{StoreError, Tenant, workspaces};

use super::can_send::{Question, can_send};
use super::letter;
use super::links::Link;
use super::suppression;
use crate::access::audit;
use crate::contacts::{self, permission};
use crate::context::Context;
use crate::error::{Error, Refusal};
use crate::worker::{Ended, JobError, Run, Work, wake};

pub use kartoteka_persistence::consents::requests::Request;

/// Name of the jobs in the queue.
pub const KIND: &str = "consent_request";

/// What makes a request impossible to send, as its `problem`.
const NOT_CONFIGURED: &str = "not_configured";
const ADDRESS_CHANGED: &str = "address_changed";
const UNFIT_ADDRESS: &str = "address";
/// How often the outcome of a message is tried to be written.
const WRITES: u32 = 20;
/// Pause between them.
const WRITE_AGAIN_AFTER: Duration = Duration::from_millis(250);

/// What requests need from the installation.
#[derive(Clone, Copy, Debug)]
pub struct Installation<'a> {
    /// Key of keyed hashes.
    pub secret: &'a [u8],
    /// Whether there is a mail server.
    pub mail: bool,
    /// How long a link works.
    pub life: TimeDelta,
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct NewRequest {
    /// Name of the purpose.
    pub purpose: String,
    /// Language of the message; that of the contact, else of the workspace, when not said.
    pub language: Option<Tongue>,
    /// What the processing will stand on; consent when not said.
    pub legal_basis: Option<LegalBasis>,
}

/// Asks a contact for a consent. The same question again is answered with the request that is there, and sent once
/// more when that was some minutes ago. The flag says whether a request was made.
///
/// # Errors
/// `not_found`, faults of the body, `mail_not_configured`, `may_not_be_sent` with the reasons of the gate,
/// `rate_limited` when the address got enough today.
pub fn ask(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    installation: &Installation<'_>,
    contact: ContactId,
    new: &NewRequest,
) -> Result<(Request, bool), Error> {
    let stored = permission::lock_for(tenant, ctx, contact, Deed::Change)?;
    let purpose = purpose(tenant, &new.purpose)?;
    if !installation.mail {
        let detail = "Set KARTOTEKA_SMTP_URL and KARTOTEKA_MAIL_FROM to send mail.";
        return Err(Error::refused(Code::MailNotConfigured, detail));
    }
    let reasons = reasons(tenant, contact, installation.secret)?;
    let Some(email_key) = stored.contact.email_key.as_deref().filter(|_| reasons.is_empty()) else {
        return Err(refused_by_gate(&reasons));
    };
    let address_hash = suppression::hash(installation.secret, Channel::Email, email_key);
    store::lock_address(tenant, &address_hash)?;
    let (for_what, version) = (PurposeId(purpose.id), purpose.version);
    let open = store::open_one(tenant, contact, for_what, version, &address_hash, ctx.now)?;
    let expires_at = ctx.now + installation.life;
    let (request, made) = match open {
        Some(open) if again(open.state(ctx.now)?, open.updated_at, ctx.now) == Again::Same => {
            return Ok((open, false));
        }
        Some(open) => {
            room(tenant, ctx, &address_hash)?;
            let id = ConsentRequestId(open.id);
            store::step(tenant, id, RequestState::Waiting, Step::default(), ctx.now)?;
            store::renew(tenant, id, expires_at)?;
            (open, false)
        }
        None => {
            room(tenant, ctx, &address_hash)?;
            let language = new.language.unwrap_or_else(|| tongue_of(&stored));
            let basis = new.legal_basis.unwrap_or(LegalBasis::Consent);
            let request = Request {
                id: ctx.new_id(),
                contact_id: contact.0,
                purpose_id: purpose.id,
                purpose: purpose.name,
                title: purpose.title,
                wording_version: version,
                wording: purpose.wording,
                legal_basis: basis.as_str().to_owned(),
                language: language.as_str().to_owned(),
                address_hash,
                state: RequestState::Waiting.as_str().to_owned(),
                problem: None,
                tries: 0,
                mails: 0,
                mailed_at: None,
                next_try_at: None,
                expires_at,
                confirmed_at: None,
                entry_id: None,
                actor_type: ctx.actor.kind().to_owned(),
                actor_id: ctx.actor.id(),
                created_at: ctx.now,
                updated_at: ctx.now,
            };
            store::insert(tenant, &request)?;
            (request, true)
        }
    };
    enqueue(tenant, ctx, ConsentRequestId(request.id), ctx.now)?;
    let changes = json!({"purpose": request.purpose, "request_id": request.id});
    audit::record(tenant, ctx, "consent.request", "contact", Some(contact.0), Some(changes))?;
    wake();
    let request = store::get(tenant, ConsentRequestId(request.id))?.ok_or(Error::NotFound)?;
    Ok((request, made))
}

/// Requests to a contact, newest first, older than `before`, at most `limit`, and whether there are more.
///
/// # Errors
/// `not_found`.
pub fn list(
    tenant: &mut Tenant<'_>,
    contact: ContactId,
    before: Option<ConsentRequestId>,
    limit: usize,
) -> Result<(Vec<Request>, bool), Error> {
    contacts::get(tenant, contact)?;
    let mut requests = store::of_contact(tenant, contact, before, limit + 1)?;
    let more = requests.len() > limit;
    requests.truncate(limit);
    Ok((requests, more))
}

/// The Message-ID of the `number`th message of a request: the same for each attempt to hand it over.
#[must_use]
pub fn message_id(request: Uuid, number: i32, domain: &str) -> String {
    format!("<{}.{number}@{domain}>", request.simple())
}

/// The language in which a contact is spoken to.
#[must_use]
pub fn tongue_of(contact: &Stored) -> Tongue {
    Tongue::of_contact(contact.contact.language.as_deref(), &contact.home.language)
}

fn purpose(tenant: &mut Tenant<'_>, name: &str) -> Result<ledger::Purpose, Error> {
    let fault =
        |code: Code, detail: &str| Error::invalid(vec![Fault::new("#/purpose", code, detail)]);
    let purpose = ledger::purpose_named(tenant, name, Hold::Keep)?;
    let unknown = || fault(Code::UnknownPurpose, Code::UnknownPurpose.title());
    let purpose = purpose.ok_or_else(unknown)?;
    if purpose.channel != Channel::Email.as_str() {
        // a link in an e-mail proves nothing about a phone or a letter box
        let detail = "The question goes by e-mail, and this purpose is of another channel.";
        return Err(fault(Code::InvalidValue, detail));
    }
    Ok(purpose)
}

/// Why no question may go there. Somebody who unsubscribed may be asked: that is what the question is for.
fn reasons(
    tenant: &mut Tenant<'_>,
    contact: ContactId,
    secret: &[u8],
) -> Result<Vec<Reason>, Error> {
    let (channel, kind) = (Channel::Email, Kind::Transactional);
    can_send(tenant, contact, &Question { channel, purpose: None, kind, secret })
}

fn refused_by_gate(reasons: &[Reason]) -> Error {
    let reasons: Vec<&str> = reasons.iter().map(|reason| reason.as_str()).collect();
    let detail = format!("No message may go to this contact: {}.", reasons.join(", "));
    Error::refused_with(Code::MayNotBeSent, detail, json!({ "reasons": reasons }))
}

/// Refuses when the address got enough messages.
fn room(tenant: &mut Tenant<'_>, ctx: &Context, address_hash: &[u8]) -> Result<(), Error> {
    let (mails, first) = store::mails_since(tenant, address_hash, ctx.now - DAY)?;
    if mails < MAILS_A_DAY {
        return Ok(());
    }
    let wait = first.map_or(DAY, |first| first + DAY - ctx.now).num_seconds().max(60);
    let detail = format!("An address is asked at most {MAILS_A_DAY} times a day.");
    Err(Error::refused_with(
        Code::RateLimited,
        detail,
        json!({"limit": MAILS_A_DAY, "retry_after": wait}),
    ))
}

fn enqueue(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    request: ConsentRequestId,
    run_at: DateTime<Utc>,
) -> Result<(), Error> {
    let job = NewJob {
        id: JobId(ctx.new_id()),
        kind: KIND,
        payload: json!({ "request": request }),
        subject: Some(("consent_request", request.0)),
        unique_key: Some(format!("{KIND} {request}")),
        run_at,
        actor: ctx.actor,
        request_id: ctx.request_id.clone(),
        created_at: ctx.now,
    };
    Ok(jobs::enqueue(tenant, &job)?)
}

/// Sends the message of a request.
pub(crate) struct RequestWork;

impl Work for RequestWork {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn run(&self, run: &mut Run<'_>) -> Result<Ended, JobError> {
        let draft = match prepare(run)? {
            Next::Ended(ended) => return Ok(ended),
            Next::Send(draft) => draft,
        };
        let Some(mail) = run.environment().mail.clone() else {
            tracing::warn!("a message waits: this worker has no mail server");
            return put_off(run, &draft, NOT_CONFIGURED, Handing::No);
        };
        let message_id = message_id(draft.request.0, draft.number, mail.from.domain());
        let content = Letter {
            from: &mail.from,
            to: &draft.to,
            subject: &draft.written.subject,
            message_id: &message_id,
            date: draft.date.into(),
            text: &draft.written.text,
            html: &draft.written.html,
            // RFC 3834: nobody's absence has to be told to us
            headers: &[("Auto-Submitted", "auto-generated")],
        }
        .content();
        let Ok(content) = content else {
            return give_up(run, &draft, UNFIT_ADDRESS, Handing::No);
        };
        let mut session = match mail.relay.connect() {
            Ok(session) => session,
            Err(failure) => return refused(run, &draft, failure, Handing::No),
        };
        if let Err(failure) = session.offer(&mail.from, &draft.to) {
            return refused(run, &draft, failure, Handing::No);
        }
        if let Some(ended) = begin(run, &draft)? {
            session.leave();
            return Ok(ended);
        }
        match session.hand_over(&content) {
            HandedOver::Taken => settle(run, &draft, RequestState::Sent),
            HandedOver::Unknown => {
                tracing::warn!("a mail server did not say whether it took a message");
                settle(run, &draft, RequestState::Unknown)
            }
            HandedOver::Refused(failure) => refused(run, &draft, failure, Handing::GivenBack),
        }
    }

    fn on_failed(
        &self,
        tenant: &mut Tenant<'_>,
        ctx: &Context,
        job: &Job,
        refusal: &Refusal,
    ) -> Result<(), Error> {
        let problem = Some(refusal.code.as_str());
        break_off(tenant, ctx, job, RequestState::Failed, problem)
    }

    fn on_cancelled(&self, tenant: &mut Tenant<'_>, ctx: &Context, job: &Job) -> Result<(), Error> {
        break_off(tenant, ctx, job, RequestState::Cancelled, None)
    }
}

/// A message that is about to be sent.
#[derive(Debug)]
struct Draft {
    request: ConsentRequestId,
    contact: ContactId,
    /// Which of the request's messages it is, from 1.
    number: i32,
    /// Attempts so far.
    tries: i32,
    expires_at: DateTime<Utc>,
    address_hash: Vec<u8>,
    to: String,
    written: letter::Written,
    date: DateTime<Utc>,
}

enum Next {
    Ended(Ended),
    Send(Box<Draft>),
}

fn request_of(job: &Job) -> Option<ConsentRequestId> {
    job.payload.get("request")?.as_str()?.parse().ok()
}

/// Reads what is to be sent. A request that was being handed over when its worker was lost is one of which nobody
/// knows.
fn prepare(run: &Run<'_>) -> Result<Next, JobError> {
    let (secret, links) = (run.environment().secret.clone(), run.environment().links_url.clone());
    run.step(|tenant, ctx, held| {
        let found = match request_of(run.job()) {
            Some(id) => store::lock(tenant, id)?,
            None => None,
        };
        // gone with its contact, or with its purpose
        let Some(request) = found else { return end(run, tenant, "gone").map(Next::Ended) };
        let id = ConsentRequestId(request.id);
        match request.state(ctx.now)? {
            RequestState::HandingOff => {
                tracing::warn!("a worker was lost while it handed over a message");
                let step = Step { tries: request.tries, ..Step::default() };
                store::step(tenant, id, RequestState::Unknown, step, ctx.now)?;
                return end(run, tenant, "unknown").map(Next::Ended);
            }
            RequestState::Waiting | RequestState::Deferred => {}
            state => return end(run, tenant, state.as_str()).map(Next::Ended),
        }
        if held.cancel_requested {
            store::step(tenant, id, RequestState::Cancelled, Step::default(), ctx.now)?;
            return Ok(Next::Ended(run.end(tenant, JobState::Cancelled, None)?));
        }
        let contact = ContactId(request.contact_id);
        let Some(stored) = read::get(tenant, contact)? else {
            return end(run, tenant, "gone").map(Next::Ended);
        };
        let (Some(email), Some(key)) = (&stored.contact.email, &stored.contact.email_key) else {
            return skip(run, tenant, ctx, &request, Reason::NoAddress.as_str()).map(Next::Ended);
        };
        let workspace = workspaces::get(tenant)?;
        let tongue = Tongue::of_tag(&request.language).unwrap_or(Tongue::En);
        let link = Link::Confirm(id).url(&links, &secret, run.workspace(), Some(tongue));
        let time_zone = stored.contact.time_zone.as_deref().unwrap_or(&workspace.time_zone);
        let question = letter::Question {
            tongue,
            sender: &workspace.name,
            title: &request.title,
            wording: &request.wording,
            link: &link,
            until: request.expires_at,
            time_zone,
        };
        let written = letter::write(&question).map_err(|error| {
            tracing::error!(%error, "a message cannot be written");
            Error::refused(Code::Internal, "the message cannot be written")
        })?;
        Ok(Next::Send(Box::new(Draft {
            request: id,
            contact,
            number: request.mails + 1,
            tries: request.tries + 1,
            expires_at: request.expires_at,
            address_hash: request.address_hash,
            to: ascii(email.as_str(), key),
            written,
            date: ctx.now,
        })))
    })
}

/// The address with its domain in ASCII, as mail servers take it.
fn ascii(email: &str, key: &str) -> String {
    let local = email.rsplit_once('@').map(|(local, _)| local);
    let domain = key.rsplit_once('@').map(|(_, domain)| domain);
    match (local, domain) {
        (Some(local), Some(domain)) => format!("{local}@{domain}"),
        _ => email.to_owned(),
    }
}

/// The last moment to say no, and the note that the message is given away from now on. Whatever ended the job is the
/// answer.
fn begin(run: &Run<'_>, draft: &Draft) -> Result<Option<Ended>, JobError> {
    let secret = run.environment().secret.clone();
    run.step(|tenant, ctx, held| {
        let Some(request) = store::lock(tenant, draft.request)? else {
            return end(run, tenant, "gone").map(Some);
        };
        let state = request.state(ctx.now)?;
        if !matches!(state, RequestState::Waiting | RequestState::Deferred) {
            return end(run, tenant, state.as_str()).map(Some);
        }
        if held.cancel_requested {
            store::step(tenant, draft.request, RequestState::Cancelled, Step::default(), ctx.now)?;
            return Ok(Some(run.end(tenant, JobState::Cancelled, None)?));
        }
        let stored = read::get(tenant, draft.contact)?;
        let key = stored.as_ref().and_then(|stored| stored.contact.email_key.as_deref());
        let hash = key.map(|key| suppression::hash(&secret, Channel::Email, key));
        if hash.is_some_and(|hash| hash != draft.address_hash) {
            return skip(run, tenant, ctx, &request, ADDRESS_CHANGED).map(Some);
        }
        let reasons = reasons(tenant, draft.contact, &secret)?;
        if !reasons.is_empty() {
            let words: Vec<&str> = reasons.iter().map(|reason| reason.as_str()).collect();
            return skip(run, tenant, ctx, &request, &words.join(" ")).map(Some);
        }
        let step = Step { tries: draft.tries, mail: Handing::Begins, ..Step::default() };
        store::step(tenant, draft.request, RequestState::HandingOff, step, ctx.now)?;
        Ok(None)
    })
}

fn skip(
    run: &Run<'_>,
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    request: &Request,
    problem: &str,
) -> Result<Ended, Error> {
    let step = Step { problem: Some(problem), tries: request.tries, ..Step::default() };
    store::step(tenant, ConsentRequestId(request.id), RequestState::Skipped, step, ctx.now)?;
    end(run, tenant, RequestState::Skipped.as_str())
}

/// Ends the job; its counts say what became of the message.
fn end(run: &Run<'_>, tenant: &mut Tenant<'_>, outcome: &'static str) -> Result<Ended, Error> {
    metrics::counter!("mails_total", "result" => outcome).increment(1);
    let counts = Some(json!({ outcome: 1 }));
    let progress = Progress { done: 1, total: Some(1), counts, checkpoint: None };
    run.advance(tenant, &progress)?;
    run.end(tenant, JobState::Succeeded, None)
}

/// The server does not have the message.
fn refused(
    run: &Run<'_>,
    draft: &Draft,
    failure: Failure,
    mail: Handing,
) -> Result<Ended, JobError> {
    let (stage, code) = (failure.stage.as_str(), failure.code);
    tracing::info!(stage, code, passes = failure.passes, "a mail server did not take a message");
    let problem = failure.problem();
    if failure.passes {
        put_off(run, draft, &problem, mail)
    } else {
        give_up(run, draft, &problem, mail)
    }
}

/// Tries again later, by a job of its own: the pauses of mail are longer than those of jobs.
fn put_off(run: &Run<'_>, draft: &Draft, problem: &str, mail: Handing) -> Result<Ended, JobError> {
    let next = run.context().now + pause(draft.tries);
    if draft.tries >= MOST_TRIES || next >= draft.expires_at {
        return give_up(run, draft, problem, mail);
    }
    certainly(run, |tenant, ctx| {
        let step =
            Step { problem: Some(problem), tries: draft.tries, next_try_at: Some(next), mail };
        store::step(tenant, draft.request, RequestState::Deferred, step, ctx.now)?;
        let ended = end(run, tenant, RequestState::Deferred.as_str())?;
        enqueue(tenant, ctx, draft.request, next)?;
        Ok(ended)
    })
}

fn give_up(run: &Run<'_>, draft: &Draft, problem: &str, mail: Handing) -> Result<Ended, JobError> {
    certainly(run, |tenant, ctx| {
        let step = Step { problem: Some(problem), tries: draft.tries, next_try_at: None, mail };
        store::step(tenant, draft.request, RequestState::Failed, step, ctx.now)?;
        end(run, tenant, RequestState::Failed.as_str())
    })
}

/// Writes what became of a message that was given away.
fn settle(run: &Run<'_>, draft: &Draft, state: RequestState) -> Result<Ended, JobError> {
    certainly(run, |tenant, ctx| {
        let step = Step { tries: draft.tries, ..Step::default() };
        store::step(tenant, draft.request, state, step, ctx.now)?;
        end(run, tenant, state.as_str())
    })
}

/// Writes what has happened outside, even when the worker is to stop, and waits a while for a database that went away.
fn certainly(
    run: &Run<'_>,
    write: impl Fn(&mut Tenant<'_>, &Context) -> Result<Ended, Error>,
) -> Result<Ended, JobError> {
    let mut left = WRITES;
    loop {
        left -= 1;
        match run.account(|tenant, ctx, _| write(tenant, ctx)) {
            Err(JobError::Retry(Error::Store(StoreError::Busy(_)))) if left > 0 => {
                std::thread::sleep(WRITE_AGAIN_AFTER);
            }
            written => return written,
        }
    }
}

/// The job ended without getting to its end.
fn break_off(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: &Job,
    state: RequestState,
    problem: Option<&str>,
) -> Result<(), Error> {
    let Some(id) = request_of(job) else { return Ok(()) };
    let Some(request) = store::lock(tenant, id)? else { return Ok(()) };
    let state = match request.state.parse() {
        Ok(RequestState::Waiting | RequestState::Deferred) => state,
        Ok(RequestState::HandingOff) => RequestState::Unknown,
        _ => return Ok(()),
    };
    let step = Step { problem, tries: request.tries, ..Step::default() };
    Ok(store::step(tenant, id, state, step, ctx.now)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_names_request_and_number() {
        let id = message_id(Uuid::from_u128(1), 2, "x.cz");
        assert_eq!(id, "<00000000000000000000000000000001.2@x.cz>");
    }

    #[test]
    fn the_domain_of_an_address_is_written_in_ascii() {
        assert_eq!(ascii("Jana@Čeněk.cz", "jana@xn--enk-nxa0r.cz"), "Jana@xn--enk-nxa0r.cz");
        assert_eq!(ascii("jana@x.cz", "jana@x.cz"), "jana@x.cz");
    }
}
