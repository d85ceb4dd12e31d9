//! The plan (IMP-13).

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::imports;

use super::PlanView;
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// The plan of an import
///
/// The exact number of rows per class and per outcome, and what the contact limit will do. The numbers of the
/// plan are the numbers of the commit.
#[utoipa::path(
    tag = "imports",
    operation_id = "get_import_plan",
    params(("id" = Uuid, Path, description = "The import")),
    responses((status = 200, description = "The plan", body = PlanView),
        (status = 409, description = "There is no plan yet", body = crate::problem::ProblemBody,
            content_type = "application/problem+json")),
    security(("bearer" = ["imports:read"])),
)]
#[get("/imports/{id}/plan")]
pub(crate) async fn get_import_plan(
    state: State,
    caller: Scoped<scope::ImportsRead>,
    id: Path<Uuid>,
) -> Result<Done<PlanView>, Problem> {
    let id = *id;
    state
        .read(&caller, move |tenant, _ctx| {
            let import = imports::get(tenant, id.into())?;
            Ok(Done(imports::plan::plan_of(&import)?.into()))
        })
        .await
}
