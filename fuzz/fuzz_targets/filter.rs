//! The filter tree: any JSON is read without a panic, and what is read becomes SQL that is ours to the
//! last word, with every value a bind (SEG-1 to SEG-3).
#![no_main]

use std::collections::HashSet;
use std::sync::LazyLock;

use arbitrary::{Arbitrary, Unstructured};
use chrono::{DateTime, TimeDelta, Utc};
use kartoteka_domain::contacts::phone::Region;
use kartoteka_domain::segments::fields::{Field, Op};
use kartoteka_domain::segments::read::{self, MAX_DEPTH, MAX_NODES, MAX_VALUES};
use kartoteka_persistence::segments::{Names, condition};
use kartoteka_persistence::sql::Sql;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use uuid::Uuid;

/// A value of a condition.
#[derive(Arbitrary, Debug)]
enum Scalar<'a> {
    Text(&'a str),
    Whole(i64),
    Double(f64),
    Flag(bool),
    Null,
    Date(i32),
    Time(i32),
    Period(u8, u8),
    Word(u8),
    Id(u128),
}

const WORDS: &[&str] = &[
    "granted",
    "withdrawn",
    "none",
    "opt_in",
    "opt_out",
    "invalid",
    "subscribed",
    "unsubscribed",
    "muted",
    "prospect",
    "customer",
    "partner",
    "female",
    "male",
    "other",
    "manual",
    "import",
    "api",
    "CZ",
    "cs",
    "jana@example.cz",
    "+420601123456",
    "601 123 456",
    "vip",
    "Europe/Prague",
    "x'; DROP TABLE contacts; --",
];

impl Scalar<'_> {
    fn json(&self) -> Value {
        let start = DateTime::<Utc>::UNIX_EPOCH;
        match self {
            Self::Text(text) => (*text).into(),
            Self::Whole(whole) => (*whole).into(),
            Self::Double(double) => (*double).into(),
            Self::Flag(flag) => (*flag).into(),
            Self::Null => Value::Null,
            Self::Date(days) => (start + TimeDelta::days(i64::from(*days % 100_000)))
                .format("%F")
                .to_string()
                .into(),
            Self::Time(seconds) => {
                (start + TimeDelta::seconds(i64::from(*seconds))).to_rfc3339().into()
            }
            Self::Period(n, unit) => {
                format!("P{n}{}", ["D", "W", "M", "Y", "DT1H"][usize::from(*unit) % 5]).into()
            }
            Self::Word(n) => WORDS[usize::from(*n) % WORDS.len()].into(),
            Self::Id(id) => Uuid::from_u128(*id).to_string().into(),
        }
    }
}

/// A node that is mostly well formed, so that the fuzzer gets behind the first check.
#[derive(Arbitrary, Debug)]
enum Node<'a> {
    And(Vec<Node<'a>>),
    Or(Vec<Node<'a>>),
    Not(Box<Node<'a>>),
    Leaf {
        field: u8,
        name: &'a str,
        op: u8,
        value: Scalar<'a>,
        more: Option<Vec<Scalar<'a>>>,
        score: Option<(u8, i64)>,
    },
    Odd(&'a str, Scalar<'a>),
}

impl Node<'_> {
    fn json(&self) -> Value {
        match self {
            Self::And(nodes) => json!({"and": nodes.iter().map(Node::json).collect::<Vec<_>>()}),
            Self::Or(nodes) => json!({"or": nodes.iter().map(Node::json).collect::<Vec<_>>()}),
            Self::Not(node) => json!({"not": node.json()}),
            Self::Leaf { field, name, op, value, more, score } => {
                let names = Field::names();
                let field = match usize::from(*field) % (names.len() + 3) {
                    n if n < names.len() => names[n].to_owned(),
                    n if n == names.len() => format!("detail:{name}"),
                    n if n == names.len() + 1 => format!("consent:{name}"),
                    _ => "consent:email_basic".to_owned(),
                };
                let op_word = |op: u8| Op::ALL[usize::from(op) % Op::ALL.len()].as_str();
                let mut leaf = json!({"field": field, "op": op_word(*op)});
                match more {
                    None if matches!(value, Scalar::Null) => {}
                    None => leaf["value"] = value.json(),
                    Some(more) => {
                        leaf["value"] =
                            std::iter::once(value).chain(more).map(Scalar::json).collect();
                    }
                }
                if let Some((op, value)) = score {
                    leaf["score"] = json!({"op": op_word(*op), "value": value});
                }
                leaf
            }
            Self::Odd(name, value) => json!({*name: value.json()}),
        }
    }
}

#[derive(Arbitrary, Debug)]
enum Input<'a> {
    Made {
        include: Option<Node<'a>>,
        exclude: Option<Node<'a>>,
        filter: Option<Node<'a>>,
        region: bool,
    },
    Raw(&'a str),
}

/// Every word and every literal that a statement may hold.
static OURS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("filter.words").lines().collect());

/// The text of a statement, taken apart: nothing in it may come from the tree.
fn is_ours(text: &str, binds: usize) {
    let mut rest = text;
    let mut used = HashSet::new();
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '\'' => {
                // a literal with its quotes
                let end = rest[1..].find('\'').expect("a literal ends") + 2;
                assert!(
                    OURS.contains(&rest[..end]),
                    "a literal that is not ours: {}",
                    &rest[..end]
                );
                end
            }
            '$' => {
                let digits = rest[1..].bytes().take_while(u8::is_ascii_digit).count();
                let number: usize = rest[1..=digits].parse().expect("a placeholder has a number");
                assert!((1..=binds).contains(&number), "${number} is no bind");
                used.insert(number);
                digits + 1
            }
            'a'..='z' | 'A'..='Z' | '_' | '0'..='9' => {
                let length =
                    rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
                assert!(
                    OURS.contains(&rest[..length]),
                    "a word that is not ours: {}",
                    &rest[..length]
                );
                length
            }
            _ => {
                assert!(" ().,=<>|&:*~[]+-\"".contains(c), "a sign that is not ours: {c:?}");
                c.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    assert_eq!(used.len(), binds, "each bind is used");
}

fn depth_and_nodes(tree: &Value) -> (usize, usize) {
    let below: Vec<&Value> = match tree {
        Value::Object(map) => ["and", "or"]
            .iter()
            .filter_map(|joint| map.get(*joint)?.as_array())
            .flatten()
            .chain(map.get("not"))
            .collect(),
        _ => Vec::new(),
    };
    let parts = below.into_iter().map(depth_and_nodes);
    parts.fold((1, 1), |(depth, nodes), (d, n)| (depth.max(d + 1), nodes + n))
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(bytes)) else { return };
    let (tree, region) = match input {
        Input::Made { include, exclude, filter, region } => {
            let part = |node: Option<Node<'_>>| node.map_or(Value::Null, |node| node.json());
            (
                json!({"include": part(include), "exclude": part(exclude), "where": part(filter)}),
                region,
            )
        }
        Input::Raw(text) => match serde_json::from_str(text) {
            Ok(tree) => (tree, true),
            Err(_) => return,
        },
    };
    let region = region.then(|| Region::parse("CZ").expect("a region"));
    let reading = read::selection(&tree, "#/selection", region);
    for fault in &reading.faults {
        assert!(fault.pointer.starts_with("#/selection"), "{}", fault.pointer);
        assert!(!fault.detail.is_empty());
    }
    // everything it refers to exists
    let Ok(selection) = reading.resolve(|_| true) else { return };
    for part in ["include", "exclude", "where"] {
        let (depth, nodes) = depth_and_nodes(&tree[part]);
        assert!(depth <= MAX_DEPTH && nodes <= MAX_NODES, "{nodes} nodes, {depth} deep");
    }

    let mut names = Vec::new();
    selection.each_leaf(&mut |leaf| names.push(format!("{leaf:?}").len()));
    assert!(names.len() <= 3 * MAX_NODES);

    let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_779);
    for names in [
        Names::default(),
        Names::made_up(["vip"], [("email_basic", "email"), ("sms_basic", "sms")]),
    ] {
        let mut sql = Sql::default();
        let workspace = sql.param(Uuid::nil());
        condition(&selection, &mut sql, "c", &workspace, &names, now);
        let text = sql.text().to_owned();
        let binds: usize = sql.param(0_i64)[1..].parse().expect("a number");
        assert!(binds - 1 <= 4 * MAX_NODES * MAX_VALUES);
        // the workspace is bound before it is known whether a condition names it
        is_ours(&format!("$1 {text}"), binds - 1);
        assert!(!text.contains("DROP"));
    }
});
