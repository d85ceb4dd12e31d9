//! Saving a mapping.

use actix_web::post;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use kartoteka_app::imports::templates;

use super::TemplateView;
use crate::extract::{IdempotencyKey, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::{Created, Reply};
use crate::state::State;
use crate::v1::imports::run::RunOptions;

/// A mapping to be saved.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewImportTemplate {
    /// Its name.
    #[schema(min_length = 1, max_length = 200, example = "Shop export")]
    pub name: String,
    /// The steps, as the one-call import takes them.
    pub options: RunOptions,
}

/// Save a mapping
#[utoipa::path(
    tag = "import_templates",
    operation_id = "create_import_template",
    params(IdempotencyKey),
    request_body = NewImportTemplate,
    responses((status = 201, description = "The saved mapping", body = TemplateView)),
    security(("bearer" = ["imports:write"])),
)]
#[post("/import-templates")]
pub(crate) async fn create_import_template(
    state: State,
    caller: Scoped<scope::ImportsWrite>,
    key: IdempotencyKey,
    body: ValidJson<NewImportTemplate>,
) -> Result<Reply, Problem> {
    let ValidJson { value, fingerprint } = body;
    let options = json!(value.options);
    value.options.into_options()?;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let template = templates::create(tenant, ctx, value.name, options)?;
            let location = format!("/api/v1/import-templates/{}", template.id);
            Ok(Created { location, body: TemplateView::from(template) })
        })
        .await
}
