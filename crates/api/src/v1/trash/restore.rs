//! `POST /trash/{id}/restore` and `POST /trash/restore`.

use actix_web::post;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::trash::{self, Shared};
use kartoteka_domain::ids::ContactId;

use crate::extract::{Fingerprint, IdempotencyKey, Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::{Done, Reply, etag_of};
use crate::state::State;
use crate::v1::contacts::bulk_delete::ContactIds;
use crate::v1::contacts::view::ContactView;

/// What a restore did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Restored {
    /// How many contacts it took out of the trash.
    #[schema(example = 3)]
    pub(crate) restored: usize,
    /// What other living contacts have meanwhile too; at most 1,000.
    pub(crate) also_used_by: Vec<AlsoUsedBy>,
}

/// Something by which contacts are matched, and which another living contact has too.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlsoUsedBy {
    /// The contact that came back.
    pub(crate) restored_id: Uuid,
    /// `email` or `external_id`.
    #[schema(example = "email")]
    pub(crate) field: String,
    /// The other one.
    pub(crate) contact_id: Uuid,
}

impl From<Shared> for AlsoUsedBy {
    fn from(Shared { contact_id, field, other_id }: Shared) -> Self {
        Self { restored_id: contact_id, field, contact_id: other_id }
    }
}

/// A contact that came back.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RestoredContact {
    /// The contact.
    #[serde(flatten)]
    pub(crate) contact: ContactView,
    /// What other living contacts have meanwhile too.
    pub(crate) also_used_by: Vec<AlsoUsedBy>,
}

/// Restore a contact
///
/// Takes it out of the trash as it was. When its e-mail address or external id is meanwhile another's, it comes
/// back nevertheless, and `also_used_by` says whose. One that is not in the trash gives `not_in_trash`.
#[utoipa::path(
    tag = "trash",
    operation_id = "restore_contact",
    params(("id" = Uuid, Path, description = "The contact"), IdempotencyKey),
    responses((status = 200, description = "The contact", body = RestoredContact)),
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
            let (contact, shared) = trash::restore(tenant, ctx, ContactId(*id))?;
            let contact = ContactView::from(contact);
            let tag = etag_of(&contact)?;
            let also_used_by = shared.into_iter().map(AlsoUsedBy::from).collect();
            Ok(Reply::from(Done(RestoredContact { contact, also_used_by })).with_tag(tag))
        })
        .await
}

/// Restore many contacts
///
/// Up to 1,000. Ids that are not in the trash are passed over and do not count. `also_used_by` names those whose
/// e-mail address or external id another living contact has. An empty list is refused. When
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
            let (restored, shared) = trash::restore_many(tenant, ctx, &value.ids)?;
            let also_used_by = shared.into_iter().map(AlsoUsedBy::from).collect();
            Ok(Done(Restored { restored, also_used_by }))
        })
        .await
}
