//! `POST /auth/revoke` (RFC 7009).

use actix_web::{HttpResponse, post};
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use kartoteka_app::access::secrets::workspace_of;
use kartoteka_app::access::tokens;

use super::oauth;
use crate::extract::ValidForm;
use crate::problem::Problem;
use crate::state::State;

/// A token to end.
#[derive(Clone, Deserialize, Validate, ToSchema)]
#[schema(example = json!({"token": "krt_AZjF8m0-fBGaUw1vDm8qEBYbKjkwTVhjcXmBiZGZoamxucHJ0dnh6fHx8fE"}))]
pub(crate) struct RevokeRequest {
    /// The refresh token.
    #[validate(length(max = 5000))]
    #[schema(min_length = 1, max_length = 5000)]
    pub token: String,
    /// `refresh_token`; not needed.
    #[validate(length(max = 100))]
    #[schema(max_length = 100)]
    pub token_type_hint: Option<String>,
}

/// End a login
///
/// Revokes a refresh token and all that came from the same login (RFC 7009). A token that is not known is no
/// error. Access tokens end by themselves within minutes.
#[utoipa::path(
    tag = "auth",
    operation_id = "revoke_token",
    request_body(content = RevokeRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token does not work (any more)"),
        (status = 400, description = "Refused: `error` says why", body = oauth::OAuthProblem, content_type = "application/problem+json"),
    ),
    security(()),
)]
#[post("/auth/revoke")]
pub(crate) async fn revoke_token(
    state: State,
    form: ValidForm<RevokeRequest>,
) -> Result<HttpResponse, Problem> {
    let ValidForm(RevokeRequest { token, token_type_hint: _ }) = form;
    if token.split('.').count() == 3 {
        return Err(oauth::unsupported_token_type());
    }
    if let Some(workspace) = workspace_of(&token) {
        let now = state.clock().now();
        state
            .blocking(move |db| {
                db.write(workspace, |tenant| Ok(tokens::revoke(tenant, now, &token)?))
            })
            .await?;
    }
    Ok(HttpResponse::Ok().finish())
}
