//! `PUT /users/me/password`.

use actix_web::put;
use serde::Deserialize;
use utoipa::ToSchema;

use kartoteka_app::access::secrets::Entropy;
use kartoteka_app::access::{passwords, users};
use kartoteka_domain::actor::Actor;
use kartoteka_domain::codes::Code;

use crate::extract::{AnyScope, Scoped, ValidJson};
use crate::problem::Problem;
use crate::reply::NoContent;
use crate::state::State;
use crate::v1::auth::throttle::Attempt;

/// A new password of one's own.
#[derive(Deserialize, ToSchema)]
pub(crate) struct PasswordChange {
    /// The present password.
    #[schema(max_length = 1000, format = Password, example = "correct horse battery")]
    pub current_password: String,
    /// The new one, at least 12 characters.
    #[schema(max_length = 200, format = Password, example = "staple correct horse")]
    pub password: String,
}

/// Change my password
///
/// Ends all logins of the person: refresh tokens stop working, access tokens end within minutes.
#[utoipa::path(
    tag = "users",
    operation_id = "set_my_password",
    request_body = PasswordChange,
    responses((status = 204, description = "It is changed"),
        (status = 404, description = "The token is an integration's", body = crate::problem::ProblemBody,
            content_type = "application/problem+json")),
    security(("bearer" = [])),
)]
#[put("/users/me/password")]
pub(crate) async fn set_my_password(
    state: State,
    caller: Scoped<AnyScope>,
    body: ValidJson<PasswordChange>,
) -> Result<NoContent, Problem> {
    let Actor::User(id) = caller.actor else { return Err(Problem::not_found()) };
    let PasswordChange { current_password, password } = body.value;
    let attempt = Attempt::new(&id.to_string(), caller.ip.as_deref().unwrap_or_default());
    let now = state.clock().now();
    state.throttle().admit(&attempt, now)?;
    let (user, hash) = state
        .read(&caller, move |tenant, _ctx| {
            Ok((users::get(tenant, id)?, users::password_hash(tenant, id)?))
        })
        .await?;
    if let Some(fault) = passwords::weakness(&password, &user.email, "#/password") {
        return Err(Problem::invalid(vec![fault]));
    }
    let entropy = Entropy::random();
    let fresh = state
        .hashing(move || {
            if !passwords::verify(&current_password, &hash) {
                return Ok(None);
            }
            passwords::hash(&password, &entropy).map(Some).map_err(Problem::internal)
        })
        .await?;
    let Some(fresh) = fresh else {
        state.throttle().failed(&attempt, now);
        let detail = "This is not the present password.";
        return Err(Problem::fault("#/current_password", Code::InvalidValue, detail));
    };
    state.throttle().succeeded(&attempt);
    state
        .write(&caller, move |tenant, ctx| {
            users::set_own_password(tenant, ctx, id, &fresh)?;
            Ok(NoContent)
        })
        .await
}
