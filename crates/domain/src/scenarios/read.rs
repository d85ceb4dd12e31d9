//! Reading rules and scenarios out of JSON: every fault at once, each with a pointer. What keeps one from being
//! switched on, but not from being saved, is told apart ([`Draft::problems`]).

use std::collections::BTreeSet;
use std::fmt::Display;

use chrono::{DateTime, NaiveTime};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::catalogue::{ACTIONS, EVENTS, Entry, Form, Param, Thing, find};
use super::graph::{self, Step, Vertex};
use super::{Kind, MAX_BYTES, MAX_NODE_ID_CHARS, MAX_NODES, MAX_RUNS_PER_CONTACT};
use crate::classes::{self, ClassName, MAX_DESCRIPTION_CHARS};
use crate::codes::Code;
use crate::consents::ledger::{Channel, is_purpose_name};
use crate::contacts::patch::MAX_DETAIL_CHARS;
use crate::contacts::phone::Region;
use crate::faults::{Fault, pointer_token, sentence};
use crate::fields;
use crate::ids::{FunnelId, SegmentId, StageId};
use crate::segments::fields::Link;
use crate::segments::names::names_of;
use crate::segments::unfold::segments_of;
use crate::segments::when::Period;
use crate::segments::{NameKind, Reference, Selection, Target, read as trees};
use crate::tags::{self, MAX_TAGS_PER_CONTACT};

/// Members of answers that no request sets.
const READ_ONLY: &[&str] = &["id", "version", "problems", "created_at", "updated_at"];
/// Longest text of a duration.
pub const MAX_PERIOD_CHARS: usize = 40;
/// Shortest wait, in seconds: a loop turns at most once a minute.
const SHORTEST: u64 = 60;
/// Longest wait, in seconds: five years of the longest months.
const LONGEST: u64 = 60 * 31 * 24 * 3600;

/// Something a definition names, which is kept from being taken away under it: the word of its kind, and its key or
/// id. The words are those of [`NameKind`], and `segment`, `webhook` and `funnel`.
pub type Name = (&'static str, String);

/// A start event as it is looked for when something happens.
#[derive(Clone, Debug, PartialEq)]
pub struct StartEvent {
    /// Word of the event.
    pub event: &'static str,
    /// What it must be about; a tag by its key.
    pub params: Map<String, Value>,
}

/// A condition, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// Where.
    pub pointer: String,
    /// What it asks.
    pub meant: Selection,
}

/// A definition that was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    /// Its name.
    pub name: Option<ClassName>,
    /// What people say of it.
    pub description: Option<String>,
    /// Whether it is to run.
    pub enabled: bool,
    /// What a version of it consists of, as it was written.
    pub body: Value,
    /// What is wrong with what was said, in the order of reading.
    pub faults: Vec<Fault>,
    /// What is missing, or does not fit together: it may be saved like that, and not be switched on.
    pub problems: Vec<Fault>,
    /// Its conditions.
    pub conditions: Vec<Condition>,
    /// Its start events.
    pub starts: Vec<StartEvent>,
    /// What must exist.
    pub references: Vec<Reference>,
    /// Webhooks and funnels that must exist, and where they are named.
    pub things: Vec<(String, Thing, Uuid)>,
    /// Purposes with the channel each must be of, and where they are named.
    pub purposes: Vec<(String, String, Channel)>,
    /// Stages with the funnel each must be of, and where that is named.
    pub placed: Vec<(String, StageId, FunnelId)>,
    /// Values for details, which must fit the definitions of these, and where they stand.
    pub values: Vec<(String, String, Value)>,
    /// Details that must hold a day, and where they are named.
    pub days: Vec<(String, String)>,
    /// Segments of its conditions, in order.
    pub segments: Vec<SegmentId>,
    /// Everything it names.
    pub names: BTreeSet<Name>,
}

/// Reads a definition. `whole`: nothing that is needed may be missing; otherwise only what is said is looked at.
/// `region` is the one national phone numbers in conditions are read in.
#[must_use]
pub fn read(
    kind: Kind,
    members: &Map<String, Value>,
    region: Option<Region>,
    whole: bool,
) -> Draft {
    let mut reader = Reader { region, draft: Draft::default() };
    for member in members.keys() {
        let at = format!("#/{}", pointer_token(member));
        let known = ["name", "description", "enabled"];
        if READ_ONLY.contains(&member.as_str()) {
            reader.fault(at, Code::ReadOnlyField, "this field cannot be written");
        } else if !known.contains(&member.as_str()) && !kind.members().contains(&member.as_str()) {
            reader.fault(
                at,
                Code::UnknownField,
                format!("there is no such field of a {}", kind.as_str()),
            );
        }
    }
    reader.head(members, whole);
    let body: Map<String, Value> = kind
        .members()
        .iter()
        .filter_map(|member| Some(((*member).to_owned(), said(members, member)?.clone())))
        .collect();
    let bytes = Value::Object(body.clone()).to_string().len();
    if bytes > MAX_BYTES {
        let at = format!(
            "#/{}",
            kind.members().iter().find(|m| matches!(**m, "nodes" | "actions")).unwrap_or(&"")
        );
        reader.fault(
            at,
            Code::TooLong,
            format!("it has {bytes} bytes as JSON; at most {MAX_BYTES} are kept"),
        );
    } else {
        reader.limits(&body);
        match kind {
            Kind::Rule => crate::rules::read(&mut reader, &body),
            Kind::Scenario => reader.scenario(&body),
        }
    }
    let mut draft = reader.draft;
    draft.body = Value::Object(body);
    draft.segments.sort_unstable();
    draft.segments.dedup();
    draft
}

/// What a member says; `null` says nothing.
pub(crate) fn said<'j>(members: &'j Map<String, Value>, member: &str) -> Option<&'j Value> {
    members.get(member).filter(|value| !value.is_null())
}

/// Gives a tag another name wherever a definition names it: in conditions, in events and in actions. Says whether it
/// stood anywhere.
pub fn rename_tag(body: &mut Value, key: &str, name: &tags::TagName) -> bool {
    let is = |text: &str| tags::TagName::parse(text).is_ok_and(|tag| tag.key() == key);
    let mut any = crate::segments::names::rename_tag(body, key, name);
    each_entry(body, &mut |entry| {
        let mut put = |value: &mut Value| {
            if value.as_str().is_some_and(is) {
                *value = name.as_str().into();
                any = true;
            }
        };
        if let Some(tag) = entry.get_mut("tag") {
            put(tag);
        }
        let tags = entry.get_mut("tags").and_then(Value::as_array_mut);
        for tag in tags.into_iter().flatten() {
            match tag {
                Value::Object(tag) => tag.get_mut("name").into_iter().for_each(&mut put),
                other => put(other),
            }
        }
    });
    any
}

/// Visits the events and actions of a definition: what has a type, but is no step.
fn each_entry(value: &mut Value, visit: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| each_entry(item, visit)),
        Value::Object(object) => {
            let word = object.get("type").and_then(Value::as_str);
            if word.is_some_and(|word| find(EVENTS, word).or_else(|| find(ACTIONS, word)).is_some())
            {
                visit(object);
            } else {
                object.values_mut().for_each(|value| each_entry(value, visit));
            }
        }
        _ => {}
    }
}

/// Collects what is found on the way through a definition.
pub(crate) struct Reader {
    region: Option<Region>,
    pub(crate) draft: Draft,
}

impl Reader {
    pub(crate) fn fault(&mut self, at: impl Into<String>, code: Code, detail: impl Display) {
        self.draft.faults.push(Fault::new(at, code, sentence(&detail)));
    }

    pub(crate) fn problem(&mut self, at: impl Into<String>, code: Code, detail: impl Display) {
        self.draft.problems.push(Fault::new(at, code, sentence(&detail)));
    }

    fn wrong_type(&mut self, at: &str, wanted: &str) {
        self.fault(at, Code::InvalidType, format!("expected {wanted}"));
    }

    fn head(&mut self, members: &Map<String, Value>, whole: bool) {
        match said(members, "name") {
            None if whole || members.contains_key("name") => {
                self.fault("#/name", Code::MissingField, "it needs a name");
            }
            None => {}
            Some(Value::String(name)) => {
                self.draft.name = classes::read_name(name, "#/name", &mut self.draft.faults);
            }
            Some(_) => self.wrong_type("#/name", "text"),
        }
        if let Some(description) = said(members, "description")
            && let Some(text) = self.text(description, "#/description")
        {
            if text.chars().count() > MAX_DESCRIPTION_CHARS {
                let detail = format!("at most {MAX_DESCRIPTION_CHARS} characters");
                self.fault("#/description", Code::TooLong, detail);
            }
            self.draft.description = classes::described(Some(text));
        }
        match members.get("enabled") {
            None => {}
            Some(Value::Bool(enabled)) => self.draft.enabled = *enabled,
            Some(_) => self.wrong_type("#/enabled", "true or false"),
        }
    }

    fn limits(&mut self, body: &Map<String, Value>) {
        let Some(limits) = body.get("limits") else { return };
        let known = ["runs_per_contact", "interval"];
        let Some(limits) = self.object(limits, "#/limits", &known) else { return };
        if let Some(runs) = said(limits, "runs_per_contact") {
            self.integer(runs, "#/limits/runs_per_contact", 1, MAX_RUNS_PER_CONTACT);
        }
        if let Some(interval) = said(limits, "interval") {
            self.period(interval, "#/limits/interval");
        }
    }

    fn scenario(&mut self, body: &Map<String, Value>) {
        let none = Vec::new();
        let nodes = match body.get("nodes") {
            None => &none,
            Some(Value::Array(nodes)) if nodes.len() <= MAX_NODES => nodes,
            Some(Value::Array(nodes)) => {
                let detail = format!("{} steps; at most {MAX_NODES} are allowed", nodes.len());
                return self.fault("#/nodes", Code::TooMany, detail);
            }
            Some(_) => return self.wrong_type("#/nodes", "a list of steps"),
        };
        let before = self.draft.faults.len();
        let mut vertices = Vec::with_capacity(nodes.len());
        for (place, node) in nodes.iter().enumerate() {
            vertices.extend(self.node(node, &format!("#/nodes/{place}")));
        }
        // a step that cannot be read would be missed by all that lead to it
        if self.draft.faults.len() == before {
            let (twice, problems) = graph::check(&vertices)
                .into_iter()
                .partition(|fault| fault.pointer.ends_with("/id"));
            self.draft.problems.extend::<Vec<_>>(problems);
            self.draft.faults.extend::<Vec<_>>(twice);
        }
    }

    fn node(&mut self, json: &Value, at: &str) -> Option<Vertex> {
        let Value::Object(node) = json else {
            self.wrong_type(at, "a step: an object with id and type");
            return None;
        };
        let id = self.node_id(node, "id", at);
        if id.is_none() && said(node, "id").is_none() {
            self.fault(format!("{at}/id"), Code::MissingField, "a step needs an id");
        }
        let types = ["start", "condition", "wait", "action", "end"];
        let word = self.word(node, "type", at, &types)?;
        let (step, own, leads): (_, &[&str], &[&'static str]) = match word {
            "start" => (Step::Start, &["event"], &["next"]),
            "condition" => (Step::Passing, &["filter"], &["yes", "no"]),
            "wait" => (Step::Wait, &["for", "until", "time_of_day"], &["next"]),
            "action" => (Step::Passing, &["action"], &["next"]),
            _ => (Step::End, &[], &[]),
        };
        let known: Vec<&str> = ["id", "type"].iter().chain(own).chain(leads).copied().collect();
        self.unknown(node, at, &known);
        let mut step = step;
        match word {
            "start" => {
                if let Some(event) = self.needed(node, "event", at) {
                    self.event(event, &format!("{at}/event"));
                }
            }
            "condition" => {
                if let Some(filter) = self.needed(node, "filter", at) {
                    self.condition(filter, &format!("{at}/filter"));
                }
            }
            "wait" => {
                self.wait(node, at);
                // a day that has come holds nobody up any more: it does not slow a loop down
                if said(node, "until").is_some() {
                    step = Step::Passing;
                }
            }
            "action" => {
                if let Some(action) = self.needed(node, "action", at) {
                    self.action(action, &format!("{at}/action"), &[]);
                }
            }
            _ => {}
        }
        let edges = leads.iter().map(|member| (*member, self.node_id(node, member, at))).collect();
        Some(Vertex { id: id?, step, edges })
    }

    fn node_id(&mut self, node: &Map<String, Value>, member: &str, at: &str) -> Option<String> {
        let at = format!("{at}/{member}");
        let id = self.text(said(node, member)?, &at)?.to_owned();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if id.is_empty() {
            self.fault(at, Code::TooShort, "an id has at least one character");
        } else if id.chars().count() > MAX_NODE_ID_CHARS {
            let detail = format!("an id has at most {MAX_NODE_ID_CHARS} characters");
            self.fault(at, Code::TooLong, detail);
        } else if id.chars().all(plain) {
            return Some(id);
        } else {
            self.fault(at, Code::InvalidValue, "an id is of letters, digits, _ and -");
        }
        None
    }

    fn wait(&mut self, node: &Map<String, Value>, at: &str) {
        if let Some(json) = said(node, "for") {
            self.period(json, &format!("{at}/for"));
        }
        if let Some(json) = said(node, "until") {
            let at = format!("{at}/until");
            let read = self.text(json, &at).map(|text| DateTime::parse_from_rfc3339(text).is_ok());
            if read == Some(false) {
                let detail = "write the time as RFC 3339, such as 2026-05-01T10:00:00Z";
                self.fault(at, Code::InvalidDate, detail);
            }
        }
        if let Some(json) = said(node, "time_of_day") {
            self.time_of_day(json, &format!("{at}/time_of_day"));
        }
        let ways = ["for", "until", "time_of_day"];
        match ways.iter().filter(|member| said(node, member).is_some()).count() {
            1 => {}
            0 => self.fault(
                format!("{at}/for"),
                Code::MissingField,
                "a wait is for, until, or to a time_of_day",
            ),
            _ => self.fault(
                at,
                Code::InvalidValue,
                "a wait is only one of for, until and time_of_day",
            ),
        }
    }

    /// A start event.
    pub(crate) fn event(&mut self, json: &Value, at: &str) {
        let Some((entry, object)) = self.entry(json, at, EVENTS, &[]) else { return };
        let mut params = Map::new();
        for param in entry.params {
            let Some(value) = said(object, param.name) else { continue };
            let key = value.as_str().and_then(|name| tags::TagName::parse(name).ok());
            let value = match (param.form, key) {
                (Form::Tag, Some(tag)) => tag.key().into(),
                _ => value.clone(),
            };
            params.insert(param.name.to_owned(), value);
        }
        self.draft.starts.push(StartEvent { event: entry.word, params });
    }

    /// An action, which beside its own has `more` members.
    pub(crate) fn action<'j>(
        &mut self,
        json: &'j Value,
        at: &str,
        more: &[&str],
    ) -> Option<&'j Map<String, Value>> {
        self.entry(json, at, ACTIONS, more).map(|(_, object)| object)
    }

    fn entry<'j>(
        &mut self,
        json: &'j Value,
        at: &str,
        entries: &'static [Entry],
        more: &[&str],
    ) -> Option<(&'static Entry, &'j Map<String, Value>)> {
        let Value::Object(object) = json else {
            self.wrong_type(at, "an object with a type");
            return None;
        };
        let words: Vec<&'static str> = entries.iter().map(|entry| entry.word).collect();
        let entry = find(entries, self.word(object, "type", at, &words)?)?;
        let own = entry.params.iter().map(|param| param.name);
        let known: Vec<&str> =
            std::iter::once("type").chain(own).chain(more.iter().copied()).collect();
        self.unknown(object, at, &known);
        for param in entry.params {
            let at = format!("{at}/{}", param.name);
            match said(object, param.name) {
                Some(value) => self.param(param, value, &at),
                None if param.required => self.fault(at, Code::MissingField, "this is needed"),
                None => {}
            }
        }
        self.together(entry, object, at);
        Some((entry, object))
    }

    /// What parameters of an entry say together, and only the database knows whether it fits. What is wrong with each
    /// of them by itself was told.
    fn together(&mut self, entry: &Entry, object: &Map<String, Value>, at: &str) {
        let param = |form: Form| entry.params.iter().find(|param| param.form == form);
        let said = |form: Form| {
            let param = param(form)?;
            Some((format!("{at}/{}", param.name), said(object, param.name)?))
        };
        let id = |value: &Value| Uuid::parse_str(value.as_str()?).ok();
        if let (Some((_, stage)), Some((at, funnel))) =
            (said(Form::Id(Thing::Stage)), said(Form::Id(Thing::Funnel)))
            && let (Some(stage), Some(funnel)) = (id(stage), id(funnel))
        {
            self.draft.placed.push((at, StageId(stage), FunnelId(funnel)));
        }
        if let (Some((_, name)), Some((at, value))) = (said(Form::Detail), said(Form::DetailValue))
            && let Some(name) = name.as_str()
            && let Some(name) = fields::read_name(name, "", &mut Vec::new())
            && matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_))
        {
            self.draft.values.push((at, name, value.clone()));
        }
    }

    /// A condition on the contact.
    pub(crate) fn condition(&mut self, json: &Value, at: &str) {
        let reading = trees::filter(json, at, self.region);
        self.draft.faults.extend(reading.faults.iter().cloned());
        self.draft.references.extend(reading.references.iter().cloned());
        if let Ok(Some(filter)) = reading.resolve(|_| true) {
            let meant = Selection { filter: Some(filter), ..Selection::default() };
            let names = names_of(&meant).into_iter();
            self.draft.names.extend(names.map(|name| (name.kind.as_str(), name.name)));
            let segments = segments_of(&meant);
            let named = segments.iter().map(|segment| ("segment", segment.0.to_string()));
            self.draft.names.extend(named);
            self.draft.segments.extend(segments);
            self.draft.conditions.push(Condition { pointer: at.to_owned(), meant });
        }
    }

    fn name(&mut self, kind: NameKind, name: &str) {
        self.draft.names.insert((kind.as_str(), name.to_owned()));
    }

    fn param(&mut self, param: &Param, json: &Value, at: &str) {
        match param.form {
            Form::Text(most) => {
                if let Some(text) = self.text(json, at) {
                    let (blank, long) = (text.trim().is_empty(), text.chars().count() > most);
                    if blank {
                        self.fault(at, Code::TooShort, "write something");
                    } else if long {
                        self.fault(at, Code::TooLong, format!("at most {most} characters"));
                    }
                }
            }
            Form::Word(words) => {
                self.one_of(json, at, words);
            }
            Form::Integer(least, most) => self.integer(json, at, least, most),
            Form::Flag => {
                if !json.is_boolean() {
                    self.wrong_type(at, "true or false");
                }
            }
            Form::Tag => self.tag(json, at),
            Form::TagNames => {
                for (place, item) in self.list(json, at).iter().enumerate() {
                    self.tag(item, &format!("{at}/{place}"));
                }
            }
            Form::Tags => {
                self.list(json, at);
                if json.is_array() {
                    for tag in tags::read_tags(json, at, &mut self.draft.faults) {
                        self.name(NameKind::Tag, tag.name.key());
                    }
                }
            }
            Form::Detail => {
                if let Some(text) = self.text(json, at)
                    && let Some(name) = fields::read_name(text, at, &mut self.draft.faults)
                {
                    self.name(NameKind::Detail, &name);
                }
            }
            Form::DetailValue => match json {
                Value::String(_) => {
                    if self
                        .text(json, at)
                        .is_some_and(|text| text.chars().count() > MAX_DETAIL_CHARS)
                    {
                        let detail = format!("at most {MAX_DETAIL_CHARS} characters");
                        self.fault(at, Code::TooLong, detail);
                    }
                }
                Value::Number(_) | Value::Bool(_) => {}
                _ => self.wrong_type(at, "text, a number, or true or false"),
            },
            Form::Purpose(channel) => {
                if let Some(text) = self.text(json, at) {
                    let name = text.to_owned();
                    if is_purpose_name(&name) {
                        self.name(NameKind::Purpose, &name);
                        self.draft.purposes.push((at.to_owned(), name.clone(), channel));
                    }
                    let target = Target::Purpose(name);
                    self.draft.references.push(Reference { pointer: at.to_owned(), target });
                }
            }
            Form::Id(thing) => self.id(thing, json, at),
            Form::Period => self.period(json, at),
            Form::TimeOfDay => self.time_of_day(json, at),
            Form::DateField => self.date_field(json, at),
        }
    }

    fn id(&mut self, thing: Thing, json: &Value, at: &str) {
        let Some(text) = self.text(json, at) else { return };
        let Ok(id) = Uuid::parse_str(text) else {
            return self.fault(at, Code::InvalidValue, "this is not an id");
        };
        let kind = match thing {
            Thing::User => {
                let target = Target::Linked(Link::Owner, id);
                self.draft.references.push(Reference { pointer: at.to_owned(), target });
                return self.name(NameKind::Linked(Link::Owner), &id.to_string());
            }
            Thing::Webhook => "webhook",
            Thing::Funnel => "funnel",
            Thing::Stage => {
                let target = Target::Stage(StageId(id));
                self.draft.references.push(Reference { pointer: at.to_owned(), target });
                return self.name(NameKind::Stage, &id.to_string());
            }
        };
        self.draft.things.push((at.to_owned(), thing, id));
        self.draft.names.insert((kind, id.to_string()));
    }

    fn tag(&mut self, json: &Value, at: &str) {
        if let Some(text) = self.text(json, at)
            && let Some(name) = tags::read_name(text, at, &mut self.draft.faults)
        {
            self.name(NameKind::Tag, name.key());
        }
    }

    fn date_field(&mut self, json: &Value, at: &str) {
        let Some(text) = self.text(json, at) else { return };
        match text.strip_prefix(crate::segments::fields::DETAIL) {
            Some(name) => {
                if let Some(name) = fields::read_name(name, at, &mut self.draft.faults) {
                    self.name(NameKind::Detail, &name);
                    self.draft.days.push((at.to_owned(), name));
                }
            }
            None if text == "birth_date" => {}
            None => self.fault(at, Code::InvalidValue, "this must be birth_date or detail:NAME"),
        }
    }

    fn list<'j>(&mut self, json: &'j Value, at: &str) -> &'j [Value] {
        match json {
            Value::Array(items) if items.is_empty() => {
                self.fault(at, Code::TooShort, "name at least one");
            }
            Value::Array(items) if items.len() > MAX_TAGS_PER_CONTACT => {
                self.fault(at, Code::TooMany, format!("at most {MAX_TAGS_PER_CONTACT}"));
            }
            Value::Array(items) => return items,
            _ => self.wrong_type(at, "a list"),
        }
        &[]
    }

    /// A duration that somebody waits for.
    pub(crate) fn period(&mut self, json: &Value, at: &str) {
        let Some(text) = self.text(json, at) else { return };
        if text.chars().count() > MAX_PERIOD_CHARS {
            return self.fault(at, Code::TooLong, format!("at most {MAX_PERIOD_CHARS} characters"));
        }
        match Period::parse(text) {
            Ok(Period { months, days, seconds }) => {
                let days = u64::from(months) * 31 + u64::from(days);
                let length = days * 24 * 3600 + u64::from(seconds);
                if !(SHORTEST..=LONGEST).contains(&length) {
                    self.fault(at, Code::OutOfRange, "from a minute (PT1M) to five years (P5Y)");
                }
            }
            Err(_) => {
                let detail = "write an ISO 8601 duration in whole parts, such as PT2H or P1D";
                self.fault(at, Code::InvalidValue, detail);
            }
        }
    }

    fn time_of_day(&mut self, json: &Value, at: &str) {
        let Some(text) = self.text(json, at) else { return };
        if text.len() != 5 || NaiveTime::parse_from_str(text, "%H:%M").is_err() {
            self.fault(at, Code::InvalidValue, "write a time of day as HH:MM");
        }
    }

    fn integer(&mut self, json: &Value, at: &str, least: i64, most: i64) {
        match json.as_i64() {
            Some(number) if (least..=most).contains(&number) => {}
            // 10.0 too, as of scores of tags: it is kept as it was written, and read as a whole number
            None if !json.is_u64() => self.wrong_type(at, "a whole number, without a fraction"),
            _ => self.fault(at, Code::OutOfRange, format!("from {least} to {most}")),
        }
    }

    fn text<'j>(&mut self, json: &'j Value, at: &str) -> Option<&'j str> {
        match json {
            Value::String(text) if text.contains('\0') => {
                self.draft.faults.push(Fault::new(
                    at,
                    Code::NulCharacter,
                    Code::NulCharacter.title(),
                ));
                None
            }
            Value::String(text) => Some(text),
            _ => {
                self.wrong_type(at, "text");
                None
            }
        }
    }

    fn one_of(&mut self, json: &Value, at: &str, words: &[&'static str]) -> Option<&'static str> {
        let text = self.text(json, at)?;
        let word = words.iter().copied().find(|word| *word == text);
        if word.is_none() {
            self.fault(at, Code::InvalidValue, format!("this must be one of {}", words.join(", ")));
        }
        word
    }

    fn word(
        &mut self,
        object: &Map<String, Value>,
        member: &str,
        at: &str,
        words: &[&'static str],
    ) -> Option<&'static str> {
        let value = self.needed(object, member, at)?;
        self.one_of(value, &format!("{at}/{member}"), words)
    }

    fn needed<'j>(
        &mut self,
        object: &'j Map<String, Value>,
        member: &str,
        at: &str,
    ) -> Option<&'j Value> {
        let value = said(object, member);
        if value.is_none() {
            self.fault(format!("{at}/{member}"), Code::MissingField, "this is needed");
        }
        value
    }

    fn object<'j>(
        &mut self,
        json: &'j Value,
        at: &str,
        known: &[&str],
    ) -> Option<&'j Map<String, Value>> {
        let Value::Object(object) = json else {
            self.wrong_type(at, "an object");
            return None;
        };
        self.unknown(object, at, known);
        Some(object)
    }

    fn unknown(&mut self, object: &Map<String, Value>, at: &str, known: &[&str]) {
        for member in object.keys().filter(|member| !known.contains(&member.as_str())) {
            let detail = format!("known here: {}", known.join(", "));
            self.fault(format!("{at}/{}", pointer_token(member)), Code::UnknownField, detail);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::tags::TagName;

    fn draft(kind: Kind, json: &Value) -> Draft {
        read(kind, json.as_object().unwrap(), None, true)
    }

    fn told(faults: &[Fault]) -> Vec<(&str, Code)> {
        faults.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect()
    }

    fn welcome() -> Value {
        json!({
            "name": "Welcome", "enabled": true,
            "limits": {"runs_per_contact": 1, "interval": "P30D"},
            "nodes": [
                {"id": "start", "type": "start", "event": {"type": "contact.tag_added", "tag": " VIP"}, "next": "wait"},
                {"id": "wait", "type": "wait", "for": "P2D", "next": "asked"},
                {"id": "asked", "type": "condition", "yes": "thank", "no": "end",
                    "filter": {"and": [{"field": "tag", "op": "has", "value": "spring"},
                        {"field": "segment", "op": "eq", "value": Uuid::from_u128(7)}]}},
                {"id": "thank", "type": "action", "next": "end", "action": {"type": "assign_owner",
                    "user_id": Uuid::from_u128(8), "level": "main"}},
                {"id": "end", "type": "end"}
            ]
        })
    }

    /// SCN-1: what it names is found, so that it is kept for it.
    #[test]
    fn a_scenario_is_read_with_all_it_names() {
        let read = draft(Kind::Scenario, &welcome());
        assert_eq!((read.faults, read.problems), (Vec::new(), Vec::new()));
        assert!(read.enabled);
        let owner = Uuid::from_u128(8).to_string();
        let segment = Uuid::from_u128(7).to_string();
        let names = [
            ("owner", owner.as_str()),
            ("segment", segment.as_str()),
            ("tag", "spring"),
            ("tag", "vip"),
        ];
        let names = names.map(|(kind, name)| (kind, name.to_owned()));
        assert_eq!(read.names.into_iter().collect::<Vec<_>>(), names);
        assert_eq!(read.segments, [SegmentId(Uuid::from_u128(7))]);
        assert_eq!(read.conditions[0].pointer, "#/nodes/2/filter");
        let [start] = read.starts.as_slice() else { panic!("{:?}", read.starts) };
        assert_eq!(start.event, "contact.tag_added");
        assert_eq!(json!(start.params), json!({"tag": "vip"}));
        assert_eq!(read.references.len(), 2);
        assert_eq!(read.body["limits"]["interval"], "P30D");
        assert_eq!(read.body.get("name"), None);
    }

    /// SCN-1, SCN-4: all faults at once, each at its place.
    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let json = json!({
            "id": 1, "colour": "red", "enabled": "yes", "description": 5,
            "limits": {"runs_per_contact": 0, "interval": "PT1S", "x": 1},
            "nodes": [
                {"id": "a b", "type": "start", "event": {"type": "contact.tag_added", "tag": ""}, "next": "w"},
                {"type": "wait", "for": "P1D", "until": "tomorrow"},
                {"id": "c", "type": "condition", "filter": {"field": "x", "op": "eq", "value": 1}, "yes": 1},
                {"id": "d", "type": "action", "action": {"type": "set_score", "score": 1.5, "more": 1}},
                {"id": "e", "type": "action", "action": {"type": "eat"}},
                {"id": "f", "type": "action", "action": {"type": "set_email_opt_in", "legal_basis": "whim"}},
                {"id": "g", "type": "dance"},
                {"id": "h", "type": "wait", "time_of_day": "9:00"},
                {"id": "i", "type": "action", "action": {"type": "add_tags", "tags": []}},
                {"id": "j", "type": "wait", "next": "k"},
                {"id": "k", "type": "action", "action": {"type": "add_note", "text": "a\0"}},
                {"id": "l", "type": "action", "action": {"type": "call_webhook", "webhook_id": "1"}},
                7
            ]
        });
        let read = draft(Kind::Scenario, &json);
        let mut found = told(&read.faults);
        found.sort_unstable();
        let mut expected = [
            ("#/colour", Code::UnknownField),
            ("#/description", Code::InvalidType),
            ("#/enabled", Code::InvalidType),
            ("#/id", Code::ReadOnlyField),
            ("#/limits/interval", Code::OutOfRange),
            ("#/limits/runs_per_contact", Code::OutOfRange),
            ("#/limits/x", Code::UnknownField),
            ("#/name", Code::MissingField),
            ("#/nodes/0/event/tag", Code::InvalidTag),
            ("#/nodes/0/id", Code::InvalidValue),
            ("#/nodes/1", Code::InvalidValue),
            ("#/nodes/1/id", Code::MissingField),
            ("#/nodes/1/until", Code::InvalidDate),
            ("#/nodes/10/action/text", Code::NulCharacter),
            ("#/nodes/11/action/webhook_id", Code::InvalidValue),
            ("#/nodes/12", Code::InvalidType),
            ("#/nodes/2/filter/field", Code::UnknownField),
            ("#/nodes/2/yes", Code::InvalidType),
            ("#/nodes/3/action/more", Code::UnknownField),
            ("#/nodes/3/action/score", Code::InvalidType),
            ("#/nodes/4/action/type", Code::InvalidValue),
            ("#/nodes/5/action/legal_basis", Code::InvalidValue),
            ("#/nodes/6/type", Code::InvalidValue),
            ("#/nodes/7/time_of_day", Code::InvalidValue),
            ("#/nodes/8/action/tags", Code::TooShort),
            ("#/nodes/9/for", Code::MissingField),
        ];
        expected.sort_unstable();
        assert_eq!(found, expected);
        assert_eq!(
            told(&draft(Kind::Rule, &json!({"name": "R", "nodes": []})).faults),
            [("#/nodes", Code::UnknownField)]
        );
    }

    /// SCN-1, SCN-4: what only the database knows is found, with its place.
    #[test]
    fn what_must_fit_together_is_found() {
        let (stage, funnel) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let rule = json!({
            "name": "R", "event": {"type": "date.reached", "field": "detail: child's  birthday"},
            "actions": [
                {"type": "remove_from_funnel", "funnel_id": funnel, "stage_id": stage},
                {"type": "remove_from_funnel", "funnel_id": funnel},
                {"type": "remove_from_funnel", "funnel_id": funnel, "stage_id": "x"},
                {"type": "set_detail", "name": " size ", "value": 43},
                {"type": "set_detail", "name": "size", "value": []},
                {"type": "send_sms", "text": "t", "purpose": "email_basic"}
            ]
        });
        let read = draft(Kind::Rule, &rule);
        let at = |pointer: &str| pointer.to_owned();
        assert_eq!(read.placed, [(at("#/actions/0/funnel_id"), StageId(stage), FunnelId(funnel))]);
        assert_eq!(read.values, [(at("#/actions/3/value"), at("size"), json!(43))]);
        assert_eq!(read.days, [(at("#/event/field"), at("child's birthday"))]);
        let purpose = (at("#/actions/5/purpose"), at("email_basic"), Channel::Sms);
        assert_eq!(read.purposes, [purpose]);
    }

    /// SCN-1: a whole number has no fraction, not even one of nothing.
    #[test]
    fn whole_numbers_are_written_whole() {
        let of = |score: Value| {
            let rule = json!({"name": "R", "actions": [{"type": "set_score", "score": score}]});
            draft(Kind::Rule, &rule).faults.first().map(|fault| fault.code)
        };
        assert_eq!(of(json!(10)), None);
        for (score, code) in [
            (json!(10.0), Code::InvalidType),
            (json!(10.5), Code::InvalidType),
            (json!("10"), Code::InvalidType),
            (json!(1e300), Code::InvalidType),
            (json!(u64::MAX), Code::OutOfRange),
            (json!(i64::MIN), Code::OutOfRange),
        ] {
            assert_eq!(of(score.clone()), Some(code), "{score}");
        }
    }

    /// SCN-1: half a scenario is saved, and says what it lacks.
    #[test]
    fn what_is_missing_is_no_fault_of_a_draft() {
        let mut json = welcome();
        json["nodes"][3]["next"] = Value::Null;
        let read = draft(Kind::Scenario, &json);
        assert_eq!(read.faults, []);
        assert_eq!(told(&read.problems), [("#/nodes/3/next", Code::MissingField)]);
        json["nodes"][1]["id"] = json!("end");
        let read = draft(Kind::Scenario, &json);
        assert_eq!(told(&read.faults), [("#/nodes/4/id", Code::InvalidGraph)]);
        let empty = draft(Kind::Scenario, &json!({"name": "N"}));
        assert_eq!((empty.faults.len(), empty.problems.len()), (0, 1));
    }

    /// SCN-10: an instant that is over holds nobody up.
    #[test]
    fn a_loop_through_a_fixed_instant_is_refused() {
        let nodes = |wait: Value| {
            json!({"name": "L", "nodes": [
                {"id": "s", "type": "start", "event": {"type": "contact.created"}, "next": "w"},
                wait,
                {"id": "c", "type": "condition", "filter": {"field": "subscribed", "op": "eq", "value": true},
                    "yes": "w", "no": "e"},
                {"id": "e", "type": "end"}
            ]})
        };
        for wait in [
            json!({"id": "w", "type": "wait", "for": "PT1M", "next": "c"}),
            json!({"id": "w", "type": "wait", "time_of_day": "09:00", "next": "c"}),
        ] {
            assert_eq!(draft(Kind::Scenario, &nodes(wait)).problems, []);
        }
        let until =
            json!({"id": "w", "type": "wait", "until": "2026-12-24T18:00:00Z", "next": "c"});
        assert_eq!(draft(Kind::Scenario, &nodes(until)).problems.len(), 2);
    }

    /// SCN-1: a tag that is renamed is renamed in conditions, events and actions.
    #[test]
    fn a_renamed_tag_is_renamed_wherever_it_stands() {
        let mut json = welcome();
        json["nodes"][3]["action"] =
            json!({"type": "add_tags", "tags": ["Vip", {"name": "VIP", "score": 1}, "x"]});
        let top = TagName::parse("Top").unwrap();
        assert!(rename_tag(&mut json, "vip", &top));
        assert_eq!(json["nodes"][0]["event"]["tag"], "Top");
        assert_eq!(
            json["nodes"][3]["action"]["tags"],
            json!(["Top", {"name": "Top", "score": 1}, "x"])
        );
        assert!(rename_tag(&mut json, "spring", &top));
        assert_eq!(json["nodes"][2]["filter"]["and"][0]["value"], "Top");
        assert!(!rename_tag(&mut json, "vip", &top));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let words = prop::sample::select(vec![
            "start",
            "wait",
            "action",
            "end",
            "condition",
            "a",
            "b",
            "P1D",
            "contact.created",
            "set_score",
            "x\0",
        ]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            words.prop_map(Value::from),
        ];
        let names = prop::sample::select(vec![
            "id",
            "type",
            "next",
            "yes",
            "no",
            "event",
            "action",
            "filter",
            "for",
            "until",
            "time_of_day",
            "nodes",
            "name",
            "limits",
            "enabled",
            "tags",
            "field",
            "op",
            "value",
            "actions",
            "conditions",
            "delay",
        ]);
        leaf.prop_recursive(6, 60, 6, move |inner| {
            let object = prop::collection::vec((names.clone(), inner.clone()), 0..6);
            prop_oneof![
                prop::collection::vec(inner, 0..5).prop_map(Value::from),
                object.prop_map(|members| {
                    Value::Object(
                        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
                    )
                }),
            ]
        })
    }

    proptest! {
        /// Whatever comes is read or refused, and what is read twice is read alike.
        #[test]
        fn nothing_that_comes_breaks_the_reader(nodes in any_json(), actions in any_json()) {
            for (kind, member, json) in [(Kind::Scenario, "nodes", &nodes), (Kind::Rule, "actions", &actions)] {
                let whole = json!({"name": "n", member: json});
                let read = draft(kind, &whole);
                prop_assert!(read.faults.iter().chain(&read.problems).all(|fault| fault.pointer.starts_with("#/")));
                prop_assert_eq!(&read, &draft(kind, &whole));
            }
        }
    }
}
