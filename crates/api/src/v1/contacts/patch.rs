//! `PATCH /contacts/{id}`.

use actix_web::patch;
use uuid::Uuid;

use kartoteka_app::contacts::patch;
use kartoteka_domain::ids::ContactId;

use super::view::{ContactInput, ContactView};
use crate::extract::{IfMatch, JsonObject, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Change a contact
///
/// A merge patch (RFC 7396): what is absent stays, `null` clears. `address` and `details` are merged, `tags`
/// and `group_ids` are replaced. A contact in the trash is restored first: `conflict`.
#[utoipa::path(
    tag = "contacts",
    operation_id = "patch_contact",
    params(("id" = Uuid, Path, description = "The contact"), IfMatch),
    request_body = ContactInput,
    responses((status = 200, description = "The contact", body = ContactView)),
    security(("bearer" = ["contacts:write"])),
)]
#[patch("/contacts/{id}")]
pub(crate) async fn patch_contact(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
    body: JsonObject,
) -> Result<Done<ContactView>, Problem> {
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &_| super::unchanged(&if_match, now);
            let contact = patch::patch(tenant, ctx, ContactId(*id), &body.members, guard)?;
            Ok(Done(contact.into()))
        })
        .await
}
