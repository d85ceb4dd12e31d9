//! `GET /companies`.

use actix_web::get;
use serde::Deserialize;
use utoipa::IntoParams;

use kartoteka_app::companies::Companies;
use kartoteka_app::records::Equal;

use super::CompanyView;
use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::state::State;
use crate::v1::records::{self as shared, ListQuery};

/// Which companies.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CompanyFilter {
    /// IČO and its like; white space does not matter.
    #[param(max_length = 100, example = "27074358")]
    registration_number: Option<String>,
}

/// List companies
///
/// Newest first, unless `sort` says otherwise: by `name`, `registration_number`, `vat_number`,
/// `city`, `country`, `email`, `created_at`, `updated_at`.
#[utoipa::path(
    tag = "companies",
    operation_id = "list_companies",
    params(ListQuery, CompanyFilter, PageQuery),
    responses((status = 200, description = "A page of companies", body = Page<CompanyView>)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/companies")]
pub(crate) async fn list_companies(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    list: Query<ListQuery>,
    filter: Query<CompanyFilter>,
    page: Query<PageQuery>,
) -> Result<Page<CompanyView>, Problem> {
    let CompanyFilter { registration_number } = filter.into_inner();
    let mut equal = Vec::new();
    if let Some(number) = registration_number {
        let number: String = number.split_whitespace().collect();
        equal.push(Equal::Text("registration_number", number));
    }
    state
        .read(&caller, move |tenant, _| {
            shared::answer::<Companies, CompanyView>(tenant, "companies", &list, equal, &page)
        })
        .await
}
