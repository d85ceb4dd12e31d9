//! `DELETE /contacts/{id}/owners/{user_id}`.

use actix_web::delete;
use uuid::Uuid;

use kartoteka_app::contacts::owners::{self, Owner};
use kartoteka_domain::ids::{ContactId, UserId};

use super::OwnerView;
use crate::extract::{IfMatch, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::NoContent;
use crate::state::State;

/// Take an owner off a contact
///
/// The last one stays: `409 last_owner`. Works for contacts in the trash too.
#[utoipa::path(
    tag = "owners",
    operation_id = "delete_owner",
    params(
        ("id" = Uuid, Path, description = "The contact"),
        ("user_id" = Uuid, Path, description = "The user"),
        IfMatch,
    ),
    responses((status = 204, description = "They do not own it any more")),
    security(("bearer" = ["contacts:write"])),
)]
#[delete("/contacts/{id}/owners/{user_id}")]
pub(crate) async fn delete_owner(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    path: Path<(Uuid, Uuid)>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    let (contact, user) = path.into_inner();
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &Owner| if_match.check(&OwnerView::from(now.clone()));
            owners::remove(tenant, ctx, ContactId(contact), UserId(user), guard)?;
            Ok(NoContent)
        })
        .await
}
