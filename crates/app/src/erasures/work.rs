//! The job that erases a person.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_domain::activities::Activity;
use kartoteka_domain::codes::Code;
use kartoteka_domain::companies::Company;
use kartoteka_domain::consents::ledger::Channel;
use kartoteka_domain::contacts::fold::fold;
use kartoteka_domain::erasures::Sought;
use kartoteka_domain::ids::{ErasureId, ImportId, JobId};
use kartoteka_domain::jobs::JobState;
use kartoteka_domain::scenarios::Kind;
use kartoteka_persistence::access::idempotency;
use kartoteka_persistence::companies::{self, CompanyRow};
use kartoteka_persistence::contacts::{merges, purge, read, write};
use kartoteka_persistence::definitions;
use kartoteka_persistence::erasures::elsewhere::{self, Whose};
use kartoteka_persistence::erasures::{self as store, Erasure};
use kartoteka_persistence::jobs::{Job, Progress};
use kartoteka_persistence::records::{self, Hold};
use kartoteka_persistence::{StoreError, Tenant, activities, consents, documents, workspaces};

use super::journal::Line;
use super::{Addresses, replay};
use crate::access::audit;
use crate::consents::suppression;
use crate::contacts::room;
use crate::context::Context;
use crate::definitions::{Rewritten, follow_rewritten};
use crate::error::{Error, Refusal};
use crate::imports::forget;
use crate::segments::saved;
use crate::worker::{Ended, JobError, Run, Work};

/// Name of the jobs in the queue.
pub(super) const KIND: &str = "contacts_erase";
/// Imports looked through between two notes of how far it got.
const IMPORTS_AT_ONCE: i64 = 20;
/// Kept answers that are younger are looked through once more in the last step; the clocks of servers may differ.
const ANSWERS_AGAIN_MINUTES: i64 = 5;
/// Versions of rules and scenarios looked through at once; one may have 256 KiB.
const VERSIONS_AT_ONCE: i64 = 100;
/// Documents looked through at once.
const DOCUMENTS_AT_ONCE: i64 = 500;
/// Jobs looked through at once.
const JOBS_AT_ONCE: i64 = 500;

/// What was removed or cleaned; the counts of the job and of the record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Counts {
    /// Contacts that are gone.
    contacts: usize,
    /// Imports whose file is gone, or that go back to their first step.
    imports: usize,
    /// Rows left out of imports that are being written.
    import_rows: usize,
    /// Kept answers.
    answers: usize,
    /// Jobs whose texts were cleaned.
    jobs: usize,
    /// Documents in whose name or page an address was.
    #[serde(default)]
    documents: usize,
    /// Segments, and versions of rules and scenarios, whose conditions or texts were cleaned.
    segments: usize,
    /// Activities shared with others whose texts were cleaned.
    activities: usize,
    /// Companies that had an address of the person.
    companies: usize,
    /// Addresses that are suppressed now.
    suppressed: usize,
}

/// How far it got.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Checkpoint {
    /// Imports up to this one are looked through.
    import: Option<Uuid>,
    counts: Counts,
}

/// What is known of the person, from what is still there.
#[derive(Clone, PartialEq)]
struct Person {
    contacts: Vec<Uuid>,
    /// Addresses that nobody else has.
    addresses: Addresses,
    sought: Sought,
    names: (Vec<String>, Vec<String>),
}

impl Person {
    /// What an answer that is about the person has in it, in lower case: addresses as they are, and as they stand in
    /// that of a page.
    fn words(&self) -> Vec<String> {
        let ids = self.contacts.iter().map(Uuid::to_string);
        let emails = self.sought.emails();
        let encoded: Vec<String> = emails.iter().map(|email| email.replace('@', "%40")).collect();
        let quoted: Vec<String> = encoded.iter().map(|email| email.replace('+', "%2b")).collect();
        let phones = self.addresses.phones.iter().cloned();
        ids.chain(emails).chain(encoded).chain(quoted).chain(phones).collect()
    }

    /// The text without names, addresses and numbers of the person.
    fn left_out_of(&self, text: &str) -> String {
        self.sought.redact(text, true).unwrap_or_else(|| text.to_owned())
    }

    fn whose(&self) -> Whose {
        Whose {
            contacts: self.contacts.clone(),
            emails: self.addresses.emails.clone(),
            phones: self.addresses.phones.clone(),
            first_names: self.names.0.clone(),
            last_names: self.names.1.clone(),
        }
    }
}

/// The job.
pub(crate) struct EraseWork;

impl Work for EraseWork {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn run(&self, run: &mut Run<'_>) -> Result<Ended, JobError> {
        let id = subject(run.job())?;
        let erasure = replay::record(run, id)?;
        if erasure.state == "done" {
            return run.step(|tenant, _ctx, _held| run.end(tenant, JobState::Succeeded, None));
        }
        note(run, &erasure)?;
        if !erasure.looked_up {
            replay::look_up(run)?;
        }
        let erasure = replay::record(run, id)?;
        let mut from = match &run.job().checkpoint {
            Some(kept) => serde_json::from_value(kept.clone()).unwrap_or_default(),
            None => Checkpoint::default(),
        };
        loop {
            let person = run.db().read(run.workspace(), |tenant| person(tenant, run, &erasure))?;
            let mut checkpoint = search_imports(run, &person, std::mem::take(&mut from))?;
            checkpoint.counts.segments +=
                run.step(|tenant, ctx, _held| clean_segments(tenant, ctx, &person.sought))?;
            checkpoint.counts.documents += clean_documents(run, &person.sought)?;
            checkpoint.counts.segments += clean_definitions(run, &person.sought)?;
            checkpoint.counts.jobs += clean_jobs(run, &person.sought)?;
            checkpoint.counts.answers += run.step(|tenant, _ctx, _held| {
                Ok(idempotency::forget_mentions(tenant, person.words(), None)?)
            })?;
            let ended = run.step(|tenant, ctx, _held| {
                remove(run, tenant, ctx, &erasure, &person, checkpoint.counts.clone())
            })?;
            // somebody gave the contact another address meanwhile: it is looked for too
            if let Some(ended) = ended {
                return Ok(ended);
            }
        }
    }

    fn on_failed(
        &self,
        tenant: &mut Tenant<'_>,
        _: &Context,
        job: &Job,
        refusal: &Refusal,
    ) -> Result<(), Error> {
        let id = subject(job)?;
        elsewhere::put_payload(tenant, JobId(job.id), json!({ "erasure_id": id }))?;
        Ok(store::failed(tenant, id.0, refusal.code.as_str())?)
    }

    fn on_cancelled(&self, _: &mut Tenant<'_>, _: &Context, _: &Job) -> Result<(), Error> {
        // the journal may name it already, and what it names ends erased
        let detail = "An erasure that was asked for is carried out.";
        Err(Error::refused(Code::JobNotCancellable, detail))
    }
}

fn subject(job: &Job) -> Result<ErasureId, Error> {
    let id = job.payload.get("erasure_id").and_then(Value::as_str).and_then(|id| id.parse().ok());
    id.ok_or_else(|| {
        Error::Store(StoreError::Inconsistent {
            table: "jobs",
            problem: "a job without its erasure".into(),
        })
    })
}

/// Writes the line of the journal. Without it nothing is erased.
fn note(run: &Run<'_>, erasure: &Erasure) -> Result<(), JobError> {
    let line = Line::of(run.workspace(), erasure);
    let Err(error) = run.environment().journal.append(&line) else { return Ok(()) };
    tracing::error!(%error, "the journal of erasures cannot be written");
    if run.job().attempt < run.job().max_attempts {
        let what = "the journal of erasures cannot be written".to_owned();
        return Err(JobError::Retry(Error::Store(StoreError::Busy(what))));
    }
    Err(JobError::Fail(Box::new(Refusal {
        code: Code::ErasureJournalUnavailable,
        detail: "nothing was erased; see to the file of the journal and ask again".into(),
        faults: Vec::new(),
        extra: serde_json::Map::new(),
    })))
}

fn person(tenant: &mut Tenant<'_>, run: &Run<'_>, erasure: &Erasure) -> Result<Person, Error> {
    let mut addresses = Addresses::default();
    let mut sought = Sought::default();
    let mut names = (Vec::new(), Vec::new());
    let said = |name: &str| run.job().payload.get(name).and_then(Value::as_str).map(str::to_owned);
    addresses.add(said("email").as_ref(), said("phone").as_ref());
    let stored = read::get_many(tenant, &erasure.contact_ids)?;
    let mut spelt = Vec::new();
    for contact in &stored {
        let contact = &contact.contact;
        addresses.add(contact.email_key.as_ref(), contact.phone.as_ref());
        spelt.extend(contact.email.clone().zip(contact.email_key.clone()));
        for name in [&contact.first_name, &contact.last_name].into_iter().flatten() {
            sought.name(name);
        }
        if let (Some(first), Some(last)) = (&contact.first_name, &contact.last_name) {
            names.0.push(fold(first));
            names.1.push(fold(last));
        }
    }
    // addresses the contact had before an import, or that one gave it
    for email in elsewhere::former(tenant, &erasure.contact_ids, "email_key")? {
        addresses.add(Some(&email), None);
    }
    for phone in elsewhere::former(tenant, &erasure.contact_ids, "phone")? {
        addresses.add(None, Some(&phone));
    }
    addresses.add_merged(tenant, &erasure.contact_ids)?;
    for column in ["first_name", "last_name"] {
        for name in merges::former(tenant, &erasure.contact_ids, column)? {
            sought.name(&name);
        }
    }
    let limit = i64::try_from(erasure.contact_ids.len()).unwrap_or(0).saturating_add(1_000);
    let mut others = elsewhere::holders(tenant, &addresses.emails, &addresses.phones, limit)?;
    others.retain(|other| !erasure.contact_ids.contains(&other.id));
    let addresses = addresses.without(&others);
    addresses.emails.iter().for_each(|email| sought.email(email));
    let alone = spelt.iter().filter(|(_, key)| addresses.emails.contains(key));
    alone.for_each(|(email, _)| sought.email(email));
    addresses.phones.iter().for_each(|phone| sought.phone(phone));
    let contacts = erasure.contact_ids.clone();
    Ok(Person { contacts, addresses, sought, names })
}

/// Looks through all imports, and removes the files of those the person is in.
fn search_imports(
    run: &Run<'_>,
    person: &Person,
    mut checkpoint: Checkpoint,
) -> Result<Checkpoint, JobError> {
    let db = run.db();
    let met = db.read(run.workspace(), |tenant| elsewhere::imports_of(tenant, &person.contacts))?;
    let whose = person.whose();
    loop {
        let after = checkpoint.import;
        let imports = db.read(run.workspace(), |tenant| {
            elsewhere::imports_after(tenant, after, IMPORTS_AT_ONCE)
        })?;
        let Some(last) = imports.last().copied() else { return Ok(checkpoint) };
        for import in imports {
            let id = ImportId(import);
            let is_in = met.binary_search(&import).is_ok()
                || forget::holds(db, run.workspace(), id, &person.sought, &whose)?;
            let gone = is_in
                && run.step(|tenant, ctx, _held| {
                    forget::person(tenant, ctx, id, &person.sought, &whose)
                })?;
            checkpoint.counts.imports += usize::from(gone);
        }
        checkpoint.import = Some(last);
        run.step(|tenant, _ctx, _held| {
            let progress = Progress {
                counts: Some(json!(checkpoint.counts)),
                checkpoint: Some(json!(checkpoint)),
                ..Progress::default()
            };
            run.advance(tenant, &progress)
        })?;
    }
}

fn clean_definitions(run: &Run<'_>, sought: &Sought) -> Result<usize, JobError> {
    let (mut after, mut cleaned) = (None, 0);
    if sought.is_empty() {
        return Ok(0);
    }
    loop {
        let (last, n) = run.step(|tenant, ctx, _held| {
            saved::lock(tenant)?;
            let mut versions = definitions::texts(tenant, after, VERSIONS_AT_ONCE)?;
            let last = versions.last().map(|version| (version.id, version.version));
            let mut rewritten = Rewritten::new();
            versions.retain_mut(|version| {
                let fields = redacted(sought, version);
                let any = !fields.is_empty();
                if any {
                    rewritten.entry((version.kind.clone(), version.id)).or_default().extend(fields);
                }
                any
            });
            definitions::put_texts(tenant, &versions, ctx.now)?;
            follow_rewritten(tenant, ctx, rewritten)?;
            Ok((last, versions.len()))
        })?;
        cleaned += n;
        match last {
            Some(last) => after = Some(last),
            None => return Ok(cleaned),
        }
    }
}

/// Takes what is sought out of a version of a rule or scenario; names of the fields it stood in.
fn redacted(sought: &Sought, version: &mut definitions::Texts) -> Vec<&'static str> {
    let mut fields = Vec::new();
    let said = version.description.as_ref().and_then(|text| sought.redact(text, false));
    if said.is_some() {
        version.description = said;
        fields.push("description");
    }
    let members = Kind::from_word(&version.kind).map(Kind::members).unwrap_or_default();
    for member in members {
        let part = version.body.get_mut(*member);
        fields.extend(part.is_some_and(|part| sought.redact_json(part)).then_some(*member));
    }
    fields
}

fn clean_segments(tenant: &mut Tenant<'_>, ctx: &Context, sought: &Sought) -> Result<usize, Error> {
    if sought.is_empty() {
        return Ok(0);
    }
    saved::lock(tenant)?;
    let mut segments = elsewhere::segment_texts(tenant)?;
    segments.retain_mut(|segment| {
        let said = segment.description.as_ref().and_then(|text| sought.redact(text, false));
        let mut any = said.is_some();
        segment.description = said.or_else(|| segment.description.take());
        for tree in [&mut segment.filter, &mut segment.selection].into_iter().flatten() {
            any = sought.redact_json(tree) || any;
        }
        any
    });
    elsewhere::put_segment_texts(tenant, &segments, ctx.now)?;
    for segment in &segments {
        let changes = json!({"fields": ["filter"]});
        audit::record(tenant, ctx, "segment.update", "segment", Some(segment.id), Some(changes))?;
    }
    Ok(segments.len())
}

fn clean_documents(run: &Run<'_>, sought: &Sought) -> Result<usize, JobError> {
    let (mut after, mut cleaned) = (None, 0);
    if sought.is_empty() {
        return Ok(0);
    }
    loop {
        let found = run
            .db()
            .read(run.workspace(), |tenant| documents::texts(tenant, after, DOCUMENTS_AT_ONCE))?;
        let Some(last) = found.last() else { return Ok(cleaned) };
        after = Some(last.id);
        for document in found.iter().filter(|document| without(sought, document).is_some()) {
            cleaned += run.step(|tenant, ctx, _held| {
                // read again: somebody may have given it another name since
                let now = documents::texts_for_update(tenant, document.id)?;
                let Some(clean) = now.and_then(|now| without(sought, &now)) else { return Ok(0) };
                documents::put_texts(tenant, &clean, ctx.now)?;
                Ok(1)
            })?;
        }
    }
}

/// The texts of a document without what is sought; `None` when it does not stand there.
fn without(sought: &Sought, document: &documents::Texts) -> Option<documents::Texts> {
    let name = sought.redact(&document.name, false);
    let page = document.page.as_ref().and_then(|page| sought.redact(page, false));
    (name.is_some() || page.is_some()).then(|| documents::Texts {
        id: document.id,
        name: name.unwrap_or_else(|| document.name.clone()),
        page: page.or_else(|| document.page.clone()),
    })
}

fn clean_jobs(run: &Run<'_>, sought: &Sought) -> Result<usize, JobError> {
    let (mut after, mut cleaned) = (None, 0);
    if sought.is_empty() {
        return Ok(0);
    }
    loop {
        let jobs = run
            .db()
            .read(run.workspace(), |tenant| elsewhere::job_texts(tenant, after, JOBS_AT_ONCE))?;
        let Some(last) = jobs.last() else { return Ok(cleaned) };
        after = Some(last.id);
        for mut job in jobs {
            // its own address is needed to the end, and goes with it
            if job.id == run.job().id {
                continue;
            }
            let mut any = sought.redact_json(&mut job.payload);
            any = job.problem.as_mut().is_some_and(|problem| sought.redact_json(problem)) || any;
            let error = job.last_error.as_ref().and_then(|text| sought.redact(text, false));
            any = error.is_some() || any;
            job.last_error = error.or(job.last_error);
            if any {
                run.step(|tenant, _ctx, _held| Ok(elsewhere::put_job_texts(tenant, &job)?))?;
                cleaned += 1;
            }
        }
    }
}

/// The last step: all that is left, at once. `None` when the contact is not any more what was looked for.
fn remove(
    run: &Run<'_>,
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    erasure: &Erasure,
    person: &Person,
    mut counts: Counts,
) -> Result<Option<Ended>, Error> {
    room::enter_beside(tenant)?;
    read::lock(tenant, &erasure.contact_ids)?;
    if self::person(tenant, run, erasure)? != *person {
        return Ok(None);
    }
    counts.import_rows += elsewhere::skip_waiting(tenant, &person.whose())?;
    counts.activities += clean_activities(tenant, ctx, person)?;
    counts.companies += clean_companies(tenant, ctx, person)?;
    // all of them were looked through before, when nobody waited; these came meanwhile
    let since = ctx.now - TimeDelta::minutes(ANSWERS_AGAIN_MINUTES);
    let since = since.min(run.job().started_at.unwrap_or(since));
    counts.answers += idempotency::forget_mentions(tenant, person.words(), Some(since))?;
    let trashed = write::trash(tenant, &erasure.contact_ids, ctx.now)?.len();
    let gone = purge::purge(tenant, &erasure.contact_ids)?.ids;
    counts.contacts += gone.len();
    if let Some(first) = gone.first() {
        let (live, all) = (count(trashed), count(gone.len()));
        workspaces::add_usage(tenant, -live, live - all, *first)?;
        let lines = gone.iter().map(|id| (*id, None)).collect();
        let job = Some(run.job().id);
        audit::record_each_for_job(tenant, ctx, "contact.erase", "contact", lines, job)?;
    }
    if erasure.suppress {
        counts.suppressed += suppress(tenant, ctx, run, &person.addresses)?;
    }
    let told = json!(counts);
    store::done(tenant, erasure.id, told.clone(), ctx.now)?;
    let (id, job) = (Some(erasure.id), Some(run.job().id));
    audit::record_for_job(tenant, ctx, "erasure.done", "erasure", id, Some(told.clone()), job)?;
    elsewhere::put_payload(tenant, JobId(run.job().id), json!({ "erasure_id": erasure.id }))?;
    let progress =
        Progress { done: 1, total: Some(1), counts: Some(told), checkpoint: Some(json!({})) };
    run.advance(tenant, &progress)?;
    run.end(tenant, JobState::Succeeded, None).map(Some)
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Texts of activities that stay because they are about others, too.
fn clean_activities(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    person: &Person,
) -> Result<usize, Error> {
    let mut cleaned = 0;
    for id in elsewhere::shared_activities(tenant, &person.contacts)? {
        let Some(row) = activities::get(tenant, id, true)? else { continue };
        let before = Activity::from(&row);
        let mut after = before.clone();
        after.subject = person.left_out_of(&before.subject);
        after.text = before.text.as_deref().map(|text| person.left_out_of(text));
        after.result = before.result.as_deref().map(|text| person.left_out_of(text));
        if after != before {
            activities::update(tenant, &row, &after, ctx.now)?;
            cleaned += 1;
        }
    }
    Ok(cleaned)
}

/// Companies the person is linked to that have their address.
fn clean_companies(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    person: &Person,
) -> Result<usize, Error> {
    let (emails, phones) = (person.sought.emails(), person.addresses.phones.clone());
    let found =
        elsewhere::companies_with(tenant, &person.contacts, emails.clone(), phones.clone())?;
    for id in &found {
        let row: Option<CompanyRow> = records::get(tenant, &companies::TABLE, *id, Hold::No)?;
        let Some(row) = row else { continue };
        let mut company = Company::from(&row);
        company.email = company.email.filter(|email| !emails.contains(&email.to_lowercase()));
        company.phone = company.phone.filter(|phone| !phones.contains(phone));
        records::update(tenant, &companies::TABLE, *id, companies::columns(&company), ctx.now)?;
        let changes = json!({"fields": ["email", "phone"]});
        audit::record(tenant, ctx, "company.update", "company", Some(*id), Some(changes))?;
    }
    Ok(found.len())
}

fn suppress(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    run: &Run<'_>,
    addresses: &Addresses,
) -> Result<usize, Error> {
    let secret = &run.environment().secret;
    let emails = addresses.emails.iter().map(|address| (Channel::Email, address));
    let phones = addresses.phones.iter().map(|address| (Channel::Sms, address));
    let mut suppressed = 0;
    for (channel, address) in emails.chain(phones) {
        let hash = suppression::hash(secret, channel, address);
        consents::suppress(tenant, channel, &hash, "erasure", ctx.now)?;
        suppressed += 1;
    }
    Ok(suppressed)
}
