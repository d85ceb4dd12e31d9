//! Coupons of contacts (MGR-J).

pub mod get;
pub mod list;
pub mod redeem;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use kartoteka_app::coupons::Coupon;

use crate::page::Page;
use crate::problem::Problem;

/// The operations on coupons.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(redeem::redeem_coupon).service(list::list_coupons).service(get::get_coupon);
}

/// A coupon.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Coupon)]
pub(crate) struct CouponView {
    /// Its id; ids sort in order of time.
    pub(crate) id: Uuid,
    /// Whose it is.
    pub(crate) contact_id: Uuid,
    /// What it is for.
    #[schema(example = "Spring")]
    pub(crate) name: String,
    /// What is redeemed; compared without case.
    #[schema(example = "7KX4MQRA")]
    pub(crate) code: String,
    /// The instant at which it is good no more.
    pub(crate) valid_until: DateTime<Utc>,
    /// The job of the contact manager that made it.
    #[schema(required = true)]
    pub(crate) job_id: Option<Uuid>,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was redeemed; `null` while it was not.
    #[schema(required = true)]
    pub(crate) redeemed_at: Option<DateTime<Utc>>,
}

impl From<Coupon> for CouponView {
    fn from(coupon: Coupon) -> Self {
        let Coupon { id, contact_id, name, code, valid_until, job_id, created_at, redeemed_at } =
            coupon;
        Self { id, contact_id, name, code, valid_until, job_id, created_at, redeemed_at }
    }
}

/// A page of `limit`, of which one more was found when there is a next one.
pub(crate) fn paged(
    list: &str,
    found: Vec<Coupon>,
    limit: usize,
) -> Result<Page<CouponView>, Problem> {
    Page::cut(list, found, limit, |coupon| coupon.id, CouponView::from)
}
