//! The imports of the workspace.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::{imports, jobs};

use super::ImportView;
use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery, encode_cursor};
use crate::problem::Problem;
use crate::state::State;

/// List imports
///
/// Newest first.
#[utoipa::path(
    tag = "imports",
    operation_id = "list_imports",
    params(PageQuery),
    responses((status = 200, description = "A page of imports", body = Page<ImportView>)),
    security(("bearer" = ["imports:read"])),
)]
#[get("/imports")]
pub(crate) async fn list_imports(
    state: State,
    caller: Scoped<scope::ImportsRead>,
    page: Query<PageQuery>,
) -> Result<Page<ImportView>, Problem> {
    let after: Option<Uuid> = page.after("imports")?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, _ctx| {
            let wanted = i64::try_from(limit).unwrap_or(0) + 1;
            let mut records = imports::list(tenant, after.map(Into::into), wanted)?;
            let more = records.len() > limit;
            records.truncate(limit);
            let last = records.last().filter(|_| more);
            let next_cursor =
                last.map(|import| encode_cursor("imports", &import.id)).transpose()?;
            let ids = records.iter().filter_map(|import| import.job_id).collect();
            let jobs = jobs::get_many(tenant, ids)?;
            let data = records
                .into_iter()
                .map(|import| {
                    let job = jobs.iter().find(|job| Some(job.id) == import.job_id).cloned();
                    ImportView::new(import, job)
                })
                .collect::<Result<_, _>>()?;
            Ok(Page { data, next_cursor })
        })
        .await
}
