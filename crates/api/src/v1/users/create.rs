//! `POST /users`.

use actix_web::post;
use serde::Deserialize;
use utoipa::ToSchema;

use kartoteka_app::access::passwords;
use kartoteka_app::access::secrets::Entropy;
use kartoteka_app::access::users::{self, NewUser as New};

use super::{Role, User};
use crate::extract::{IdempotencyKey, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::{Created, Reply};
use crate::state::State;

/// A new person.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewUser {
    /// Address they log in with.
    #[schema(max_length = 320, example = "jana@example.com")]
    pub email: String,
    /// What they are called.
    #[schema(max_length = 200, example = "Jana Nováková")]
    pub name: Option<String>,
    /// What they may do.
    pub role: Role,
    /// Their first password, at least 12 characters.
    #[schema(max_length = 200, format = Password, example = "correct horse battery")]
    pub password: String,
}

/// Add a person
///
/// The password goes to them by whatever way you like; they change it with `PUT /users/me/password`.
#[utoipa::path(
    tag = "users",
    operation_id = "create_user",
    params(IdempotencyKey),
    request_body = NewUser,
    responses((status = 201, description = "The person", body = User)),
    security(("bearer" = ["admin"])),
)]
#[post("/users")]
pub(crate) async fn create_user(
    state: State,
    caller: Scoped<scope::Admin>,
    key: IdempotencyKey,
    body: ValidJson<NewUser>,
) -> Result<Reply, Problem> {
    let ValidJson { value: NewUser { email, name, role, password }, fingerprint } = body;
    users::check_new(&email, &password)?;
    let entropy = Entropy::random();
    let hash = move || passwords::hash(&password, &entropy).map_err(Problem::internal);
    let hash = state.hashing(hash).await?;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let new = New { email, name, role: role.into() };
            let user = User::from(users::create(tenant, ctx, new, &hash)?);
            Ok(Created { location: format!("/api/v1/users/{}", user.id), body: user })
        })
        .await
}
