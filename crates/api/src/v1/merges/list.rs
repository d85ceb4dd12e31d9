//! `GET /merges`.

use actix_web::get;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use kartoteka_app::contacts::merges;
use kartoteka_domain::ids::ContactId;

use super::MergeView;
use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery, encode_cursor};
use crate::problem::Problem;
use crate::state::State;

/// Which merges.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct MergeFilter {
    /// Only those this contact won or lost.
    contact_id: Option<Uuid>,
}

/// List merges
///
/// Newest first; those that were undone too.
#[utoipa::path(
    tag = "merges",
    operation_id = "list_merges",
    params(MergeFilter, PageQuery),
    responses((status = 200, description = "A page of merges", body = Page<MergeView>)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/merges")]
pub(crate) async fn list_merges(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    filter: Query<MergeFilter>,
    page: Query<PageQuery>,
) -> Result<Page<MergeView>, Problem> {
    let contact = filter.contact_id;
    let list = format!("merges/{contact:?}");
    let before: Option<Uuid> = page.after(&list)?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, _| {
            let mut found = merges::list(tenant, contact.map(ContactId), before, limit + 1)?;
            let more = found.len() > limit;
            found.truncate(limit);
            let last = found.last().filter(|_| more).map(|merge| merge.id);
            let next_cursor = last.map(|id| encode_cursor(&list, &id)).transpose()?;
            Ok(Page { data: found.into_iter().map(MergeView::from).collect(), next_cursor })
        })
        .await
}
