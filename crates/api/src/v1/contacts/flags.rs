//! `PUT /contacts/{id}/subscription` and `PUT /contacts/{id}/mute`.

use actix_web::put;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::contacts::patch::{self, Flag};
use kartoteka_domain::ids::ContactId;

use super::view::ContactView;
use crate::extract::{Caller, IfMatch, Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// About all marketing, on any channel.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Subscription {
    /// Takes marketing, where consent is given.
    #[schema(example = false)]
    pub(crate) subscribed: bool,
}

/// About every message, those that belong to an order too.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Mute {
    /// Takes no message at all.
    #[schema(example = true)]
    pub(crate) muted: bool,
}

/// Subscribe or unsubscribe a contact
///
/// Unsubscribed contacts get no marketing, whatever their consents say; messages that belong to an order still
/// go. Works for contacts in the trash too.
#[utoipa::path(
    tag = "contacts",
    operation_id = "put_subscription",
    params(("id" = Uuid, Path, description = "The contact"), IfMatch),
    request_body = Subscription,
    responses((status = 200, description = "The contact", body = ContactView)),
    security(("bearer" = ["consents:write"])),
)]
#[put("/contacts/{id}/subscription")]
pub(crate) async fn put_subscription(
    state: State,
    caller: Scoped<scope::ConsentsWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
    body: ValidJson<Subscription>,
) -> Result<Done<ContactView>, Problem> {
    set(&state, &caller, *id, if_match, Flag::Subscribed, body.value.subscribed).await
}

/// Mute or unmute a contact
///
/// Muted contacts get no message at all. Independent of the subscription; works for contacts in the trash too.
#[utoipa::path(
    tag = "contacts",
    operation_id = "put_mute",
    params(("id" = Uuid, Path, description = "The contact"), IfMatch),
    request_body = Mute,
    responses((status = 200, description = "The contact", body = ContactView)),
    security(("bearer" = ["consents:write"])),
)]
#[put("/contacts/{id}/mute")]
pub(crate) async fn put_mute(
    state: State,
    caller: Scoped<scope::ConsentsWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
    body: ValidJson<Mute>,
) -> Result<Done<ContactView>, Problem> {
    set(&state, &caller, *id, if_match, Flag::Muted, body.value.muted).await
}

async fn set(
    state: &State,
    caller: &Caller,
    id: Uuid,
    if_match: IfMatch,
    flag: Flag,
    value: bool,
) -> Result<Done<ContactView>, Problem> {
    state
        .write(caller, move |tenant, ctx| {
            let guard = |now: &_| super::unchanged(&if_match, now);
            Ok(Done(patch::set_flag(tenant, ctx, ContactId(id), flag, value, guard)?.into()))
        })
        .await
}
