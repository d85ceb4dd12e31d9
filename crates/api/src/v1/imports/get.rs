//! One import.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::imports;

use super::ImportView;
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// An import
///
/// Everything known of it: source, columns, mapping, matching, plan, job, summary.
#[utoipa::path(
    tag = "imports",
    operation_id = "get_import",
    params(("id" = Uuid, Path, description = "The import")),
    responses((status = 200, description = "The import", body = ImportView)),
    security(("bearer" = ["imports:read"])),
)]
#[get("/imports/{id}")]
pub(crate) async fn get_import(
    state: State,
    caller: Scoped<scope::ImportsRead>,
    id: Path<Uuid>,
) -> Result<Done<ImportView>, Problem> {
    let id = *id;
    state
        .read(&caller, move |tenant, _ctx| {
            let import = imports::get(tenant, id.into())?;
            Ok(Done(ImportView::load(tenant, import)?))
        })
        .await
}
