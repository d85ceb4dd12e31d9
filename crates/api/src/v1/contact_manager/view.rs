//! Jobs as they are answered.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::contact_manager::ManagerJob;
use kartoteka_app::frozen::Counts;

use super::body::ContactManagerAction;
use crate::v1::jobs::{JobStateWord, ProgressView, SubjectView, problem_document};
use crate::v1::segments::SelectionSchema;

/// A job of the contact manager.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ContactManagerJob)]
pub(crate) struct ContactManagerJobView {
    /// Its id; `GET /jobs/{id}` and its events know it too.
    pub(crate) id: Uuid,
    /// `contact_manager`, or `contact_manager_undo` for one that undoes another.
    #[schema(example = "contact_manager")]
    pub(crate) kind: String,
    /// `queued`, `running`, `succeeded`, `failed` or `cancelled`.
    #[schema(value_type = JobStateWord, example = "succeeded")]
    pub(crate) state: String,
    /// Whom it is about, as it was asked for.
    #[schema(value_type = Option<SelectionSchema>)]
    pub(crate) selection: Option<Value>,
    /// Not before this.
    pub(crate) run_at: DateTime<Utc>,
    /// What is done, as it was asked for. The text of a private note and the address of private links are `…`, save for whoever
    /// asked for the job. Of a job that undoes another one: what is undone.
    #[schema(value_type = Vec<ContactManagerAction>)]
    pub(crate) actions: Value,
    /// How far it got, in contacts. `total` is how many the selection meant when it began.
    pub(crate) progress: ProgressView,
    /// What became of the contacts, as `GET /jobs/{id}` has it: the same as `outcomes`.
    #[schema(value_type = Object, example = json!({"add_tags": {"applied": 120, "unchanged": 3, "skipped": {"not_permitted": 2}}}))]
    pub(crate) counts: Value,
    /// What became of the contacts, by action; the numbers only grow.
    #[schema(example = json!({"add_tags": {"applied": 120, "unchanged": 3, "skipped": {"not_permitted": 2}}}))]
    pub(crate) outcomes: BTreeMap<String, OutcomeCounts>,
    /// The document that it made, once the job has ended; private ones for their owner only.
    pub(crate) document_id: Option<Uuid>,
    /// Whether it can be undone.
    pub(crate) undo: UndoView,
    /// The job that this one undoes.
    pub(crate) undoes: Option<Uuid>,
    /// When it was asked for.
    pub(crate) created_at: DateTime<Utc>,
    /// When a worker first took it.
    pub(crate) started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub(crate) finished_at: Option<DateTime<Utc>>,
    /// Why it failed: a problem document.
    #[schema(value_type = Option<Object>)]
    pub(crate) problem: Option<Value>,
    /// What it is about: the segment, where the selection is one, or the job that it undoes.
    pub(crate) subject: Option<SubjectView>,
}

/// What became of contacts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OutcomeCounts {
    /// Changed.
    #[schema(minimum = 0, example = 120)]
    pub(crate) applied: i64,
    /// Like that already.
    #[schema(minimum = 0, example = 3)]
    pub(crate) unchanged: i64,
    /// Left alone, by reason.
    #[schema(example = json!({"not_permitted": 2}))]
    pub(crate) skipped: BTreeMap<String, i64>,
}

impl From<Counts> for OutcomeCounts {
    fn from(counts: Counts) -> Self {
        let Counts { applied, unchanged, skipped } = counts;
        Self { applied, unchanged, skipped }
    }
}

/// Whether and how far a job can be undone.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ContactManagerUndo)]
pub(crate) struct UndoView {
    /// Whether `…/undo` takes it now.
    pub(crate) possible: bool,
    /// Why not: `not_ended`, `not_reversible`, `undone`, `is_undo`, `list_gone`.
    #[schema(example = json!(null))]
    pub(crate) reason: Option<&'static str>,
    /// The actions that undoing gives back.
    #[schema(example = json!(["add_tags", "set_state"]))]
    pub(crate) actions: Vec<&'static str>,
    /// The job that undid it, or is at it.
    pub(crate) job_id: Option<Uuid>,
}

impl From<ManagerJob> for ContactManagerJobView {
    fn from(manager: ManagerJob) -> Self {
        let ManagerJob {
            job,
            request,
            outcomes,
            reversible,
            not_undoable,
            document_id,
            undone_by,
            undoes,
        } = manager;
        let subject = match (job.subject_type, job.subject_id) {
            (Some(kind), Some(id)) => Some(SubjectView { kind, id }),
            _ => None,
        };
        Self {
            id: job.id,
            kind: job.kind,
            state: job.state,
            selection: request.get("selection").filter(|value| !value.is_null()).cloned(),
            run_at: job.run_at,
            actions: request.get("actions").cloned().unwrap_or_else(|| Value::Array(Vec::new())),
            progress: ProgressView { done: job.progress_done, total: job.progress_total },
            counts: job.counts,
            outcomes: outcomes
                .into_iter()
                .map(|(action, counts)| (action, counts.into()))
                .collect(),
            document_id,
            undo: UndoView {
                possible: not_undoable.is_none(),
                reason: not_undoable,
                actions: reversible,
                job_id: undone_by,
            },
            undoes,
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
            problem: job.problem.map(problem_document),
            subject,
        }
    }
}
