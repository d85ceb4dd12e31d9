//! `GET /segments`.

use actix_web::get;
use serde::Deserialize;
use utoipa::IntoParams;

use kartoteka_app::segments::saved;
use kartoteka_domain::ids::SegmentId;

use super::view::SegmentView;
use crate::extract::{Query, Scoped, scope};
use crate::page::{Page, PageQuery, encode_cursor};
use crate::problem::Problem;
use crate::state::State;

/// Which segments.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SegmentFilter {
    /// A part of the name; case does not matter.
    #[param(max_length = 200, example = "brno")]
    q: Option<String>,
}

/// List segments
///
/// In order of their names, each with what uses it.
#[utoipa::path(
    tag = "segments",
    operation_id = "list_segments",
    params(SegmentFilter, PageQuery),
    responses((status = 200, description = "A page of segments", body = Page<SegmentView>)),
    security(("bearer" = ["segments:read"])),
)]
#[get("/segments")]
pub(crate) async fn list_segments(
    state: State,
    caller: Scoped<scope::SegmentsRead>,
    filter: Query<SegmentFilter>,
    page: Query<PageQuery>,
) -> Result<Page<SegmentView>, Problem> {
    let part = filter.into_inner().q.map(|text| text.trim().to_lowercase());
    let list = format!("segments {}", part.as_deref().unwrap_or_default());
    let after: Option<String> = page.after(&list)?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, _| {
            let mut found = saved::list(tenant, part.as_deref(), after.as_deref(), limit + 1)?;
            let more = found.len() > limit;
            found.truncate(limit);
            let last = found.last().filter(|_| more).map(|segment| segment.name_key.clone());
            let next_cursor = last.map(|key| encode_cursor(&list, &key)).transpose()?;
            let ids: Vec<SegmentId> = found.iter().map(|segment| SegmentId(segment.id)).collect();
            let mut uses = saved::uses(tenant, &ids)?;
            let data = found.into_iter().map(|segment| {
                let uses = uses.remove(&SegmentId(segment.id)).unwrap_or_default();
                SegmentView::from((segment, uses))
            });
            Ok(Page { data: data.collect(), next_cursor })
        })
        .await
}
