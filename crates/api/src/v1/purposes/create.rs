//! `POST /purposes`.

use actix_web::post;
use serde::Deserialize;
use utoipa::ToSchema;

use kartoteka_app::consents::purposes;

use super::PurposeWithVersions;
use crate::extract::{IdempotencyKey, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::{Created, Reply};
use crate::state::State;
use crate::v1::contacts::consents::ChannelWord;

/// A new purpose.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewPurpose {
    /// Its name in mappings and filters: lower-case letters, digits and underscores, beginning with a letter. It never changes.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$", example = "email_events")]
    pub(crate) name: String,
    /// The channel it is about; it never changes.
    pub(crate) channel: ChannelWord,
    /// What people see.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Invitations by e-mail")]
    pub(crate) title: String,
    /// The text people agree to; version 1.
    #[schema(
        min_length = 1,
        max_length = 10000,
        pattern = r"\S",
        example = "I agree to receive invitations by e-mail."
    )]
    pub(crate) wording: String,
}

/// Create a purpose
#[utoipa::path(
    tag = "purposes",
    operation_id = "create_purpose",
    params(IdempotencyKey),
    request_body = NewPurpose,
    responses((status = 201, description = "The purpose", body = PurposeWithVersions)),
    security(("bearer" = ["consents:write"])),
)]
#[post("/purposes")]
pub(crate) async fn create_purpose(
    state: State,
    caller: Scoped<scope::ConsentsWrite>,
    key: IdempotencyKey,
    body: ValidJson<NewPurpose>,
) -> Result<Reply, Problem> {
    let ValidJson { value, fingerprint } = body;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let NewPurpose { name, channel, title, wording } = value;
            let purpose = purposes::create(tenant, ctx, &name, channel.into(), &title, &wording)?;
            let purpose = PurposeWithVersions::from(purpose);
            Ok(Created { location: format!("/api/v1/purposes/{}", purpose.id), body: purpose })
        })
        .await
}
