//! `GET /erasures`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::erasures;

use super::ErasureView;
use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery, encode_cursor};
use crate::problem::Problem;
use crate::state::State;

/// List erasures
///
/// Newest first.
#[utoipa::path(
    tag = "erasures",
    operation_id = "list_erasures",
    params(PageQuery),
    responses((status = 200, description = "A page of erasures", body = Page<ErasureView>)),
    security(("bearer" = ["contacts:delete"])),
)]
#[get("/erasures")]
pub(crate) async fn list_erasures(
    state: State,
    caller: Scoped<scope::ContactsDelete>,
    page: Query<PageQuery>,
) -> Result<Page<ErasureView>, Problem> {
    let before: Option<Uuid> = page.after("erasures")?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, _ctx| {
            let mut found = erasures::list(tenant, before, limit + 1)?;
            let more = found.len() > limit;
            found.truncate(limit);
            let last = found.last().filter(|_| more);
            let next_cursor = last.map(|one| encode_cursor("erasures", &one.id)).transpose()?;
            Ok(Page { data: found.into_iter().map(ErasureView::from).collect(), next_cursor })
        })
        .await
}
