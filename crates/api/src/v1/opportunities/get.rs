//! `GET /opportunities/{id}`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::opportunities::Opportunities;
use kartoteka_app::records;

use super::OpportunityView;
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Read an opportunity
#[utoipa::path(
    tag = "opportunities",
    operation_id = "get_opportunity",
    params(("id" = Uuid, Path, description = "The opportunity")),
    responses((status = 200, description = "The opportunity", body = OpportunityView)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/opportunities/{id}")]
pub(crate) async fn get_opportunity(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    id: Path<Uuid>,
) -> Result<Done<OpportunityView>, Problem> {
    state
        .read(&caller, move |tenant, _| {
            Ok(Done(OpportunityView::from(records::get::<Opportunities>(tenant, *id)?)))
        })
        .await
}
