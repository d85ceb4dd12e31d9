//! Segments as they are answered.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::segments::saved::{Segment, Use, Uses};

use super::{FilterSchema, SelectionSchema};
use crate::extract::IfMatch;
use crate::problem::Problem;

/// A saved segment. It has a filter or a selection, as it was saved.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Segment)]
pub(crate) struct SegmentView {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name; compared without case.
    #[schema(example = "VIPs in Brno")]
    pub(crate) name: String,
    /// What it is for.
    #[schema(example = "Whom we invite to the shop")]
    pub(crate) description: Option<String>,
    /// The filter it was saved with.
    #[schema(value_type = Option<FilterSchema>)]
    pub(crate) filter: Option<Value>,
    /// The selection it was saved with.
    #[schema(value_type = Option<SelectionSchema>, example = json!(null))]
    pub(crate) selection: Option<Value>,
    /// How many things use it: other segments, jobs that wait or run, campaigns, rules, scenarios.
    #[schema(minimum = 0, example = 1)]
    pub(crate) uses: i64,
    /// What these are: at most 50 of each kind.
    pub(crate) used_by: Vec<SegmentUse>,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was changed last.
    pub(crate) updated_at: DateTime<Utc>,
}

/// Something that uses a segment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SegmentUse {
    /// `segment`, `job`, `campaign`, `rule` or `scenario`.
    #[serde(rename = "type")]
    #[schema(example = "segment")]
    pub(crate) kind: String,
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name, where it has one.
    #[schema(example = "Invited in spring")]
    pub(crate) name: Option<String>,
}

impl From<Use> for SegmentUse {
    fn from(one: Use) -> Self {
        Self { kind: one.kind, id: one.id, name: one.name }
    }
}

impl From<(Segment, Uses)> for SegmentView {
    fn from((segment, uses): (Segment, Uses)) -> Self {
        Self {
            id: segment.id,
            name: segment.name,
            description: segment.description,
            filter: segment.filter,
            selection: segment.selection,
            uses: uses.count(),
            used_by: uses.first.into_iter().map(SegmentUse::from).collect(),
            created_at: segment.created_at,
            updated_at: segment.updated_at,
        }
    }
}

/// Refuses a change that was meant for another version of the segment.
pub(crate) fn unchanged(if_match: &IfMatch, now: &Segment, uses: &Uses) -> Result<(), Problem> {
    if_match.check(&SegmentView::from((now.clone(), uses.clone())))
}
