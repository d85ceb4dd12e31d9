//! The JSON Schema (2020-12) of filters and selections, made of the table of fields that reads them, so
//! that document and behaviour cannot drift apart.

use serde_json::{Value, json};

use super::fields::{CONSENT, ConsentState, DETAIL, Field, Kind, Op, TimeField};
use super::read::{MAX_DEPTH, MAX_NODES, MAX_SEGMENTS, MAX_TEXT, MAX_VALUES};

/// The schema of a filter; `filter` and `condition` are references to it and to [`condition`].
#[must_use]
pub fn filter(filter: &str, condition: &str) -> Value {
    let list = json!({"type": "array", "minItems": 1, "items": {"$ref": filter}});
    let joint = |name: &str, description: &str, schema: &Value| {
        json!({
            "type": "object",
            "description": description,
            "required": [name],
            "additionalProperties": false,
            "properties": {name: schema}
        })
    };
    json!({
        "description": format!(
            "A tree of conditions: at most {MAX_NODES} nodes, at most {MAX_DEPTH} deep. \
            A condition on something the contact does not have is not met, so its opposite is."
        ),
        "oneOf": [
            joint("and", "All hold.", &list),
            joint("or", "At least one holds.", &list),
            joint("not", "It does not hold.", &json!({"$ref": filter})),
            {"$ref": condition}
        ],
        "examples": examples()
    })
}

/// The schema of one condition.
#[must_use]
pub fn condition() -> Value {
    let mut kinds: Vec<(Field, Vec<&'static str>)> = Vec::new();
    for name in Field::names() {
        let Some(field) = Field::from_wire(name) else { continue };
        let alike = |known: &Field| known.kind() == field.kind() && known.ops() == field.ops();
        match kinds.iter_mut().find(|(known, _)| alike(known)) {
            Some((_, names)) => names.push(name),
            None => kinds.push((field, vec![name])),
        }
    }
    let mut variants: Vec<Value> = Vec::new();
    for (field, names) in &kinds {
        variants.extend(variant(field, &json!({"type": "string", "enum": names})));
    }
    let named = |prefix: &str, example: &str| {
        json!({
            "type": "string",
            "maxLength": MAX_TEXT,
            "pattern": format!("^{prefix}.*\\S"),
            "examples": [format!("{prefix}{example}")]
        })
    };
    variants.extend(variant(&Field::Detail(String::new()), &named(DETAIL, "rozmiar_buta")));
    variants.extend(variant(&Field::Consent(String::new()), &named(CONSENT, "email_basic")));
    json!({
        "description": "One condition. Parts of texts are compared with case and diacritics folded; \
            an e-mail is compared as an address, a phone number in E.164. Days are days in UTC, \
            durations are ISO 8601 in whole parts (P90D, P3M, PT12H).",
        "anyOf": variants,
        "examples": conditions()
    })
}

/// One condition of each kind, for who learns the language; each is read without faults (a test says so).
#[must_use]
pub fn conditions() -> Vec<Value> {
    let id = "0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a10";
    let leaf =
        |field: &str, op: &str, value: Value| json!({"field": field, "op": op, "value": value});
    vec![
        leaf("address.city", "eq", json!("Brno")),
        leaf("address.country", "in", json!(["CZ", "SK"])),
        leaf("last_name", "starts_with", json!("nov")),
        leaf("email", "ends_with", json!("@example.com")),
        leaf("phone", "contains", json!("601 123")),
        json!({"field": "company_name", "op": "is_not_empty"}),
        leaf("state", "ne", json!("customer")),
        leaf("origin", "eq", json!("import")),
        leaf("score", "between", json!([10, 20])),
        leaf("birth_date", "anniversary_in", json!("P7D")),
        leaf("birth_date", "before", json!("1990-01-01")),
        leaf("created_at", "within_last", json!("P90D")),
        leaf("updated_at", "between", json!(["2026-05-01", "2026-05-01T12:00:00Z"])),
        json!({"field": "trashed_at", "op": "is_not_empty"}),
        leaf("tag", "has", json!("vip")),
        leaf("tag", "not_in", json!(["vip", "spring"])),
        json!({"field": "tag", "op": "has", "value": "vip", "score": {"op": "gte", "value": 5}}),
        leaf("tag_count", "gte", json!(3)),
        leaf("detail:rozmiar_buta", "eq", json!("43")),
        leaf("detail:rozmiar_buta", "gte", json!(43)),
        leaf("detail:member_since", "after", json!("2026-01-01")),
        leaf("detail:member", "eq", json!(true)),
        leaf("consent:email_basic", "eq", json!("granted")),
        json!({"field": "consent:email_basic", "op": "eq", "value": "withdrawn",
            "at": {"op": "within_last", "value": "P30D"}}),
        leaf("email_status", "in", json!(["opt_out", "invalid"])),
        leaf("sms_status", "eq", json!("opt_in")),
        leaf("subscribed", "eq", json!(true)),
        leaf("muted", "eq", json!(false)),
        leaf("communication", "eq", json!("subscribed")),
        leaf("import", "eq", json!(id)),
        leaf("segment", "in", json!([id])),
        leaf("funnel_stage", "has", json!(id)),
    ]
}

/// The schema of a selection; `filter` is the reference to the schema of a filter.
#[must_use]
pub fn selection(filter: &str) -> Value {
    let tree = |description: &str| json!({"description": description, "oneOf": [{"$ref": filter}, {"type": "null"}]});
    json!({
        "type": "object",
        "description": "Which contacts are meant: (segments or include) and not exclude and where, of those that \
            are not in the trash. A contact is taken when it is in at least one of the segments or the include \
            filter holds; when neither is given, all are. Then those for which the exclude filter holds are left \
            out, and those for which the where filter does not. Parts that are missing or null say nothing.",
        "additionalProperties": false,
        "properties": {
            "segments": {
                "description": "Saved segments: contacts that are in at least one of them. With all their own \
                    segments unfolded, the selection has at most 500 nodes.",
                "type": ["array", "null"],
                "maxItems": MAX_SEGMENTS,
                "items": {"type": "string", "format": "uuid"}
            },
            "include": tree("Contacts for which it holds, besides those of the segments."),
            "exclude": tree("Not those for which it holds."),
            "where": tree("Of them, only those for which it holds.")
        },
        "examples": [{
            "include": {"field": "tag", "op": "has", "value": "vip"},
            "exclude": {"field": "communication", "op": "eq", "value": "muted"},
            "where": {"and": [
                {"field": "consent:email_basic", "op": "eq", "value": "granted"},
                {"field": "created_at", "op": "within_last", "value": "P90D"}
            ]}
        }]
    })
}

/// Filters that show the language; each of them is read without faults (a test says so).
#[must_use]
pub fn examples() -> Vec<Value> {
    vec![
        json!({"field": "tag", "op": "has", "value": "vip", "score": {"op": "gte", "value": 5}}),
        json!({"and": [
            {"field": "address.city", "op": "in", "value": ["Brno", "Praha"]},
            {"field": "consent:email_basic", "op": "eq", "value": "granted"},
            {"not": {"field": "detail:rozmiar_buta", "op": "eq", "value": "43"}}
        ]}),
        json!({"or": [
            {"field": "last_name", "op": "contains", "value": "novak"},
            {"field": "birth_date", "op": "anniversary_in", "value": "P7D"},
            {"field": "created_at", "op": "within_last", "value": "P90D"},
            {"field": "email_status", "op": "in", "value": ["opt_out", "invalid"]}
        ]}),
    ]
}

/// Texts that read as a number, as those of details do.
const NUMBER: &str = "^[+-]?[0-9]{1,15}([.,][0-9]{1,20})?$";

/// One schema for each form of value that the operators of a field take.
fn variant(field: &Field, name: &Value) -> Vec<Value> {
    let ops = |wanted: &dyn Fn(Op) -> bool| -> Vec<&'static str> {
        field.ops().iter().copied().filter(|op| wanted(*op)).map(Op::as_str).collect()
    };
    let list = |op| matches!(op, Op::In | Op::NotIn);
    let part = |op| matches!(op, Op::Contains | Op::StartsWith | Op::EndsWith);
    let period = |op| matches!(op, Op::WithinLast | Op::NotWithinLast | Op::AnniversaryIn);
    let detail = field.kind() == Kind::Detail;
    let day = |op| matches!(op, Op::Before | Op::After) && detail;
    let measured = |op| matches!(op, Op::Gt | Op::Gte | Op::Lt | Op::Lte) && detail;
    let single = |op: Op| {
        !(op.takes_no_value()
            || list(op)
            || part(op)
            || period(op)
            || day(op)
            || measured(op)
            || op == Op::Between)
    };
    let item = item(field);
    let date = json!({"type": "string", "format": "date"});
    // a text is a number when it reads as one
    let number = json!({"anyOf": [{"type": "number"}, {"type": "string", "pattern": NUMBER}]});
    let measure = json!({"anyOf": [
        {"type": "number"},
        {"type": "string", "pattern": NUMBER},
        {"type": "string", "format": "date"}
    ]});
    let pair = |item: &Value| json!({"type": "array", "minItems": 2, "maxItems": 2, "items": item});
    // what a detail is measured by says what it is read as
    let between = if detail { json!({"anyOf": [pair(&number), pair(&date)]}) } else { pair(&item) };
    let text = json!({"type": "string", "minLength": 1, "maxLength": MAX_TEXT});
    let forms = [
        (ops(&single), Some(item.clone())),
        (
            ops(&list),
            Some(json!({"type": "array", "minItems": 1, "maxItems": MAX_VALUES, "items": item})),
        ),
        (ops(&|op| op == Op::Between), Some(between)),
        (ops(&measured), Some(measure.clone())),
        (ops(&part), Some(text)),
        (ops(&period), Some(json!({"type": "string", "examples": ["P90D"]}))),
        (ops(&day), Some(date)),
        (ops(&Op::takes_no_value), None),
    ];
    forms
        .into_iter()
        .filter(|(ops, _)| !ops.is_empty())
        .map(|(ops, value)| object(field, name, &ops, value))
        .collect()
}

fn object(field: &Field, name: &Value, ops: &[&'static str], value: Option<Value>) -> Value {
    let mut required = vec!["field", "op"];
    let mut properties = json!({"field": name, "op": {"type": "string", "enum": ops}});
    if let Some(members) = properties.as_object_mut() {
        required.extend(value.as_ref().map(|_| "value"));
        members.insert("value".into(), value.unwrap_or_else(|| json!({"type": "null"})));
        if *field == Field::Tag {
            members.insert("score".into(), score());
        }
        if matches!(field, Field::Consent(_)) {
            members.insert("at".into(), said_at());
        }
    }
    json!({
        "type": "object",
        "required": required,
        "additionalProperties": false,
        "properties": properties
    })
}

/// The condition on the score of a tag.
fn score() -> Value {
    let whole = item(&Field::Score);
    let form = |wanted: &dyn Fn(Op) -> bool, value: Value| {
        let ops = Field::Score.ops().iter().copied().filter(|op| wanted(*op)).map(Op::as_str);
        json!({
            "type": "object",
            "required": ["op", "value"],
            "additionalProperties": false,
            "properties": {"op": {"type": "string", "enum": ops.collect::<Vec<_>>()}, "value": value}
        })
    };
    let list = |op| matches!(op, Op::In | Op::NotIn);
    json!({
        "description": "What the score of the tag on the contact must be: \
            a whole number, a list for in and not_in, a pair for between.",
        "anyOf": [
            {"type": "null"},
            form(&|op| !list(op) && op != Op::Between, whole.clone()),
            form(&list, json!({"type": "array", "minItems": 1, "maxItems": MAX_VALUES, "items": whole})),
            form(&|op| op == Op::Between, json!({"type": "array", "minItems": 2, "maxItems": 2, "items": whole})),
        ]
    })
}

/// The condition on when the last word on a consent was said.
fn said_at() -> Value {
    let field = Field::Time(TimeField::CreatedAt);
    let time = item(&field);
    let form = |wanted: &dyn Fn(Op) -> bool, value: Value| {
        let ops = field.ops().iter().copied().filter(|op| wanted(*op)).map(Op::as_str);
        json!({
            "type": "object",
            "required": ["op", "value"],
            "additionalProperties": false,
            "properties": {"op": {"type": "string", "enum": ops.collect::<Vec<_>>()}, "value": value}
        })
    };
    let period = |op| matches!(op, Op::WithinLast | Op::NotWithinLast | Op::AnniversaryIn);
    json!({
        "description": "When the last word on it was said: a date or an instant, a pair for between, a duration for \
            within_last and its like. Of contacts that never said a word, no such condition holds.",
        "anyOf": [
            {"type": "null"},
            form(&|op| !period(op) && op != Op::Between, time.clone()),
            form(&|op| op == Op::Between, json!({"type": "array", "minItems": 2, "maxItems": 2, "items": time})),
            form(&period, json!({"type": "string", "examples": ["P90D"]})),
        ]
    })
}

/// The schema of a single value.
fn item(field: &Field) -> Value {
    let text = json!({"type": "string", "maxLength": MAX_TEXT});
    match field.kind() {
        Kind::Text | Kind::Country => text,
        Kind::Tag => json!({"type": "string", "minLength": 1, "maxLength": MAX_TEXT}),
        Kind::Words(_) if matches!(field, Field::Consent(_)) => {
            json!({"type": "string", "enum": ConsentState::WORDS})
        }
        Kind::Words(words) => json!({"type": "string", "enum": words}),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Integer => json!({"type": "integer", "format": "int64"}),
        Kind::Date => json!({"type": "string", "format": "date"}),
        Kind::Time => json!({
            "type": "string",
            "description": "A date (the whole day) or an instant (RFC 3339)."
        }),
        Kind::Detail => json!({"type": ["string", "number", "boolean"], "maxLength": MAX_TEXT}),
        Kind::Id | Kind::Ids => json!({"type": "string", "format": "uuid"}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segments::read;

    /// SEG-3
    #[test]
    fn every_example_is_a_filter() {
        let condition = condition();
        let all =
            examples().into_iter().chain(condition["examples"].as_array().unwrap().iter().cloned());
        for example in all {
            let reading = read::filter(&example, "#", None);
            assert_eq!(reading.faults, [], "{example}");
        }
        for example in selection("x")["examples"].as_array().unwrap() {
            assert_eq!(read::selection(example, "#", None).faults, [], "{example}");
        }
    }

    /// SEG-3
    #[test]
    fn every_field_and_operator_is_published() {
        let schema = condition().to_string();
        for word in Field::names().into_iter().chain(Op::ALL.iter().map(|op| op.as_str())) {
            assert!(schema.contains(&format!("\"{word}\"")), "{word}");
        }
    }
}
