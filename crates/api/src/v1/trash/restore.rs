//! `POST /trash/{id}/restore` and `POST /trash/restore`.

use actix_web::post;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::trash;
use kartoteka_domain::ids::ContactId;

use crate::extract::{Fingerprint, IdempotencyKey, Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::{Done, Reply};
use crate::state::State;
use crate::v1::contacts::bulk_delete::ContactIds;
use crate::v1::contacts::view::ContactView;

/// What a restore did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Restored {
    /// How many contacts it took out of the trash.
    #[schema(example = 3)]
    pub(crate) restored: usize,
}

/// Restore a contact
///
/// Takes it out of the trash as it was. One that is not there gives `not_in_trash`.
#[utoipa::path(
    tag = "trash",
    operation_id = "restore_contact",
    params(("id" = Uuid, Path, description = "The contact"), IdempotencyKey),
    responses((status = 200, description = "The contact", body = ContactView)),
    security(("bearer" = ["contacts:write"])),
)]
#[post("/trash/{id}/restore")]
pub(crate) async fn restore_contact(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    id: Path<Uuid>,
    key: IdempotencyKey,
) -> Result<Reply, Problem> {
    state
        .post(&caller, &key, Fingerprint::empty(), move |tenant, ctx| {
            Ok(Done(ContactView::from(trash::restore(tenant, ctx, ContactId(*id))?)))
        })
        .await
}

/// Restore many contacts
///
/// Up to 1,000. Ids that are not in the trash are passed over and do not count. An empty list is refused. When
/// the caller may not change one of them as its owner, none comes back: `403 not_permitted` with the places of
/// those ids.
#[utoipa::path(
    tag = "trash",
    operation_id = "restore_contacts",
    params(IdempotencyKey),
    request_body = ContactIds,
    responses((status = 200, description = "How many came back", body = Restored)),
    security(("bearer" = ["contacts:write"])),
)]
#[post("/trash/restore")]
pub(crate) async fn restore_contacts(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    key: IdempotencyKey,
    body: ValidJson<ContactIds>,
) -> Result<Reply, Problem> {
    let ValidJson { value, fingerprint } = body;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            Ok(Done(Restored { restored: trash::restore_many(tenant, ctx, &value.ids)? }))
        })
        .await
}
