//! `DELETE /documents/{id}`.

use actix_web::delete;
use uuid::Uuid;

use kartoteka_app::documents::{self, Document};
use kartoteka_domain::ids::DocumentId;
use kartoteka_domain::scopes::Scope;

use super::Shown;
use crate::extract::{IfMatch, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::NoContent;
use crate::state::State;

/// Delete a document
///
/// For whom it belongs to, and for tokens with `admin`: `not_permitted` for others. The links in it go on leading to
/// their contacts.
#[utoipa::path(
    tag = "documents",
    operation_id = "delete_document",
    params(("id" = Uuid, Path, description = "The document"), IfMatch),
    responses((status = 204, description = "It is gone")),
    security(("bearer" = ["documents:read"])),
)]
#[delete("/documents/{id}")]
pub(crate) async fn delete_document(
    state: State,
    caller: Scoped<scope::DocumentsRead>,
    id: Path<Uuid>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    let admin = caller.may(Scope::Admin);
    state
        .write(&caller, move |tenant, ctx| {
            let shown = Shown::now(tenant)?;
            let guard = |now: &Document| if_match.check(&shown.view(now.clone()));
            documents::delete(tenant, ctx, DocumentId(*id), admin, guard)?;
            Ok(NoContent)
        })
        .await
}
