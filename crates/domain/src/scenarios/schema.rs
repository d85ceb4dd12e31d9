//! The JSON Schema (2020-12) of rules and scenarios, made of the [`catalogue`](super::catalogue) that reads them, so
//! that document and behaviour cannot drift apart.

use serde_json::{Map, Value, json};

use super::catalogue::{ACTIONS, EVENTS, Entry, Form, Param};
use super::read::MAX_PERIOD_CHARS;
use super::{MAX_ACTIONS, MAX_CONDITIONS, MAX_NODE_ID_CHARS, MAX_NODES, MAX_RUNS_PER_CONTACT};
use crate::consents::ledger::MAX_PURPOSE_NAME_CHARS;
use crate::contacts::patch::{MAX_DETAIL_CHARS, MAX_DETAIL_NAME_CHARS};
use crate::tags::{MAX_SCORE, MAX_TAG_CHARS, MAX_TAGS_PER_CONTACT};

/// The schema of a start event.
#[must_use]
pub fn event() -> Value {
    one_of("What starts it.", EVENTS, &Map::new())
}

/// The schema of an action of a scenario.
#[must_use]
pub fn action() -> Value {
    one_of("What is done with the contact.", ACTIONS, &Map::new())
}

/// The schema of an action of a rule: with a delay.
#[must_use]
pub fn rule_action() -> Value {
    let mut more = Map::new();
    more.insert("delay".into(), optional(period("PT1H"), "How long after what comes before it."));
    one_of("What is done with the contact, and when.", ACTIONS, &more)
}

/// The schema of the steps of a scenario; each of the three is a reference to its schema.
#[must_use]
pub fn nodes(node: &str) -> Value {
    json!({
        "description": format!(
            "Its steps, at most {MAX_NODES}. At least one start, to which nothing leads; every step is reached from a \
            start, and from every step a way leads to an end; every loop leads through a wait `for` a time or to a \
            `time_of_day`."
        ),
        "type": "array",
        "maxItems": MAX_NODES,
        "items": {"$ref": node}
    })
}

/// The schema of one step.
#[must_use]
pub fn node(event: &str, filter: &str, action: &str) -> Value {
    let id = json!({
        "type": "string", "minLength": 1, "maxLength": MAX_NODE_ID_CHARS, "pattern": "^[A-Za-z0-9_-]+$",
        "description": "Its id: unique in the scenario.", "examples": ["welcome"]
    });
    let next = |meaning: &str| {
        json!({
            "type": ["string", "null"], "minLength": 1, "maxLength": MAX_NODE_ID_CHARS,
            "pattern": "^[A-Za-z0-9_-]+$", "description": meaning, "examples": ["end"]
        })
    };
    let step = |word: &str, meaning: &str, own: Value, required: &[&str]| {
        let mut properties = Map::new();
        properties.insert("id".into(), id.clone());
        properties.insert("type".into(), json!({"const": word}));
        if let Value::Object(own) = own {
            properties.extend(own);
        }
        let required: Vec<&str> = ["id", "type"].iter().chain(required).copied().collect();
        json!({
            "type": "object", "description": meaning, "required": required, "additionalProperties": false,
            "properties": properties
        })
    };
    json!({
        "description": "A step of a scenario. What may be missing while the scenario is switched off, is where it leads.",
        "oneOf": [
            step("start", "Where a way begins.", json!({"event": {"$ref": event}, "next": next("The step after it.")}),
                &["event"]),
            step("condition", "Where ways part.", json!({
                "filter": {"$ref": filter}, "yes": next("The step after it for contacts for which the filter holds."),
                "no": next("The step after it for all others.")
            }), &["filter"]),
            step("wait", "Where the contact stays for a while: exactly one of `for`, `until` and `time_of_day`.", json!({
                "for": optional(period("P2D"), "So long: from a minute to five years."),
                "until": {"type": ["string", "null"], "format": "date-time",
                    "description": "Until then; not at all when it is over."},
                "time_of_day": optional(time_of_day(), "Until it is that time where the contact is, the next time."),
                "next": next("The step after it.")
            }), &[]),
            step("action", "Something is done.", json!({"action": {"$ref": action}, "next": next("The step after it.")}),
                &["action"]),
            step("end", "Where a way ends.", json!({}), &[])
        ]
    })
}

/// The schema of the conditions of a rule.
#[must_use]
pub fn conditions(filter: &str) -> Value {
    json!({
        "description": "What must hold of the contact, all of it.",
        "type": "array", "maxItems": MAX_CONDITIONS, "items": {"$ref": filter}
    })
}

/// The schema of the actions of a rule.
#[must_use]
pub fn actions(action: &str) -> Value {
    json!({
        "description": "What is done, in this order.",
        "type": "array", "maxItems": MAX_ACTIONS, "items": {"$ref": action}
    })
}

/// The schema of the delay of a rule.
#[must_use]
pub fn delay() -> Value {
    described(
        period("PT1H"),
        "How long after the event the conditions are looked at: from a minute to five years.",
    )
}

/// The schema of limits.
#[must_use]
pub fn limits() -> Value {
    json!({
        "description": "How often one contact may run through it. They bind what starts by itself; of what people start, \
            rules by the contact manager only.",
        "type": "object", "additionalProperties": false,
        "properties": {
            "runs_per_contact": {
                "type": ["integer", "null"], "minimum": 1, "maximum": MAX_RUNS_PER_CONTACT,
                "description": "Runs of one contact in all.", "examples": [1]
            },
            "interval": optional(period("P30D"), "From the beginning of one run of a contact to that of the next.")
        }
    })
}

fn one_of(description: &str, entries: &[Entry], more: &Map<String, Value>) -> Value {
    let variants: Vec<Value> = entries.iter().map(|entry| variant(entry, more)).collect();
    json!({"description": description, "oneOf": variants})
}

fn variant(entry: &Entry, more: &Map<String, Value>) -> Value {
    let mut properties = Map::new();
    properties.insert("type".into(), json!({"const": entry.word}));
    for param in entry.params {
        properties.insert(param.name.into(), schema_of(param));
    }
    properties.extend(more.clone());
    let needed = entry.params.iter().filter(|param| param.required).map(|param| param.name);
    let required: Vec<&str> = std::iter::once("type").chain(needed).collect();
    json!({
        "type": "object", "description": entry.meaning, "required": required, "additionalProperties": false,
        "properties": properties
    })
}

fn schema_of(param: &Param) -> Value {
    let mut schema = match param.form {
        Form::Text(most) => {
            json!({"type": "string", "minLength": 1, "maxLength": most, "pattern": "\\S"})
        }
        Form::Word(words) => json!({"type": "string", "enum": words}),
        Form::Integer(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Form::Flag => json!({"type": "boolean"}),
        Form::Tag => tag(),
        Form::TagNames => {
            json!({"type": "array", "minItems": 1, "maxItems": MAX_TAGS_PER_CONTACT, "items": tag()})
        }
        Form::Tags => json!({
            "type": "array", "minItems": 1, "maxItems": MAX_TAGS_PER_CONTACT,
            "items": {"oneOf": [tag(), {
                "type": "object", "required": ["name"], "additionalProperties": false,
                "properties": {
                    "name": tag(),
                    "score": {"type": ["integer", "null"], "minimum": -MAX_SCORE, "maximum": MAX_SCORE}
                }
            }]}
        }),
        Form::Detail => {
            json!({"type": "string", "minLength": 1, "maxLength": MAX_DETAIL_NAME_CHARS, "pattern": "\\S"})
        }
        Form::DetailValue => {
            json!({"type": ["string", "number", "boolean"], "maxLength": MAX_DETAIL_CHARS})
        }
        Form::Purpose(_) => json!({
            "type": "string", "minLength": 1, "maxLength": MAX_PURPOSE_NAME_CHARS, "pattern": "^[a-z][a-z0-9_]*$"
        }),
        Form::Id(_) => json!({"type": "string", "format": "uuid"}),
        Form::Period => period("P1D"),
        Form::TimeOfDay => time_of_day(),
        Form::DateField => json!({"type": "string", "pattern": "^(birth_date|detail:.*\\S.*)$"}),
    };
    if let Value::Object(schema) = &mut schema {
        let example: Value = serde_json::from_str(param.example).unwrap_or_default();
        schema.insert("examples".into(), json!([example]));
        schema.insert("description".into(), json!(param.meaning));
        if !param.required {
            match (schema.get("type").cloned(), schema.get_mut("enum")) {
                (Some(Value::String(word)), words) => {
                    if let Some(Value::Array(words)) = words {
                        words.push(Value::Null);
                    }
                    schema.insert("type".into(), json!([word, "null"]));
                }
                _ => return Value::Object(schema.clone()),
            }
        }
    }
    schema
}

fn tag() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": MAX_TAG_CHARS, "pattern": "\\S", "examples": ["vip"]})
}

fn period(example: &str) -> Value {
    json!({"type": "string", "maxLength": MAX_PERIOD_CHARS, "pattern": "^P[0-9YMWDTHS]+$", "examples": [example]})
}

fn time_of_day() -> Value {
    json!({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$", "examples": ["09:00"]})
}

/// The schema, for a member that may be null.
fn optional(schema: Value, meaning: &str) -> Value {
    let Value::Object(mut schema) = described(schema, meaning) else { return Value::Null };
    let kind = schema.remove("type").unwrap_or_default();
    schema.insert("type".into(), json!([kind, "null"]));
    Value::Object(schema)
}

fn described(mut schema: Value, meaning: &str) -> Value {
    if let Value::Object(schema) = &mut schema {
        schema.insert("description".into(), meaning.into());
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenarios::Kind;
    use crate::scenarios::read::read;

    /// SCN-1, SCN-4: the examples that the document shows are read without faults.
    #[test]
    fn every_event_and_action_is_read_as_its_example_says() {
        for entry in EVENTS.iter().chain(ACTIONS) {
            let mut json = Map::new();
            json.insert("type".into(), entry.word.into());
            for param in entry.params {
                json.insert(param.name.into(), serde_json::from_str(param.example).unwrap());
            }
            let rule = match EVENTS.iter().any(|event| event.word == entry.word) {
                true => json!({"name": "R", "event": json}),
                false => json!({"name": "R", "actions": [json]}),
            };
            let draft = read(Kind::Rule, rule.as_object().unwrap(), None, true);
            assert_eq!(draft.faults, [], "{rule}");
        }
    }
}
