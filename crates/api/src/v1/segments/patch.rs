//! `PATCH /segments/{id}`.

use actix_web::patch;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::segments::saved::{self, Draft};
use kartoteka_domain::ids::SegmentId;

use super::body::SegmentBody;
use super::view::{SegmentView, unchanged};
use super::{FilterSchema, SelectionSchema};
use crate::extract::{IfMatch, Path, Scoped, nullable, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Changes of a segment: a merge patch; a tree is replaced as a whole, and a filter takes the place of a
/// selection and the other way round.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"description": null, "filter": {"field": "tag", "op": "has", "value": "vip"}}))]
pub struct SegmentPatch {
    /// Its name; compared without case.
    #[schema(
        nullable = false,
        min_length = 1,
        max_length = 200,
        pattern = r"\S",
        example = "VIPs in Brno"
    )]
    pub name: Option<String>,
    /// What it is for; `null` clears it.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 2000, example = "Whom we invite to the shop")]
    pub description: Option<Option<String>>,
    /// One filter.
    #[schema(value_type = Option<FilterSchema>)]
    pub filter: Option<Value>,
    /// A whole selection.
    #[schema(value_type = Option<SelectionSchema>)]
    pub selection: Option<Value>,
}

/// Change a segment
///
/// Everything that uses it means the new one from now on. So the segments that use it, unfolded, must not grow
/// too large by it, and it must not become part of itself (`segment_cycle`).
#[utoipa::path(
    tag = "segments",
    operation_id = "patch_segment",
    params(("id" = Uuid, Path, description = "The segment"), IfMatch),
    request_body = SegmentPatch,
    responses((status = 200, description = "The segment", body = SegmentView)),
    security(("bearer" = ["segments:write"])),
)]
#[patch("/segments/{id}")]
pub(crate) async fn patch_segment(
    state: State,
    caller: Scoped<scope::SegmentsWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
    body: SegmentBody<SegmentPatch>,
) -> Result<Done<SegmentView>, Problem> {
    let SegmentBody { rest, name, trees, faults, fingerprint: _ } = body;
    let description = rest.and_then(|rest| rest.description);
    let draft = Draft { name, description, ..trees };
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &_, uses: &_| unchanged(&if_match, now, uses);
            Ok(Done(saved::update(tenant, ctx, SegmentId(*id), &draft, faults, guard)?.into()))
        })
        .await
}
