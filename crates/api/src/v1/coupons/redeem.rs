//! `POST /coupons/redeem`.

use actix_web::post;
use serde::Deserialize;
use utoipa::ToSchema;

use kartoteka_app::coupons;

use super::CouponView;
use crate::extract::{IdempotencyKey, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::{Done, Reply};
use crate::state::State;

/// A coupon to be redeemed.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Redemption {
    /// Its code; case does not matter.
    #[schema(min_length = 1, max_length = 100, example = "7KX4MQRA")]
    pub(crate) code: String,
}

/// Redeem a coupon
///
/// Once: a second time it is `coupon_redeemed`, after its time `coupon_expired`, and of two at once one is done. The
/// coupon of a contact in the trash is not redeemed before it is restored: `conflict`.
#[utoipa::path(
    tag = "coupons",
    operation_id = "redeem_coupon",
    params(IdempotencyKey),
    request_body = Redemption,
    responses((status = 200, description = "The coupon", body = CouponView)),
    security(("bearer" = ["contacts:write"])),
)]
#[post("/coupons/redeem")]
pub(crate) async fn redeem_coupon(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    key: IdempotencyKey,
    body: ValidJson<Redemption>,
) -> Result<Reply, Problem> {
    let ValidJson { value, fingerprint } = body;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            Ok(Done(CouponView::from(coupons::redeem(tenant, ctx, &value.code)?)))
        })
        .await
}
