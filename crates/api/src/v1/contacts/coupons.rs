//! `GET /contacts/{id}/coupons`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::coupons;
use kartoteka_domain::ids::ContactId;

use crate::extract::{Path, Query, Scoped, scope};
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::state::State;
use crate::v1::coupons::{CouponView, paged};

/// List the coupons of a contact
///
/// Newest first, redeemed ones and those that are not good any more included.
#[utoipa::path(
    tag = "coupons",
    operation_id = "list_contact_coupons",
    params(("id" = Uuid, Path, description = "The contact"), PageQuery),
    responses((status = 200, description = "A page of coupons", body = Page<CouponView>)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/contacts/{id}/coupons")]
pub(crate) async fn list_contact_coupons(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    id: Path<Uuid>,
    page: Query<PageQuery>,
) -> Result<Page<CouponView>, Problem> {
    let list = format!("coupons of contact {}", *id);
    let before: Option<Uuid> = page.after(&list)?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, _| {
            let found = coupons::of_contact(tenant, ContactId(*id), before, limit + 1)?;
            paged(&list, found, limit)
        })
        .await
}
