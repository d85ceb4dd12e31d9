//! `GET /contact-manager/jobs/{id}/contacts`: what became of each.

use actix_web::get;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use kartoteka_app::frozen::ReportFilter;
use kartoteka_app::{Tenant, contact_manager};
use kartoteka_domain::codes::Code;
use kartoteka_domain::contact_manager::ActionType;
use kartoteka_domain::scopes::Scope;

use crate::extract::{Path, Query, Scoped, scope};
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::state::State;
use crate::v1::jobs::contacts::{JobContact, JobOutcome, reported};

/// Which contacts are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ManagerContactsQuery {
    /// Only what this action did.
    #[param(max_length = 100, example = "add_tags")]
    action: Option<String>,
    /// Only those with this outcome.
    #[param(inline, example = "skipped")]
    outcome: Option<JobOutcome>,
    /// Only those skipped for this reason.
    #[param(max_length = 100, example = "not_permitted")]
    reason: Option<String>,
}

/// The contacts of a job of the contact manager
///
/// Whom the selection meant when it began, in the order they are worked on, with what became of each: a line for each action.
/// Where the job has not come to a contact, because it is under way still or was stopped before, or where a job that undoes
/// another one had nothing to give back, action and outcome are `null`; with `action` such contacts are left out.
#[utoipa::path(
    tag = "contact-manager",
    operation_id = "list_contact_manager_job_contacts",
    params(("id" = Uuid, Path, description = "The job"), ManagerContactsQuery, PageQuery),
    responses((status = 200, description = "A page of contacts", body = Page<JobContact>)),
    security(("bearer" = ["manager:run", "contacts:read"])),
)]
#[get("/contact-manager/jobs/{id}/contacts")]
pub(crate) async fn list_contact_manager_job_contacts(
    state: State,
    caller: Scoped<scope::ManagerRun>,
    id: Path<Uuid>,
    query: Query<ManagerContactsQuery>,
    page: Query<PageQuery>,
) -> Result<Page<JobContact>, Problem> {
    caller.require(Scope::ContactsRead)?;
    let id = *id;
    let ManagerContactsQuery { action, outcome, reason } = query.into_inner();
    if action.as_ref().is_some_and(|action| action.parse::<ActionType>().is_err()) {
        let detail = "There is no such action; GET /contact-manager/actions lists all.";
        return Err(Problem::fault("?action", Code::InvalidValue, detail));
    }
    let outcome = outcome.map(|outcome| outcome.as_str().to_owned());
    let list = format!("contact_manager_contacts/{id} {action:?} {outcome:?} {reason:?}");
    let wanted = ReportFilter { action, outcome, reason, ..ReportFilter::default() };
    let report = move |tenant: &mut Tenant<'_>, filter: &ReportFilter| {
        contact_manager::contacts(tenant, id.into(), filter)
    };
    reported(state, &caller, list, wanted, page.into_inner(), report).await
}
