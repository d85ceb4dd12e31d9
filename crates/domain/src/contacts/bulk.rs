//! One change for many contacts (CON-6): what a request says of whom and of what.
//!
//! What tells contacts apart is not for many: names, e-mail, phone, external id, day of birth. Consents are
//! given by people, one by one.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::patch::{ContactPatch, Patch, Reading, Reference, Target};
use crate::classes::MAX_GROUPS_PER_CONTACT;
use crate::codes::Code;
use crate::faults::{Fault, pointer_token};
use crate::tags::{TagName, TagSet, read_tags};

/// Contacts one request may name by their ids.
pub const MAX_IDS: usize = 1_000;

/// Fields of a contact that many may share.
const FIELDS: &[&str] = &[
    "company_name",
    "job_title",
    "gender",
    "address",
    "language",
    "time_zone",
    "state",
    "type_id",
    "score",
    "details",
];
/// Fields of a contact that each has for itself.
const OWN_FIELDS: &[&str] = &[
    "external_id",
    "first_name",
    "last_name",
    "title_before",
    "title_after",
    "email",
    "phone",
    "phone_region",
    "birth_date",
    "salutations",
];

/// Which contacts.
#[derive(Clone, Debug, PartialEq)]
pub enum Whom {
    /// Those with these ids.
    Ids(Vec<Uuid>),
    /// Those a selection means; it is read where the workspace is known.
    Selection(Value),
}

/// What becomes of each contact.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Its fields; names, addresses and keys are never among them.
    pub fields: ContactPatch,
    /// Tags put on it; without a score the present one stays.
    pub add_tags: Vec<TagSet>,
    /// Tags taken off it.
    pub remove_tags: Vec<TagName>,
    /// Groups it is put into.
    pub add_groups: Vec<Uuid>,
    /// Groups it is taken out of.
    pub remove_groups: Vec<Uuid>,
    /// Whether it takes marketing.
    pub subscribed: Option<bool>,
    /// Whether it takes no message at all.
    pub muted: Option<bool>,
}

impl Changes {
    /// Whether nothing is to be changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { fields, add_tags, remove_tags, add_groups, remove_groups, subscribed, muted } =
            self;
        let bare = |patch: &ContactPatch| {
            let no_details = Patch::Set(Vec::new());
            *patch == ContactPatch::default()
                || *patch == ContactPatch { details: no_details, ..ContactPatch::default() }
        };
        bare(fields)
            && add_tags.is_empty()
            && remove_tags.is_empty()
            && add_groups.is_empty()
            && remove_groups.is_empty()
            && subscribed.is_none()
            && muted.is_none()
    }
}

/// A bulk edit as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkEdit {
    /// Whom it is about; nobody when the request does not say.
    pub whom: Option<Whom>,
    /// What becomes of them.
    pub changes: Changes,
    /// What is wrong with it, but for the selection and the references.
    pub faults: Vec<Fault>,
}

/// Reads `{"ids": […] | "selection": {…}, "changes": {…}}`.
#[must_use]
pub fn read(body: &Map<String, Value>, reading: Reading) -> BulkEdit {
    let mut faults = Vec::new();
    for member in body.keys() {
        if !matches!(member.as_str(), "ids" | "selection" | "changes") {
            let at = format!("#/{}", pointer_token(member));
            let detail = "A bulk edit has ids or a selection, and changes.";
            faults.push(Fault::new(at, Code::UnknownField, detail));
        }
    }
    let given = |member: &str| body.get(member).filter(|value| !value.is_null());
    let ids = given("ids").map(|ids| read_ids(ids, "#/ids", MAX_IDS, &mut faults));
    let whom = match (ids, given("selection")) {
        (Some(ids), None) => Some(Whom::Ids(ids)),
        (None, Some(selection)) => Some(Whom::Selection(selection.clone())),
        (Some(_), Some(_)) => {
            let detail = "Name ids or a selection, not both.";
            faults.push(Fault::new("#/selection", Code::InvalidValue, detail));
            None
        }
        (None, None) => None,
    };
    let changes = match given("changes") {
        Some(Value::Object(changes)) => read_changes(changes, reading, &mut faults),
        Some(_) => {
            let detail = "Changes are an object of fields and their values.";
            faults.push(Fault::new("#/changes", Code::InvalidType, detail));
            Changes::default()
        }
        None => {
            let detail = "Say what is to be changed.";
            faults.push(Fault::new("#/changes", Code::MissingField, detail));
            Changes::default()
        }
    };
    BulkEdit { whom, changes, faults }
}

fn read_changes(body: &Map<String, Value>, reading: Reading, faults: &mut Vec<Fault>) -> Changes {
    let mut fields = Map::new();
    let mut changes = Changes::default();
    let mut references = Vec::new();
    for (field, value) in body {
        let at = format!("#/changes/{}", pointer_token(field));
        match field.as_str() {
            name if FIELDS.contains(&name) => drop(fields.insert(field.clone(), value.clone())),
            "tags" | "groups" if value.is_null() => {}
            "tags" => read_tag_changes(value, &at, &mut changes, faults),
            "groups" => {
                read_group_changes(value, &at, &mut changes, &mut references, faults);
            }
            "subscribed" => changes.subscribed = read_flag(value, &at, faults),
            "muted" => changes.muted = read_flag(value, &at, faults),
            name if OWN_FIELDS.contains(&name) => {
                let detail = "Each contact has its own; this is not changed for many.";
                faults.push(Fault::new(at, Code::ReadOnlyField, detail));
            }
            _ => {
                let detail = "There is no such change of many contacts.";
                faults.push(Fault::new(at, Code::UnknownField, detail));
            }
        }
    }
    let (patch, found) = ContactPatch::read_all(&fields, "#/changes", reading);
    changes.fields = patch;
    changes.fields.references.extend(references);
    faults.extend(found);
    changes
}

fn read_flag(value: &Value, at: &str, faults: &mut Vec<Fault>) -> Option<bool> {
    let flag = value.as_bool();
    if flag.is_none() {
        faults.push(Fault::new(at, Code::InvalidType, "This is true or false."));
    }
    flag
}

/// The members `add` and `remove` of a change of a set.
fn add_and_remove<'v>(
    value: &'v Value,
    at: &str,
    faults: &mut Vec<Fault>,
) -> (Option<&'v Value>, Option<&'v Value>) {
    let Value::Object(members) = value else {
        let detail = "This is an object with the lists add and remove.";
        faults.push(Fault::new(at, Code::InvalidType, detail));
        return (None, None);
    };
    for member in members.keys().filter(|name| !matches!(name.as_str(), "add" | "remove")) {
        let at = format!("{at}/{}", pointer_token(member));
        faults.push(Fault::new(at, Code::UnknownField, "A change of a set has add and remove."));
    }
    let of = |name: &str| members.get(name).filter(|list| !list.is_null());
    (of("add"), of("remove"))
}

fn read_tag_changes(value: &Value, at: &str, changes: &mut Changes, faults: &mut Vec<Fault>) {
    let (add, remove) = add_and_remove(value, at, faults);
    if let Some(tags) = add {
        changes.add_tags = read_tags(tags, &format!("{at}/add"), faults);
    }
    let Some(tags) = remove else { return };
    let at = format!("{at}/remove");
    for (index, item) in tags.as_array().into_iter().flatten().enumerate() {
        if item.get("score").is_some_and(|score| !score.is_null()) {
            let at = format!("{at}/{index}/score");
            faults.push(Fault::new(at, Code::UnknownField, "A tag is taken off by its name."));
        }
    }
    let tags = read_tags(tags, &at, faults);
    if tags.iter().any(|gone| changes.add_tags.iter().any(|new| new.name.key() == gone.name.key()))
    {
        let detail = "A tag cannot be put on and taken off at once.";
        faults.push(Fault::new(at, Code::InvalidValue, detail));
    }
    changes.remove_tags = tags.into_iter().map(|tag| tag.name).collect();
}

fn read_group_changes(
    value: &Value,
    at: &str,
    changes: &mut Changes,
    references: &mut Vec<Reference>,
    faults: &mut Vec<Fault>,
) {
    let (add, remove) = add_and_remove(value, at, faults);
    let mut ids = |list: Option<&Value>, name: &str| {
        let at = format!("{at}/{name}");
        let mut ids = Vec::new();
        let Some(list) = list else { return ids };
        for (index, item) in items(list, &at, MAX_GROUPS_PER_CONTACT, faults).iter().enumerate() {
            let pointer = format!("{at}/{index}");
            let Some(id) = read_id(item, &pointer, faults) else { continue };
            references.push(Reference { pointer, target: Target::Group(id) });
            ids.push(id);
        }
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    changes.add_groups = ids(add, "add");
    changes.remove_groups = ids(remove, "remove");
    if changes.remove_groups.iter().any(|gone| changes.add_groups.contains(gone)) {
        let detail = "Nobody can be put into a group and taken out of it at once.";
        faults.push(Fault::new(format!("{at}/remove"), Code::InvalidValue, detail));
    }
}

fn items<'v>(list: &'v Value, at: &str, most: usize, faults: &mut Vec<Fault>) -> &'v [Value] {
    match list {
        Value::Array(items) if items.len() > most => {
            faults.push(Fault::new(at, Code::TooMany, format!("At most {most} at once.")));
            &[]
        }
        Value::Array(items) => items,
        _ => {
            faults.push(Fault::new(at, Code::InvalidType, "This is a list of ids."));
            &[]
        }
    }
}

fn read_ids(list: &Value, at: &str, most: usize, faults: &mut Vec<Fault>) -> Vec<Uuid> {
    let items = items(list, at, most, faults);
    let read = |(index, item)| read_id(item, &format!("{at}/{index}"), faults);
    items.iter().enumerate().filter_map(read).collect()
}

fn read_id(value: &Value, at: &str, faults: &mut Vec<Fault>) -> Option<Uuid> {
    let Value::String(text) = value else {
        faults.push(Fault::new(at, Code::InvalidType, "An id is text."));
        return None;
    };
    let id = Uuid::parse_str(text).ok();
    if id.is_none() {
        let code = if text.contains('\0') { Code::NulCharacter } else { Code::InvalidValue };
        faults.push(Fault::new(at, code, "This is not an id."));
    }
    id
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use serde_json::json;

    use super::*;

    fn read_body(body: &Value) -> BulkEdit {
        let today = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        read(body.as_object().unwrap(), Reading { phone_region: None, today })
    }

    fn faults(body: &Value) -> Vec<(String, Code)> {
        let read = read_body(body);
        read.faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    /// CON-6
    #[test]
    fn every_change_is_read() {
        let id = Uuid::from_u128(7);
        let read = read_body(&json!({"ids": [id], "changes": {
            "tags": {"add": [{"name": "vip", "score": 5}, "spring"], "remove": ["OLD", {"name": "x"}]},
            "groups": {"add": [id, id], "remove": []}, "type_id": null, "state": "partner", "score": 3,
            "language": "cs", "details": {"a": 1, "b": null}, "subscribed": false, "muted": true,
            "address": {"country": "PL"}, "company_name": "X"
        }}));
        assert_eq!(read.faults, []);
        assert_eq!(read.whom, Some(Whom::Ids(vec![id])));
        let changes = read.changes;
        assert_eq!(changes.add_tags.len(), 2);
        assert_eq!(changes.remove_tags[0].key(), "old");
        assert_eq!((changes.add_groups.clone(), changes.remove_groups.len()), (vec![id], 0));
        assert_eq!((changes.subscribed, changes.muted), (Some(false), Some(true)));
        assert_eq!(changes.fields.country, Patch::Set("PL".into()));
        assert_eq!(changes.fields.type_id, Patch::Clear);
        let last = changes.fields.references.last().unwrap();
        assert_eq!(last.pointer, "#/changes/groups/add/1");
        assert!(!changes.is_empty());
    }

    /// CON-6: all faults at once.
    #[test]
    fn what_is_not_for_many_is_refused() {
        let body = json!({"ids": ["x"], "selection": {}, "colour": 1, "changes": {
            "email": "a@b.cz", "first_name": "Jana", "consents": [], "language": "Czech",
            "tags": {"add": ["a"], "remove": ["A"], "set": []}, "groups": [], "muted": 1
        }});
        let mut found = faults(&body);
        found.sort();
        let mut expected: Vec<(String, Code)> = [
            ("#/colour", Code::UnknownField),
            ("#/ids/0", Code::InvalidValue),
            ("#/selection", Code::InvalidValue),
            ("#/changes/email", Code::ReadOnlyField),
            ("#/changes/first_name", Code::ReadOnlyField),
            ("#/changes/consents", Code::UnknownField),
            ("#/changes/language", Code::InvalidLanguage),
            ("#/changes/tags/set", Code::UnknownField),
            ("#/changes/tags/remove", Code::InvalidValue),
            ("#/changes/groups", Code::InvalidType),
            ("#/changes/muted", Code::InvalidType),
        ]
        .map(|(at, code)| (at.to_owned(), code))
        .to_vec();
        expected.sort();
        assert_eq!(found, expected);
        assert_eq!(faults(&json!({})), [("#/changes".to_owned(), Code::MissingField)]);
        let many = vec![Uuid::nil(); 1_001];
        let over = json!({"ids": many, "changes": {"score": 1}});
        assert_eq!(faults(&over), [("#/ids".to_owned(), Code::TooMany)]);
        let wrong = json!({"ids": ["x", 1, "\u{0}"], "changes": {"tags": {"remove": [{"name": "a", "score": 1}]}}});
        assert_eq!(
            faults(&wrong),
            [
                ("#/ids/0".to_owned(), Code::InvalidValue),
                ("#/ids/1".to_owned(), Code::InvalidType),
                ("#/ids/2".to_owned(), Code::NulCharacter),
                ("#/changes/tags/remove/0/score".to_owned(), Code::UnknownField),
            ]
        );
    }

    #[test]
    fn changes_that_say_nothing_are_empty() {
        for nothing in [
            json!({}),
            json!({"tags": {}, "groups": {"add": []}}),
            json!({"tags": null, "groups": null}),
            json!({"tags": {"add": [], "remove": null}, "details": {}, "address": {}}),
        ] {
            assert!(read_body(&json!({ "changes": nothing })).changes.is_empty(), "{nothing}");
        }
        for something in [json!({"score": null}), json!({"details": null}), json!({"muted": false})]
        {
            assert!(!read_body(&json!({ "changes": something })).changes.is_empty(), "{something}");
        }
    }
}
