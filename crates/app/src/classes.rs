//! Groups and contact types, and putting contacts into groups (CON-7, CON-8).

use serde_json::json;
use uuid::Uuid;

use kartoteka_domain::classes::{self as domain, ClassName, described};
use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::owners::Deed;
use kartoteka_domain::ids::{ContactId, GroupId};
use kartoteka_domain::segments::NameKind;
use kartoteka_persistence::classes::{self as store, Hold};
use kartoteka_persistence::contacts::{Stored, read, write};
use kartoteka_persistence::{StoreError, Tenant};

use crate::access::audit;
use crate::contacts::{patch, permission};
use crate::context::Context;
use crate::definitions;
use crate::error::Error;
use crate::segments::saved;

pub use kartoteka_persistence::classes::{Class, Kind, Use, list};

/// The noun in the audit trail.
fn noun(kind: Kind) -> &'static str {
    match kind {
        Kind::Group => "group",
        Kind::ContactType => "contact_type",
    }
}

/// One of them, and how many contacts have it.
///
/// # Errors
/// `not_found`.
pub fn get(tenant: &mut Tenant<'_>, kind: Kind, id: Uuid) -> Result<(Class, Use), Error> {
    let class = store::get(tenant, kind, id, Hold::No)?.ok_or(Error::NotFound)?;
    Ok((class, store::usage(tenant, kind, id)?))
}

/// Makes one.
///
/// # Errors
/// What is wrong with the name, `group_exists`, `contact_type_exists`.
pub fn create(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    kind: Kind,
    name: &str,
    description: Option<&str>,
) -> Result<Class, Error> {
    let name = parse(name)?;
    let id = ctx.new_id();
    let description = described(description);
    store::insert(tenant, kind, id, &name, description.as_deref(), ctx.now).map_err(exists)?;
    let noun = noun(kind);
    audit::record(tenant, ctx, &format!("{noun}.create"), noun, Some(id), None)?;
    store::get(tenant, kind, id, Hold::No)?.ok_or(Error::NotFound)
}

/// Changes name and description: absent stays, a description of `Some(None)` goes. `guard` sees it as it is
/// now.
///
/// # Errors
/// `not_found`, what is wrong with the name, `group_exists`, `contact_type_exists`, what `guard` says.
pub fn update<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    kind: Kind,
    id: Uuid,
    name: Option<&str>,
    description: Option<Option<&str>>,
    guard: impl FnOnce(&Class, Use) -> Result<(), E>,
) -> Result<(Class, Use), E> {
    let name = name.map(parse).transpose()?;
    let (before, usage) = lock(tenant, kind, id)?;
    guard(&before, usage)?;
    let done = || -> Result<(Class, Use), Error> {
        let after = match name {
            Some(name) => name,
            None => parse(&before.name)?,
        };
        let text = description.map_or_else(|| before.description.clone(), described);
        let mut fields = Vec::new();
        if after.as_str() != before.name {
            fields.push("name");
        }
        if text != before.description {
            fields.push("description");
        }
        if fields.is_empty() {
            return Ok((before, usage));
        }
        store::update(tenant, kind, id, &after, text.as_deref(), ctx.now).map_err(exists)?;
        let (noun, changes) = (noun(kind), json!({ "fields": fields }));
        audit::record(tenant, ctx, &format!("{noun}.update"), noun, Some(id), Some(changes))?;
        get(tenant, kind, id)
    };
    Ok(done()?)
}

/// Removes one that no contact has, neither live nor in the trash, and that no segment, rule or scenario names (CON-8).
///
/// # Errors
/// `not_found`, `group_in_use` and `contact_type_in_use` with the counts, what `guard` says.
pub fn delete<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    kind: Kind,
    id: Uuid,
    guard: impl FnOnce(&Class, Use) -> Result<(), E>,
) -> Result<(), E> {
    let (class, usage) = lock(tenant, kind, id)?;
    guard(&class, usage)?;
    let Use { live, trash } = usage;
    let (code, name, verb) = match kind {
        Kind::Group => (Code::GroupInUse, NameKind::Group, "are in the group"),
        Kind::ContactType => (Code::ContactTypeInUse, NameKind::ContactType, "have the type"),
    };
    let segments = saved::count_naming(tenant, name, &id.to_string()).map_err(Error::from)?;
    let definitions =
        definitions::count_naming(tenant, name.as_str(), &id.to_string()).map_err(Error::from)?;
    if live + trash + segments + definitions > 0 {
        return Err(Error::refused_with(
            code,
            format!(
                "{live} contacts and {trash} in the trash {verb}, {segments} segments and {definitions} rules and \
                 scenarios name it; take it off them first."
            ),
            json!({"live": live, "trash": trash, "segments": segments, "definitions": definitions}),
        )
        .into());
    }
    let mut done = || -> Result<(), StoreError> {
        store::delete(tenant, kind, id)?;
        let noun = noun(kind);
        audit::record(tenant, ctx, &format!("{noun}.delete"), noun, Some(id), None)
    };
    Ok(done().map_err(Error::from)?)
}

fn lock(tenant: &mut Tenant<'_>, kind: Kind, id: Uuid) -> Result<(Class, Use), Error> {
    let class = store::get(tenant, kind, id, Hold::Change)?.ok_or(Error::NotFound)?;
    // counted after the lock: who put it on a contact before has committed
    Ok((class, store::usage(tenant, kind, id)?))
}

/// Puts a contact into a group.
///
/// # Errors
/// `not_found` when there is no such contact or group, `not_permitted`, `conflict` when the contact is in the
/// trash, what `guard` says.
pub fn put_in_group<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    group: GroupId,
    guard: impl FnOnce(&Stored) -> Result<(), E>,
) -> Result<Stored, E> {
    known_group(tenant, group, Hold::Use)?;
    let before = permission::lock_for(tenant, ctx, contact, Deed::Change)?;
    guard(&before)?;
    patch::refuse_in_trash(&before)?;
    let done = || -> Result<Stored, Error> {
        if store::put_in_group(tenant, contact, group, ctx.now)? {
            return changed(tenant, ctx, contact);
        }
        Ok(before)
    };
    Ok(done()?)
}

/// Takes a contact out of a group, in the trash too (CON-8). From one that it is not in it is out already.
///
/// # Errors
/// `not_found` when there is no such contact or group, `not_permitted`, what `guard` says.
pub fn take_from_group<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    group: GroupId,
    guard: impl FnOnce(&Stored) -> Result<(), E>,
) -> Result<(), E> {
    known_group(tenant, group, Hold::No)?;
    let before = permission::lock_for(tenant, ctx, contact, Deed::Change)?;
    guard(&before)?;
    let mut done = || -> Result<(), Error> {
        if store::take_from_group(tenant, contact, group)? {
            changed(tenant, ctx, contact)?;
        }
        Ok(())
    };
    Ok(done()?)
}

fn known_group(tenant: &mut Tenant<'_>, group: GroupId, hold: Hold) -> Result<(), Error> {
    store::get(tenant, Kind::Group, group.0, hold)?.map(drop).ok_or(Error::NotFound)
}

fn changed(tenant: &mut Tenant<'_>, ctx: &Context, contact: ContactId) -> Result<Stored, Error> {
    write::touch(tenant, &[contact.0], ctx.now)?;
    let changes = json!({"fields": ["group_ids"]});
    audit::record(tenant, ctx, "contact.update", "contact", Some(contact.0), Some(changes))?;
    read::get(tenant, contact)?.ok_or(Error::NotFound)
}

fn parse(name: &str) -> Result<ClassName, Error> {
    let mut faults = Vec::new();
    domain::read_name(name, "#/name", &mut faults).ok_or_else(|| Error::invalid(faults))
}

fn exists(error: StoreError) -> Error {
    let code = match error.constraint() {
        Some("groups_name_key") => Code::GroupExists,
        Some("contact_types_name_key") => Code::ContactTypeExists,
        _ => return Error::Store(error),
    };
    Error::refused(code, format!("{} Names are compared without case.", code.title()))
}
