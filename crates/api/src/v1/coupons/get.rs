//! `GET /coupons/{id}`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::coupons;
use kartoteka_domain::ids::CouponId;

use super::CouponView;
use crate::extract::{Path, Scoped, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Read a coupon
#[utoipa::path(
    tag = "coupons",
    operation_id = "get_coupon",
    params(("id" = Uuid, Path, description = "The coupon")),
    responses((status = 200, description = "The coupon", body = CouponView)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/coupons/{id}")]
pub(crate) async fn get_coupon(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    id: Path<Uuid>,
) -> Result<Done<CouponView>, Problem> {
    state
        .read(&caller, move |tenant, _| Ok(Done(coupons::get(tenant, CouponId(*id))?.into())))
        .await
}
