//! `GET /contacts/{id}`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::contacts;
use kartoteka_domain::ids::ContactId;

use super::view::ContactView;
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Read a contact
///
/// Also one in the trash: then `trashed_at` says since when. The id of a contact that was merged into another leads to
/// that one, here and in every other path: `Content-Location` and `id` say which it is.
#[utoipa::path(
    tag = "contacts",
    operation_id = "get_contact",
    params(("id" = Uuid, Path, description = "The contact")),
    responses((status = 200, description = "The contact", body = ContactView)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/contacts/{id}")]
pub(crate) async fn get_contact(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    id: Path<Uuid>,
) -> Result<Done<ContactView>, Problem> {
    state
        .read(&caller, move |tenant, _| Ok(Done(contacts::get(tenant, ContactId(*id))?.into())))
        .await
}
