//! Tags of the workspace, and putting them on contacts (CON-7, CON-8, CON-11).

use std::collections::HashMap;

use serde_json::json;

use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::owners::Deed;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::{ContactId, TagId};
use kartoteka_domain::segments::NameKind;
use kartoteka_domain::tags::{TagName, TagSet, read_name};
use kartoteka_persistence::contacts::{Stored, read, write};
use kartoteka_persistence::tags::{self as store, TagsOf};
use kartoteka_persistence::{StoreError, Tenant};

use crate::access::audit;
use crate::contacts::{patch, permission};
use crate::context::Context;
use crate::definitions;
use crate::error::Error;
use crate::segments::saved;

pub use kartoteka_persistence::tags::{Tag, Use, list};

/// A tag and how many contacts carry it.
///
/// # Errors
/// `not_found`.
pub fn get(tenant: &mut Tenant<'_>, id: TagId) -> Result<(Tag, Use), Error> {
    let tag = store::get(tenant, id)?.ok_or(Error::NotFound)?;
    Ok((tag, store::usage(tenant, id)?))
}

/// Makes a tag.
///
/// # Errors
/// `invalid_tag` and its like, `tag_exists`.
pub fn create(tenant: &mut Tenant<'_>, ctx: &Context, name: &str) -> Result<Tag, Error> {
    let name = parse(name, "#/name")?;
    let id = TagId(ctx.new_id());
    store::insert(tenant, id, &name, ctx.now).map_err(exists)?;
    audit::record(tenant, ctx, "tag.create", "tag", Some(id.0), None)?;
    store::get(tenant, id)?.ok_or(Error::NotFound)
}

/// Renames a tag, wherever it is: on contacts, and in saved segments. `guard` sees it as it is now.
///
/// # Errors
/// `not_found`, `invalid_tag` and its like, `tag_exists`, what `guard` says.
pub fn rename<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: TagId,
    name: &str,
    guard: impl FnOnce(&Tag, Use) -> Result<(), E>,
) -> Result<(Tag, Use), E> {
    let name = parse(name, "#/name")?;
    saved::lock(tenant).map_err(Error::from)?;
    let (tag, usage) = lock(tenant, id)?;
    guard(&tag, usage)?;
    if tag.name == name.as_str() {
        return Ok((tag, usage));
    }
    let mut renamed = || -> Result<(Tag, Use), Error> {
        store::rename(tenant, id, &name, ctx.now).map_err(exists)?;
        if tag.name_key != name.key() {
            saved::follow_tag(tenant, ctx, &tag.name_key, &name)?;
            definitions::follow_tag(tenant, ctx, &tag.name_key, &name)?;
        }
        audit::record(
            tenant,
            ctx,
            "tag.update",
            "tag",
            Some(id.0),
            Some(json!({"fields": ["name"]})),
        )?;
        get(tenant, id)
    };
    Ok(renamed()?)
}

/// Removes a tag that nobody carries and that no saved segment, rule or scenario names.
///
/// # Errors
/// `not_found`, `tag_in_use` with the counts, what `guard` says.
pub fn delete<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: TagId,
    guard: impl FnOnce(&Tag, Use) -> Result<(), E>,
) -> Result<(), E> {
    let (tag, usage) = lock(tenant, id)?;
    guard(&tag, usage)?;
    let Use { live, trash } = usage;
    let segments =
        saved::count_naming(tenant, NameKind::Tag, &tag.name_key).map_err(Error::from)?;
    let definitions =
        definitions::count_naming(tenant, "tag", &tag.name_key).map_err(Error::from)?;
    if live + trash + segments + definitions > 0 {
        return Err(Error::refused_with(
            Code::TagInUse,
            format!(
                "{live} contacts and {trash} in the trash carry the tag, {segments} segments and {definitions} rules and \
                 scenarios name it; take it off them first."
            ),
            json!({"live": live, "trash": trash, "segments": segments, "definitions": definitions}),
        )
        .into());
    }
    store::delete(tenant, id).map_err(Error::from)?;
    audit::record(tenant, ctx, "tag.delete", "tag", Some(id.0), None).map_err(Error::from)?;
    Ok(())
}

fn lock(tenant: &mut Tenant<'_>, id: TagId) -> Result<(Tag, Use), Error> {
    let tag = store::lock(tenant, id)?.ok_or(Error::NotFound)?;
    // counted after the lock: who put it on a contact before has committed
    Ok((tag, store::usage(tenant, id)?))
}

/// Puts a tag on a contact, making it when it is missing. Without a score the present one stays.
///
/// # Errors
/// `not_found`, `conflict` when the contact is in the trash, `invalid_tag` and its like, what `guard` says.
pub fn put<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    name: &str,
    score: Option<i64>,
    guard: impl FnOnce(&Stored) -> Result<(), E>,
) -> Result<Stored, E> {
    let name = parse(name, "?name")?;
    let before = permission::lock_for(tenant, ctx, contact, Deed::Change)?;
    guard(&before)?;
    patch::refuse_in_trash(&before)?;
    let present = before.tags.iter().find(|tag| tag.key == name.key()).map(|tag| tag.score);
    let score = score.or(present).unwrap_or(0);
    if present == Some(score) {
        return Ok(before);
    }
    let mut done = || -> Result<Stored, Error> {
        let ids = ensure(tenant, ctx, std::iter::once(&name))?;
        let tags: Vec<_> = ids.into_values().map(|id| (id, score)).collect();
        store::put(tenant, &[TagsOf { contact, tags }], ctx.now)?;
        changed(tenant, ctx, contact)
    };
    Ok(done()?)
}

/// Takes a tag off a contact, in the trash too (CON-8). One that it does not carry is off already.
///
/// # Errors
/// `not_found` when there is no such contact, what `guard` says.
pub fn take_off<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    name: &str,
    guard: impl FnOnce(&Stored) -> Result<(), E>,
) -> Result<(), E> {
    let before = permission::lock_for(tenant, ctx, contact, Deed::Change)?;
    guard(&before)?;
    let Ok(name) = TagName::parse(name) else { return Ok(()) };
    let Some(tag) = before.tags.iter().find(|tag| tag.key == name.key()) else { return Ok(()) };
    let mut done = || -> Result<(), Error> {
        store::take_off(tenant, contact, TagId(tag.id))?;
        changed(tenant, ctx, contact).map(drop)
    };
    Ok(done()?)
}

fn changed(tenant: &mut Tenant<'_>, ctx: &Context, contact: ContactId) -> Result<Stored, Error> {
    write::touch(tenant, &[contact.0], ctx.now)?;
    let changes = json!({"fields": ["tags"]});
    audit::record(tenant, ctx, "contact.update", "contact", Some(contact.0), Some(changes))?;
    read::get(tenant, contact)?.ok_or(Error::NotFound)
}

/// Ids of tags by key; those that are missing are made.
pub(crate) fn ensure<'a>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    names: impl Iterator<Item = &'a TagName>,
) -> Result<HashMap<String, TagId>, StoreError> {
    let names: Vec<TagName> = names.cloned().collect();
    store::ensure(tenant, &names, || ctx.new_id(), ctx.now)
}

/// The tags a contact shall have, by id.
pub(crate) fn with_ids(ids: &HashMap<String, TagId>, tags: &[(TagSet, i64)]) -> Vec<(TagId, i64)> {
    let id = |tag: &TagSet| ids.get(tag.name.key()).copied();
    tags.iter().filter_map(|(tag, score)| Some((id(tag)?, *score))).collect()
}

fn parse(name: &str, at: &str) -> Result<TagName, Error> {
    let mut faults: Vec<Fault> = Vec::new();
    read_name(name, at, &mut faults).ok_or_else(|| Error::invalid(faults))
}

fn exists(error: StoreError) -> Error {
    match error.constraint() {
        Some("tags_name_key") => Error::refused(
            Code::TagExists,
            "There is a tag with this name; names are compared without case.",
        ),
        _ => Error::Store(error),
    }
}
