//! Stopping an import.

use actix_web::post;
use uuid::Uuid;

use kartoteka_app::imports;

use super::ImportView;
use crate::extract::{Fingerprint, IdempotencyKey, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::{Done, Reply};
use crate::state::State;

/// Stop an import
///
/// Before the commit nothing has been written. While it runs it stops after its present chunk: what is written
/// stays, is counted in the summary, and can be undone.
#[utoipa::path(
    tag = "imports",
    operation_id = "cancel_import",
    params(("id" = Uuid, Path, description = "The import"), IdempotencyKey),
    responses((status = 200, description = "The import", body = ImportView)),
    security(("bearer" = ["imports:write"])),
)]
#[post("/imports/{id}/cancel")]
pub(crate) async fn cancel_import(
    state: State,
    caller: Scoped<scope::ImportsWrite>,
    id: Path<Uuid>,
    key: IdempotencyKey,
) -> Result<Reply, Problem> {
    let id = *id;
    state
        .post(&caller, &key, Fingerprint::empty(), move |tenant, ctx| {
            let import = imports::cancel(tenant, ctx, id.into())?;
            Ok(Done(ImportView::load(tenant, import)?))
        })
        .await
}
