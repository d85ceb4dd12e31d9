//! `GET /coupons`.

use actix_web::get;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use kartoteka_app::coupons::{self, Filter};
use kartoteka_domain::classes;
use kartoteka_domain::coupons::typed;

use super::{CouponView, paged};
use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::state::State;

/// Which coupons.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CouponFilter {
    /// Of this name; case does not matter.
    #[param(min_length = 1, max_length = 100, example = "Spring")]
    name: Option<String>,
    /// Of this contact.
    contact_id: Option<Uuid>,
    /// Redeemed ones, or those that are not.
    #[param(example = false)]
    redeemed: Option<bool>,
    /// With this code; case does not matter.
    #[param(min_length = 1, max_length = 100, example = "7KX4MQRA")]
    code: Option<String>,
}

/// List coupons
///
/// Newest first.
#[utoipa::path(
    tag = "coupons",
    operation_id = "list_coupons",
    params(CouponFilter, PageQuery),
    responses((status = 200, description = "A page of coupons", body = Page<CouponView>)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/coupons")]
pub(crate) async fn list_coupons(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    filter: Query<CouponFilter>,
    page: Query<PageQuery>,
) -> Result<Page<CouponView>, Problem> {
    let CouponFilter { name, contact_id, redeemed, code } = filter.into_inner();
    let mut faults = Vec::new();
    let name = name.and_then(|name| classes::read_name(&name, "?name", &mut faults));
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let filter = Filter {
        name_key: name.map(|name| name.key().to_owned()),
        contact: contact_id,
        redeemed,
        // what cannot be a code is the code of none
        code: code.map(|code| typed(&code).unwrap_or_default()),
    };
    let list = format!("coupons {}", serde_json::to_string(&filter).map_err(Problem::internal)?);
    let before: Option<Uuid> = page.after(&list)?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, _| {
            let found = coupons::list(tenant, &filter, before, limit + 1)?;
            paged(&list, found, limit)
        })
        .await
}
