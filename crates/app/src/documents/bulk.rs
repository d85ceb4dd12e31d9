//! Links with a parameter that says who came by them, for the contacts of a job (MGR-M): their document is begun by the
//! first chunk, grows with each, and is seen when the job has ended. One that broke off has those of whom it says that they
//! got one.

use uuid::Uuid;

use kartoteka_domain::codes::Code;
use kartoteka_domain::documents::Kind;
use kartoteka_domain::documents::links::{MOST_CONTACTS, Page};
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::JobId;
use kartoteka_persistence::Tenant;
use kartoteka_persistence::documents::{self as store, Document};

use crate::access::audit;
use crate::context::Context;
use crate::error::Error;
use crate::frozen::{Dids, Outcome};

/// The fault of more contacts than a document may have: `too_many_contacts`. `at` is the pointer of the action.
pub(crate) fn check_links(contacts: i64, at: &str) -> Option<Fault> {
    if contacts <= MOST_CONTACTS {
        return None;
    }
    let detail = format!(
        "Links are made for at most {MOST_CONTACTS} contacts at once, and these are {contacts}; split them."
    );
    Some(Fault::new(at, Code::TooManyContacts, detail))
}

/// Makes links to `page` for these contacts: lines of the job's document, which belongs to whoever asked for the job.
///
/// # Errors
/// What the database said.
pub(crate) fn generate_links(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    page: &Page,
    private: bool,
    ids: &[Uuid],
) -> Result<Dids, Error> {
    let document = store::begin(
        tenant,
        &Document {
            id: ctx.new_id(),
            kind: Kind::Links.as_str().to_owned(),
            name: Kind::Links.file_name(ctx.now),
            page: Some(page.as_str().to_owned()),
            private,
            owner_type: ctx.actor.kind().to_owned(),
            owner_id: ctx.actor.id(),
            job_id: job.0,
            contacts: 0,
            created_at: ctx.now,
            updated_at: ctx.now,
            finished_at: None,
        },
    )?;
    store::add_contacts(tenant, document, ids)?;
    // a type of its own, as of exports: nothing changed of the contact. Which document it was says the line of the job
    // that made it, to whoever reads the trail: these lines are a part of exports, and a private one is its owner's
    let lines = ids.iter().map(|id| (*id, None)).collect();
    audit::record_each_for_job(
        tenant,
        ctx,
        "contact.generate_link",
        "contact_link",
        lines,
        Some(job.0),
    )?;
    Ok(ids.iter().map(|id| (*id, Outcome::Applied.into())).collect())
}

/// Lets the document of a job be seen; called when the job ends, in whatever way. A job that met nobody made none.
///
/// # Errors
/// What the database said.
pub(crate) fn finish_links(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
) -> Result<(), Error> {
    if let Some(document) = store::finish(tenant, job, ctx.now)? {
        let (id, action) = (Some(document.0), "document.create");
        audit::record_for_job(tenant, ctx, action, "document", id, None, Some(job.0))?;
    }
    Ok(())
}
