//! `POST /activities`.

use actix_web::post;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::activities;
use kartoteka_domain::activities::ActivityPatch;
use kartoteka_domain::ids::ContactId;

use super::{ActivityType, ActivityView};
use crate::extract::{IdempotencyKey, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::{Created, Reply};
use crate::state::State;
use crate::v1::records::given;

/// An activity to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({
    "subject": "Nabídka na jaro", "type": "call", "starts_at": "2026-05-01T10:00:00Z", "result": "Interested"
}))]
pub(crate) struct NewActivity {
    /// What kind of thing it is.
    pub(crate) r#type: ActivityType,
    /// What it is about, in one line.
    #[schema(min_length = 1, max_length = 300, pattern = r"\S")]
    pub(crate) subject: String,
    /// What it is about.
    #[schema(max_length = 10000)]
    pub(crate) text: Option<String>,
    /// When it starts.
    pub(crate) starts_at: Option<DateTime<Utc>>,
    /// Until when it is to be done.
    pub(crate) due_at: Option<DateTime<Utc>>,
    /// When it was done; absent while it is planned.
    pub(crate) done_at: Option<DateTime<Utc>>,
    /// What came of it, in words of the workspace.
    #[schema(max_length = 200)]
    pub(crate) result: Option<String>,
    /// Whom it is about, at most 100.
    #[schema(max_items = 100)]
    pub(crate) contact_ids: Option<Vec<Uuid>>,
    /// The company it is about.
    pub(crate) company_id: Option<Uuid>,
    /// The opportunity it is about.
    pub(crate) opportunity_id: Option<Uuid>,
    /// The project it is about.
    pub(crate) project_id: Option<Uuid>,
}

/// Create an activity
///
/// Done or planned. Contacts in the trash are restored first: `conflict`.
#[utoipa::path(
    tag = "activities",
    operation_id = "create_activity",
    params(IdempotencyKey),
    request_body = NewActivity,
    responses((status = 201, description = "The activity", body = ActivityView)),
    security(("bearer" = ["contacts:write"])),
)]
#[post("/activities")]
pub(crate) async fn create_activity(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    key: IdempotencyKey,
    body: ValidJson<NewActivity>,
) -> Result<Reply, Problem> {
    let ValidJson { value, fingerprint } = body;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let kind = value.r#type.into();
            let patch = value.into_patch();
            let made = ActivityView::from(activities::create(tenant, ctx, kind, &patch)?);
            Ok(Created { location: format!("/api/v1/activities/{}", made.id), body: made })
        })
        .await
}

impl NewActivity {
    fn into_patch(self) -> ActivityPatch {
        ActivityPatch {
            kind: None,
            subject: Some(self.subject),
            text: given(self.text),
            starts_at: given(self.starts_at),
            due_at: given(self.due_at),
            done_at: given(self.done_at),
            result: given(self.result),
            contacts: self.contact_ids.map(|ids| ids.into_iter().map(ContactId).collect()),
            company_id: given(self.company_id),
            opportunity_id: given(self.opportunity_id),
            project_id: given(self.project_id),
        }
    }
}
