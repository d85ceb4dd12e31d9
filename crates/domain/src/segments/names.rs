//! What a tree names beside segments: tags, purposes, details, and what stands there by its id. A saved segment
//! keeps them from being taken away under it, and follows when they are renamed.

use std::collections::BTreeSet;

use serde_json::Value;
use uuid::Uuid;

use super::fields::Link;
use super::tree::{Selection, Test};
use crate::tags::TagName;

/// What kind of thing a tree names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameKind {
    /// A tag, by its key.
    Tag,
    /// A purpose of consent, by its name.
    Purpose,
    /// A detail, by its name.
    Detail,
    /// A group, by its id.
    Group,
    /// A contact type, by its id.
    ContactType,
    /// A stage of a funnel, by its id.
    Stage,
    /// A person who owns contacts, or something contacts are linked to, by its id.
    Linked(Link),
}

impl NameKind {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Tag,
        Self::Purpose,
        Self::Detail,
        Self::Group,
        Self::ContactType,
        Self::Stage,
        Self::Linked(Link::Owner),
        Self::Linked(Link::Company),
        Self::Linked(Link::Opportunity),
        Self::Linked(Link::Project),
    ];

    /// The word in the table of names.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            Self::Purpose => "purpose",
            Self::Detail => "detail",
            Self::Group => "group",
            Self::ContactType => "type",
            Self::Stage => "funnel_stage",
            Self::Linked(link) => link.as_str(),
        }
    }
}

/// Something a tree names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentName {
    /// What it is.
    pub kind: NameKind,
    /// How it is called.
    pub name: String,
}

/// Everything that `selection` names itself; what its segments name is theirs.
#[must_use]
pub fn names_of(selection: &Selection) -> BTreeSet<SegmentName> {
    let mut names = BTreeSet::new();
    selection.each_leaf(&mut |leaf| {
        let (kind, named): (NameKind, Vec<String>) = match &leaf.test {
            Test::Tag(test) => (NameKind::Tag, test.keys.iter().flatten().cloned().collect()),
            Test::Consent(purpose, ..) => (NameKind::Purpose, vec![purpose.clone()]),
            Test::Detail(name, _) => (NameKind::Detail, vec![name.clone()]),
            Test::Group(groups) => {
                (NameKind::Group, groups.iter().flatten().map(|id| id.0.to_string()).collect())
            }
            Test::Type(types) => {
                (NameKind::ContactType, types.iter().map(|id| id.0.to_string()).collect())
            }
            Test::Stage(stages) => {
                (NameKind::Stage, stages.iter().flatten().map(|id| id.0.to_string()).collect())
            }
            Test::Linked(link, ids) => {
                (NameKind::Linked(*link), ids.iter().flatten().map(Uuid::to_string).collect())
            }
            _ => return,
        };
        names.extend(named.into_iter().map(|name| SegmentName { kind, name }));
    });
    names
}

/// Gives a tag another name in a filter or a selection, wherever it stands as the value of a condition on
/// tags. Says whether it stood anywhere.
pub fn rename_tag(tree: &mut Value, key: &str, name: &TagName) -> bool {
    let is = |value: &Value| {
        value
            .as_str()
            .and_then(|text| TagName::parse(text).ok())
            .is_some_and(|tag| tag.key() == key)
    };
    match tree {
        Value::Array(items) => rename_in(items.iter_mut(), key, name),
        Value::Object(node) if node.get("field").and_then(Value::as_str) == Some("tag") => {
            let mut any = false;
            match node.get_mut("value") {
                Some(Value::Array(values)) => {
                    for value in values.iter_mut().filter(|value| is(value)) {
                        *value = name.as_str().into();
                        any = true;
                    }
                }
                Some(value) if is(value) => {
                    *value = name.as_str().into();
                    any = true;
                }
                _ => {}
            }
            any
        }
        Value::Object(node) => rename_in(node.values_mut(), key, name),
        _ => false,
    }
}

/// In all of them: not only in the first where it stands.
fn rename_in<'v>(trees: impl Iterator<Item = &'v mut Value>, key: &str, name: &TagName) -> bool {
    let mut any = false;
    for tree in trees {
        any |= rename_tag(tree, key, name);
    }
    any
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::segments::read;

    #[test]
    fn a_tree_tells_what_it_names() {
        let leaf =
            |field: &str, op: &str, value: Value| json!({"field": field, "op": op, "value": value});
        let json = json!({
            "include": {"or": [
                leaf("tag", "in", json!(["VIP", "jaro"])),
                {"not": leaf("consent:email_basic", "eq", json!("granted"))}
            ]},
            "where": {"and": [leaf("detail:boty", "gt", json!(40)), leaf("tag", "has", json!("vip"))]}
        });
        let selection = read::selection(&json, "#", None).resolve(|_| true).unwrap();
        let names: Vec<_> =
            names_of(&selection).into_iter().map(|name| (name.kind.as_str(), name.name)).collect();
        let expected =
            [("tag", "jaro"), ("tag", "vip"), ("purpose", "email_basic"), ("detail", "boty")];
        assert_eq!(names, expected.map(|(kind, name)| (kind, name.to_owned())));
    }

    /// SEG-5: what stands in a tree by its id, however it was spelt there.
    #[test]
    fn a_tree_tells_which_records_it_names() {
        let id = Uuid::from_u128(0xABC);
        let leaf =
            |field: &str, op: &str, value: Value| json!({"field": field, "op": op, "value": value});
        let json = json!({
            "include": leaf("funnel_stage", "in", json!([id])),
            "exclude": leaf("owner", "has", json!(id.to_string().to_uppercase())),
            "where": {"or": [
                leaf("company", "in", json!([id, id])),
                {"not": leaf("project", "has_not", json!(id))},
                {"field": "opportunity", "op": "is_not_empty"}
            ]}
        });
        let selection = read::selection(&json, "#", None).resolve(|_| true).unwrap();
        let names: BTreeSet<_> =
            names_of(&selection).into_iter().map(|name| (name.kind.as_str(), name.name)).collect();
        let expected =
            ["company", "funnel_stage", "owner", "project"].map(|kind| (kind, id.to_string()));
        assert_eq!(names, BTreeSet::from(expected));
        let words: BTreeSet<_> = NameKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(words.len(), NameKind::ALL.len());
    }

    #[test]
    fn a_renamed_tag_is_renamed_where_it_is_a_tag() {
        let mut tree = json!({"and": [
            {"field": "tag", "op": "in", "value": ["Jaro", "vip"]},
            {"not": {"field": "tag", "op": "has", "value": " VIP "}},
            {"field": "last_name", "op": "eq", "value": "vip"},
            {"field": "tag", "op": "is_empty"}
        ]});
        let name = TagName::parse("Top").unwrap();
        assert!(rename_tag(&mut tree, "vip", &name));
        assert_eq!(
            tree,
            json!({"and": [
                {"field": "tag", "op": "in", "value": ["Jaro", "Top"]},
                {"not": {"field": "tag", "op": "has", "value": "Top"}},
                {"field": "last_name", "op": "eq", "value": "vip"},
                {"field": "tag", "op": "is_empty"}
            ]})
        );
        assert!(!rename_tag(&mut tree, "vip", &name));
    }
}
