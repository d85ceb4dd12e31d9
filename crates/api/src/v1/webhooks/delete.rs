//! `DELETE /webhooks/{id}`.

use actix_web::delete;
use uuid::Uuid;

use kartoteka_app::webhooks::{self, Webhook};

use super::unchanged;
use crate::extract::{IfMatch, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::NoContent;
use crate::state::State;

/// Delete a webhook
///
/// Nothing more is sent to it, and the log of its deliveries is gone. Only one that no rule or scenario names: otherwise the
/// answer is `in_use` with `definitions`, how many do.
#[utoipa::path(
    tag = "webhooks",
    operation_id = "delete_webhook",
    params(("id" = Uuid, Path, description = "The webhook"), IfMatch),
    responses((status = 204, description = "It is gone")),
    security(("bearer" = ["webhooks:write"])),
)]
#[delete("/webhooks/{id}")]
pub(crate) async fn delete_webhook(
    state: State,
    caller: Scoped<scope::WebhooksWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &Webhook| unchanged(&if_match, now);
            webhooks::delete(tenant, ctx, (*id).into(), guard)?;
            Ok(NoContent)
        })
        .await
}
