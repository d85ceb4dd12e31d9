//! `GET /contact-types/{id}`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::classes::{self, Kind};

use super::ContactTypeInUse;
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Read a contact type
///
/// With the number of contacts that have it, live and in the trash.
#[utoipa::path(
    tag = "contact_types",
    operation_id = "get_contact_type",
    params(("id" = Uuid, Path, description = "The contact type")),
    responses((status = 200, description = "The contact type", body = ContactTypeInUse)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/contact-types/{id}")]
pub(crate) async fn get_contact_type(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    id: Path<Uuid>,
) -> Result<Done<ContactTypeInUse>, Problem> {
    state
        .read(&caller, move |tenant, _| {
            Ok(Done(classes::get(tenant, Kind::ContactType, *id)?.into()))
        })
        .await
}
