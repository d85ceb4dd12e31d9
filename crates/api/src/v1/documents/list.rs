//! `GET /documents`.

use actix_web::get;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use kartoteka_app::documents::{self, Filter};
use kartoteka_domain::documents::Kind;
use kartoteka_domain::ids::JobId;

use super::{DocumentKind, DocumentView, Shown};
use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::state::State;

/// Which documents.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DocumentFilter {
    /// Only those of this kind.
    #[param(inline)]
    kind: Option<DocumentKind>,
    /// Only the one that this job made.
    job_id: Option<Uuid>,
}

/// List documents
///
/// Newest first; private ones for their owner only. A document is there when its job has ended well.
#[utoipa::path(
    tag = "documents",
    operation_id = "list_documents",
    params(DocumentFilter, PageQuery),
    responses((status = 200, description = "A page of documents", body = Page<DocumentView>)),
    security(("bearer" = ["documents:read"])),
)]
#[get("/documents")]
pub(crate) async fn list_documents(
    state: State,
    caller: Scoped<scope::DocumentsRead>,
    filter: Query<DocumentFilter>,
    page: Query<PageQuery>,
) -> Result<Page<DocumentView>, Problem> {
    let kind = filter.kind.map(|kind| Kind::from(kind).as_str().to_owned());
    let filter = Filter { kind, job: filter.job_id.map(JobId) };
    let list = format!("documents {:?} {:?}", filter.kind, filter.job);
    let before: Option<Uuid> = page.after(&list)?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, ctx| {
            let shown = Shown::now(tenant)?;
            let found = documents::list(tenant, ctx, &filter, before, limit + 1)?;
            Page::cut(&list, found, limit, |document| document.id, |document| shown.view(document))
        })
        .await
}
