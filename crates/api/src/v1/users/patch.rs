//! `PATCH /users/{id}`.

use actix_web::patch;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::access::passwords;
use kartoteka_app::access::secrets::Entropy;
use kartoteka_app::access::users::{self, UserChanges};

use super::{Role, User};
use crate::extract::{IfMatch, Path, Scoped, ValidJson, nullable, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// What changes about a person (merge patch).
#[derive(Deserialize, ToSchema)]
pub(crate) struct UserPatch {
    /// Another address.
    #[serde(default)]
    #[schema(max_length = 320, example = "jana.n@example.com", nullable = false)]
    pub email: Option<String>,
    /// Another name; `null` clears it.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 200, example = "Jana Nová")]
    pub name: Option<Option<String>>,
    /// Another role.
    #[serde(default)]
    #[schema(nullable = false)]
    pub role: Option<Role>,
    /// A new password, which ends their logins.
    #[serde(default)]
    #[schema(max_length = 200, format = Password, example = "staple correct horse", nullable = false)]
    pub password: Option<String>,
    /// `true` keeps them from logging in and ends their logins.
    #[serde(default)]
    #[schema(nullable = false)]
    pub disabled: Option<bool>,
}

/// Change a person
///
/// The last administrator can neither get another role nor be disabled: `409 last_administrator`.
#[utoipa::path(
    tag = "users",
    operation_id = "patch_user",
    params(("id" = Uuid, Path, description = "The person"), IfMatch),
    request_body = UserPatch,
    responses((status = 200, description = "The person", body = User)),
    security(("bearer" = ["admin"])),
)]
#[patch("/users/{id}")]
pub(crate) async fn patch_user(
    state: State,
    caller: Scoped<scope::Admin>,
    id: Path<Uuid>,
    if_match: IfMatch,
    body: ValidJson<UserPatch>,
) -> Result<Done<User>, Problem> {
    let UserPatch { email, name, role, password, disabled } = body.value;
    let id = id.into_inner();
    let hash = match password {
        None => None,
        Some(password) => {
            let user =
                state.read(&caller, move |tenant, _ctx| Ok(users::get(tenant, id.into())?)).await?;
            let address = email.as_deref().unwrap_or(&user.email);
            if let Some(fault) = passwords::weakness(&password, address, "#/password") {
                return Err(Problem::invalid(vec![fault]));
            }
            let entropy = Entropy::random();
            let hash = move || passwords::hash(&password, &entropy).map_err(Problem::internal);
            Some(state.hashing(hash).await?)
        }
    };
    let changes = UserChanges { email, name, role: role.map(Into::into), disabled };
    let user = state
        .write(&caller, move |tenant, ctx| {
            let check = |row: &users::UserRow| if_match.check(&User::from(row.clone()));
            let row = users::update(tenant, ctx, id.into(), changes, hash.as_deref(), check)?;
            Ok(User::from(row))
        })
        .await?;
    state.subjects().forget(caller.workspace.0, &id.to_string());
    Ok(Done(user))
}
