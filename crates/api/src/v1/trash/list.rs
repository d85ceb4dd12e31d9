//! `GET /trash`.

use actix_web::get;

use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::state::State;
use crate::v1::contacts::list::{ContactFilter, ContactSort, answer};
use crate::v1::contacts::view::ContactView;

/// List the trash
///
/// Searched, narrowed and sorted as `GET /contacts`; `sort=-trashed_at` shows what was deleted last.
#[utoipa::path(
    tag = "trash",
    operation_id = "list_trash",
    params(ContactFilter, ContactSort, PageQuery),
    responses((status = 200, description = "A page of contacts in the trash", body = Page<ContactView>)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/trash")]
pub(crate) async fn list_trash(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    filter: Query<ContactFilter>,
    sort: Query<ContactSort>,
    page: Query<PageQuery>,
) -> Result<Page<ContactView>, Problem> {
    state
        .read(&caller, move |tenant, ctx| {
            answer(tenant, ctx.now, filter.into_inner(), true, &sort, &page)
        })
        .await
}
