//! `GET /contact-manager/jobs`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::contact_manager;

use super::view::ContactManagerJobView;
use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery, encode_cursor};
use crate::problem::Problem;
use crate::state::State;

/// List the jobs of the contact manager
///
/// Newest first, with those that wait for their time and those that undo others.
#[utoipa::path(
    tag = "contact-manager",
    operation_id = "list_contact_manager_jobs",
    params(PageQuery),
    responses((status = 200, description = "A page of jobs", body = Page<ContactManagerJobView>)),
    security(("bearer" = ["manager:run"])),
)]
#[get("/contact-manager/jobs")]
pub(crate) async fn list_contact_manager_jobs(
    state: State,
    caller: Scoped<scope::ManagerRun>,
    page: Query<PageQuery>,
) -> Result<Page<ContactManagerJobView>, Problem> {
    let name = "contact_manager_jobs";
    let after: Option<Uuid> = page.after(name)?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, ctx| {
            let wanted = i64::try_from(limit).unwrap_or(0) + 1;
            let mut jobs = contact_manager::list(tenant, ctx, after.map(Into::into), wanted)?;
            let more = jobs.len() > limit;
            jobs.truncate(limit);
            let last = jobs.last().filter(|_| more);
            let next_cursor = last.map(|job| encode_cursor(name, &job.job.id)).transpose()?;
            Ok(Page { data: jobs.into_iter().map(Into::into).collect(), next_cursor })
        })
        .await
}
