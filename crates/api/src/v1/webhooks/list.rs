//! `GET /webhooks`.

use actix_web::get;
use uuid::Uuid;

use kartoteka_app::webhooks;

use super::WebhookView;
use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery, encode_cursor};
use crate::problem::Problem;
use crate::state::State;

/// List webhooks
///
/// Newest first.
#[utoipa::path(
    tag = "webhooks",
    operation_id = "list_webhooks",
    params(PageQuery),
    responses((status = 200, description = "A page of webhooks", body = Page<WebhookView>)),
    security(("bearer" = ["webhooks:write"])),
)]
#[get("/webhooks")]
pub(crate) async fn list_webhooks(
    state: State,
    caller: Scoped<scope::WebhooksWrite>,
    page: Query<PageQuery>,
) -> Result<Page<WebhookView>, Problem> {
    let before: Option<Uuid> = page.after("webhooks")?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, _| {
            let mut found = webhooks::list(tenant, before.map(Into::into), limit + 1)?;
            let more = found.len() > limit;
            found.truncate(limit);
            let last = found.last().filter(|_| more);
            let next_cursor =
                last.map(|webhook| encode_cursor("webhooks", &webhook.id)).transpose()?;
            Ok(Page { data: found.into_iter().map(WebhookView::from).collect(), next_cursor })
        })
        .await
}
