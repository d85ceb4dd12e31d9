//! The SQL of selections.

use chrono::TimeZone;
use kartoteka_domain::segments::read;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn sql(json: &Value) -> String {
    let selection = read::selection(json, "#", None).resolve(|_| true).unwrap();
    let mut sql = Sql::default();
    let now = Utc.with_ymd_and_hms(2026, 12, 25, 10, 0, 0).unwrap();
    let workspace = sql.param(Uuid::nil());
    condition(&selection, &mut sql, "c", &workspace, &Names::for_tests(), now);
    sql.text().to_owned()
}

fn one(field: &str, op: &str, value: Value) -> String {
    let whole = sql(&json!({"where": {"field": field, "op": op, "value": value}}));
    let inner = whole.strip_prefix("(TRUE AND ").and_then(|rest| rest.strip_suffix(')'));
    inner.unwrap_or_else(|| panic!("{whole}")).to_owned()
}

/// SEG-1
#[test]
fn a_selection_without_conditions_demands_nothing() {
    assert_eq!(sql(&json!({})), "(TRUE)");
}

/// SEG-2: what each condition becomes.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn conditions_become_statements_planners_know() {
    let cases = [
        (one("address.city", "eq", json!("Brno")), "(c.city = $2)"),
        (one("address.city", "ne", json!("Brno")), "(c.city = $2) IS NOT TRUE"),
        (one("address.city", "in", json!(["Brno", "Praha"])), "(c.city = ANY ($2))"),
        (one("email", "eq", json!("A@b.cz")), "(c.email_key = $2)"),
        (one("email", "is_not_empty", Value::Null), "(c.email IS NULL) IS NOT TRUE"),
        (
            one("last_name", "starts_with", json!("a")),
            "(c.search LIKE $2 AND contact_fold(c.last_name) LIKE $3)",
        ),
        (one("address.city", "contains", json!("a")), "(contact_fold(c.city) LIKE $2)"),
        (one("phone", "ends_with", json!("456")), "(c.phone LIKE $2)"),
        (one("score", "between", json!([1, 2])), "(c.score >= $2 AND c.score <= $3)"),
        (one("muted", "ne", json!(true)), "NOT c.muted"),
        (
            one("created_at", "within_last", json!("P90D")),
            "(c.created_at >= $2 AND c.created_at <= $3)",
        ),
        (
            one("birth_date", "anniversary_in", json!("P14D")),
            "(to_char(c.birth_date, 'MM-DD') COLLATE \"C\" BETWEEN $2 AND $3 \
             OR to_char(c.birth_date, 'MM-DD') COLLATE \"C\" BETWEEN $4 AND $5)",
        ),
        (one("detail:size", "eq", json!("43")), "((c.details ->> $2) = $3)"),
        (one("type", "ne", json!(Uuid::nil())), "(TRUE AND c.type_id = $2) IS NOT TRUE"),
        (one("type", "is_empty", Value::Null), "(c.type_id IS NULL)"),
        (
            one("group", "has", json!(Uuid::nil())),
            "EXISTS (SELECT FROM contact_groups t WHERE t.workspace_id = $1 AND t.contact_id = c.id \
             AND t.group_id = $2)",
        ),
        (
            one("group", "is_empty", Value::Null),
            "NOT EXISTS (SELECT FROM contact_groups t WHERE t.workspace_id = $1 AND t.contact_id = c.id)",
        ),
        (
            one("funnel_stage", "has_not", json!(Uuid::nil())),
            "NOT EXISTS (SELECT FROM contact_stages t WHERE t.workspace_id = $1 AND t.contact_id = c.id \
             AND t.stage_id = $2)",
        ),
        (
            one("funnel_stage", "is_not_empty", Value::Null),
            "EXISTS (SELECT FROM contact_stages t WHERE t.workspace_id = $1 AND t.contact_id = c.id)",
        ),
        (
            one("tag", "has_not", json!("vip")),
            "NOT EXISTS (SELECT FROM contact_tags t WHERE t.workspace_id = $1 AND t.contact_id = c.id \
             AND t.tag_id = $2)",
        ),
        (
            one("tag", "in", json!(["spring", "autumn"])),
            "EXISTS (SELECT FROM contact_tags t WHERE t.workspace_id = $1 AND t.contact_id = c.id \
             AND t.tag_id = ANY ($2))",
        ),
        (
            one("consent:email_basic", "ne", json!("granted")),
            "NOT EXISTS (SELECT FROM consents t WHERE t.workspace_id = $1 AND t.contact_id = c.id \
             AND t.purpose_id = $2 AND t.granted)",
        ),
        (
            one("tag_count", "gte", json!(2)),
            "EXISTS (SELECT FROM (SELECT n.contact_id FROM contact_tags n WHERE n.workspace_id = $1 \
             GROUP BY n.contact_id HAVING (count(*) >= $2)) AS t WHERE t.contact_id = c.id)",
        ),
        (
            one("tag_count", "lt", json!(2)),
            "NOT EXISTS (SELECT FROM (SELECT n.contact_id FROM contact_tags n WHERE n.workspace_id = $1 \
             GROUP BY n.contact_id HAVING NOT (count(*) < $2)) AS t WHERE t.contact_id = c.id)",
        ),
        (
            one("tag_count", "ne", json!(2)),
            "NOT EXISTS (SELECT FROM (SELECT n.contact_id FROM contact_tags n WHERE n.workspace_id = $1 \
             GROUP BY n.contact_id HAVING (count(*) = ANY ($2))) AS t WHERE t.contact_id = c.id)",
        ),
        (
            one("tag_count", "eq", json!(0)),
            "NOT EXISTS (SELECT FROM contact_tags t WHERE t.workspace_id = $1 AND t.contact_id = c.id)",
        ),
        (one("segment", "ne", json!(Uuid::nil())), "TRUE"),
        (
            one("communication", "ne", json!("muted")),
            "(NOT c.muted AND c.subscribed OR NOT c.muted AND NOT c.subscribed)",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(text, expected);
    }
}

/// SEG-3: a negation never meets SQL's third value.
#[test]
fn negations_are_pushed_down() {
    let city = json!({"field": "address.city", "op": "eq", "value": "Brno"});
    let muted = json!({"field": "muted", "op": "eq", "value": true});
    assert_eq!(
        sql(&json!({"exclude": {"and": [city, {"not": muted}]}})),
        "(TRUE AND ((c.city = $2) IS NOT TRUE OR c.muted))"
    );
}

/// SEG-4: tags that are looked for together are one join.
#[test]
fn tags_joined_are_looked_for_at_once() {
    let has = |tag: &str| json!({"field": "tag", "op": "has", "value": tag});
    let muted = json!({"field": "muted", "op": "eq", "value": true});
    let rows =
        "EXISTS (SELECT FROM contact_tags t WHERE t.workspace_id = $1 AND t.contact_id = c.id";
    let either = json!({"or": [has("vip"), muted, has("VIP")]});
    let both = format!("({rows} AND t.tag_id = ANY ($2)) OR c.muted)");
    assert_eq!(sql(&json!({"where": either})), format!("(TRUE AND {both})"));
    assert_eq!(
        sql(&json!({"exclude": either})),
        format!("(TRUE AND (NOT {rows} AND t.tag_id = ANY ($2)) AND NOT c.muted))")
    );
    let all = sql(&json!({"where": {"and": [has("vip"), has("vip")]}}));
    assert_eq!(
        all,
        format!("(TRUE AND ({rows} AND t.tag_id = $2) AND {rows} AND t.tag_id = $3)))")
    );
}

/// Values of callers are never text of a statement.
#[test]
fn values_and_names_are_bound() {
    let nasty = "x'; DROP TABLE contacts; --";
    for (field, op) in [
        ("address.city".to_owned(), "eq"),
        ("last_name".to_owned(), "contains"),
        ("tag".to_owned(), "has"),
        (format!("detail:{nasty}"), "eq"),
        (format!("consent:{nasty}"), "eq"),
    ] {
        let value = if field.starts_with("consent") { "granted" } else { nasty };
        assert!(!one(&field, op, json!(value)).contains("DROP"), "{field}");
    }
}

/// CON-4
#[test]
fn wildcards_are_only_characters() {
    assert_eq!(escaped(r"100%_\a"), r"100\%\_\\a");
}

proptest! {
    /// SEG-3: the text of a statement depends on the shape of a tree, never on what its values say.
    #[test]
    fn no_value_changes_the_text(value in any::<String>(), other in any::<String>(), name in any::<String>()) {
        let usable = |text: &str| !text.contains('\0') && text.chars().any(char::is_alphanumeric);
        prop_assume!(usable(&value) && usable(&other) && usable(&name));
        for (field, op) in [
            ("address.city".to_owned(), "eq"),
            ("company_name".to_owned(), "contains"),
            ("external_id".to_owned(), "starts_with"),
            (format!("detail:{name}"), "contains"),
        ] {
            let text = |value: &str| {
                let tree = json!({"where": {"field": field, "op": op, "value": value}});
                let selection = read::selection(&tree, "#", None).resolve(|_| true).ok()?;
                let mut sql = Sql::default();
                condition(&selection, &mut sql, "c", "$0", &Names::default(), Utc.timestamp_opt(0, 0).unwrap());
                Some(sql.text().to_owned())
            };
            if let (Some(one), Some(another)) = (text(&value), text(&other)) {
                prop_assert_eq!(one, another);
            }
        }
    }
}
