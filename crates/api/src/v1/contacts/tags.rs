//! `PUT` and `DELETE /contacts/{id}/tags/{name}`.

use actix_web::{delete, put};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::tags;
use kartoteka_domain::ids::ContactId;

use super::view::ContactView;
use crate::extract::{IfMatch, Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::{Done, NoContent};
use crate::state::State;

/// How a tag is put on a contact.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct TagScore {
    /// Its score on this contact; without one the present score stays, 0 for a tag that is new there.
    #[schema(minimum = -9007199254740991_i64, maximum = 9007199254740991_i64, example = 5)]
    pub(crate) score: Option<i64>,
}

/// Put a tag on a contact
///
/// A tag that does not exist is made. Other tags stay. A contact in the trash is restored first: `conflict`.
#[utoipa::path(
    tag = "contacts",
    operation_id = "put_contact_tag",
    params(
        ("id" = Uuid, Path, description = "The contact"),
        ("name" = String, Path, description = "Name of the tag, percent-encoded", example = "vip"),
        IfMatch,
    ),
    request_body = TagScore,
    responses((status = 200, description = "The contact", body = ContactView)),
    security(("bearer" = ["contacts:write"])),
)]
#[put("/contacts/{id}/tags/{name}")]
pub(crate) async fn put_contact_tag(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    path: Path<(Uuid, String)>,
    if_match: IfMatch,
    body: ValidJson<TagScore>,
) -> Result<Done<ContactView>, Problem> {
    let (id, name) = path.into_inner();
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &_| super::unchanged(&if_match, now);
            let score = body.value.score;
            Ok(Done(tags::put(tenant, ctx, ContactId(id), &name, score, guard)?.into()))
        })
        .await
}

/// Take a tag off a contact
///
/// Works for contacts in the trash too. A tag the contact does not carry is off already.
#[utoipa::path(
    tag = "contacts",
    operation_id = "delete_contact_tag",
    params(
        ("id" = Uuid, Path, description = "The contact"),
        ("name" = String, Path, description = "Name of the tag, percent-encoded", example = "vip"),
        IfMatch,
    ),
    responses((status = 204, description = "The contact does not carry it")),
    security(("bearer" = ["contacts:write"])),
)]
#[delete("/contacts/{id}/tags/{name}")]
pub(crate) async fn delete_contact_tag(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    path: Path<(Uuid, String)>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    let (id, name) = path.into_inner();
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &_| super::unchanged(&if_match, now);
            tags::take_off(tenant, ctx, ContactId(id), &name, guard)?;
            Ok(NoContent)
        })
        .await
}
