//! Removing a saved mapping.

use actix_web::delete;
use uuid::Uuid;

use kartoteka_app::imports::templates;

use super::TemplateView;
use crate::extract::{IfMatch, Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::NoContent;
use crate::state::State;

/// Remove a saved mapping
#[utoipa::path(
    tag = "import_templates",
    operation_id = "delete_import_template",
    params(("id" = Uuid, Path, description = "The saved mapping"), IfMatch),
    responses((status = 204, description = "It is removed")),
    security(("bearer" = ["imports:write"])),
)]
#[delete("/import-templates/{id}")]
pub(crate) async fn delete_import_template(
    state: State,
    caller: Scoped<scope::ImportsWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    let id = *id;
    state
        .write(&caller, move |tenant, ctx| {
            if_match.check(&TemplateView::from(templates::get(tenant, id.into())?))?;
            templates::delete(tenant, ctx, id.into())?;
            Ok(NoContent)
        })
        .await
}
