//! The contacts a job works on, and what became of each.

use actix_web::get;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use kartoteka_app::frozen::{ReportFilter, Reported};
use kartoteka_app::{Error, Tenant, jobs};

use crate::extract::{Caller, Path, Query, Scoped, scope};
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::state::State;

/// Which contacts are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct JobContactsQuery {
    /// Only those with this outcome.
    #[param(inline, example = "skipped")]
    outcome: Option<JobOutcome>,
    /// Only those skipped for this reason.
    #[param(max_length = 100, example = "in_trash")]
    reason: Option<String>,
}

/// What became of a contact.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JobOutcome {
    /// It was changed.
    Applied,
    /// It was like that already.
    Unchanged,
    /// It was left alone.
    Skipped,
}

impl JobOutcome {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Skipped => "skipped",
        }
    }
}

/// A contact of a job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobContact {
    /// The contact; one that was purged since keeps its place.
    pub(crate) contact_id: Uuid,
    /// What was done: `edit`, or the action of a job of the contact manager; `null` where the job has not come to it, or had
    /// nothing to give back.
    #[schema(required = true, example = "edit")]
    pub(crate) action: Option<String>,
    /// `applied`, `unchanged` or `skipped`; `null` as `action` is.
    #[schema(required = true, example = "skipped")]
    pub(crate) outcome: Option<String>,
    /// Why it was skipped: `in_trash`, `not_found` and the like.
    #[schema(required = true, example = "in_trash")]
    pub(crate) reason: Option<String>,
}

impl From<Reported> for JobContact {
    fn from(row: Reported) -> Self {
        let Reported { seq: _, contact_id, action, outcome, reason } = row;
        Self { contact_id, action, outcome, reason }
    }
}

/// A page of the report on a job, which `report` reads. `list` names it in cursors; of `wanted`, place and limit are those of
/// the page.
///
/// # Errors
/// `invalid_cursor`, what `report` says.
pub(crate) async fn reported(
    state: State,
    caller: &Caller,
    list: String,
    wanted: ReportFilter,
    page: PageQuery,
    report: impl FnOnce(&mut Tenant<'_>, &ReportFilter) -> Result<Vec<Reported>, Error> + Send + 'static,
) -> Result<Page<JobContact>, Problem> {
    let after: Option<(i64, String)> = page.after(&list)?;
    let limit = usize::from(page.limit);
    let more = i64::from(page.limit) + 1;
    let wanted = ReportFilter { after: after.unwrap_or_default(), limit: more, ..wanted };
    state
        .read(caller, move |tenant, _ctx| {
            let place = |row: &Reported| (row.seq, row.action.clone().unwrap_or_default());
            Page::cut(&list, report(tenant, &wanted)?, limit, place, JobContact::from)
        })
        .await
}

/// The contacts of a job
///
/// Of a job over many contacts, such as a bulk edit: whom it means, put down when it began, and what became of
/// each, in the order they are worked on; of a job with several actions a line for each. Other jobs have none.
#[utoipa::path(
    tag = "jobs",
    operation_id = "list_job_contacts",
    params(("id" = Uuid, Path, description = "The job"), JobContactsQuery, PageQuery),
    responses((status = 200, description = "A page of contacts", body = Page<JobContact>)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/jobs/{id}/contacts")]
pub(crate) async fn list_job_contacts(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    id: Path<Uuid>,
    query: Query<JobContactsQuery>,
    page: Query<PageQuery>,
) -> Result<Page<JobContact>, Problem> {
    let id = *id;
    let JobContactsQuery { outcome, reason } = query.into_inner();
    let outcome = outcome.map(|outcome| outcome.as_str().to_owned());
    let list = format!("job_contacts/{id} {outcome:?} {reason:?}");
    let wanted = ReportFilter { outcome, reason, ..ReportFilter::default() };
    let report = move |tenant: &mut Tenant<'_>, filter: &ReportFilter| {
        jobs::contacts(tenant, id.into(), filter)
    };
    reported(state, &caller, list, wanted, page.into_inner(), report).await
}
