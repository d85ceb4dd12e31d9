//! Calls, meetings, tasks, letters and e-mails (CON-14), and what is planned for a contact (EVT-3).

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use kartoteka_domain::activities::{Activity, ActivityPatch, Kind};
use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::owners::Deed;
use kartoteka_domain::contacts::patch::Patch;
use kartoteka_domain::contacts::search::{self, MAX_SEARCH_CHARS, MAX_SEARCH_WORDS};
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::{ActivityId, ContactId};
use kartoteka_domain::segments::{Link, Reference, Target};
use kartoteka_persistence::activities as store;
use kartoteka_persistence::contacts::{owners, read};
use kartoteka_persistence::{StoreError, Tenant, segments};

use crate::access::audit;
use crate::contacts::{self, permission};
use crate::context::Context;
use crate::error::Error;
use crate::records;

pub use kartoteka_persistence::activities::{ActivityRow, Filter, Position};

/// One activity.
///
/// # Errors
/// `not_found`.
pub fn get(tenant: &mut Tenant<'_>, id: ActivityId) -> Result<ActivityRow, Error> {
    store::get(tenant, id, false)?.ok_or(Error::NotFound)
}

/// Reads the search box of a list into the filter; `pointer` is where it stood.
///
/// # Errors
/// `too_long`, `too_many`.
pub fn search_for(filter: &mut Filter, text: Option<&str>, pointer: &str) -> Result<(), Error> {
    let Some(text) = text else { return Ok(()) };
    filter.terms = search::terms(text);
    let fault = if text.chars().count() > MAX_SEARCH_CHARS {
        Fault::new(pointer, Code::TooLong, format!("At most {MAX_SEARCH_CHARS} characters."))
    } else if filter.terms.len() > MAX_SEARCH_WORDS {
        Fault::new(pointer, Code::TooMany, format!("At most {MAX_SEARCH_WORDS} words."))
    } else {
        return Ok(());
    };
    Err(Error::invalid(vec![fault]))
}

/// Activities that fit, in order of the instant they are listed at (SEG-6).
///
/// # Errors
/// `selection_too_slow`.
pub fn list(
    tenant: &mut Tenant<'_>,
    filter: &Filter,
    position: Position,
    limit: usize,
) -> Result<Vec<ActivityRow>, Error> {
    crate::segments::bounded(tenant, |tenant| store::list(tenant, filter, position, limit))
}

/// What is planned for a contact, the next one first, behind `after`.
///
/// # Errors
/// `not_found`.
pub fn planned(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: usize,
) -> Result<Vec<ActivityRow>, Error> {
    contacts::get(tenant, contact)?;
    Ok(store::planned(tenant, contact, ctx.now, after, limit)?)
}

/// Makes an activity.
///
/// # Errors
/// All faults of the patch, what it refers to and is not there among them; `conflict` when a contact is in
/// the trash, `not_permitted` when the caller may not change one of them.
pub fn create(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    kind: Kind,
    patch: &ActivityPatch,
) -> Result<ActivityRow, Error> {
    let mut activity = Activity::new(kind);
    let blank = activity.clone();
    lay(tenant, ctx, &mut activity, patch)?;
    let id = ActivityId(ctx.new_id());
    store::insert(tenant, id, &activity, ctx.actor, ctx.now).map_err(records::unknown)?;
    record(tenant, ctx, "activity.create", id, Some((&blank, &activity)))?;
    get(tenant, id)
}

/// Changes an activity. `guard` sees it as it is now.
///
/// # Errors
/// `not_found`, as [`create`], what `guard` says.
pub fn update<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: ActivityId,
    patch: &ActivityPatch,
    guard: impl FnOnce(&ActivityRow) -> Result<(), E>,
) -> Result<ActivityRow, E> {
    let wanted = patch.contacts.clone().unwrap_or_default();
    let before = lock(tenant, ctx, id, &wanted)?;
    guard(&before)?;
    let mut changed = || -> Result<ActivityRow, Error> {
        let old = Activity::from(&before);
        let mut activity = old.clone();
        lay(tenant, ctx, &mut activity, patch)?;
        if activity == old {
            return get(tenant, id);
        }
        store::update(tenant, &before, &activity, ctx.now).map_err(records::unknown)?;
        record(tenant, ctx, "activity.update", id, Some((&old, &activity)))?;
        get(tenant, id)
    };
    Ok(changed()?)
}

/// Removes an activity. `guard` sees it as it is now.
///
/// # Errors
/// `not_found`, `not_permitted` when the caller may not change a contact it is about, what `guard` says.
pub fn delete<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: ActivityId,
    guard: impl FnOnce(&ActivityRow) -> Result<(), E>,
) -> Result<(), E> {
    let row = lock(tenant, ctx, id, &[])?;
    guard(&row)?;
    store::delete(tenant, id).map_err(Error::from)?;
    record(tenant, ctx, "activity.delete", id, None).map_err(Error::from)?;
    Ok(())
}

/// The activity, which nobody else changes until the end of the transaction, when the caller may change the
/// contacts it is about. Contacts are locked first, as by all who write, those of `more` too.
fn lock(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: ActivityId,
    more: &[ContactId],
) -> Result<ActivityRow, Error> {
    let seen = Activity::from(&get(tenant, id)?).contacts;
    let mut ids: Vec<Uuid> = seen.iter().chain(more).map(|contact| contact.0).collect();
    ids.sort_unstable();
    ids.dedup();
    read::lock(tenant, &ids)?;
    let row = store::get(tenant, id, true)?.ok_or(Error::NotFound)?;
    let about: Vec<Uuid> = Activity::from(&row).contacts.iter().map(|contact| contact.0).collect();
    if !owners::forbidden(tenant, ctx.actor, &about, Deed::Change)?.is_empty() {
        return Err(permission::refusal());
    }
    Ok(row)
}

/// Lays the patch over an activity, when all it refers to is there and may be changed.
fn lay(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    activity: &mut Activity,
    patch: &ActivityPatch,
) -> Result<(), Error> {
    let old = activity.contacts.clone();
    let mut faults = patch.apply(activity).err().unwrap_or_default();
    let references: Vec<Reference> = [
        ("company_id", Link::Company, &patch.company_id),
        ("opportunity_id", Link::Opportunity, &patch.opportunity_id),
        ("project_id", Link::Project, &patch.project_id),
    ]
    .into_iter()
    .filter_map(|(field, link, id)| match id {
        Patch::Set(id) => {
            let pointer = format!("#/{field}");
            Some(Reference { pointer, target: Target::Linked(link, *id) })
        }
        Patch::Absent | Patch::Clear => None,
    })
    .collect();
    let existing = segments::existing(tenant, &references)?;
    let missing = |pointer: String| {
        Fault::new(pointer, Code::UnknownReference, Code::UnknownReference.title())
    };
    let unknown = references.into_iter().filter(|reference| !existing.holds(&reference.target));
    faults.extend(unknown.map(|reference| missing(reference.pointer)));
    let wanted = patch.contacts.as_deref().unwrap_or_default();
    let mut ids: Vec<Uuid> = wanted.iter().map(|contact| contact.0).collect();
    ids.sort_unstable();
    ids.dedup();
    read::lock(tenant, &ids)?;
    let found = read::get_many(tenant, &ids)?;
    for (place, contact) in wanted.iter().enumerate() {
        if !found.iter().any(|known| known.id == *contact) {
            faults.push(missing(format!("#/contact_ids/{place}")));
        }
    }
    if !faults.is_empty() {
        return Err(Error::invalid(faults));
    }
    if !owners::forbidden(tenant, ctx.actor, &ids, Deed::Change)?.is_empty() {
        return Err(permission::refusal());
    }
    // one that went to the trash later stays
    let mut new = found.iter().filter(|contact| !old.contains(&contact.id));
    new.try_for_each(contacts::patch::refuse_in_trash)
}

fn record(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    action: &str,
    id: ActivityId,
    change: Option<(&Activity, &Activity)>,
) -> Result<(), StoreError> {
    let changes = change.map(|(before, after)| {
        let columns = |activity: &Activity| store::columns(activity, DateTime::<Utc>::UNIX_EPOCH);
        let mut fields = records::changed(&columns(before), &columns(after));
        fields.retain(|field| field != "at");
        fields.extend((before.contacts != after.contacts).then(|| "contact_ids".to_owned()));
        json!({"fields": fields})
    });
    audit::record(tenant, ctx, action, "activity", Some(id.0), changes)
}
