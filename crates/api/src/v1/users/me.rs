//! `GET /users/me`.

use actix_web::get;
use serde::Serialize;
use utoipa::ToSchema;

use kartoteka_app::access::users;
use kartoteka_domain::actor::Actor;

use super::User;
use crate::extract::{AnyScope, Scoped};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// The person behind the token.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    /// The person.
    pub user: User,
    /// What this token allows.
    #[schema(example = json!(["contacts:read", "contacts:write"]))]
    pub scopes: Vec<String>,
}

/// Who am I?
///
/// The person behind the token and what it allows. An integration is no person: `404`.
#[utoipa::path(
    tag = "users",
    operation_id = "get_me",
    responses((status = 200, description = "The person", body = Me),
        (status = 404, description = "The token is an integration's", body = crate::problem::ProblemBody,
            content_type = "application/problem+json")),
    security(("bearer" = [])),
)]
#[get("/users/me")]
pub(crate) async fn get_me(state: State, caller: Scoped<AnyScope>) -> Result<Done<Me>, Problem> {
    let Actor::User(id) = caller.actor else { return Err(Problem::not_found()) };
    let scopes = caller.scopes.iter().map(|scope| scope.as_str().to_owned()).collect();
    state
        .read(&caller, move |tenant, _ctx| {
            Ok(Done(Me { user: users::get(tenant, id)?.into(), scopes }))
        })
        .await
}
