//! `GET /activities/{id}`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::activities;
use kartoteka_domain::ids::ActivityId;

use super::ActivityView;
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Read an activity
#[utoipa::path(
    tag = "activities",
    operation_id = "get_activity",
    params(("id" = Uuid, Path, description = "The activity")),
    responses((status = 200, description = "The activity", body = ActivityView)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/activities/{id}")]
pub(crate) async fn get_activity(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    id: Path<Uuid>,
) -> Result<Done<ActivityView>, Problem> {
    state
        .read(&caller, move |tenant, _| Ok(Done(activities::get(tenant, ActivityId(*id))?.into())))
        .await
}
