//! `DELETE /clients/{id}`.

use actix_web::delete;
use uuid::Uuid;

use kartoteka_app::access::clients::{self, ClientRow};

use super::Client;
use crate::extract::{IfMatch, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::NoContent;
use crate::state::State;

/// Remove an integration
///
/// It gets no more tokens. What it did stays in the audit trail.
#[utoipa::path(
    tag = "clients",
    operation_id = "delete_client",
    params(("id" = Uuid, Path, description = "The integration"), IfMatch),
    responses((status = 204, description = "It is removed")),
    security(("bearer" = ["admin"])),
)]
#[delete("/clients/{id}")]
pub(crate) async fn delete_client(
    state: State,
    caller: Scoped<scope::Admin>,
    id: Path<Uuid>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    let id = id.into_inner();
    state
        .write(&caller, move |tenant, ctx| {
            let check = |row: &ClientRow| if_match.check(&Client::from(row.clone()));
            clients::delete(tenant, ctx, id.into(), check)
        })
        .await?;
    state.subjects().forget(caller.workspace.0, &id.to_string());
    Ok(NoContent)
}
