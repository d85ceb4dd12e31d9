//! `POST /contacts`.

use actix_web::post;

use kartoteka_app::contacts::create;

use super::view::{ContactInput, ContactView, location};
use crate::extract::{IdempotencyKey, JsonObject, Scoped, scope};
use crate::problem::Problem;
use crate::reply::{Created, Reply};
use crate::state::State;

/// Create a contact
///
/// It needs a name, an e-mail address, a phone number, a company name or an external id. It has no consent:
/// no marketing goes to it until one is added. Over the contact limit of the workspace the answer is
/// `contact_limit_reached` with `limit`, `live` and `trash`.
#[utoipa::path(
    tag = "contacts",
    operation_id = "create_contact",
    params(IdempotencyKey),
    request_body = ContactInput,
    responses((status = 201, description = "The contact", body = ContactView)),
    security(("bearer" = ["contacts:write"])),
)]
#[post("/contacts")]
pub(crate) async fn create_contact(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    key: IdempotencyKey,
    body: JsonObject,
) -> Result<Reply, Problem> {
    let JsonObject { members, fingerprint } = body;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let contact = ContactView::from(create::create(tenant, ctx, &members)?);
            Ok(Created { location: location(contact.id), body: contact })
        })
        .await
}
