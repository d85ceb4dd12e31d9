//! What rules and scenarios share in requests and answers: the parts they are made of, published as the domain reads
//! them, and their runs.

pub(crate) mod runs;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{ObjectBuilder, RefOr};
use utoipa::{IntoParams, PartialSchema, ToSchema};
use uuid::Uuid;

use kartoteka_app::definitions::{self, Definition};
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::DefinitionId;
use kartoteka_domain::scenarios::{Kind, schema};

use crate::extract::{IdempotencyKey, IfMatch, JsonObject, Scoped, scope};
use crate::page::{Page, PageQuery};
use crate::problem::{FaultBody, Problem};
use crate::reply::{Created, Done, NoContent, Reply};
use crate::state::State;

macro_rules! parts {
    ($($(#[$doc:meta])* $name:ident = $wire:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new().into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($wire)
            }
        }
    )+};
}

parts! {
    /// Stands for a start event in the schema of a body; the schema itself is made by the domain, see [`publish`].
    EventSchema = "StartEvent";
    /// Stands for the steps of a scenario.
    NodesSchema = "ScenarioNodes";
    /// Stands for the delay of a rule.
    DelaySchema = "RuleDelay";
    /// Stands for the conditions of a rule.
    ConditionsSchema = "RuleConditions";
    /// Stands for the actions of a rule.
    ActionsSchema = "RuleActions";
    /// Stands for limits.
    LimitsSchema = "RunLimits";
}

/// Puts the schemas of what rules and scenarios are made of among the document's own.
pub(crate) fn publish(schemas: &mut Map<String, Value>) {
    if !schemas.contains_key("ScenarioNodes") {
        return;
    }
    let at = |name: &str| format!("#/components/schemas/{name}");
    let filter = at("Filter");
    schemas.insert("StartEvent".into(), schema::event());
    schemas.insert("ScenarioNodes".into(), schema::nodes(&at("ScenarioNode")));
    let node = schema::node(&at("StartEvent"), &filter, &at("ScenarioAction"));
    schemas.insert("ScenarioNode".into(), node);
    schemas.insert("ScenarioAction".into(), schema::action());
    schemas.insert("RuleDelay".into(), schema::delay());
    schemas.insert("RuleConditions".into(), schema::conditions(&filter));
    schemas.insert("RuleActions".into(), schema::actions(&at("RuleAction")));
    schemas.insert("RuleAction".into(), schema::rule_action());
    schemas.insert("RunLimits".into(), schema::limits());
}

/// Which rules or scenarios.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DefinitionFilter {
    /// A part of the name; case does not matter.
    #[param(max_length = 200, example = "welcome")]
    q: Option<String>,
    /// Only those that are switched on, or off.
    enabled: Option<bool>,
}

/// A definition as it is answered.
pub(crate) trait View: From<Definition> + Serialize + Send + 'static {}

impl<V: From<Definition> + Serialize + Send + 'static> View for V {}

/// Makes a rule or scenario.
///
/// # Errors
/// As of [`definitions::create`].
pub(crate) async fn create<V: View>(
    state: State,
    caller: Scoped<scope::ScenariosWrite>,
    key: IdempotencyKey,
    body: JsonObject,
    kind: Kind,
) -> Result<Reply, Problem> {
    let JsonObject { members, fingerprint } = body;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let made = definitions::create(tenant, ctx, kind, &members)?;
            let location = format!("/api/v1/{}s/{}", kind.as_str(), made.id);
            Ok(Created { location, body: V::from(made) })
        })
        .await
}

/// Reads one.
///
/// # Errors
/// `not_found`.
pub(crate) async fn get<V: View>(
    state: State,
    caller: Scoped<scope::ScenariosRead>,
    kind: Kind,
    id: Uuid,
) -> Result<Done<V>, Problem> {
    state
        .read(&caller, move |tenant, _| {
            Ok(Done(definitions::get(tenant, kind, DefinitionId(id))?.into()))
        })
        .await
}

/// A page of them, in order of their names.
///
/// # Errors
/// `invalid_cursor`.
pub(crate) async fn page<V: View>(
    state: State,
    caller: Scoped<scope::ScenariosRead>,
    kind: Kind,
    filter: DefinitionFilter,
    page: PageQuery,
) -> Result<Page<V>, Problem> {
    let part = filter.q.map(|text| text.trim().to_lowercase());
    let enabled = filter.enabled;
    let list = format!("{}s {enabled:?} {}", kind.as_str(), part.as_deref().unwrap_or_default());
    let after: Option<String> = page.after(&list)?;
    let limit = usize::from(page.limit);
    state
        .read(&caller, move |tenant, _| {
            let (part, after) = (part.as_deref(), after.as_deref());
            let found = definitions::list(tenant, kind, part, enabled, after, limit + 1)?;
            Page::cut(&list, found, limit, |one| one.name_key.clone(), V::from)
        })
        .await
}

/// Changes one.
///
/// # Errors
/// As of [`definitions::update`], `precondition_failed`.
pub(crate) async fn patch<V: View>(
    state: State,
    caller: Scoped<scope::ScenariosWrite>,
    kind: Kind,
    id: Uuid,
    if_match: IfMatch,
    body: JsonObject,
) -> Result<Done<V>, Problem> {
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &_| unchanged::<V>(&if_match, now);
            let id = DefinitionId(id);
            let after = definitions::update(tenant, ctx, kind, id, &body.members, guard)?;
            Ok(Done(after.into()))
        })
        .await
}

/// Takes one away.
///
/// # Errors
/// As of [`definitions::delete`], `precondition_failed`.
pub(crate) async fn delete<V: View>(
    state: State,
    caller: Scoped<scope::ScenariosWrite>,
    kind: Kind,
    id: Uuid,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: &_| unchanged::<V>(&if_match, now);
            definitions::delete(tenant, ctx, kind, DefinitionId(id), guard)?;
            Ok(NoContent)
        })
        .await
}

/// Refuses a change that was meant for another version of what is answered.
fn unchanged<V: View>(if_match: &IfMatch, now: &Definition) -> Result<(), Problem> {
    if if_match.is_given() { if_match.check(&V::from(now.clone())) } else { Ok(()) }
}

/// What keeps a definition from being switched on.
pub(crate) fn problems(kind: Kind, definition: &Definition) -> Vec<FaultBody> {
    let told =
        |Fault { pointer, code, detail }| FaultBody { pointer, code: code.to_string(), detail };
    definitions::problems(kind, definition).into_iter().map(told).collect()
}

/// A member of what a definition consists of.
pub(crate) fn part(body: &Value, member: &str) -> Option<Value> {
    body.get(member).cloned()
}

/// A list that a definition consists of.
pub(crate) fn list(body: &Value, member: &str) -> Vec<Value> {
    body.get(member).and_then(Value::as_array).cloned().unwrap_or_default()
}
