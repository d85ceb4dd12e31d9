//! `POST /segments`.

use actix_web::post;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use kartoteka_app::segments::saved::{self, Draft};

use super::body::SegmentBody;
use super::view::SegmentView;
use super::{FilterSchema, SelectionSchema};
use crate::extract::{IdempotencyKey, Scoped, scope};
use crate::problem::Problem;
use crate::reply::{Created, Reply};
use crate::state::State;

/// A selection to be saved: a name, and a filter or a selection.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"name": "VIPs in Brno", "description": "Whom we invite to the shop", "filter": {"and": [
    {"field": "tag", "op": "has", "value": "vip"}, {"field": "address.city", "op": "eq", "value": "Brno"}]}}))]
pub struct NewSegment {
    /// Its name; compared without case.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "VIPs in Brno")]
    pub name: String,
    /// What it is for.
    #[schema(max_length = 2000, example = "Whom we invite to the shop")]
    pub description: Option<String>,
    /// One filter; or else a selection.
    #[schema(value_type = Option<FilterSchema>)]
    pub filter: Option<Value>,
    /// A whole selection, when a filter is not enough to say it conveniently.
    #[schema(value_type = Option<SelectionSchema>)]
    pub selection: Option<Value>,
}

/// Save a segment
///
/// Its filter may name other segments, but not so that one is part of itself (`segment_cycle`). It has at most
/// 256 KiB as JSON, and with all its segments unfolded at most 500 nodes. What it names, it keeps: tags and purposes
/// in it cannot be deleted, and a tag that is renamed is renamed in it too. A name that differs only in case from
/// another is `segment_exists`.
#[utoipa::path(
    tag = "segments",
    operation_id = "create_segment",
    params(IdempotencyKey),
    request_body = NewSegment,
    responses((status = 201, description = "The segment", body = SegmentView)),
    security(("bearer" = ["segments:write"])),
)]
#[post("/segments")]
pub(crate) async fn create_segment(
    state: State,
    caller: Scoped<scope::SegmentsWrite>,
    key: IdempotencyKey,
    body: SegmentBody<NewSegment>,
) -> Result<Reply, Problem> {
    let SegmentBody { rest, name, trees, faults, fingerprint } = body;
    let description = rest.map(|rest| rest.description);
    let draft = Draft { name, description, ..trees };
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let segment = SegmentView::from(saved::create(tenant, ctx, &draft, faults)?);
            Ok(Created { location: format!("/api/v1/segments/{}", segment.id), body: segment })
        })
        .await
}
