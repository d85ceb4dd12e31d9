//! A contact made by hand or by an integration (CON-1). It has no consent (CON-2).

use serde_json::{Map, Value, json};

use kartoteka_domain::actor::Actor;
use kartoteka_domain::contacts::contact::{Contact, Origin};
use kartoteka_domain::contacts::patch::Patch;
use kartoteka_domain::ids::ContactId;
use kartoteka_persistence::classes::{self, GroupsOf};
use kartoteka_persistence::contacts::{Stored, write};
use kartoteka_persistence::tags::TagsOf;
use kartoteka_persistence::{Tenant, workspaces};

use super::{groups_after, read_patch, room, tags_after};
use crate::access::audit;
use crate::context::Context;
use crate::error::Error;
use crate::tags;

/// Makes the contact that `body` describes.
///
/// # Errors
/// All faults of the body, `contact_limit_reached`.
pub fn create(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    body: &Map<String, Value>,
) -> Result<Stored, Error> {
    let patch = read_patch(tenant, ctx, body)?;
    let mut contact = Contact::default();
    patch.apply(&mut contact, "#").map_err(Error::invalid)?;
    room::enter(tenant, 1)?;
    let id = ContactId(ctx.new_id());
    write::insert(tenant, &[(id, &contact)], origin(ctx), ctx.now)?;
    let mut fields = contact.changed(&Contact::default());
    if let Patch::Set(wanted) = &patch.tags
        && let Some(after) = tags_after(&[], wanted)
    {
        let ids = tags::ensure(tenant, ctx, after.iter().map(|(tag, _)| &tag.name))?;
        let set = TagsOf { contact: id, tags: tags::with_ids(&ids, &after) };
        kartoteka_persistence::tags::put(tenant, &[set], ctx.now)?;
        fields.push("tags".to_owned());
    }
    if let Some(groups) = groups_after(&[], &patch.group_ids) {
        classes::replace_groups(tenant, &[GroupsOf { contact: id, groups }], ctx.now)?;
        fields.push("group_ids".to_owned());
    }
    workspaces::add_usage(tenant, 1, 0, id.0)?;
    let changes = json!({ "fields": fields });
    audit::record(tenant, ctx, "contact.create", "contact", Some(id.0), Some(changes))?;
    super::get(tenant, id)
}

/// People make contacts by hand, integrations by API (CON-17).
pub(super) fn origin(ctx: &Context) -> Origin {
    match ctx.actor {
        Actor::User(_) | Actor::System => Origin::Manual,
        Actor::Client(_) => Origin::Api,
    }
}
