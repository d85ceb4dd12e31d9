//! The saved mappings of the workspace.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::imports::templates;

use super::TemplateView;
use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery, encode_cursor};
use crate::problem::Problem;
use crate::state::State;

/// List saved mappings
///
/// Newest first.
#[utoipa::path(
    tag = "import_templates",
    operation_id = "list_import_templates",
    params(PageQuery),
    responses((status = 200, description = "A page of saved mappings", body = Page<TemplateView>)),
    security(("bearer" = ["imports:read"])),
)]
#[get("/import-templates")]
pub(crate) async fn list_import_templates(
    state: State,
    caller: Scoped<scope::ImportsRead>,
    page: Query<PageQuery>,
) -> Result<Page<TemplateView>, Problem> {
    let after: Option<Uuid> = page.after("import_templates")?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, _ctx| {
            let wanted = i64::try_from(limit).unwrap_or(0) + 1;
            let mut data: Vec<TemplateView> =
                templates::list(tenant, after.map(Into::into), wanted)?
                    .into_iter()
                    .map(Into::into)
                    .collect();
            let more = data.len() > limit;
            data.truncate(limit);
            let last = data.last().filter(|_| more);
            let next_cursor = last.map(|t| encode_cursor("import_templates", &t.id)).transpose()?;
            Ok(Page { data, next_cursor })
        })
        .await
}
