//! Reading selections and filters out of JSON: every fault at once, each with a pointer to its node
//! (SEG-3). Bounded: a tree has at most [`MAX_NODES`] nodes and is at most [`MAX_DEPTH`] deep.

use std::fmt::Display;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::fields::{Field, Link, Op};
use super::tree::{Filter, Leaf, Selection};
use crate::codes::Code;
use crate::contacts::phone::Region;
use crate::faults::{Fault, pointer_token, sentence};
use crate::ids::{ContactTypeId, GroupId, ImportId, SegmentId, StageId};

mod leaf;

/// Most nodes of one tree.
pub const MAX_NODES: usize = 100;
/// Most nodes on the way from the root to a condition, both counted.
pub const MAX_DEPTH: usize = 8;
/// Most values of one list.
pub const MAX_VALUES: usize = 1_000;
/// Most characters of one text.
pub const MAX_TEXT: usize = 1_000;
/// Most segments of a selection.
pub const MAX_SEGMENTS: usize = 100;

/// What was read, and what is wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading<T> {
    /// What was read; not to be used when there are faults.
    value: T,
    /// What is wrong, in the order of the document.
    pub faults: Vec<Fault>,
    /// What must exist for it to make sense.
    pub references: Vec<Reference>,
}

/// Something a tree refers to that only the database knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Where.
    pub pointer: String,
    /// To what.
    pub target: Target,
}

/// What a reference points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The purpose with this name.
    Purpose(String),
    /// An import.
    Import(ImportId),
    /// A saved segment.
    Segment(SegmentId),
    /// A group.
    Group(GroupId),
    /// A contact type.
    ContactType(ContactTypeId),
    /// A stage of a funnel.
    Stage(StageId),
    /// Something contacts are linked to.
    Linked(Link, Uuid),
}

impl<T> Reading<T> {
    /// The same reading of something else.
    #[must_use]
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Reading<U> {
        let Self { value, faults, references } = self;
        Reading { value: change(value), faults, references }
    }

    /// What was read, when it has no faults and everything it refers to `exists`.
    ///
    /// # Errors
    /// All faults.
    pub fn resolve(mut self, exists: impl Fn(&Target) -> bool) -> Result<T, Vec<Fault>> {
        self.faults.extend(missing(&self.references, exists));
        if self.faults.is_empty() { Ok(self.value) } else { Err(self.faults) }
    }
}

/// A fault for each reference to something that does not exist.
pub fn missing(references: &[Reference], exists: impl Fn(&Target) -> bool) -> Vec<Fault> {
    let gone = references.iter().filter(|reference| !exists(&reference.target));
    gone.map(|Reference { pointer, target }| {
        let (code, detail) = match target {
            Target::Purpose(_) => (Code::UnknownPurpose, "there is no purpose with this name"),
            Target::Import(_) => (Code::UnknownReference, "there is no such import"),
            Target::Segment(_) => (Code::UnknownReference, "there is no such segment"),
            Target::Group(_) => (Code::UnknownReference, "there is no such group"),
            Target::ContactType(_) => (Code::UnknownReference, "there is no such contact type"),
            Target::Stage(_) => (Code::UnknownReference, "there is no such stage of a funnel"),
            Target::Linked(..) => (Code::UnknownReference, "there is nothing with this id"),
        };
        Fault::new(pointer.as_str(), code, sentence(&detail))
    })
    .collect()
}

/// Reads a selection at `pointer` of the body (`#/selection`). `null` selects everything that lives.
/// `region` is the one national phone numbers are read in.
#[must_use]
pub fn selection(json: &Value, pointer: &str, region: Option<Region>) -> Reading<Selection> {
    let mut reader = Reader { region, faults: Vec::new(), references: Vec::new() };
    let value = reader.selection(json, pointer);
    reader.finish(value)
}

/// Reads one filter at `pointer` of the body.
#[must_use]
pub fn filter(json: &Value, pointer: &str, region: Option<Region>) -> Reading<Option<Filter>> {
    let mut reader = Reader { region, faults: Vec::new(), references: Vec::new() };
    let value = reader.tree(json, pointer);
    reader.finish(value)
}

/// `pointer` and one more step (RFC 6901).
fn step(pointer: &str, member: &str) -> String {
    format!("{pointer}/{}", pointer_token(member))
}

/// Collects what is found on the way through a document.
struct Reader {
    region: Option<Region>,
    faults: Vec<Fault>,
    references: Vec<Reference>,
}

impl Reader {
    fn finish<T>(self, value: T) -> Reading<T> {
        Reading { value, faults: self.faults, references: self.references }
    }

    fn fault(&mut self, pointer: impl Into<String>, code: Code, detail: impl Display) {
        self.faults.push(Fault::new(pointer, code, sentence(&detail)));
    }

    fn wrong_type(&mut self, pointer: &str, wanted: &str) {
        self.fault(pointer, Code::InvalidType, format!("expected {wanted}"));
    }

    fn unknown_members(&mut self, map: &Map<String, Value>, pointer: &str, known: &[&str]) {
        for member in map.keys().filter(|member| !known.contains(&member.as_str())) {
            let detail = format!("known here: {}", known.join(", "));
            self.fault(step(pointer, member), Code::UnknownField, detail);
        }
    }

    fn selection(&mut self, json: &Value, pointer: &str) -> Selection {
        let map = match json {
            Value::Null => return Selection::default(),
            Value::Object(map) => map,
            _ => {
                self.wrong_type(pointer, "an object with segments, include, exclude, where");
                return Selection::default();
            }
        };
        self.unknown_members(map, pointer, &["segments", "include", "exclude", "where"]);
        let mut tree = |member: &str| {
            let json = map.get(member).filter(|json| !json.is_null())?;
            self.tree(json, &step(pointer, member))
        };
        let (include, exclude, filter) = (tree("include"), tree("exclude"), tree("where"));
        let segments = match map.get("segments") {
            None | Some(Value::Null) => Vec::new(),
            Some(json) => self.segments(json, &step(pointer, "segments")),
        };
        Selection { segments, include, exclude, filter }
    }

    fn segments(&mut self, json: &Value, pointer: &str) -> Vec<SegmentId> {
        let Value::Array(items) = json else {
            self.wrong_type(pointer, "a list of ids");
            return Vec::new();
        };
        if items.len() > MAX_SEGMENTS {
            let detail = format!("{} segments; at most {MAX_SEGMENTS} are allowed", items.len());
            self.fault(pointer, Code::TooMany, detail);
            return Vec::new();
        }
        let mut ids = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let pointer = format!("{pointer}/{at}");
            if let Some(id) = self.id(item, &pointer).map(SegmentId) {
                self.references.push(Reference { pointer, target: Target::Segment(id) });
                ids.push(id);
            }
        }
        ids
    }

    fn tree(&mut self, json: &Value, pointer: &str) -> Option<Filter> {
        let nodes = count_nodes(json);
        if nodes > MAX_NODES {
            let detail = format!("{nodes} nodes; at most {MAX_NODES} are allowed");
            self.fault(pointer, Code::FilterTooLarge, detail);
            return None;
        }
        self.node(json, pointer, 1)
    }

    /// `None` when there are faults below.
    fn node(&mut self, json: &Value, pointer: &str, depth: usize) -> Option<Filter> {
        if depth > MAX_DEPTH {
            let detail = format!("the tree is deeper than {MAX_DEPTH} nodes");
            self.fault(pointer, Code::FilterTooLarge, detail);
            return None;
        }
        let Value::Object(map) = json else {
            self.wrong_type(pointer, "a filter: an object with and, or, not, or field and op");
            return None;
        };
        let joints: Vec<&str> =
            ["and", "or", "not"].into_iter().filter(|joint| map.contains_key(*joint)).collect();
        match joints.as_slice() {
            [] => self.leaf(map, pointer).map(Filter::Leaf),
            [joint] => {
                self.unknown_members(map, pointer, &[joint]);
                let child = map.get(*joint).unwrap_or(&Value::Null);
                let pointer = step(pointer, joint);
                match *joint {
                    "and" => self.nodes(child, &pointer, depth).map(Filter::And),
                    "or" => self.nodes(child, &pointer, depth).map(Filter::Or),
                    _ => self
                        .node(child, &pointer, depth + 1)
                        .map(|filter| Filter::Not(Box::new(filter))),
                }
            }
            many => {
                let detail = format!("one node holds only one of {}", many.join(", "));
                self.fault(pointer, Code::InvalidFilter, detail);
                None
            }
        }
    }

    fn nodes(&mut self, json: &Value, pointer: &str, depth: usize) -> Option<Vec<Filter>> {
        let Value::Array(items) = json else {
            self.wrong_type(pointer, "a list of filters");
            return None;
        };
        if items.is_empty() {
            self.fault(pointer, Code::InvalidFilter, "an empty list says nothing; leave it out");
            return None;
        }
        let read: Vec<Option<Filter>> = items
            .iter()
            .enumerate()
            .map(|(at, item)| self.node(item, &format!("{pointer}/{at}"), depth + 1))
            .collect();
        read.into_iter().collect()
    }

    fn leaf(&mut self, map: &Map<String, Value>, pointer: &str) -> Option<Leaf> {
        if !map.contains_key("field") && !map.contains_key("op") {
            let detail = "a filter is {and: […]}, {or: […]}, {not: …} or {field, op, value}";
            self.fault(pointer, Code::InvalidFilter, detail);
            return None;
        }
        let field = self.field(map, pointer);
        let known: &[&str] = match field {
            Some(Field::Tag) => &["field", "op", "value", "score"],
            Some(Field::Consent(_)) => &["field", "op", "value", "at"],
            _ => &["field", "op", "value"],
        };
        self.unknown_members(map, pointer, known);
        let op = self.op(map, pointer, field.as_ref());
        let (field, op) = (field?, op?);
        let at = step(pointer, "value");
        let value = map.get("value").filter(|value| !value.is_null());
        match (op.takes_no_value(), value) {
            (true, Some(_)) => {
                self.fault(
                    at,
                    Code::InvalidFilter,
                    format!("there is no value for {}", op.as_str()),
                );
                return None;
            }
            (false, None) => {
                self.fault(
                    at,
                    Code::MissingField,
                    format!("a value is needed for {}", op.as_str()),
                );
                return None;
            }
            _ => {}
        }
        if let Field::Consent(purpose) = &field {
            let target = Target::Purpose(purpose.clone());
            self.references.push(Reference { pointer: step(pointer, "field"), target });
        }
        let score = map.get("score").filter(|score| !score.is_null());
        let score = score.map(|score| self.tag_score(score, &step(pointer, "score")));
        let said = map.get("at").filter(|_| matches!(field, Field::Consent(_)));
        let said = said.filter(|said| !said.is_null());
        let said = said.map(|said| self.said_at(said, &step(pointer, "at")));
        let test = self.test(&field, op, value.unwrap_or(&Value::Null), &at)?;
        let test = match score {
            None => test,
            Some(score) => leaf::with_score(test, score?),
        };
        let test = match said {
            None => test,
            Some(said) => leaf::with_time(test, said?),
        };
        // the test of a set is "there is one", so being empty is its opposite
        let is_set = matches!(field, Field::Tag | Field::Group | Field::Stage | Field::Linked(_));
        let emptiness_of_set = is_set && op.takes_no_value();
        Some(Leaf { test, negated: op.is_negated() != emptiness_of_set })
    }

    fn field(&mut self, map: &Map<String, Value>, pointer: &str) -> Option<Field> {
        let at = step(pointer, "field");
        match map.get("field") {
            None | Some(Value::Null) => {
                self.fault(at, Code::MissingField, "a condition needs a field");
                None
            }
            Some(Value::String(name)) => {
                let long = name.chars().count() > MAX_TEXT || name.contains('\0');
                let field = Field::from_wire(name).filter(|_| !long);
                if field.is_none() {
                    let detail = format!(
                        "known fields: {}, detail:NAME, consent:PURPOSE",
                        Field::names().join(", ")
                    );
                    self.fault(at, Code::UnknownField, detail);
                }
                field
            }
            Some(_) => {
                self.wrong_type(&at, "the name of a field");
                None
            }
        }
    }

    fn op(&mut self, map: &Map<String, Value>, pointer: &str, field: Option<&Field>) -> Option<Op> {
        let at = step(pointer, "op");
        let words = |ops: &[Op]| ops.iter().map(|op| op.as_str()).collect::<Vec<_>>().join(", ");
        let known = field.map_or(Op::ALL, Field::ops);
        match map.get("op") {
            None | Some(Value::Null) => {
                self.fault(at, Code::MissingField, format!("one of {}", words(known)));
                None
            }
            Some(Value::String(word)) => {
                let op = Op::from_wire(word).filter(|op| known.contains(op));
                if op.is_none() {
                    self.fault(at, Code::InvalidFilter, format!("known here: {}", words(known)));
                }
                op
            }
            Some(_) => {
                self.wrong_type(&at, "an operator");
                None
            }
        }
    }
}

/// Nodes of the tree, however it is formed; the depth is bounded by the reader of JSON.
fn count_nodes(json: &Value) -> usize {
    let Value::Object(map) = json else { return 1 };
    let below = |joint: &str| match map.get(joint) {
        Some(Value::Array(items)) => items.iter().map(count_nodes).sum(),
        Some(one @ Value::Object(_)) => count_nodes(one),
        _ => 0,
    };
    1 + below("and") + below("or") + below("not")
}

#[cfg(test)]
mod tests;
