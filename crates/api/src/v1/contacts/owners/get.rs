//! `GET /contacts/{id}/owners/{user_id}`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::contacts::owners;
use kartoteka_domain::ids::{ContactId, UserId};

use super::OwnerView;
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Read an owner of a contact
#[utoipa::path(
    tag = "owners",
    operation_id = "get_owner",
    params(
        ("id" = Uuid, Path, description = "The contact"),
        ("user_id" = Uuid, Path, description = "The user"),
    ),
    responses((status = 200, description = "The owner", body = OwnerView)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/contacts/{id}/owners/{user_id}")]
pub(crate) async fn get_owner(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    path: Path<(Uuid, Uuid)>,
) -> Result<Done<OwnerView>, Problem> {
    let (contact, user) = path.into_inner();
    state
        .read(&caller, move |tenant, _| {
            Ok(Done(owners::get(tenant, ContactId(contact), UserId(user))?.into()))
        })
        .await
}
