//! `DELETE /users/{id}`.

use actix_web::delete;
use uuid::Uuid;

use kartoteka_app::access::users::{self, UserRow};

use super::User;
use crate::extract::{IfMatch, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::NoContent;
use crate::state::State;

/// Remove a person
///
/// Ends their logins. What they did stays in the audit trail. The last administrator stays:
/// `409 last_administrator`. So does the only owner of contacts, and whom a segment, rule or scenario names:
/// `409 in_use` with the numbers of contacts, segments, and `definitions` (rules and scenarios); contacts with another owner
/// stay with that one.
#[utoipa::path(
    tag = "users",
    operation_id = "delete_user",
    params(("id" = Uuid, Path, description = "The person"), IfMatch),
    responses((status = 204, description = "They are removed")),
    security(("bearer" = ["admin"])),
)]
#[delete("/users/{id}")]
pub(crate) async fn delete_user(
    state: State,
    caller: Scoped<scope::Admin>,
    id: Path<Uuid>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    let id = id.into_inner();
    state
        .write(&caller, move |tenant, ctx| {
            let check = |row: &UserRow| if_match.check(&User::from(row.clone()));
            users::delete(tenant, ctx, id.into(), check)
        })
        .await?;
    state.subjects().forget(caller.workspace.0, &id.to_string());
    Ok(NoContent)
}
