//! `DELETE /contacts/{id}`.

use actix_web::delete;
use uuid::Uuid;

use kartoteka_app::contacts::trash;
use kartoteka_domain::ids::ContactId;

use crate::extract::{IfMatch, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::NoContent;
use crate::state::State;

/// Delete a contact
///
/// Moves it to the trash, from where it can be restored; it still counts towards the contact limit. Doing it
/// twice is doing it once. One that was merged into another is not deleted: `contact_merged`, with the `winner_id`.
#[utoipa::path(
    tag = "contacts",
    operation_id = "delete_contact",
    params(("id" = Uuid, Path, description = "The contact"), IfMatch),
    responses((status = 204, description = "It is in the trash")),
    security(("bearer" = ["contacts:delete"])),
)]
#[delete("/contacts/{id}")]
pub(crate) async fn delete_contact(
    state: State,
    caller: Scoped<scope::ContactsDelete>,
    id: Path<Uuid>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    state
        .write(&caller, move |tenant, ctx| {
            trash::trash(tenant, ctx, ContactId(*id), |now| super::unchanged(&if_match, now))?;
            Ok(NoContent)
        })
        .await
}
