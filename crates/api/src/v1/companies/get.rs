//! `GET /companies/{id}`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::companies::Companies;
use kartoteka_app::records;

use super::CompanyView;
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Read a company
#[utoipa::path(
    tag = "companies",
    operation_id = "get_company",
    params(("id" = Uuid, Path, description = "The company")),
    responses((status = 200, description = "The company", body = CompanyView)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/companies/{id}")]
pub(crate) async fn get_company(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    id: Path<Uuid>,
) -> Result<Done<CompanyView>, Problem> {
    state
        .read(&caller, move |tenant, _| {
            Ok(Done(CompanyView::from(records::get::<Companies>(tenant, *id)?)))
        })
        .await
}
