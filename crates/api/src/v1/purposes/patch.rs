//! `PATCH /purposes/{id}`.

use actix_web::patch;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::consents::purposes;
use kartoteka_domain::ids::PurposeId;

use super::PurposeWithVersions;
use crate::extract::{IfMatch, Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Changes of a purpose.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct PurposePatch {
    /// What people see.
    #[serde(default)]
    #[schema(
        nullable = false,
        min_length = 1,
        max_length = 200,
        pattern = r"\S",
        example = "News by e-mail"
    )]
    pub(crate) title: Option<String>,
    /// A new text to agree to; becomes the next version.
    #[serde(default)]
    #[schema(nullable = false, min_length = 1, max_length = 10000, pattern = r"\S")]
    pub(crate) wording: Option<String>,
}

/// Change a purpose
///
/// A new wording becomes its next version; consents given before keep the version they were given for. Name
/// and channel never change.
#[utoipa::path(
    tag = "purposes",
    operation_id = "patch_purpose",
    params(("id" = Uuid, Path, description = "The purpose"), IfMatch),
    request_body = PurposePatch,
    responses((status = 200, description = "The purpose", body = PurposeWithVersions)),
    security(("bearer" = ["consents:write"])),
)]
#[patch("/purposes/{id}")]
pub(crate) async fn patch_purpose(
    state: State,
    caller: Scoped<scope::ConsentsWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
    body: ValidJson<PurposePatch>,
) -> Result<Done<PurposeWithVersions>, Problem> {
    let PurposePatch { title, wording } = body.into_inner();
    state
        .write(&caller, move |tenant, ctx| {
            let (title, wording) = (title.as_deref(), wording.as_deref());
            let guard = |now: &_, versions: &_| super::unchanged(&if_match, now, versions);
            Ok(Done(purposes::update(tenant, ctx, PurposeId(*id), title, wording, guard)?.into()))
        })
        .await
}
