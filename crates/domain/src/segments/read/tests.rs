//! What is read from filters, and what is refused with which pointer.

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::segments::fields::{ConsentState, TextField};
use crate::segments::tree::{DetailTest, Test, TextTest};

fn region() -> Option<Region> {
    Region::parse("CZ").ok()
}

fn faults(json: Value) -> Vec<(String, Code)> {
    filter(&json, "#/where", region())
        .faults
        .into_iter()
        .map(|fault| (fault.pointer, fault.code))
        .collect()
}

fn good(json: Value) -> Filter {
    let reading = filter(&json, "#", region());
    assert_eq!(reading.faults, [], "{json}");
    reading.resolve(|_| true).unwrap().unwrap()
}

fn test_of(json: Value) -> (Test, bool) {
    match good(json) {
        Filter::Leaf(leaf) => (leaf.test, leaf.negated),
        other => panic!("{other:?}"),
    }
}

fn leaf(field: &str, op: &str, value: Value) -> Value {
    json!({"field": field, "op": op, "value": value})
}

/// SEG-3: one bad filter, one pointer.
#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn each_fault_points_at_its_node() {
    let cases = [
        (json!(5), "#/where", Code::InvalidType),
        (json!([]), "#/where", Code::InvalidType),
        (json!({}), "#/where", Code::InvalidFilter),
        (json!({"and": []}), "#/where/and", Code::InvalidFilter),
        (json!({"and": {}}), "#/where/and", Code::InvalidType),
        (json!({"not": null}), "#/where/not", Code::InvalidType),
        (json!({"and": [], "or": []}), "#/where", Code::InvalidFilter),
        (json!({"and": [{"or": [null]}]}), "#/where/and/0/or/0", Code::InvalidType),
        (
            json!({"and": [leaf("muted", "eq", json!(true))], "x/y": 1}),
            "#/where/x~1y",
            Code::UnknownField,
        ),
        (json!({"op": "eq", "value": 1}), "#/where/field", Code::MissingField),
        (
            json!({"field": "city", "op": "eq", "value": "Brno"}),
            "#/where/field",
            Code::UnknownField,
        ),
        (json!({"field": 5, "op": "eq", "value": "Brno"}), "#/where/field", Code::InvalidType),
        (json!({"field": "email", "value": "a@b.cz"}), "#/where/op", Code::MissingField),
        (leaf("email", "like", json!("a")), "#/where/op", Code::InvalidFilter),
        (leaf("email", "lt", json!("a@b.cz")), "#/where/op", Code::InvalidFilter),
        (json!({"field": "email", "op": 1, "value": "a"}), "#/where/op", Code::InvalidType),
        (json!({"field": "email", "op": "eq"}), "#/where/value", Code::MissingField),
        (json!({"field": "email", "op": "eq", "value": null}), "#/where/value", Code::MissingField),
        (leaf("email", "is_empty", json!("a")), "#/where/value", Code::InvalidFilter),
        (leaf("email", "eq", json!("novak")), "#/where/value", Code::InvalidEmail),
        (leaf("email", "in", json!("a@b.cz")), "#/where/value", Code::InvalidType),
        (leaf("email", "in", json!([])), "#/where/value", Code::TooShort),
        (leaf("email", "in", json!(["a@b.cz", 5])), "#/where/value/1", Code::InvalidType),
        (leaf("phone", "eq", json!("12")), "#/where/value", Code::InvalidPhone),
        (leaf("address.country", "eq", json!("Czechia")), "#/where/value", Code::InvalidCountry),
        (leaf("last_name", "contains", json!(" ")), "#/where/value", Code::TooShort),
        (leaf("last_name", "contains", json!("a\0")), "#/where/value", Code::NulCharacter),
        (leaf("last_name", "eq", json!("a".repeat(1_001))), "#/where/value", Code::TooLong),
        (leaf("state", "eq", json!("friend")), "#/where/value", Code::InvalidState),
        (leaf("gender", "in", json!(["female", "x"])), "#/where/value/1", Code::InvalidGender),
        (leaf("origin", "eq", json!("x")), "#/where/value", Code::InvalidValue),
        (leaf("sms_status", "eq", json!("invalid")), "#/where/value", Code::InvalidValue),
        (leaf("muted", "eq", json!("true")), "#/where/value", Code::InvalidType),
        (leaf("score", "gt", json!(1.5)), "#/where/value", Code::InvalidType),
        (leaf("score", "between", json!([1])), "#/where/value", Code::InvalidType),
        (leaf("score", "between", json!([2, 1])), "#/where/value", Code::InvalidValue),
        (leaf("birth_date", "eq", json!("1.5.1990")), "#/where/value", Code::InvalidDate),
        (leaf("birth_date", "eq", json!("1990-02-30")), "#/where/value", Code::InvalidDate),
        (leaf("birth_date", "within_last", json!("PT12H")), "#/where/value", Code::InvalidValue),
        (leaf("created_at", "within_last", json!("90 days")), "#/where/value", Code::InvalidValue),
        (leaf("created_at", "within_last", json!("P2000Y")), "#/where/value", Code::OutOfRange),
        (
            leaf("created_at", "before", json!("2026-11-21T10:00")),
            "#/where/value",
            Code::InvalidDate,
        ),
        (
            leaf("created_at", "between", json!(["2026-11-22", "2026-11-21"])),
            "#/where/value",
            Code::InvalidValue,
        ),
        (leaf("tag", "has", json!("")), "#/where/value", Code::InvalidTag),
        (leaf("tag", "eq", json!("vip")), "#/where/op", Code::InvalidFilter),
        (leaf("detail:", "eq", json!("x")), "#/where/field", Code::UnknownField),
        (leaf("detail:x", "eq", json!(["x"])), "#/where/value", Code::InvalidType),
        (leaf("detail:x", "gt", json!("tall")), "#/where/value", Code::InvalidDate),
        (leaf("detail:x", "gt", json!(true)), "#/where/value", Code::InvalidType),
        (
            leaf("detail:x", "between", json!([1, "2026-01-01"])),
            "#/where/value/1",
            Code::InvalidType,
        ),
        (leaf("import", "eq", json!("x")), "#/where/value", Code::InvalidValue),
        (
            json!({"field": "tag", "op": "has", "value": "vip", "score": 5}),
            "#/where/score",
            Code::InvalidType,
        ),
        (
            json!({"field": "tag", "op": "has", "value": "vip", "score": {"op": "has", "value": 5}}),
            "#/where/score/op",
            Code::InvalidFilter,
        ),
        (
            json!({"field": "email", "op": "is_empty", "score": {"op": "eq", "value": 5}}),
            "#/where/score",
            Code::UnknownField,
        ),
        (
            json!({"field": "consent:x", "op": "eq", "value": "granted", "at": "P90D"}),
            "#/where/at",
            Code::InvalidType,
        ),
        (
            json!({"field": "consent:x", "op": "eq", "value": "granted", "at": {"op": "is_empty", "value": 1}}),
            "#/where/at/op",
            Code::InvalidFilter,
        ),
        (
            json!({"field": "consent:x", "op": "eq", "value": "granted", "at": {"op": "before", "value": "soon"}}),
            "#/where/at/value",
            Code::InvalidDate,
        ),
        (
            json!({"field": "muted", "op": "eq", "value": true, "at": {"op": "before", "value": "2026-01-01"}}),
            "#/where/at",
            Code::UnknownField,
        ),
        (leaf("created_at", "is_empty", Value::Null), "#/where/op", Code::InvalidFilter),
        (leaf("tag_count", "eq", json!("2")), "#/where/value", Code::InvalidType),
        (leaf("funnel_stage", "eq", json!(Uuid::nil())), "#/where/op", Code::InvalidFilter),
        (leaf("funnel_stage", "has", json!("x")), "#/where/value", Code::InvalidValue),
        (leaf("segment", "has", json!("x")), "#/where/op", Code::InvalidFilter),
        (leaf("segment", "in", json!(vec![Uuid::nil(); 101])), "#/where/value", Code::TooMany),
        // what is not there yet
        (leaf("event:order", "eq", json!("x")), "#/where/field", Code::UnknownField),
        (leaf("campaign:x", "eq", json!("sent")), "#/where/field", Code::UnknownField),
    ];
    for (json, pointer, code) in cases {
        assert_eq!(faults(json.clone()), [(pointer.to_owned(), code)], "{json}");
    }
}

/// SEG-3: all of them at once, in the order of the document.
#[test]
fn all_faults_are_told_at_once() {
    let json = json!({
        "include": {"and": [
            {"field": "address.city", "op": "has", "value": 5, "extra": 1},
            {"field": "email", "op": "eq", "value": "x"},
            {"or": [{"field": "shoe", "op": "like"}]},
        ]},
        "where": [],
        "segments": ["x"],
        "Where": {}
    });
    let found: Vec<_> = selection(&json, "#/selection", None)
        .faults
        .into_iter()
        .map(|fault| (fault.pointer, fault.code))
        .collect();
    let expected = [
        ("#/selection/Where", Code::UnknownField),
        ("#/selection/include/and/0/extra", Code::UnknownField),
        ("#/selection/include/and/0/op", Code::InvalidFilter),
        ("#/selection/include/and/1/value", Code::InvalidEmail),
        ("#/selection/include/and/2/or/0/field", Code::UnknownField),
        ("#/selection/include/and/2/or/0/op", Code::InvalidFilter),
        ("#/selection/where", Code::InvalidType),
        ("#/selection/segments/0", Code::InvalidValue),
    ];
    let expected: Vec<_> = expected.map(|(pointer, code)| (pointer.to_owned(), code)).to_vec();
    assert_eq!(found, expected);
}

/// SEG-3
#[test]
fn a_tree_is_bounded_in_nodes_depth_and_values() {
    let one = leaf("muted", "eq", json!(true));
    assert!(faults(json!({"and": vec![one.clone(); 99]})).is_empty());
    assert_eq!(
        faults(json!({"and": vec![one.clone(); 100]})),
        [("#/where".to_owned(), Code::FilterTooLarge)]
    );
    let nest = |depth| (1..depth).fold(one.clone(), |inner, _| json!({"not": inner}));
    assert!(faults(nest(8)).is_empty());
    assert_eq!(faults(nest(9)), [(format!("#/where{}", "/not".repeat(8)), Code::FilterTooLarge)]);
    assert!(faults(leaf("tag", "in", json!(vec!["a"; 1_000]))).is_empty());
    assert_eq!(
        faults(leaf("tag", "in", json!(vec!["a"; 1_001]))),
        [("#/where/value".to_owned(), Code::TooMany)]
    );
}

/// SEG-2: values take the form the field is stored in.
#[test]
fn values_are_normalised_as_stored() {
    let exact = |field: &str, value: &str| match test_of(leaf(field, "eq", json!(value))).0 {
        Test::Text(_, TextTest::OneOf(values)) => values.join(","),
        other => panic!("{other:?}"),
    };
    assert_eq!(exact("email", " Jana@Example.CZ "), "jana@example.cz");
    assert_eq!(exact("phone", "601 123 456"), "+420601123456");
    assert_eq!(exact("address.country", "cz"), "CZ");
    assert_eq!(exact("language", "CS"), "cs");
    assert_eq!(exact("address.city", " Nove\u{301}  Město "), "Nové Město");
    let (test, negated) = test_of(leaf("last_name", "contains", json!("NOVÁK")));
    assert_eq!(test, Test::Text(TextField::LastName, TextTest::Contains("novak".into())));
    assert!(!negated);
    let (test, _) = test_of(leaf("phone", "contains", json!("601 123")));
    assert_eq!(test, Test::Text(TextField::Phone, TextTest::Contains("601123".into())));
}

/// SEG-2
#[test]
fn a_negated_operator_is_the_opposite_of_a_test() {
    for (op, value) in [("ne", json!("x")), ("not_in", json!(["x"])), ("is_not_empty", Value::Null)]
    {
        assert!(test_of(leaf("address.city", op, value)).1, "{op}");
    }
    let (test, negated) = test_of(leaf("consent:email_basic", "ne", json!("granted")));
    assert_eq!(test, Test::Consent("email_basic".into(), vec![ConsentState::Granted], None));
    assert!(negated);
}

/// SEG-2
#[test]
fn details_compare_as_text_number_or_day_by_the_value() {
    let detail = |op: &str, value| match test_of(leaf("detail:size", op, value)).0 {
        Test::Detail(name, test) if name == "size" => test,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        detail("in", json!(["43", 44, true])),
        DetailTest::OneOf { texts: vec!["43".into(), "true".into()], numbers: vec![44.0] }
    );
    assert!(matches!(detail("gt", json!(5)), DetailTest::Number(_)));
    assert!(matches!(detail("between", json!([1, 2.5])), DetailTest::Number(_)));
    assert!(matches!(detail("lte", json!("2026-01-01")), DetailTest::Date(_)));
    assert_eq!(detail("gt", json!("-43,5")), detail("gt", json!(-43.5)));
    assert_eq!(detail("between", json!(["1", 2.5])), detail("between", json!([1, "2.5"])));
    assert!(matches!(detail("anniversary_in", json!("P7D")), DetailTest::Date(_)));
    assert!(matches!(detail("starts_with", json!("a")), DetailTest::Text(_)));
}

/// SEG-3: what only the database knows is asked for, with its place.
#[test]
fn references_are_resolved_or_become_faults() {
    let id = Uuid::from_u128(7);
    let json = json!({
        "segments": [id],
        "where": {"and": [
            leaf("consent:fax", "eq", json!("granted")),
            leaf("import", "in", json!([id])),
        ]}
    });
    let reading = selection(&json, "#/selection", None);
    assert_eq!(reading.faults, []);
    let faults = reading.clone().resolve(|_| false).unwrap_err();
    let found: Vec<_> = faults.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect();
    assert_eq!(
        found,
        [
            ("#/selection/where/and/0/field", Code::UnknownPurpose),
            ("#/selection/where/and/1/value/0", Code::UnknownReference),
            ("#/selection/segments/0", Code::UnknownReference),
        ]
    );
    assert_eq!(reading.resolve(|_| true).unwrap().segments, [SegmentId(id)]);
}

/// SEG-1
#[test]
fn nothing_said_selects_everything() {
    for json in [Value::Null, json!({}), json!({"include": null, "segments": []})] {
        let read = selection(&json, "#", None).resolve(|_| true).unwrap();
        assert!(read.is_everything(), "{json}");
    }
}
