//! `GET /workspace`.

use actix_web::get;

use kartoteka_app::access::workspace;

use super::Workspace;
use crate::extract::{AnyScope, Scoped};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Get the workspace
///
/// Settings, limits and use of the workspace the token belongs to. Any token will do.
#[utoipa::path(
    tag = "workspace",
    operation_id = "get_workspace",
    responses((status = 200, description = "The workspace", body = Workspace)),
    security(("bearer" = [])),
)]
#[get("/workspace")]
pub(crate) async fn get_workspace(
    state: State,
    caller: Scoped<AnyScope>,
) -> Result<Done<Workspace>, Problem> {
    state.read(&caller, |tenant, _ctx| Ok(Done(workspace::get(tenant)?.into()))).await
}
