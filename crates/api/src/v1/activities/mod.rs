//! Calls, meetings, tasks, letters and e-mails (CON-14).

pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod patch;
pub mod query;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use kartoteka_app::activities::ActivityRow;
use kartoteka_domain::activities::{Activity, Kind};

use crate::v1::contacts::consents::ActorView;

/// The operations on activities. Paths with a word in the place of the id come before those with the id.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(query::query_activities)
        .service(list::list_activities)
        .service(create::create_activity)
        .service(get::get_activity)
        .service(patch::patch_activity)
        .service(delete::delete_activity);
}

/// What kind of thing it is.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ActivityType {
    /// A call.
    Call,
    /// A meeting.
    Meeting,
    /// Something to be done.
    Task,
    /// A letter.
    Letter,
    /// An e-mail.
    Email,
}

impl From<ActivityType> for Kind {
    fn from(word: ActivityType) -> Self {
        match word {
            ActivityType::Call => Self::Call,
            ActivityType::Meeting => Self::Meeting,
            ActivityType::Task => Self::Task,
            ActivityType::Letter => Self::Letter,
            ActivityType::Email => Self::Email,
        }
    }
}

/// An activity.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Activity)]
pub(crate) struct ActivityView {
    /// Its id; ids sort in order of creation.
    pub(crate) id: Uuid,
    /// `call`, `meeting`, `task`, `letter` or `email`.
    #[schema(example = "call")]
    pub(crate) r#type: &'static str,
    /// What it is about, in one line.
    #[schema(example = "Nabídka na jaro")]
    pub(crate) subject: String,
    /// What it is about.
    #[schema(required = true)]
    pub(crate) text: Option<String>,
    /// The instant it is listed at: its start, else when it is due, else when it was done, else when it was made.
    pub(crate) at: DateTime<Utc>,
    /// When it starts.
    #[schema(required = true)]
    pub(crate) starts_at: Option<DateTime<Utc>>,
    /// Until when it is to be done.
    #[schema(required = true)]
    pub(crate) due_at: Option<DateTime<Utc>>,
    /// When it was done; `null` while it is planned.
    #[schema(required = true)]
    pub(crate) done_at: Option<DateTime<Utc>>,
    /// What came of it, in words of the workspace.
    #[schema(required = true, example = "Interested")]
    pub(crate) result: Option<String>,
    /// Who wrote it down.
    pub(crate) author: ActorView,
    /// Whom it is about.
    pub(crate) contact_ids: Vec<Uuid>,
    /// The company it is about.
    #[schema(required = true)]
    pub(crate) company_id: Option<Uuid>,
    /// The opportunity it is about.
    #[schema(required = true)]
    pub(crate) opportunity_id: Option<Uuid>,
    /// The project it is about.
    #[schema(required = true)]
    pub(crate) project_id: Option<Uuid>,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was changed last.
    pub(crate) updated_at: DateTime<Utc>,
}

impl From<ActivityRow> for ActivityView {
    fn from(row: ActivityRow) -> Self {
        let activity = Activity::from(&row);
        Self {
            id: row.id,
            r#type: activity.kind.as_str(),
            subject: activity.subject,
            text: activity.text,
            at: row.at,
            starts_at: activity.starts_at,
            due_at: activity.due_at,
            done_at: activity.done_at,
            result: activity.result,
            author: ActorView { r#type: row.author_type, id: row.author_id },
            contact_ids: activity.contacts.into_iter().map(|contact| contact.0).collect(),
            company_id: activity.company_id,
            opportunity_id: activity.opportunity_id,
            project_id: activity.project_id,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
