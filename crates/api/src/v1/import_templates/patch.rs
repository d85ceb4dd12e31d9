//! Changing a saved mapping.

use actix_web::patch;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::imports::templates;

use super::TemplateView;
use crate::extract::{IfMatch, Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;
use crate::v1::imports::run::RunOptions;

/// Changes of a saved mapping: a merge patch; `options` are replaced as a whole.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ImportTemplatePatch {
    /// Its name.
    #[schema(min_length = 1, max_length = 200, example = "Shop export")]
    pub name: Option<String>,
    /// The steps.
    pub options: Option<RunOptions>,
}

/// Change a saved mapping
#[utoipa::path(
    tag = "import_templates",
    operation_id = "patch_import_template",
    params(("id" = Uuid, Path, description = "The saved mapping"), IfMatch),
    request_body = ImportTemplatePatch,
    responses((status = 200, description = "The saved mapping", body = TemplateView)),
    security(("bearer" = ["imports:write"])),
)]
#[patch("/import-templates/{id}")]
pub(crate) async fn patch_import_template(
    state: State,
    caller: Scoped<scope::ImportsWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
    body: ValidJson<ImportTemplatePatch>,
) -> Result<Done<TemplateView>, Problem> {
    let id = *id;
    let ImportTemplatePatch { name, options } = body.value;
    let kept = options.as_ref().map(|options| json!(options));
    if let Some(options) = options {
        options.into_options()?;
    }
    state
        .write(&caller, move |tenant, ctx| {
            let template = templates::get(tenant, id.into())?;
            if_match.check(&TemplateView::from(template.clone()))?;
            Ok(Done(templates::update(tenant, ctx, template, name, kept)?.into()))
        })
        .await
}
