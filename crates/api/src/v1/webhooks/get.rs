//! `GET /webhooks/{id}`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::webhooks;

use super::WebhookView;
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Read a webhook
#[utoipa::path(
    tag = "webhooks",
    operation_id = "get_webhook",
    params(("id" = Uuid, Path, description = "The webhook")),
    responses((status = 200, description = "The webhook", body = WebhookView)),
    security(("bearer" = ["webhooks:write"])),
)]
#[get("/webhooks/{id}")]
pub(crate) async fn get_webhook(
    state: State,
    caller: Scoped<scope::WebhooksWrite>,
    id: Path<Uuid>,
) -> Result<Done<WebhookView>, Problem> {
    state
        .read(&caller, move |tenant, _| Ok(Done(webhooks::get(tenant, (*id).into())?.into())))
        .await
}
