//! The jobs of the workspace.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::jobs;

use super::JobView;
use crate::extract::{AnyScope, Query, Scoped};
use crate::page::{Page, PageQuery, encode_cursor};
use crate::problem::Problem;
use crate::state::State;

/// List jobs
///
/// Newest first.
#[utoipa::path(
    tag = "jobs",
    operation_id = "list_jobs",
    params(PageQuery),
    responses((status = 200, description = "A page of jobs", body = Page<JobView>)),
    security(("bearer" = [])),
)]
#[get("/jobs")]
pub(crate) async fn list_jobs(
    state: State,
    caller: Scoped<AnyScope>,
    page: Query<PageQuery>,
) -> Result<Page<JobView>, Problem> {
    let after: Option<Uuid> = page.after("jobs")?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, _ctx| {
            let wanted = i64::try_from(limit).unwrap_or(0) + 1;
            let mut data: Vec<JobView> = jobs::list(tenant, after.map(Into::into), wanted)?
                .into_iter()
                .map(Into::into)
                .collect();
            let more = data.len() > limit;
            data.truncate(limit);
            let last = data.last().filter(|_| more);
            let next_cursor = last.map(|job| encode_cursor("jobs", &job.id)).transpose()?;
            Ok(Page { data, next_cursor })
        })
        .await
}
