//! `GET /clients/{id}`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::access::clients;

use super::Client;
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Get an integration
#[utoipa::path(
    tag = "clients",
    operation_id = "get_client",
    params(("id" = Uuid, Path, description = "The integration")),
    responses((status = 200, description = "The integration", body = Client)),
    security(("bearer" = ["admin"])),
)]
#[get("/clients/{id}")]
pub(crate) async fn get_client(
    state: State,
    caller: Scoped<scope::Admin>,
    id: Path<Uuid>,
) -> Result<Done<Client>, Problem> {
    state
        .read(&caller, move |tenant, _ctx| Ok(Done(clients::get(tenant, (*id).into())?.into())))
        .await
}
