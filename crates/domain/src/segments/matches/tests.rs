//! What each kind of condition says of a contact.

use serde_json::json;

use super::*;
use crate::segments::read;

fn time(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn jana() -> ContactFacts {
    let details = json!({"boty": "43", "vyska": 1.7, "od": "2026-11-01", "clen": true, "nic": null, "divne": "2026-02-31"});
    let Value::Object(details) = details else { panic!("an object") };
    let tag = |key: &str, score| TagFact { key: key.into(), score };
    let at = time("2026-11-20T10:00:00Z");
    let consent = |purpose: &str, channel, granted| ConsentFact {
        purpose: purpose.into(),
        channel,
        granted,
        at,
    };
    ContactFacts {
        texts: vec![
            (TextField::FirstName, "Jana".into()),
            (TextField::LastName, "Nováková".into()),
            (TextField::Name, "Jana Nováková".into()),
            (TextField::Email, "Jana@Example.cz".into()),
            (TextField::Phone, "+420601123456".into()),
        ],
        email_key: Some("jana@example.cz".into()),
        words: vec![(WordField::State, "customer".into()), (WordField::Origin, "import".into())],
        birth_date: NaiveDate::from_ymd_opt(1992, 2, 29),
        score: 7,
        subscribed: true,
        muted: false,
        email_invalid: false,
        created_at: time("2026-11-20T23:59:59.999999Z"),
        updated_at: time("2026-11-21T10:00:00Z"),
        trashed_at: None,
        details,
        tags: vec![tag("vip", 5), tag("jaro", 0)],
        consents: vec![
            consent("email_basic", Channel::Email, true),
            consent("sms_basic", Channel::Sms, false),
        ],
        imports: vec![ImportId(Uuid::from_u128(1))],
        groups: vec![GroupId(Uuid::from_u128(1))],
        stages: vec![StageId(Uuid::from_u128(3))],
        contact_type: None,
        links: vec![(Link::Owner, Uuid::from_u128(2))],
    }
}

fn holds(json: &Value) -> bool {
    let reading = read::filter(json, "#", None);
    assert_eq!(reading.faults, [], "{json}");
    let filter = reading.resolve(|_| true).unwrap().unwrap();
    matches(&filter, &jana(), time("2027-02-21T12:00:00Z"), &|_| false)
}

/// SEG-2, MGR-I
#[test]
fn a_contact_is_in_its_stages_and_in_no_other() {
    let (stage, other) = (Uuid::from_u128(3).to_string(), Uuid::from_u128(2).to_string());
    for (op, value, expected) in [
        ("has", json!(stage), true),
        ("has_not", json!(other), true),
        ("in", json!([other, stage]), true),
        ("not_in", json!([stage]), false),
        ("is_empty", Value::Null, false),
        ("is_not_empty", Value::Null, true),
    ] {
        let leaf = json!({"field": "funnel_stage", "op": op, "value": value});
        assert_eq!(holds(&leaf), expected, "{leaf}");
    }
}

/// SEG-2: one row a rule.
#[test]
fn each_test_says_what_it_should() {
    let import = Uuid::from_u128(1).to_string();
    let owner = Uuid::from_u128(2).to_string();
    let cases = [
        (("last_name", "eq", json!("Nováková")), true),
        (("last_name", "eq", json!("novakova")), false),
        (("last_name", "contains", json!("NOVAK")), true),
        (("last_name", "starts_with", json!("ovak")), false),
        (("last_name", "ends_with", json!("ová")), true),
        (("name", "contains", json!("jana nov")), true),
        (("email", "eq", json!("JANA@example.cz")), true),
        (("email", "ends_with", json!("@EXAMPLE.cz")), true),
        (("phone", "contains", json!("601 123")), true),
        (("address.city", "ne", json!("Brno")), true),
        (("address.city", "not_in", json!(["Brno"])), true),
        (("address.city", "is_empty", Value::Null), true),
        (("address.city", "is_not_empty", Value::Null), false),
        (("state", "in", json!(["customer", "partner"])), true),
        (("gender", "ne", json!("male")), true),
        (("gender", "is_empty", Value::Null), true),
        (("score", "between", json!([7, 9])), true),
        (("score", "lt", json!(7)), false),
        (("birth_date", "eq", json!("1992-02-29")), true),
        (("birth_date", "after", json!("1992-02-29")), false),
        (("birth_date", "gte", json!("1992-02-29")), true),
        (("birth_date", "anniversary_in", json!("P7D")), true),
        (("birth_date", "anniversary_in", json!("P6D")), false),
        (("created_at", "eq", json!("2026-11-20")), true),
        (("created_at", "after", json!("2026-11-20")), false),
        (("created_at", "lte", json!("2026-11-20")), true),
        (("created_at", "between", json!(["2026-11-20", "2026-11-20"])), true),
        (("created_at", "gt", json!("2026-11-20T23:59:59.999998Z")), true),
        (("created_at", "gt", json!("2026-11-20T23:59:59.999999Z")), false),
        (("created_at", "within_last", json!("P3M")), false),
        (("updated_at", "within_last", json!("P3M1D")), true),
        (("updated_at", "not_within_last", json!("P1D")), true),
        (("tag", "has", json!("VIP")), true),
        (("tag", "has_not", json!("vip")), false),
        (("tag", "in", json!(["x", "jaro"])), true),
        (("tag", "not_in", json!(["x"])), true),
        (("tag", "is_empty", Value::Null), false),
        (("tag_count", "eq", json!(2)), true),
        (("tag_count", "gt", json!(2)), false),
        (("trashed_at", "is_empty", Value::Null), true),
        (("trashed_at", "within_last", json!("P9Y")), false),
        (("trashed_at", "ne", json!("2026-11-20")), true),
        (("detail:boty", "eq", json!("43")), true),
        (("detail:boty", "eq", json!(43.0)), true),
        (("detail:boty", "gt", json!(42)), true),
        (("detail:boty", "gte", json!("43,0")), true),
        (("detail:vyska", "between", json!(["1.6", 2])), true),
        (("detail:vyska", "eq", json!("1.7")), true),
        (("detail:clen", "eq", json!(true)), true),
        (("detail:nic", "is_empty", Value::Null), true),
        (("detail:zadny", "ne", json!("x")), true),
        (("detail:od", "within_last", json!("P4M")), true),
        (("detail:od", "before", json!("2026-11-01")), false),
        (("detail:boty", "before", json!("2026-11-01")), false),
        (("detail:divne", "after", json!("2026-02-28")), true),
        (("consent:email_basic", "eq", json!("granted")), true),
        (("consent:sms_basic", "eq", json!("withdrawn")), true),
        (("consent:post_basic", "in", json!(["never"])), true),
        (("email_status", "eq", json!("opt_in")), true),
        (("sms_status", "eq", json!("opt_out")), true),
        (("subscribed", "eq", json!(true)), true),
        (("muted", "ne", json!(true)), true),
        (("communication", "eq", json!("subscribed")), true),
        (("import", "eq", json!(import)), true),
        (("owner", "has", json!(owner)), true),
        (("owner", "has_not", json!(import)), true),
        (("owner", "not_in", json!([import, owner])), false),
        (("owner", "is_empty", Value::Null), false),
        (("owner", "is_not_empty", Value::Null), true),
    ];
    for ((field, op, value), expected) in cases {
        let json = json!({"field": field, "op": op, "value": value});
        assert_eq!(holds(&json), expected, "{json}");
        assert_eq!(holds(&json!({"not": json})), !expected, "{json}");
    }
}

/// SEG-2
#[test]
fn the_score_of_a_tag_belongs_to_that_tag() {
    let with = |tag: &str, op: &str, value: i64| {
        holds(
            &json!({"field": "tag", "op": "has", "value": tag, "score": {"op": op, "value": value}}),
        )
    };
    assert!(with("vip", "gte", 5));
    assert!(!with("jaro", "gte", 5));
    assert!(with("jaro", "ne", 5));
    assert!(!with("leto", "ne", 5));
}

/// SEG-2: the time belongs to the word that holds now.
#[test]
fn the_time_of_a_consent_belongs_to_its_last_word() {
    let said = |purpose: &str, op: &str, state: &str, at: Value| {
        holds(&json!({"field": format!("consent:{purpose}"), "op": op, "value": state, "at": at}))
    };
    let within = |period: &str| json!({"op": "within_last", "value": period});
    assert!(said("email_basic", "eq", "granted", within("P4M")));
    assert!(!said("email_basic", "eq", "granted", within("P1M")));
    assert!(said("email_basic", "ne", "granted", within("P1M")));
    assert!(said("sms_basic", "eq", "withdrawn", json!({"op": "not_within_last", "value": "P1M"})));
    assert!(!said("post_basic", "eq", "never", json!({"op": "not_within_last", "value": "P1M"})));
}

/// CON-9: numbers as PostgreSQL writes them.
#[test]
fn numbers_of_details_have_no_exponent() {
    for (json, text) in [
        ("43.0", "43.0"),
        ("-0.0", "0.0"),
        ("1e300", &format!("1{}", "0".repeat(300))),
        ("1.5e-7", "0.00000015"),
        ("18446744073709551615", "18446744073709551615"),
    ] {
        let value: Value = serde_json::from_str(json).unwrap();
        assert_eq!(detail_text(&value).as_deref(), Some(text), "{json}");
    }
}

/// SEG-1
#[test]
fn the_parts_of_a_selection_combine() {
    let has = |tag: &str| json!({"field": "tag", "op": "has", "value": tag});
    let meant = |json: Value| {
        let selection = read::selection(&json, "#", None).resolve(|_| true).unwrap();
        selects(&selection, &jana(), time("2026-11-21T12:00:00Z"), &|id| id.0.is_nil())
    };
    assert!(meant(json!({})));
    assert!(meant(json!({"include": has("vip")})));
    assert!(!meant(json!({"include": has("vip"), "exclude": has("jaro")})));
    assert!(!meant(json!({"include": has("vip"), "where": has("leto")})));
    assert!(!meant(json!({"segments": [Uuid::max()]})));
    assert!(meant(json!({"segments": [Uuid::nil()], "include": has("leto")})));
    let within = |op: &str| json!({"field": "segment", "op": op, "value": Uuid::nil()});
    assert!(meant(json!({"where": within("eq")})) && !meant(json!({"where": within("ne")})));
}
