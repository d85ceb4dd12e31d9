//! `GET /purposes`.

use actix_web::get;

use kartoteka_app::consents::purposes;

use super::PurposeView;
use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery, encode_cursor};
use crate::problem::Problem;
use crate::state::State;

/// The list's name in its cursors.
const LIST: &str = "purposes";

/// List purposes
///
/// In order of their names. Every workspace is born with `email_basic` and `sms_basic`.
#[utoipa::path(
    tag = "purposes",
    operation_id = "list_purposes",
    params(PageQuery),
    responses((status = 200, description = "A page of purposes", body = Page<PurposeView>)),
    security(("bearer" = ["consents:read"])),
)]
#[get("/purposes")]
pub(crate) async fn list_purposes(
    state: State,
    caller: Scoped<scope::ConsentsRead>,
    page: Query<PageQuery>,
) -> Result<Page<PurposeView>, Problem> {
    let after: Option<String> = page.after(LIST)?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, _| {
            let mut found = purposes::list(tenant, after.as_deref(), limit + 1)?;
            let more = found.len() > limit;
            found.truncate(limit);
            let last = found.last().filter(|_| more).map(|purpose| purpose.name.clone());
            let next_cursor = last.map(|name| encode_cursor(LIST, &name)).transpose()?;
            Ok(Page { data: found.into_iter().map(PurposeView::from).collect(), next_cursor })
        })
        .await
}
