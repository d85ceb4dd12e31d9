//! `GET /groups`.

use actix_web::get;
use serde::Deserialize;
use utoipa::IntoParams;

use kartoteka_app::classes::{self, Kind};

use super::GroupView;
use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery, encode_cursor};
use crate::problem::Problem;
use crate::state::State;

/// Which groups.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct GroupFilter {
    /// A part of the name; case does not matter.
    #[param(max_length = 100, example = "supp")]
    q: Option<String>,
}

/// List groups
///
/// In order of their names. How many contacts are in one is told by `GET /groups/{id}`.
#[utoipa::path(
    tag = "groups",
    operation_id = "list_groups",
    params(GroupFilter, PageQuery),
    responses((status = 200, description = "A page of groups", body = Page<GroupView>)),
    security(("bearer" = ["contacts:read"])),
)]
#[get("/groups")]
pub(crate) async fn list_groups(
    state: State,
    caller: Scoped<scope::ContactsRead>,
    filter: Query<GroupFilter>,
    page: Query<PageQuery>,
) -> Result<Page<GroupView>, Problem> {
    let part = filter.into_inner().q.map(|text| text.trim().to_lowercase());
    let list = format!("groups {}", part.as_deref().unwrap_or_default());
    let after: Option<String> = page.after(&list)?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, _| {
            let (part, after) = (part.as_deref(), after.as_deref());
            let mut found = classes::list(tenant, Kind::Group, part, after, limit + 1)?;
            let more = found.len() > limit;
            found.truncate(limit);
            let last = found.last().filter(|_| more).map(|group| group.name_key.clone());
            let next_cursor = last.map(|key| encode_cursor(&list, &key)).transpose()?;
            Ok(Page { data: found.into_iter().map(GroupView::from).collect(), next_cursor })
        })
        .await
}
