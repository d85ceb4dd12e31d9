//! `DELETE /trash/{id}` and `POST /trash/purge`.

use actix_web::{delete, post};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::trash;
use kartoteka_domain::ids::ContactId;

use crate::extract::{IdempotencyKey, IfMatch, Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::{Done, NoContent, Reply};
use crate::state::State;
use crate::v1::contacts;
use crate::v1::contacts::bulk_delete::ContactIds;

/// What a purge did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Purged {
    /// How many contacts are gone for good.
    #[schema(example = 3)]
    pub(crate) purged: usize,
}

/// Purge a contact
///
/// Removes it from the trash with all its data: tags, consents and their proofs, notes, owners, what imports
/// kept of it. This cannot be undone. One that is not in the trash gives `not_in_trash`.
#[utoipa::path(
    tag = "trash",
    operation_id = "purge_contact",
    params(("id" = Uuid, Path, description = "The contact"), IfMatch),
    responses((status = 204, description = "It is gone")),
    security(("bearer" = ["contacts:delete"])),
)]
#[delete("/trash/{id}")]
pub(crate) async fn purge_contact(
    state: State,
    caller: Scoped<scope::ContactsDelete>,
    id: Path<Uuid>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &_| contacts::unchanged(&if_match, now);
            trash::purge(tenant, ctx, ContactId(*id), guard)?;
            Ok(NoContent)
        })
        .await
}

/// Purge many contacts
///
/// Up to 1,000, for good. Ids that are not in the trash are passed over and do not count. An empty list is
/// refused. When the caller may not delete one of them as its owner, none is purged: `403 not_permitted` with
/// the places of those ids.
#[utoipa::path(
    tag = "trash",
    operation_id = "purge_contacts",
    params(IdempotencyKey),
    request_body = ContactIds,
    responses((status = 200, description = "How many are gone", body = Purged)),
    security(("bearer" = ["contacts:delete"])),
)]
#[post("/trash/purge")]
pub(crate) async fn purge_contacts(
    state: State,
    caller: Scoped<scope::ContactsDelete>,
    key: IdempotencyKey,
    body: ValidJson<ContactIds>,
) -> Result<Reply, Problem> {
    let ValidJson { value, fingerprint } = body;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            Ok(Done(Purged { purged: trash::purge_many(tenant, ctx, &value.ids)? }))
        })
        .await
}
