//! One saved mapping.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::imports::templates;

use super::TemplateView;
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// A saved mapping
#[utoipa::path(
    tag = "import_templates",
    operation_id = "get_import_template",
    params(("id" = Uuid, Path, description = "The saved mapping")),
    responses((status = 200, description = "The saved mapping", body = TemplateView)),
    security(("bearer" = ["imports:read"])),
)]
#[get("/import-templates/{id}")]
pub(crate) async fn get_import_template(
    state: State,
    caller: Scoped<scope::ImportsRead>,
    id: Path<Uuid>,
) -> Result<Done<TemplateView>, Problem> {
    let id = *id;
    state
        .read(&caller, move |tenant, _ctx| Ok(Done(templates::get(tenant, id.into())?.into())))
        .await
}
