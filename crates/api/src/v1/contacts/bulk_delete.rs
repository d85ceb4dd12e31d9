//! `POST /contacts/bulk-delete`.

use actix_web::post;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::contacts::trash;

use crate::extract::{IdempotencyKey, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::{Done, Reply};
use crate::state::State;

/// Which contacts.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ContactIds {
    /// Their ids, 1 to 1,000.
    #[schema(max_items = 1000)]
    pub(crate) ids: Vec<Uuid>,
}

/// What a bulk delete did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Trashed {
    /// How many contacts it put in the trash.
    #[schema(example = 3)]
    pub(crate) trashed: usize,
}

/// Delete many contacts
///
/// Moves up to 1,000 contacts to the trash. Ids that do not exist here, or are in the trash already, are
/// passed over and do not count. An empty list is refused. When the caller may not delete one of them as its
/// owner, nothing is deleted: `403 not_permitted` with the places of those ids.
#[utoipa::path(
    tag = "contacts",
    operation_id = "bulk_delete_contacts",
    params(IdempotencyKey),
    request_body = ContactIds,
    responses((status = 200, description = "How many are in the trash now", body = Trashed)),
    security(("bearer" = ["contacts:delete"])),
)]
#[post("/contacts/bulk-delete")]
pub(crate) async fn bulk_delete_contacts(
    state: State,
    caller: Scoped<scope::ContactsDelete>,
    key: IdempotencyKey,
    body: ValidJson<ContactIds>,
) -> Result<Reply, Problem> {
    let ValidJson { value, fingerprint } = body;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            Ok(Done(Trashed { trashed: trash::trash_many(tenant, ctx, &value.ids)? }))
        })
        .await
}
