//! `PATCH /documents/{id}`.

use actix_web::patch;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::documents::{self, Document};
use kartoteka_domain::ids::DocumentId;
use kartoteka_domain::scopes::Scope;

use super::{DocumentView, Shown};
use crate::extract::{IfMatch, Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Changes of a document.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct DocumentPatch {
    /// The name of the file, without slashes, line ends and invisible characters.
    #[serde(default)]
    #[schema(
        nullable = false,
        min_length = 1,
        max_length = 200,
        pattern = r"\S",
        example = "Odkazy na výprodej.csv"
    )]
    pub(crate) name: Option<String>,
    /// Seen by its owner only. Only the owner changes this: `not_permitted`.
    #[serde(default)]
    #[schema(nullable = false, example = true)]
    pub(crate) private: Option<bool>,
}

/// Change a document
///
/// For whom it belongs to, and for tokens with `admin`: `not_permitted` for others.
#[utoipa::path(
    tag = "documents",
    operation_id = "patch_document",
    params(("id" = Uuid, Path, description = "The document"), IfMatch),
    request_body = DocumentPatch,
    responses((status = 200, description = "The document", body = DocumentView)),
    security(("bearer" = ["documents:read"])),
)]
#[patch("/documents/{id}")]
pub(crate) async fn patch_document(
    state: State,
    caller: Scoped<scope::DocumentsRead>,
    id: Path<Uuid>,
    if_match: IfMatch,
    body: ValidJson<DocumentPatch>,
) -> Result<Done<DocumentView>, Problem> {
    let DocumentPatch { name, private } = body.into_inner();
    let admin = caller.may(Scope::Admin);
    state
        .write(&caller, move |tenant, ctx| {
            let shown = Shown::now(tenant)?;
            let guard = |now: &Document| if_match.check(&shown.view(now.clone()));
            let id = DocumentId(*id);
            let after = documents::update(tenant, ctx, id, admin, (name, private), guard)?;
            Ok(Done(shown.view(after)))
        })
        .await
}
