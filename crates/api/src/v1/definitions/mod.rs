//! What rules and scenarios share in requests and answers: the parts they are made of, published as the domain reads
//! them, and their runs.

pub(crate) mod runs;

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{ObjectBuilder, RefOr};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use kartoteka_app::Tenant;
use kartoteka_app::definitions::{self, Definition};
use kartoteka_domain::faults::Fault;
use kartoteka_domain::scenarios::{Kind, schema};

use crate::page::{Page, encode_cursor};
use crate::problem::{FaultBody, Problem};

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

impl DefinitionFilter {
    fn part(&self) -> Option<String> {
        self.q.as_ref().map(|text| text.trim().to_lowercase())
    }

    /// How the list is called in cursors.
    pub(crate) fn list(&self, kind: Kind) -> String {
        format!("{}s {:?} {}", kind.as_str(), self.enabled, self.part().unwrap_or_default())
    }

    /// A page of them.
    ///
    /// # Errors
    /// What the database said.
    pub(crate) fn page<T: From<Definition>>(
        &self,
        tenant: &mut Tenant<'_>,
        kind: Kind,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<T>, Problem> {
        let part = self.part();
        let mut found =
            definitions::list(tenant, kind, part.as_deref(), self.enabled, after, limit + 1)?;
        let more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| more).map(|one| one.name_key.clone());
        let next_cursor = last.map(|key| encode_cursor(&self.list(kind), &key)).transpose()?;
        Ok(Page { data: found.into_iter().map(T::from).collect(), next_cursor })
    }
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
