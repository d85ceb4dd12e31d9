//! `GET /users/{id}`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::access::users;

use super::User;
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Get a person
#[utoipa::path(
    tag = "users",
    operation_id = "get_user",
    params(("id" = Uuid, Path, description = "The person")),
    responses((status = 200, description = "The person", body = User)),
    security(("bearer" = ["admin"])),
)]
#[get("/users/{id}")]
pub(crate) async fn get_user(
    state: State,
    caller: Scoped<scope::Admin>,
    id: Path<Uuid>,
) -> Result<Done<User>, Problem> {
    state
        .read(&caller, move |tenant, _ctx| Ok(Done(users::get(tenant, (*id).into())?.into())))
        .await
}
