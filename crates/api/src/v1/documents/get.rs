//! `GET /documents/{id}`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::documents;
use kartoteka_domain::ids::DocumentId;

use super::{DocumentView, Shown};
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Read a document
///
/// What it is; its bytes are its content.
#[utoipa::path(
    tag = "documents",
    operation_id = "get_document",
    params(("id" = Uuid, Path, description = "The document")),
    responses((status = 200, description = "The document", body = DocumentView)),
    security(("bearer" = ["documents:read"])),
)]
#[get("/documents/{id}")]
pub(crate) async fn get_document(
    state: State,
    caller: Scoped<scope::DocumentsRead>,
    id: Path<Uuid>,
) -> Result<Done<DocumentView>, Problem> {
    state
        .read(&caller, move |tenant, ctx| {
            let shown = Shown::now(tenant)?;
            Ok(Done(shown.view(documents::get(tenant, ctx, DocumentId(*id))?)))
        })
        .await
}
