//! `POST /contact-manager/jobs`.

use actix_web::post;

use kartoteka_app::contact_manager;

use super::body::CreateContactManagerJob;
use super::view::ContactManagerJobView;
use crate::extract::{IdempotencyKey, JsonObject, Scoped, scope};
use crate::problem::Problem;
use crate::reply::{Accepted, Reply};
use crate::state::State;
use crate::v1::jobs::location;

/// Do something with many contacts
///
/// A job: it puts down whom the selection means when it begins, and does the actions with each of them, in the order of
/// the matrix. Whoever comes to fit later is not among them. `outcomes` say for each action how many were `applied`,
/// `unchanged` and, by reason, `skipped`; `…/contacts` says it of each. With `run_at` it waits until then.
///
/// Always skipped are contacts `in_trash`, `not_found` or `merged` since, and those whose owner's level, or whose scopes,
/// do not allow it: `not_permitted`. Consent to marketing by e-mail is not given here: `opt_in_not_here` says where. A
/// selection that means nobody, or has no conditions, is `empty_selection`.
#[utoipa::path(
    tag = "contact-manager",
    operation_id = "create_contact_manager_job",
    params(IdempotencyKey),
    request_body = CreateContactManagerJob,
    responses((status = 202, description = "The job", body = ContactManagerJobView)),
    security(("bearer" = ["manager:run"])),
)]
#[post("/contact-manager/jobs")]
pub(crate) async fn create_contact_manager_job(
    state: State,
    caller: Scoped<scope::ManagerRun>,
    key: IdempotencyKey,
    body: JsonObject,
) -> Result<Reply, Problem> {
    let JsonObject { members, fingerprint } = body;
    let scopes = caller.scopes.clone();
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let job = contact_manager::create(tenant, ctx, &members, &scopes)?;
            let location = location(job.job.id);
            Ok(Accepted { location, body: ContactManagerJobView::from(job) })
        })
        .await
}
