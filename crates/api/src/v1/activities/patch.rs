//! `PATCH /activities/{id}`.

use actix_web::patch;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::activities::{self, ActivityRow};
use kartoteka_domain::activities::{ActivityPatch, Kind};
use kartoteka_domain::ids::{ActivityId, ContactId};

use super::{ActivityType, ActivityView};
use crate::extract::{IfMatch, Path, Scoped, ValidJson, nullable, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;
use crate::v1::records::patched;

/// Changes of an activity: a merge patch; `contact_ids` are replaced as a whole.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"done_at": "2026-05-01T10:15:00Z", "result": "Interested"}))]
pub(crate) struct ActivityChanges {
    /// What kind of thing it is.
    #[serde(default)]
    #[schema(nullable = false)]
    pub(crate) r#type: Option<ActivityType>,
    /// What it is about, in one line.
    #[serde(default)]
    #[schema(nullable = false, min_length = 1, max_length = 300, pattern = r"\S")]
    pub(crate) subject: Option<String>,
    /// What it is about.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 10000)]
    pub(crate) text: Option<Option<String>>,
    /// When it starts.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    pub(crate) starts_at: Option<Option<DateTime<Utc>>>,
    /// Until when it is to be done.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    pub(crate) due_at: Option<Option<DateTime<Utc>>>,
    /// When it was done; `null` plans it again.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    pub(crate) done_at: Option<Option<DateTime<Utc>>>,
    /// What came of it, in words of the workspace.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 200)]
    pub(crate) result: Option<Option<String>>,
    /// Whom it is about, at most 100; `null` is nobody.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Vec<Uuid>>, max_items = 100)]
    pub(crate) contact_ids: Option<Option<Vec<Uuid>>>,
    /// The company it is about.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Uuid>)]
    pub(crate) company_id: Option<Option<Uuid>>,
    /// The opportunity it is about.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Uuid>)]
    pub(crate) opportunity_id: Option<Option<Uuid>>,
    /// The project it is about.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Uuid>)]
    pub(crate) project_id: Option<Option<Uuid>>,
}

/// Change an activity
///
/// A merge patch (RFC 7396): what is absent stays, `null` clears. A contact in the trash is restored before it is
/// added: `conflict`.
#[utoipa::path(
    tag = "activities",
    operation_id = "patch_activity",
    params(("id" = Uuid, Path, description = "The activity"), IfMatch),
    request_body = ActivityChanges,
    responses((status = 200, description = "The activity", body = ActivityView)),
    security(("bearer" = ["contacts:write"])),
)]
#[patch("/activities/{id}")]
pub(crate) async fn patch_activity(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
    body: ValidJson<ActivityChanges>,
) -> Result<Done<ActivityView>, Problem> {
    let patch = body.into_inner().into_patch();
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &ActivityRow| if_match.check(&ActivityView::from(now.clone()));
            Ok(Done(activities::update(tenant, ctx, ActivityId(*id), &patch, guard)?.into()))
        })
        .await
}

impl ActivityChanges {
    fn into_patch(self) -> ActivityPatch {
        let contacts = |ids: Option<Vec<Uuid>>| -> Vec<ContactId> {
            ids.unwrap_or_default().into_iter().map(ContactId).collect()
        };
        ActivityPatch {
            kind: self.r#type.map(Kind::from),
            subject: self.subject,
            text: patched(self.text),
            starts_at: patched(self.starts_at),
            due_at: patched(self.due_at),
            done_at: patched(self.done_at),
            result: patched(self.result),
            contacts: self.contact_ids.map(contacts),
            company_id: patched(self.company_id),
            opportunity_id: patched(self.opportunity_id),
            project_id: patched(self.project_id),
        }
    }
}
