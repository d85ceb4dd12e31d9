//! Runs: one contact on its way through one version of a rule or scenario (SCN-3), where each begins, and what its
//! limits say (SCN-2).

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::Kind;
use crate::segments::when::Period;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in the database and in answers.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

words! {
    /// How far a run is.
    State {
        /// It waits until it is due.
        Queued = "queued",
        /// A worker has it.
        Running = "running",
        /// It came to its end.
        Done = "done",
        /// It was stopped before.
        Ended = "ended",
        /// It could not go on.
        Failed = "failed",
    }
}

impl State {
    /// Whether it still goes on.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

words! {
    /// Who started a run.
    Origin {
        /// An event.
        Event = "event",
        /// A person, for one contact.
        Manual = "manual",
        /// A job of the contact manager.
        ContactManager = "contact_manager",
    }
}

/// Where a new run stands, and since when it waits to be taken up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// The step: the id of a node, or `conditions` and `actions/0` of a rule.
    pub node: String,
    /// When it is taken up.
    pub due_at: DateTime<Utc>,
    /// Whether the wait of the step is over then. `false`: the step itself is still to be done, be it a wait for a
    /// time of day, which only the contact's time zone tells.
    pub waits: bool,
}

/// The ids of the starts of a scenario; the start event of a rule has none.
#[must_use]
pub fn starts(body: &Value) -> Vec<&str> {
    let nodes = nodes(body).filter(|node| text(node, "type") == Some("start"));
    nodes.filter_map(|node| text(node, "id")).collect()
}

/// Where a run begins when its event is skipped: with the step behind it, whose delay is honoured (MGR-K, MGR-L).
/// `start` is the id of the start of a scenario. Nothing when the definition does not lead anywhere.
#[must_use]
pub fn begin(kind: Kind, body: &Value, start: &str, now: DateTime<Utc>) -> Option<Beginning> {
    match kind {
        Kind::Rule => begin_rule(body, now),
        Kind::Scenario => {
            let named = |id: &str| nodes(body).find(|node| text(node, "id") == Some(id));
            let first = named(text(named(start)?, "next")?)?;
            let due = match (text(first, "for").and_then(period), text(first, "until")) {
                (Some(period), _) => Some(period.after(now)),
                (None, Some(until)) => {
                    let until = DateTime::parse_from_rfc3339(until).ok()?.to_utc();
                    Some(until.max(now))
                }
                (None, None) => None,
            };
            Some(Beginning {
                node: text(first, "id")?.to_owned(),
                due_at: due.unwrap_or(now),
                waits: due.is_some(),
            })
        }
    }
}

fn begin_rule(body: &Value, now: DateTime<Utc>) -> Option<Beginning> {
    let list = |member: &str| body.get(member).and_then(Value::as_array);
    let first = list("actions")?.first()?;
    let before = text(body, "delay").and_then(period);
    let conditions = list("conditions").is_some_and(|conditions| !conditions.is_empty());
    let (node, wait) = match before {
        Some(_) => ("conditions", before),
        None if conditions => ("conditions", None),
        None => ("actions/0", text(first, "delay").and_then(period)),
    };
    let due_at = wait.map_or(now, |wait| wait.after(now));
    Some(Beginning { node: node.to_owned(), due_at, waits: wait.is_some() })
}

/// How often one contact may run through a definition, and how long after the run before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Runs in all.
    pub runs_per_contact: Option<i64>,
    /// From the beginning of one run to the beginning of the next.
    pub interval: Option<Period>,
}

impl Limits {
    /// Those of a definition.
    #[must_use]
    pub fn of(body: &Value) -> Self {
        let limits = body.get("limits").unwrap_or(&Value::Null);
        Self {
            runs_per_contact: limits.get("runs_per_contact").and_then(Value::as_i64),
            interval: text(limits, "interval").and_then(period),
        }
    }
}

fn nodes(body: &Value) -> impl Iterator<Item = &Value> {
    body.get("nodes").and_then(Value::as_array).into_iter().flatten()
}

fn text<'v>(value: &'v Value, member: &str) -> Option<&'v str> {
    value.get(member).and_then(Value::as_str)
}

fn period(text: &str) -> Option<Period> {
    Period::parse(text).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-01-31T10:00:00Z".parse().unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// MGR-K: a delay before the conditions or of the first action is honoured.
    #[test]
    fn a_rule_begins_behind_its_event() {
        let begin = |body: Value| begin(Kind::Rule, &body, "", now()).unwrap();
        let action = json!({"type": "set_score", "score": 1});
        let later = json!({"type": "set_score", "score": 1, "delay": "P1M"});
        let filter = json!({"field": "subscribed", "op": "eq", "value": true});
        for (body, node, due, waits) in [
            (json!({"actions": [action]}), "actions/0", "2026-01-31T10:00:00Z", false),
            (json!({"actions": [later]}), "actions/0", "2026-02-28T10:00:00Z", true),
            (
                json!({"actions": [later], "conditions": [filter]}),
                "conditions",
                "2026-01-31T10:00:00Z",
                false,
            ),
            (
                json!({"actions": [later], "delay": "PT90M"}),
                "conditions",
                "2026-01-31T11:30:00Z",
                true,
            ),
        ] {
            let expected = Beginning { node: node.to_owned(), due_at: at(due), waits };
            assert_eq!(begin(body.clone()), expected, "{body}");
        }
        assert_eq!(super::begin(Kind::Rule, &json!({"actions": []}), "", now()), None);
    }

    /// MGR-L: a wait right behind the start is honoured.
    #[test]
    fn a_scenario_begins_behind_its_start() {
        let body = |wait: Value| {
            json!({"nodes": [
                {"id": "s", "type": "start", "next": "w"},
                wait,
                {"id": "e", "type": "end"}
            ]})
        };
        let wait = |member: &str, value: &str| {
            let mut node = json!({"id": "w", "type": "wait", "next": "e"});
            node[member] = json!(value);
            body(node)
        };
        for (body, due, waits) in [
            (wait("for", "P1D"), "2026-02-01T10:00:00Z", true),
            (wait("until", "2026-03-01T00:00:00Z"), "2026-03-01T00:00:00Z", true),
            (wait("until", "2025-03-01T00:00:00Z"), "2026-01-31T10:00:00Z", true),
            (wait("time_of_day", "09:00"), "2026-01-31T10:00:00Z", false),
            (body(json!({"id": "w", "type": "action"})), "2026-01-31T10:00:00Z", false),
        ] {
            let expected = Beginning { node: "w".to_owned(), due_at: at(due), waits };
            assert_eq!(begin(Kind::Scenario, &body, "s", now()), Some(expected), "{body}");
            assert_eq!(starts(&body), ["s"]);
        }
        assert_eq!(begin(Kind::Scenario, &body(json!({})), "x", now()), None);
    }

    /// SCN-2
    #[test]
    fn limits_are_read_from_the_definition() {
        assert_eq!(Limits::of(&json!({})), Limits::default());
        let limits = Limits::of(&json!({"limits": {"runs_per_contact": 2, "interval": "P7D"}}));
        assert_eq!(limits.runs_per_contact, Some(2));
        assert_eq!(limits.interval, Period::parse("P7D").ok());
    }
}
