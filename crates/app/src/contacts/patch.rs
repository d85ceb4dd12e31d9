//! A change of one contact (CON-3).

use serde_json::{Map, Value, json};

use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::owners::Deed;
use kartoteka_domain::contacts::patch::{ContactPatch, Patch, only_detaches};
use kartoteka_domain::ids::ContactId;
use kartoteka_persistence::classes::{self, GroupsOf};
use kartoteka_persistence::contacts::{Stored, read, write};
use kartoteka_persistence::tags::TagsOf;
use kartoteka_persistence::{StoreError, Tenant, workspaces};

use super::{groups_after, permission, read_patch, room, tags_after};
use crate::access::audit;
use crate::context::Context;
use crate::error::Error;
use crate::tags;

/// Lays the merge patch `body` over the contact. `guard` sees it as it is now, after nobody else can
/// change it any more, and may refuse (`If-Match`).
///
/// # Errors
/// All faults of the body, `not_found`, `not_permitted`, what `guard` says; `conflict` when the contact is in the
/// trash and something is to be put on it (CON-8 lets it be taken off there).
pub fn patch<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: ContactId,
    body: &Map<String, Value>,
    guard: impl FnOnce(&Stored) -> Result<(), E>,
) -> Result<Stored, E> {
    let patch = read_patch(tenant, ctx, body)?;
    if patch.touches_keys() {
        room::enter_beside(tenant).map_err(Error::from)?;
    }
    let before = permission::lock_for(tenant, ctx, id, Deed::Change)?;
    guard(&before)?;
    if !only_detaches(body) {
        refuse_in_trash(&before)?;
    }
    Ok(apply(tenant, ctx, before, &patch)?)
}

fn apply(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    before: Stored,
    patch: &ContactPatch,
) -> Result<Stored, Error> {
    let id = before.id;
    let mut contact = before.contact.clone();
    patch.apply(&mut contact, "#").map_err(Error::invalid)?;
    let mut fields = contact.changed(&before.contact);
    let tags = match &patch.tags {
        Patch::Absent => None,
        Patch::Clear => tags_after(&before.tags, &[]),
        Patch::Set(wanted) => tags_after(&before.tags, wanted),
    };
    let groups = groups_after(&before.group_ids, &patch.group_ids);
    if fields.is_empty() && tags.is_none() && groups.is_none() {
        return Ok(before);
    }
    write::update(tenant, &[(id, &contact)], ctx.now)?;
    if let Some(after) = tags {
        let ids = tags::ensure(tenant, ctx, after.iter().map(|(tag, _)| &tag.name))?;
        let set = TagsOf { contact: id, tags: tags::with_ids(&ids, &after) };
        kartoteka_persistence::tags::replace(tenant, &[set], ctx.now)?;
        fields.push("tags".to_owned());
    }
    if let Some(groups) = groups {
        classes::replace_groups(tenant, &[GroupsOf { contact: id, groups }], ctx.now)?;
        fields.push("group_ids".to_owned());
    }
    if !contact.matches_like(&before.contact) {
        workspaces::add_usage(tenant, 0, 0, id.0)?;
    }
    let changes = json!({ "fields": fields });
    audit::record(tenant, ctx, "contact.update", "contact", Some(id.0), Some(changes))?;
    super::get(tenant, id)
}

/// The contact, locked until the end of the transaction.
pub(crate) fn lock(tenant: &mut Tenant<'_>, id: ContactId) -> Result<Stored, Error> {
    read::lock_one(tenant, id)?.ok_or(Error::NotFound)
}

/// What is in the trash is restored before it is changed: otherwise it could match again, or collect
/// consents, without anybody seeing it.
pub(crate) fn refuse_in_trash(contact: &Stored) -> Result<(), Error> {
    if contact.trashed_at.is_none() {
        return Ok(());
    }
    Err(Error::refused(Code::Conflict, "The contact is in the trash; restore it first."))
}

/// A flag of the contact that has an endpoint of its own.
pub use kartoteka_persistence::contacts::write::Flag;

/// Sets subscription or mute. Works in the trash too: a wish not to be written to is always taken.
///
/// # Errors
/// `not_found`, what `guard` says.
pub fn set_flag<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: ContactId,
    flag: Flag,
    value: bool,
    guard: impl FnOnce(&Stored) -> Result<(), E>,
) -> Result<Stored, E> {
    let before = permission::lock_for(tenant, ctx, id, Deed::Change)?;
    guard(&before)?;
    let (name, present) = match flag {
        Flag::Subscribed => ("subscribed", before.subscribed),
        Flag::Muted => ("muted", before.muted),
    };
    if present == value {
        return Ok(before);
    }
    let written = || -> Result<Stored, StoreError> {
        write::set_flag(tenant, id, flag, value, ctx.now)?;
        let changes = json!({ name: [present, value] });
        let action = format!("contact.{name}");
        audit::record(tenant, ctx, &action, "contact", Some(id.0), Some(changes))?;
        Ok(read::get(tenant, id)?.unwrap_or(before))
    };
    Ok(written().map_err(Error::from)?)
}
