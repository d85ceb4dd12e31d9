//! `POST /companies`.

use actix_web::post;

use kartoteka_app::companies;

use super::{CompanyView, NewCompany};
use crate::extract::{IdempotencyKey, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::{Created, Reply};
use crate::state::State;

/// Create a company
#[utoipa::path(
    tag = "companies",
    operation_id = "create_company",
    params(IdempotencyKey),
    request_body = NewCompany,
    responses((status = 201, description = "The company", body = CompanyView)),
    security(("bearer" = ["contacts:write"])),
)]
#[post("/companies")]
pub(crate) async fn create_company(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    key: IdempotencyKey,
    body: ValidJson<NewCompany>,
) -> Result<Reply, Problem> {
    let ValidJson { value, fingerprint } = body;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let made = CompanyView::from(companies::create(tenant, ctx, &value.into())?);
            Ok(Created { location: format!("/api/v1/companies/{}", made.id), body: made })
        })
        .await
}
