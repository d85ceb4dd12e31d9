//! Runs as they are answered.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use kartoteka_app::definitions::runs::{self, Run, RunFilter};
use kartoteka_domain::ids::{ContactId, DefinitionId};
use kartoteka_domain::scenarios::Kind;
use kartoteka_domain::scenarios::runs::State as Phase;

use crate::extract::{Scoped, scope};
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;
use crate::v1::contacts::consents::ActorView;

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = RunState)]
pub(crate) enum StateWord {
    /// It waits until it is due.
    Queued,
    /// A step of it is being done.
    Running,
    /// It came to its end.
    Done,
    /// It was stopped before.
    Ended,
    /// It could not go on.
    Failed,
}

impl From<StateWord> for Phase {
    fn from(word: StateWord) -> Self {
        match word {
            StateWord::Queued => Self::Queued,
            StateWord::Running => Self::Running,
            StateWord::Done => Self::Done,
            StateWord::Ended => Self::Ended,
            StateWord::Failed => Self::Failed,
        }
    }
}

/// A contact on its way through a rule or scenario.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Run)]
pub(crate) struct RunView {
    /// Its id; ids sort in order of time.
    pub(crate) id: Uuid,
    /// `rule` or `scenario`.
    #[serde(rename = "type")]
    #[schema(example = "scenario")]
    pub(crate) kind: String,
    /// The scenario, of a run through one.
    pub(crate) scenario_id: Option<Uuid>,
    /// The rule, of a run through one.
    #[schema(example = json!(null))]
    pub(crate) rule_id: Option<Uuid>,
    /// How that is called now.
    #[schema(example = "Welcome")]
    pub(crate) name: String,
    /// The version that it goes through, whatever it is changed to meanwhile.
    #[schema(example = 1)]
    pub(crate) version: i32,
    /// The contact.
    pub(crate) contact_id: Uuid,
    /// How far it is.
    #[schema(value_type = StateWord, example = "queued")]
    pub(crate) state: String,
    /// Who started it: `event`, `manual` (a person, for one contact) or `contact_manager`.
    #[schema(example = "manual")]
    pub(crate) origin: String,
    /// The job that started it.
    #[schema(example = json!(null))]
    pub(crate) job_id: Option<Uuid>,
    /// On whose behalf.
    pub(crate) actor: ActorView,
    /// Whether conditions of a rule are asked when they are due.
    #[schema(example = true)]
    pub(crate) check_conditions: bool,
    /// The step it stands at: the id of a step of the scenario; `conditions` or `actions/0` and so on of a rule.
    #[schema(example = "wait")]
    pub(crate) node: String,
    /// When it goes on.
    pub(crate) due_at: DateTime<Utc>,
    /// How many steps were done.
    #[schema(example = 0)]
    pub(crate) steps: i64,
    /// When it was started.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was first taken up.
    #[schema(example = json!(null))]
    pub(crate) started_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[schema(example = json!(null))]
    pub(crate) ended_at: Option<DateTime<Utc>>,
    /// Why it ended before its end, or failed: `by_hand`; `merged` when the contact became a part of one that was on its
    /// way through the same already.
    #[schema(example = json!(null))]
    pub(crate) reason: Option<String>,
}

impl From<Run> for RunView {
    fn from(run: Run) -> Self {
        let of = |kind: Kind| (run.kind == kind.as_str()).then_some(run.definition_id);
        Self {
            id: run.id,
            scenario_id: of(Kind::Scenario),
            rule_id: of(Kind::Rule),
            kind: run.kind,
            name: run.name,
            version: run.version,
            contact_id: run.contact_id,
            state: run.state,
            origin: run.origin,
            job_id: run.job_id,
            actor: ActorView { r#type: run.actor_type, id: run.actor_id },
            check_conditions: run.check_conditions,
            node: run.node,
            due_at: run.due_at,
            steps: run.steps,
            created_at: run.created_at,
            started_at: run.started_at,
            ended_at: run.ended_at,
            reason: run.reason,
        }
    }
}

/// Which runs of a rule or scenario.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RunQuery {
    /// Only those in this state.
    #[param(inline)]
    state: Option<StateWord>,
    /// Only those of this contact.
    contact_id: Option<Uuid>,
}

/// A page of the runs through a rule or scenario, newest first.
///
/// # Errors
/// `not_found`, `invalid_cursor`.
pub(crate) async fn page(
    state: State,
    caller: Scoped<scope::ScenariosRead>,
    kind: Kind,
    id: Uuid,
    query: RunQuery,
    page: PageQuery,
) -> Result<Page<RunView>, Problem> {
    let list = format!("runs {id} {:?} {:?}", query.state, query.contact_id);
    let filter = RunFilter {
        contact: query.contact_id.map(ContactId),
        state: query.state.map(Phase::from),
        before: page.after(&list)?,
        ..RunFilter::default()
    };
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, _| {
            let found = runs::of_definition(tenant, kind, DefinitionId(id), filter, limit + 1)?;
            Page::cut(&list, found, limit, |run| run.id, RunView::from)
        })
        .await
}

/// How many runs through a rule or scenario there are.
///
/// # Errors
/// `not_found`.
pub(crate) async fn count(
    state: State,
    caller: Scoped<scope::ScenariosRead>,
    kind: Kind,
    id: Uuid,
) -> Result<Done<RunCounts>, Problem> {
    state
        .read(&caller, move |tenant, _| {
            Ok(Done(runs::count(tenant, kind, DefinitionId(id))?.into()))
        })
        .await
}

/// How many runs there are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunCounts {
    /// In all.
    #[schema(minimum = 0, example = 12)]
    pub(crate) runs: i64,
    /// That wait until they are due.
    #[schema(minimum = 0, example = 3)]
    pub(crate) queued: i64,
    /// Of which a step is being done.
    #[schema(minimum = 0, example = 0)]
    pub(crate) running: i64,
    /// That came to their end.
    #[schema(minimum = 0, example = 8)]
    pub(crate) done: i64,
    /// That were stopped before.
    #[schema(minimum = 0, example = 1)]
    pub(crate) ended: i64,
    /// That could not go on.
    #[schema(minimum = 0, example = 0)]
    pub(crate) failed: i64,
}

impl From<BTreeMap<String, i64>> for RunCounts {
    fn from(counts: BTreeMap<String, i64>) -> Self {
        let of = |phase: Phase| counts.get(phase.as_str()).copied().unwrap_or(0);
        Self {
            runs: counts.values().sum(),
            queued: of(Phase::Queued),
            running: of(Phase::Running),
            done: of(Phase::Done),
            ended: of(Phase::Ended),
            failed: of(Phase::Failed),
        }
    }
}
