//! Automation rules (SCN-2): event, then conditions, then actions, each with a delay. What they share with scenarios
//! is in [`crate::scenarios`].
//!
//! `delay` of the rule is how long after the event the conditions are looked at; `delay` of an action, how long after
//! what comes before it that action is done. All conditions must hold.

use serde_json::{Map, Value};

use crate::codes::Code;
use crate::scenarios::read::{Reader, said};
use crate::scenarios::{MAX_ACTIONS, MAX_CONDITIONS};

/// Reads what is a rule's own.
pub(crate) fn read(reader: &mut Reader, body: &Map<String, Value>) {
    match body.get("event") {
        Some(event) => reader.event(event, "#/event"),
        None => reader.problem("#/event", Code::MissingField, "a rule needs an event"),
    }
    if let Some(delay) = body.get("delay") {
        reader.period(delay, "#/delay");
    }
    for (place, filter) in list(reader, body, "conditions", MAX_CONDITIONS).iter().enumerate() {
        reader.condition(filter, &format!("#/conditions/{place}"));
    }
    let actions = list(reader, body, "actions", MAX_ACTIONS);
    if actions.is_empty() {
        reader.problem("#/actions", Code::MissingField, "a rule needs an action");
    }
    for (place, action) in actions.iter().enumerate() {
        let at = format!("#/actions/{place}");
        if let Some(object) = reader.action(action, &at, &["delay"])
            && let Some(delay) = said(object, "delay")
        {
            reader.period(delay, &format!("{at}/delay"));
        }
    }
}

fn list<'j>(
    reader: &mut Reader,
    body: &'j Map<String, Value>,
    member: &str,
    most: usize,
) -> &'j [Value] {
    match body.get(member) {
        Some(Value::Array(items)) if items.len() <= most => return items,
        Some(Value::Array(items)) => {
            let detail = format!("{} of them; at most {most} are allowed", items.len());
            reader.fault(format!("#/{member}"), Code::TooMany, detail);
        }
        Some(_) => reader.fault(format!("#/{member}"), Code::InvalidType, "expected a list"),
        None => {}
    }
    &[]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scenarios::Kind;
    use crate::scenarios::read::{Draft, read};

    fn draft(json: &Value) -> Draft {
        read(Kind::Rule, json.as_object().unwrap(), None, true)
    }

    /// SCN-2
    #[test]
    fn a_rule_is_an_event_conditions_and_actions_with_delays() {
        let rule = json!({
            "name": "Thank", "enabled": true, "event": {"type": "contact.note_added"}, "delay": "PT1H",
            "conditions": [{"field": "tag", "op": "has", "value": "vip"}],
            "actions": [{"type": "set_score", "score": 1}, {"type": "add_note", "text": "t", "delay": "P1D"}],
            "limits": {"runs_per_contact": 3}
        });
        let read = draft(&rule);
        assert_eq!((read.faults, read.problems), (Vec::new(), Vec::new()));
        assert_eq!(read.starts.len(), 1);
        assert_eq!(read.conditions.len(), 1);
    }

    /// SCN-2
    #[test]
    fn faults_of_a_rule_are_told_where_they_are() {
        let rule = json!({
            "name": "Thank", "event": {"type": "booking.upcoming"}, "delay": "1 hour",
            "conditions": {"field": "tag", "op": "has", "value": "vip"},
            "actions": [{"type": "set_score", "score": 1, "delay": "P6Y"}, {"delay": "P1D"}]
        });
        let read = draft(&rule);
        let mut told: Vec<_> =
            read.faults.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect();
        told.sort_unstable();
        assert_eq!(
            told,
            [
                ("#/actions/0/delay", Code::OutOfRange),
                ("#/actions/1/type", Code::MissingField),
                ("#/conditions", Code::InvalidType),
                ("#/delay", Code::InvalidValue),
                ("#/event/before", Code::MissingField),
            ]
        );
        let empty = draft(&json!({"name": "Nothing yet"}));
        assert_eq!(empty.faults, []);
        let told: Vec<_> = empty.problems.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(told, ["#/event", "#/actions"]);
    }
}
