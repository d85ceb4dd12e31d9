//! `GET /tracking/{parameter}` (MGR-M).

use actix_web::get;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::tracking::{self, Parameters};

use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Who came by a link.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tracking {
    /// The contact; of one that was merged the winner.
    contact_id: Uuid,
}

/// Find the contact behind a tracking parameter
///
/// `parameter` is the value of `ktrk` in a link of a document. A contact has the same one in all links. What was not made
/// here, is of another workspace, or of a contact that was purged, is `not_found`.
#[utoipa::path(
    tag = "tracking",
    operation_id = "get_tracking",
    params(("parameter" = String, Path, description = "The value of `ktrk`",
        example = "q1wAnwJkyF8wEr1DUcLpW1y1f1kR1q5bI4mZ3zXh2oU")),
    responses((status = 200, description = "The contact", body = Tracking)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/tracking/{parameter}")]
pub(crate) async fn get_tracking(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    parameter: Path<String>,
) -> Result<Done<Tracking>, Problem> {
    let parameters = Parameters::of(&state.settings().secret, caller.workspace);
    state
        .read(&caller, move |tenant, _ctx| {
            let contact = tracking::resolve(tenant, &parameters, &parameter)?;
            Ok(Done(Tracking { contact_id: contact.0 }))
        })
        .await
}
