//! Long work: where it stands, how it goes on, how to stop it.

pub mod cancel;
pub mod contacts;
pub mod events;
pub mod get;
pub mod list;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use kartoteka_app::jobs::Job;
use kartoteka_domain::codes::Code;

use crate::problem::status_of;

/// The operations of this noun.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_jobs)
        .service(get::get_job)
        .service(events::watch_job)
        .service(cancel::cancel_job)
        .service(contacts::list_job_contacts);
}

/// Long work.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = Job)]
pub struct JobView {
    /// Its id.
    pub id: Uuid,
    /// What is done.
    #[schema(example = "import_commit")]
    pub kind: String,
    /// `queued`, `running`, `succeeded`, `failed` or `cancelled`.
    #[schema(value_type = JobStateWord, example = "running")]
    pub state: String,
    /// How far it got.
    pub progress: ProgressView,
    /// Counts by outcome; they only grow.
    #[schema(value_type = Object, example = json!({"created": 700, "updated": 300}))]
    pub counts: Value,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When a worker first took it.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Why it failed: a problem document.
    #[schema(value_type = Option<Object>)]
    pub problem: Option<Value>,
    /// What it works on: an import, a webhook, a question for a consent, the segment of a bulk edit or of the contact
    /// manager, or the job that it undoes; `null` for other bulk edits, whose contacts `GET /jobs/{id}/contacts` lists. A segment may be gone since.
    pub subject: Option<SubjectView>,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = JobState)]
pub enum JobStateWord {
    /// Waits for its time and a worker.
    Queued,
    /// Is being done.
    Running,
    /// Did what it was made for.
    Succeeded,
    /// Gave up.
    Failed,
    /// Was stopped.
    Cancelled,
}

/// How far a job got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = JobProgress)]
pub struct ProgressView {
    /// Units done.
    #[schema(example = 1000)]
    pub done: i64,
    /// Units in all, when known.
    #[schema(example = 2000)]
    pub total: Option<i64>,
}

/// What a job works on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = JobSubject)]
pub struct SubjectView {
    /// Its type.
    #[serde(rename = "type")]
    #[schema(example = "import")]
    pub kind: String,
    /// Its id.
    pub id: Uuid,
}

impl From<Job> for JobView {
    fn from(job: Job) -> Self {
        let subject = match (job.subject_type, job.subject_id) {
            (Some(kind), Some(id)) => Some(SubjectView { kind, id }),
            _ => None,
        };
        Self {
            id: job.id,
            kind: job.kind,
            state: job.state,
            progress: ProgressView { done: job.progress_done, total: job.progress_total },
            counts: job.counts,
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
            problem: job.problem.map(problem_document),
            subject,
        }
    }
}

/// A stored refusal as the problem document a request would have got.
pub(crate) fn problem_document(stored: Value) -> Value {
    let word = stored.get("code").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut document = json!({ "type": format!("/problems/{word}") });
    if let (Some(document), Value::Object(members)) = (document.as_object_mut(), stored) {
        if let Some(code) = Code::from_wire(&word) {
            document.insert("status".into(), json!(status_of(code).as_u16()));
        }
        document.extend(members);
    }
    document
}

/// Path of a job.
pub(crate) fn location(id: Uuid) -> String {
    format!("/api/v1/jobs/{id}")
}
