//! What companies, opportunities and projects have in common: made, read, listed, changed, removed, and
//! linked to contacts (CON-15). A noun says what it is by a [`Noun`].

use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::owners::Deed;
use kartoteka_domain::contacts::search::{self, MAX_SEARCH_CHARS, MAX_SEARCH_WORDS};
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::ContactId;
use kartoteka_domain::segments::{Link, NameKind};
use kartoteka_persistence::records::{self as store, Hold, Page, Record, Table};
use kartoteka_persistence::sql::Bind;
use kartoteka_persistence::{StoreError, Tenant};

use crate::access::audit;
use crate::contacts::list::{self, Position, Sort};
use crate::contacts::{patch, permission};
use crate::context::Context;
use crate::definitions;
use crate::error::Error;
use crate::segments::saved;

pub use kartoteka_persistence::records::{Filter, Linked, Use};

/// A noun of this kind.
pub trait Noun {
    /// The word for one of them, in the audit trail.
    const WORD: &'static str;
    /// How conditions ask about it.
    const LINK: Link;
    /// What is known of one of them.
    type Value: Clone + PartialEq;
    /// How it is read.
    type Row: Record + Clone;

    /// Where it is kept.
    fn table() -> &'static Table;

    /// What is known of a row.
    fn value(row: &Self::Row) -> Self::Value;

    /// Its columns as they are written.
    fn columns(value: &Self::Value) -> Value;
}

/// One of them.
///
/// # Errors
/// `not_found`.
pub fn get<N: Noun>(tenant: &mut Tenant<'_>, id: Uuid) -> Result<N::Row, Error> {
    store::get(tenant, N::table(), id, Hold::No)?.ok_or(Error::NotFound)
}

/// A value that a field has.
#[derive(Clone, Debug)]
pub enum Equal {
    /// A text.
    Text(&'static str, String),
    /// An id.
    Id(&'static str, Uuid),
}

/// The words, values and order of a list.
///
/// # Errors
/// All faults of them.
pub fn reading<N: Noun>(
    q: Option<&str>,
    equal: Vec<Equal>,
    sort: Option<&str>,
) -> Result<(Filter, Sort), Error> {
    let mut faults = Vec::new();
    let mut filter = Filter::default();
    filter.equal.extend(equal.into_iter().map(|equal| match equal {
        Equal::Text(field, text) => (field, Bind::from(text)),
        Equal::Id(field, id) => (field, Bind::from(id)),
    }));
    if let Some(text) = q {
        filter.terms = search::terms(text);
        if text.chars().count() > MAX_SEARCH_CHARS {
            let detail = format!("At most {MAX_SEARCH_CHARS} characters.");
            faults.push(Fault::new("?q", Code::TooLong, detail));
        } else if filter.terms.len() > MAX_SEARCH_WORDS {
            let detail = format!("At most {MAX_SEARCH_WORDS} words.");
            faults.push(Fault::new("?q", Code::TooMany, detail));
        }
    }
    let sort = match list::sort_by(sort, "?sort", |name| N::table().sort_column(name)) {
        Ok(sort) => sort,
        Err(Error::Refused(refusal)) => {
            faults.extend(refusal.faults);
            Sort::default()
        }
        Err(other) => return Err(other),
    };
    if faults.is_empty() { Ok((filter, sort)) } else { Err(Error::invalid(faults)) }
}

/// One page of them.
///
/// # Errors
/// What the database said.
pub fn page<N: Noun>(
    tenant: &mut Tenant<'_>,
    filter: &Filter,
    sort: &Sort,
    after: Option<&Position>,
    limit: usize,
) -> Result<Page<N::Row>, StoreError> {
    store::page(tenant, N::table(), filter, sort, after, limit)
}

/// Makes one.
///
/// # Errors
/// `unknown_reference` when it refers to something that is not there.
pub fn create<N: Noun>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    value: &N::Value,
) -> Result<N::Row, Error> {
    let id = ctx.new_id();
    let columns = N::columns(value);
    let fields = changed(&Value::Null, &columns);
    store::insert(tenant, N::table(), id, columns, ctx.now).map_err(unknown)?;
    record::<N>(tenant, ctx, "create", id, Some(json!({"fields": fields})))?;
    get::<N>(tenant, id)
}

/// Changes one by `apply`. `guard` sees it as it is now, after nobody else can change it any more.
///
/// # Errors
/// `not_found`, `unknown_reference`, what `guard` and `apply` say.
pub fn update<N: Noun, E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: Uuid,
    apply: impl FnOnce(&mut N::Value) -> Result<(), Vec<Fault>>,
    guard: impl FnOnce(&N::Row) -> Result<(), E>,
) -> Result<N::Row, E> {
    let before = lock::<N>(tenant, id)?;
    guard(&before)?;
    let mut value = N::value(&before);
    let old = value.clone();
    apply(&mut value).map_err(Error::invalid)?;
    if value == old {
        return Ok(before);
    }
    let mut written = || -> Result<N::Row, Error> {
        let columns = N::columns(&value);
        let fields = changed(&N::columns(&old), &columns);
        store::update(tenant, N::table(), id, columns, ctx.now).map_err(unknown)?;
        record::<N>(tenant, ctx, "update", id, Some(json!({"fields": fields})))?;
        get::<N>(tenant, id)
    };
    Ok(written()?)
}

/// Removes one that nothing refers to and that no saved segment, rule or scenario names. Links are not taken with it: they
/// say who belongs to what, and nothing would bring them back.
///
/// # Errors
/// `not_found`, `in_use` with the numbers of contacts (live and in the trash), opportunities, activities, segments, and
/// rules and scenarios, what `guard` says.
pub fn delete<N: Noun, E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: Uuid,
    guard: impl FnOnce(&N::Row) -> Result<(), E>,
) -> Result<(), E> {
    let row = lock::<N>(tenant, id)?;
    guard(&row)?;
    let mut removed = || -> Result<(), Error> {
        let Use { live, trash, opportunities, activities } = store::usage(tenant, N::table(), id)?;
        let name = NameKind::Linked(N::LINK);
        let segments = saved::count_naming(tenant, name, &id.to_string())?;
        let definitions = definitions::count_naming(tenant, name.as_str(), &id.to_string())?;
        if live + trash + opportunities + activities + segments + definitions > 0 {
            let detail = format!(
                "{live} contacts, {trash} contacts in the trash, {opportunities} opportunities and {activities} \
                 activities are linked to it, {segments} segments and {definitions} rules and scenarios name it; take \
                 them off it first."
            );
            let numbers = json!({"contacts": {"live": live, "trash": trash}, "opportunities": opportunities,
                "activities": activities, "segments": segments, "definitions": definitions});
            return Err(Error::refused_with(Code::InUse, detail, numbers));
        }
        store::delete(tenant, N::table(), id)?;
        Ok(record::<N>(tenant, ctx, "delete", id, None)?)
    };
    Ok(removed()?)
}

/// Contacts linked to one of them, newest contact first, behind the contact `before`; those in the trash say
/// so.
///
/// # Errors
/// `not_found`.
pub fn contacts<N: Noun>(
    tenant: &mut Tenant<'_>,
    id: Uuid,
    before: Option<Uuid>,
    limit: usize,
) -> Result<Vec<Linked>, Error> {
    get::<N>(tenant, id)?;
    Ok(store::contacts(tenant, N::table(), id, before, limit)?)
}

/// Links a contact, or changes what it is there. `guard` sees the link as it is now.
///
/// # Errors
/// `not_found` when there is no such row or contact, `not_permitted`, `conflict` when the contact is in the
/// trash, what `guard` says.
pub fn link<N: Noun, E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: Uuid,
    contact: ContactId,
    role: Option<&str>,
    guard: impl FnOnce(Option<&Linked>) -> Result<(), E>,
) -> Result<Linked, E> {
    let stored = permission::lock_for(tenant, ctx, contact, Deed::Change)?;
    get::<N>(tenant, id)?;
    let present = store::contact(tenant, N::table(), id, contact).map_err(Error::from)?;
    guard(present.as_ref())?;
    patch::refuse_in_trash(&stored)?;
    let role = role.map(str::trim).filter(|role| !role.is_empty());
    if let Some(link) = present.filter(|link| link.role.as_deref() == role) {
        return Ok(link);
    }
    let mut written = || -> Result<Linked, Error> {
        store::link(tenant, N::table(), id, contact, role, ctx.now).map_err(gone)?;
        linked::<N>(tenant, ctx, "contact.link", id, contact)?;
        store::contact(tenant, N::table(), id, contact)?.ok_or(Error::NotFound)
    };
    Ok(written()?)
}

/// Takes a contact off, in the trash too. `guard` sees the link as it is now.
///
/// # Errors
/// `not_found`, also when it is not linked; `not_permitted`, what `guard` says.
pub fn unlink<N: Noun, E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: Uuid,
    contact: ContactId,
    guard: impl FnOnce(&Linked) -> Result<(), E>,
) -> Result<(), E> {
    permission::lock_for(tenant, ctx, contact, Deed::Change)?;
    let present = store::contact(tenant, N::table(), id, contact).map_err(Error::from)?;
    guard(&present.ok_or(Error::NotFound)?)?;
    let mut removed = || -> Result<(), Error> {
        store::unlink(tenant, N::table(), id, contact)?;
        linked::<N>(tenant, ctx, "contact.unlink", id, contact)
    };
    Ok(removed()?)
}

fn lock<N: Noun>(tenant: &mut Tenant<'_>, id: Uuid) -> Result<N::Row, Error> {
    store::get(tenant, N::table(), id, Hold::Change)?.ok_or(Error::NotFound)
}

fn linked<N: Noun>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    action: &str,
    id: Uuid,
    contact: ContactId,
) -> Result<(), Error> {
    let changes = json!({"fields": [N::WORD], "id": id});
    Ok(audit::record(tenant, ctx, action, "contact", Some(contact.0), Some(changes))?)
}

fn record<N: Noun>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    verb: &str,
    id: Uuid,
    changes: Option<Value>,
) -> Result<(), StoreError> {
    let action = format!("{}.{verb}", N::WORD);
    audit::record(tenant, ctx, &action, N::WORD, Some(id), changes)
}

/// Names of the columns that differ; the text a search looks through follows from the others.
pub(crate) fn changed(before: &Value, after: &Value) -> Vec<String> {
    let members = after.as_object().into_iter().flatten();
    let differ = members.filter(|(name, value)| {
        *name != "search" && before.get(*name).unwrap_or(&Value::Null) != *value
    });
    differ.map(|(name, _)| name.clone()).collect()
}

/// What a foreign key says: the thing that was referred to is not there.
pub(crate) fn unknown(error: StoreError) -> Error {
    let field = match error.constraint() {
        Some(name) if name.ends_with("_company_fkey") => "company_id",
        Some(name) if name.ends_with("_opportunity_fkey") => "opportunity_id",
        Some(name) if name.ends_with("_project_fkey") => "project_id",
        _ => return Error::Store(error),
    };
    let detail = Code::UnknownReference.title();
    Error::invalid(vec![Fault::new(format!("#/{field}"), Code::UnknownReference, detail)])
}

/// The row was removed while a contact was linked to it.
fn gone(error: StoreError) -> Error {
    match error.constraint() {
        Some(name) if name.ends_with("_fkey") => Error::NotFound,
        _ => Error::Store(error),
    }
}
