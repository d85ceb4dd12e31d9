//! Work that contacts have a part in (CON-15).

pub mod contacts;
pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod patch;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use kartoteka_app::projects::ProjectRow;
use kartoteka_domain::projects::{Project, ProjectPatch, State};

use crate::extract::nullable;
use crate::v1::records::{given, patched};

/// The operations on projects.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_projects)
        .service(create::create_project)
        .service(get::get_project)
        .service(patch::patch_project)
        .service(delete::delete_project)
        .service(contacts::list_project_contacts)
        .service(contacts::put_project_contact)
        .service(contacts::delete_project_contact);
}

/// How far a project is.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ProjectState {
    /// It has not begun.
    Planned,
    /// It is under way.
    Running,
    /// It is done.
    Done,
    /// It was given up.
    Cancelled,
}

impl ProjectState {
    pub(super) fn as_str(self) -> &'static str {
        State::from(self).as_str()
    }
}

impl From<ProjectState> for State {
    fn from(word: ProjectState) -> Self {
        match word {
            ProjectState::Planned => Self::Planned,
            ProjectState::Running => Self::Running,
            ProjectState::Done => Self::Done,
            ProjectState::Cancelled => Self::Cancelled,
        }
    }
}

/// A project.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Project)]
pub(crate) struct ProjectView {
    /// Its id; ids sort in order of creation.
    pub(crate) id: Uuid,
    /// Its name.
    #[schema(example = "Nový web")]
    pub(crate) name: String,
    /// `planned`, `running`, `done` or `cancelled`.
    #[schema(example = "running")]
    pub(crate) state: &'static str,
    /// Its first day.
    #[schema(required = true)]
    pub(crate) from: Option<NaiveDate>,
    /// Its last day.
    #[schema(required = true)]
    pub(crate) to: Option<NaiveDate>,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was changed last.
    pub(crate) updated_at: DateTime<Utc>,
}

/// A project to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewProject {
    /// Its name.
    #[schema(min_length = 1, max_length = 300, pattern = r"\S", example = "Nový web")]
    pub(crate) name: String,
    /// How far it is; `planned` when absent.
    pub(crate) state: Option<ProjectState>,
    /// Its first day.
    #[schema(example = "2026-05-01")]
    pub(crate) from: Option<NaiveDate>,
    /// Its last day.
    #[schema(example = "2026-06-30")]
    pub(crate) to: Option<NaiveDate>,
}

/// Changes of a project: a merge patch.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"state": "running", "to": null}))]
pub(crate) struct ProjectChanges {
    /// Its name.
    #[serde(default)]
    #[schema(nullable = false, min_length = 1, max_length = 300, pattern = r"\S")]
    pub(crate) name: Option<String>,
    /// How far it is.
    #[serde(default)]
    #[schema(nullable = false)]
    pub(crate) state: Option<ProjectState>,
    /// Its first day.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<NaiveDate>)]
    pub(crate) from: Option<Option<NaiveDate>>,
    /// Its last day.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<NaiveDate>)]
    pub(crate) to: Option<Option<NaiveDate>>,
}

impl From<NewProject> for ProjectPatch {
    fn from(new: NewProject) -> Self {
        let NewProject { name, state, from, to } = new;
        let state = state.map(State::from);
        Self { name: Some(name), state, from: given(from), to: given(to) }
    }
}

impl From<ProjectChanges> for ProjectPatch {
    fn from(changes: ProjectChanges) -> Self {
        let ProjectChanges { name, state, from, to } = changes;
        Self { name, state: state.map(State::from), from: patched(from), to: patched(to) }
    }
}

impl From<ProjectRow> for ProjectView {
    fn from(row: ProjectRow) -> Self {
        let Project { name, state, from, to } = Project::from(&row);
        let ProjectRow { id, created_at, updated_at, .. } = row;
        Self { id, name, state: state.as_str(), from, to, created_at, updated_at }
    }
}
