//! `GET /tags`.

use actix_web::get;
use serde::Deserialize;
use utoipa::IntoParams;

use kartoteka_app::tags;

use super::TagView;
use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery, encode_cursor};
use crate::problem::Problem;
use crate::state::State;

/// Which tags.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TagFilter {
    /// A part of the name; case does not matter.
    #[param(max_length = 100, example = "vip")]
    q: Option<String>,
}

/// List tags
///
/// In order of their names. How many contacts carry one is told by `GET /tags/{id}`.
#[utoipa::path(
    tag = "tags",
    operation_id = "list_tags",
    params(TagFilter, PageQuery),
    responses((status = 200, description = "A page of tags", body = Page<TagView>)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/tags")]
pub(crate) async fn list_tags(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    filter: Query<TagFilter>,
    page: Query<PageQuery>,
) -> Result<Page<TagView>, Problem> {
    let part = filter.into_inner().q.map(|text| text.trim().to_lowercase());
    let list = format!("tags {}", part.as_deref().unwrap_or_default());
    let after: Option<String> = page.after(&list)?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, _| {
            let mut found = tags::list(tenant, part.as_deref(), after.as_deref(), limit + 1)?;
            let more = found.len() > limit;
            found.truncate(limit);
            let last = found.last().filter(|_| more).map(|tag| tag.name_key.clone());
            let next_cursor = last.map(|key| encode_cursor(&list, &key)).transpose()?;
            Ok(Page { data: found.into_iter().map(TagView::from).collect(), next_cursor })
        })
        .await
}
