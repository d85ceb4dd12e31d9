//! `PUT` and `DELETE /contacts/{id}/groups/{group_id}`.

use actix_web::{delete, put};
use uuid::Uuid;

use kartoteka_app::classes;
use kartoteka_domain::ids::{ContactId, GroupId};

use super::view::ContactView;
use crate::extract::{IfMatch, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::{Done, NoContent};
use crate::state::State;

/// Put a contact into a group
///
/// Other groups stay. A contact in the trash is restored first: `conflict`.
#[utoipa::path(
    tag = "contacts",
    operation_id = "put_contact_group",
    params(
        ("id" = Uuid, Path, description = "The contact"),
        ("group_id" = Uuid, Path, description = "The group"),
        IfMatch,
    ),
    responses((status = 200, description = "The contact", body = ContactView)),
    security(("bearer" = ["contacts:write"])),
)]
#[put("/contacts/{id}/groups/{group_id}")]
pub(crate) async fn put_contact_group(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    path: Path<(Uuid, Uuid)>,
    if_match: IfMatch,
) -> Result<Done<ContactView>, Problem> {
    let (id, group) = path.into_inner();
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &_| super::unchanged(&if_match, now);
            let (id, group) = (ContactId(id), GroupId(group));
            Ok(Done(classes::put_in_group(tenant, ctx, id, group, guard)?.into()))
        })
        .await
}

/// Take a contact out of a group
///
/// Works for contacts in the trash too. From a group the contact is not in it is out already.
#[utoipa::path(
    tag = "contacts",
    operation_id = "delete_contact_group",
    params(
        ("id" = Uuid, Path, description = "The contact"),
        ("group_id" = Uuid, Path, description = "The group"),
        IfMatch,
    ),
    responses((status = 204, description = "The contact is not in it")),
    security(("bearer" = ["contacts:write"])),
)]
#[delete("/contacts/{id}/groups/{group_id}")]
pub(crate) async fn delete_contact_group(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    path: Path<(Uuid, Uuid)>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    let (id, group) = path.into_inner();
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &_| super::unchanged(&if_match, now);
            classes::take_from_group(tenant, ctx, ContactId(id), GroupId(group), guard)?;
            Ok(NoContent)
        })
        .await
}
