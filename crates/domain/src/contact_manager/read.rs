//! Reading of a request for a job: all its faults at once, each with its place.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    Action, ActionType, DeleteMode, GenderTags, JobRequest, MAX_COUPON_CHARS,
    MAX_COUPON_NAME_CHARS, MAX_DAYS_AHEAD, MAX_DETAILS_FOR_TAGS, MAX_NOTE_CHARS, MIN_COUPON_CHARS,
    Placed, ValidUntil,
};
use crate::codes::Code;
use crate::consents::ledger::LegalBasis;
use crate::contacts::contact::State;
use crate::contacts::email::{Email, MAX_EMAIL_BYTES};
use crate::contacts::gender::guess::NameCountry;
use crate::contacts::name::NameOrder;
use crate::contacts::owners::Level;
use crate::contacts::patch::{ContactPatch, Patch, Reading};
use crate::documents::links::{MAX_URL_CHARS, Page};
use crate::faults::{Fault, pointer_token};
use crate::tags::{MAX_TAG_CHARS, TagName, TagSet, read_score, read_tags};

/// Actions that contradict each other in one job.
const CONTRADICTIONS: [(ActionType, ActionType); 2] = [
    (ActionType::MarkEmailInvalid, ActionType::LiftEmailInvalid),
    (ActionType::SetMobileOptIn, ActionType::SetMobileOptOut),
];

/// Reads `{"selection", "run_at"?, "actions": […]}` and puts the actions into the order they run in. An instant that
/// is over by less than a minute is now: clocks differ.
#[must_use]
pub fn read(body: &Map<String, Value>, reading: Reading, now: DateTime<Utc>) -> JobRequest {
    let mut faults = Vec::new();
    for member in body.keys() {
        if !matches!(member.as_str(), "selection" | "run_at" | "actions") {
            let at = format!("#/{}", pointer_token(member));
            let detail = "A job has a selection, a time and actions.";
            faults.push(Fault::new(at, Code::UnknownField, detail));
        }
    }
    let given = |member: &str| body.get(member).filter(|value| !value.is_null());
    let run_at = given("run_at").and_then(|value| read_run_at(value, now, &mut faults));
    let mut actions = match given("actions") {
        Some(Value::Array(items)) => {
            // what is over when the job begins is no use
            read_actions(items, reading, run_at.unwrap_or(now), &mut faults)
        }
        Some(_) => {
            let detail = "Actions are a list.";
            faults.push(Fault::new("#/actions", Code::InvalidType, detail));
            Vec::new()
        }
        None => {
            let detail = "Name at least one action: none is chosen by default.";
            faults.push(Fault::new("#/actions", Code::MissingField, detail));
            Vec::new()
        }
    };
    actions.sort_by_key(|placed| placed.action.kind());
    JobRequest { selection: given("selection").cloned(), run_at, actions, faults }
}

fn read_run_at(
    value: &Value,
    now: DateTime<Utc>,
    faults: &mut Vec<Fault>,
) -> Option<DateTime<Utc>> {
    let at = "#/run_at";
    let instant = read_instant(value, at, faults)?;
    if instant < now - TimeDelta::minutes(1) {
        let detail = "This is over; leave it out to run now.";
        faults.push(Fault::new(at, Code::InvalidValue, detail));
        return None;
    }
    if instant > now + TimeDelta::days(MAX_DAYS_AHEAD) {
        let detail = format!("A job lies at most {MAX_DAYS_AHEAD} days ahead.");
        faults.push(Fault::new(at, Code::InvalidValue, detail));
        return None;
    }
    Some(instant.max(now))
}

fn read_instant(value: &Value, at: &str, faults: &mut Vec<Fault>) -> Option<DateTime<Utc>> {
    let detail = "An instant is text such as 2026-12-01T08:00:00+01:00 (RFC 3339).";
    let Value::String(text) = value else {
        faults.push(Fault::new(at, Code::InvalidType, detail));
        return None;
    };
    let instant = DateTime::parse_from_rfc3339(text).ok().map(|instant| instant.to_utc());
    if instant.is_none() {
        let code = if text.contains('\0') { Code::NulCharacter } else { Code::InvalidDate };
        faults.push(Fault::new(at, code, detail));
    }
    instant
}

fn read_actions(
    items: &[Value],
    reading: Reading,
    now: DateTime<Utc>,
    faults: &mut Vec<Fault>,
) -> Vec<Placed> {
    if items.is_empty() {
        let detail = "Name at least one action: none is chosen by default.";
        faults.push(Fault::new("#/actions", Code::TooShort, detail));
    }
    if items.len() > ActionType::ALL.len() {
        let detail = format!("At most {} actions: each once.", ActionType::ALL.len());
        faults.push(Fault::new("#/actions", Code::TooMany, detail));
        return Vec::new();
    }
    let mut actions = Vec::with_capacity(items.len());
    // the type may be known where its parameters have faults
    let mut kinds: Vec<(ActionType, String)> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let at = format!("#/actions/{index}");
        let Value::Object(members) = item else {
            let detail = "An action is an object with a type and what it needs.";
            faults.push(Fault::new(at, Code::InvalidType, detail));
            continue;
        };
        let Some(kind) = read_type(members, &at, faults) else { continue };
        kinds.push((kind, at.clone()));
        let mut reader = Reader { at, members, known: HashSet::from(["type"]), faults };
        let action = reader.action(kind, reading, now);
        reader.refuse_unknown();
        let at = reader.at;
        actions.extend(action.map(|action| Placed { at, action }));
    }
    refuse_together(&kinds, faults);
    refuse_on_and_off(&actions, faults);
    actions
}

fn read_type(
    members: &Map<String, Value>,
    at: &str,
    faults: &mut Vec<Fault>,
) -> Option<ActionType> {
    let at = format!("{at}/type");
    let word = match members.get("type") {
        Some(Value::String(word)) => word.as_str(),
        None | Some(Value::Null) => {
            faults.push(Fault::new(at, Code::MissingField, "An action has a type."));
            return None;
        }
        Some(_) => {
            faults.push(Fault::new(at, Code::InvalidType, "The type of an action is text."));
            return None;
        }
    };
    let kind = word.parse().ok();
    if kind.is_none() {
        let fault = match word {
            "set_email_opt_in" => Fault::new(
                at,
                Code::OptInNotHere,
                "Consent to marketing by e-mail is not given for many: write it on the contact (POST /contacts/{id}/consents), \
                 by an import that maps a consent, or by an action of a scenario.",
            ),
            _ if word.contains('\0') => {
                Fault::new(at, Code::NulCharacter, Code::NulCharacter.title())
            }
            _ => Fault::new(
                at,
                Code::InvalidValue,
                "There is no such action; GET /contact-manager/actions lists all.",
            ),
        };
        faults.push(fault);
    }
    kind
}

/// Twice the same, what contradicts, and what must stand alone.
fn refuse_together(kinds: &[(ActionType, String)], faults: &mut Vec<Fault>) {
    let mut seen = HashSet::new();
    for (kind, at) in kinds {
        if !seen.insert(*kind) {
            let detail = format!("There is a {kind} in this job already: each action once.");
            faults.push(Fault::new(format!("{at}/type"), Code::TooMany, detail));
        }
    }
    for (one, other) in CONTRADICTIONS {
        if seen.contains(&one)
            && let Some((_, at)) = kinds.iter().find(|(kind, _)| *kind == other)
        {
            let detail = format!("{one} and {other} contradict each other.");
            faults.push(Fault::new(format!("{at}/type"), Code::InvalidValue, detail));
        }
    }
    if seen.len() > 1
        && let Some((_, at)) = kinds.iter().find(|(kind, _)| *kind == ActionType::Delete)
    {
        let detail = "Deleting is the only action of its job.";
        faults.push(Fault::new(format!("{at}/type"), Code::InvalidValue, detail));
    }
}

/// The very same put on and taken off: a tag, a detail, a stage. Leaving other stages of the funnel is moving on.
fn refuse_on_and_off(actions: &[Placed], faults: &mut Vec<Fault>) {
    let (mut tags_on, mut detail_on, mut stage_on) = (HashSet::new(), None, None);
    for placed in actions {
        match &placed.action {
            Action::AddTags { tags } => tags_on.extend(tags.iter().map(|tag| tag.name.key())),
            Action::DetectGender { tags, .. } => {
                tags_on.extend(tags.all().map(|tag| tag.name.key()));
            }
            Action::SetDetail { name, .. } => detail_on = Some(name),
            Action::AddToStage { stage_id, .. } => stage_on = Some(*stage_id),
            _ => {}
        }
    }
    for placed in actions {
        let (member, detail) = match &placed.action {
            Action::RemoveTags { tags } if tags.iter().any(|tag| tags_on.contains(tag.key())) => {
                ("tags", "A tag cannot be put on and taken off by one job.")
            }
            Action::RemoveDetail { name } if detail_on == Some(name) => {
                ("name", "A detail cannot be written and removed by one job.")
            }
            Action::RemoveFromFunnel { stage_id: Some(stage), .. } if stage_on == Some(*stage) => {
                ("stage_id", "Nobody is put into a stage and taken out of it by one job.")
            }
            _ => continue,
        };
        faults.push(Fault::new(format!("{}/{member}", placed.at), Code::InvalidValue, detail));
    }
}

/// The members of one action.
struct Reader<'a> {
    at: String,
    members: &'a Map<String, Value>,
    known: HashSet<&'static str>,
    faults: &'a mut Vec<Fault>,
}

impl<'a> Reader<'a> {
    fn action(&mut self, kind: ActionType, reading: Reading, now: DateTime<Utc>) -> Option<Action> {
        Some(match kind {
            ActionType::SetEmailOptOut => Action::SetEmailOptOut,
            ActionType::MarkEmailInvalid => Action::MarkEmailInvalid,
            ActionType::LiftEmailInvalid => Action::LiftEmailInvalid,
            ActionType::SetMobileOptOut => Action::SetMobileOptOut,
            ActionType::SetMobileOptIn => {
                let bases = LegalBasis::ALL.iter().map(|basis| basis.as_str());
                let legal_basis = self.word("legal_basis", true, bases, LegalBasis::from_word)?;
                Action::SetMobileOptIn { legal_basis }
            }
            ActionType::AddTags => Action::AddTags { tags: self.tags("tags")? },
            ActionType::AddTagsFromDetails => {
                let details = self.detail_names("details");
                let prefix = self.prefix();
                let score = self.score("score", false);
                Action::AddTagsFromDetails { details: details?, prefix: prefix?, score: score? }
            }
            ActionType::RemoveTags => Action::RemoveTags { tags: self.tag_names("tags")? },
            ActionType::SetDetail => self.set_detail(reading)?,
            ActionType::RemoveDetail => {
                let name = self.required("name")?;
                let at = self.place("name");
                Action::RemoveDetail { name: self.detail_name(name, &at)? }
            }
            ActionType::SetScore => Action::SetScore { score: self.score("score", true)?? },
            ActionType::AssignOwner => {
                let user_id = self.id("user_id", true);
                let levels = Level::ALL.iter().map(|level| level.as_str());
                let level = self.word("level", true, levels, Level::from_word);
                Action::AssignOwner { user_id: user_id??, level: level? }
            }
            ActionType::RemoveOwner => {
                let email = self.text("email", MAX_EMAIL_BYTES)?;
                if Email::parse(&email).is_err() {
                    self.fault("email", Code::InvalidEmail, Code::InvalidEmail.title());
                    return None;
                }
                Action::RemoveOwner { email }
            }
            ActionType::SetState => {
                let states = State::ALL.iter().map(|state| state.as_str());
                Action::SetState { state: self.word("state", true, states, State::from_word)? }
            }
            ActionType::AddToStage => {
                let (stage_id, funnel_id) =
                    (self.id("stage_id", true), self.id("funnel_id", false));
                Action::AddToStage { stage_id: stage_id??, funnel_id: funnel_id? }
            }
            ActionType::RemoveFromFunnel => {
                let all = self.members.get("stage_id").and_then(Value::as_str) == Some("all");
                self.known.insert("stage_id");
                let stage_id = if all { Some(None) } else { self.id("stage_id", true) };
                let funnel_id = self.id("funnel_id", false);
                Action::RemoveFromFunnel { stage_id: stage_id?, funnel_id: funnel_id? }
            }
            ActionType::GenerateCoupon => self.coupon(now)?,
            ActionType::RunRule => {
                let (rule_id, check) =
                    (self.id("rule_id", true), self.flag("check_conditions", true));
                Action::RunRule { rule_id: rule_id??, check_conditions: check? }
            }
            ActionType::RunScenario => {
                Action::RunScenario { scenario_id: self.id("scenario_id", true)?? }
            }
            ActionType::GenerateLinks => {
                let (page, private) = (self.page("url"), self.flag("private", false));
                Action::GenerateLinks { page: page?, private: private? }
            }
            ActionType::AddNote => {
                let text = self.text("text", MAX_NOTE_CHARS);
                let private = self.flag("private", false);
                Action::AddNote { text: text?, private: private? }
            }
            ActionType::DetectGender => self.detect_gender()?,
            ActionType::Delete => {
                let modes = DeleteMode::ALL.iter().map(|mode| mode.as_str());
                Action::Delete { mode: self.word("mode", true, modes, DeleteMode::from_word)? }
            }
        })
    }

    fn place(&self, member: &str) -> String {
        format!("{}/{}", self.at, pointer_token(member))
    }

    fn fault(&mut self, member: &str, code: Code, detail: impl Into<String>) {
        let at = self.place(member);
        self.faults.push(Fault::new(at, code, detail));
    }

    fn refuse_unknown(&mut self) {
        let unknown: Vec<&String> =
            self.members.keys().filter(|member| !self.known.contains(member.as_str())).collect();
        for member in unknown {
            self.fault(member, Code::UnknownField, "This action has no such member.");
        }
    }

    /// A member that may be missing.
    fn given(&mut self, member: &'static str) -> Option<&'a Value> {
        self.known.insert(member);
        self.members.get(member).filter(|value| !value.is_null())
    }

    fn required(&mut self, member: &'static str) -> Option<&'a Value> {
        let value = self.given(member);
        if value.is_none() {
            self.fault(member, Code::MissingField, "This action needs it.");
        }
        value
    }

    /// Text that says something, of at most so many characters.
    fn text(&mut self, member: &'static str, most: usize) -> Option<String> {
        let value = self.required(member)?;
        let Value::String(text) = value else {
            self.fault(member, Code::InvalidType, "This is text.");
            return None;
        };
        if text.contains('\0') {
            self.fault(member, Code::NulCharacter, Code::NulCharacter.title());
            return None;
        }
        if text.trim().is_empty() {
            self.fault(member, Code::TooShort, "This says nothing.");
            return None;
        }
        if text.chars().count() > most {
            self.fault(member, Code::TooLong, format!("At most {most} characters."));
            return None;
        }
        Some(text.clone())
    }

    /// The address of a page that links lead to.
    fn page(&mut self, member: &'static str) -> Option<Page> {
        let text = self.text(member, MAX_URL_CHARS)?;
        let read = Page::read(&text, &self.place(member));
        read.map_err(|fault| self.faults.push(fault)).ok()
    }

    fn word<T>(
        &mut self,
        member: &'static str,
        required: bool,
        words: impl Iterator<Item = &'static str>,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let value = if required { self.required(member) } else { self.given(member) }?;
        let Value::String(word) = value else {
            self.fault(member, Code::InvalidType, "This is a word.");
            return None;
        };
        let known = read(word);
        if known.is_none() {
            let words: Vec<&str> = words.collect();
            let code = if word.contains('\0') { Code::NulCharacter } else { Code::InvalidValue };
            self.fault(member, code, format!("This is one of {}.", words.join(", ")));
        }
        known
    }

    /// `None` after a fault; `Some(None)` where it is missing and may be.
    fn id(&mut self, member: &'static str, required: bool) -> Option<Option<Uuid>> {
        let value = if required { Some(self.required(member)?) } else { self.given(member) };
        let Some(value) = value else { return Some(None) };
        let Value::String(text) = value else {
            self.fault(member, Code::InvalidType, "An id is text.");
            return None;
        };
        let id = Uuid::parse_str(text).ok();
        if id.is_none() {
            let code = if text.contains('\0') { Code::NulCharacter } else { Code::InvalidValue };
            self.fault(member, code, "This is not an id.");
        }
        id.map(Some)
    }

    fn flag(&mut self, member: &'static str, required: bool) -> Option<bool> {
        self.known.insert(member);
        if required {
            self.required(member)?;
        }
        // null is neither
        match self.members.get(member) {
            None => Some(false),
            Some(Value::Bool(flag)) => Some(*flag),
            Some(_) => {
                self.fault(member, Code::InvalidType, "This is true or false.");
                None
            }
        }
    }

    fn score(&mut self, member: &'static str, required: bool) -> Option<Option<i64>> {
        let value = if required { Some(self.required(member)?) } else { self.given(member) };
        let Some(value) = value else { return Some(None) };
        let at = self.place(member);
        read_score(value, &at, self.faults).map(Some)
    }

    fn tags(&mut self, member: &'static str) -> Option<Vec<TagSet>> {
        let value = self.required(member)?;
        let at = self.place(member);
        let before = self.faults.len();
        let tags = read_tags(value, &at, self.faults);
        if self.faults.len() > before {
            return None;
        }
        if tags.is_empty() {
            self.fault(member, Code::TooShort, "Name at least one tag.");
            return None;
        }
        Some(tags)
    }

    fn tag_names(&mut self, member: &'static str) -> Option<Vec<TagName>> {
        let scores = self.members.get(member).and_then(Value::as_array).into_iter().flatten();
        let scored: Vec<usize> = scores
            .enumerate()
            .filter(|(_, tag)| tag.get("score").is_some_and(|score| !score.is_null()))
            .map(|(index, _)| index)
            .collect();
        for index in &scored {
            let at = format!("{}/{index}/score", self.place(member));
            let detail = "A tag is taken off by its name.";
            self.faults.push(Fault::new(at, Code::UnknownField, detail));
        }
        let tags = self.tags(member)?;
        scored.is_empty().then(|| tags.into_iter().map(|tag| tag.name).collect())
    }

    /// A detail is named as where contacts are written.
    fn detail_name(&mut self, name: &Value, at: &str) -> Option<String> {
        let Value::String(name) = name else {
            let detail = "The name of a detail is text.";
            self.faults.push(Fault::new(at, Code::InvalidType, detail));
            return None;
        };
        let body = Map::from_iter([("details".to_owned(), json!({ name: null }))]);
        let (patch, faults) = ContactPatch::read_all(&body, "", self.reading());
        self.faults
            .extend(faults.into_iter().map(|fault| Fault { pointer: at.to_owned(), ..fault }));
        match patch.details {
            Patch::Set(details) => details.into_iter().next().map(|(name, _)| name),
            _ => None,
        }
    }

    /// Names and removals of details do not depend on when and where they are read.
    fn reading(&self) -> Reading {
        Reading { phone_region: None, today: NaiveDate::MAX }
    }

    fn detail_names(&mut self, member: &'static str) -> Option<Vec<String>> {
        let value = self.required(member)?;
        let Value::Array(items) = value else {
            self.fault(member, Code::InvalidType, "These are names of details: a list.");
            return None;
        };
        if items.is_empty() || items.len() > MAX_DETAILS_FOR_TAGS {
            let code = if items.is_empty() { Code::TooShort } else { Code::TooMany };
            self.fault(member, code, format!("Name 1 to {MAX_DETAILS_FOR_TAGS} details."));
            return None;
        }
        let mut names = Vec::with_capacity(items.len());
        let mut all_read = true;
        for (index, item) in items.iter().enumerate() {
            let at = format!("{}/{index}", self.place(member));
            match self.detail_name(item, &at) {
                Some(name) if names.contains(&name) => {}
                Some(name) => names.push(name),
                None => all_read = false,
            }
        }
        all_read.then_some(names)
    }

    /// Stands before each value; it may be empty.
    fn prefix(&mut self) -> Option<String> {
        match self.given("prefix") {
            None => Some(String::new()),
            Some(Value::String(prefix)) => {
                if prefix.chars().any(char::is_control) {
                    let nul = prefix.contains('\0');
                    let code = if nul { Code::NulCharacter } else { Code::InvalidTag };
                    self.fault("prefix", code, "A prefix has no control characters.");
                    return None;
                }
                if prefix.chars().count() >= MAX_TAG_CHARS {
                    let detail = format!(
                        "Prefix and value make a tag of at most {MAX_TAG_CHARS} characters."
                    );
                    self.fault("prefix", Code::TooLong, detail);
                    return None;
                }
                Some(prefix.clone())
            }
            Some(_) => {
                let detail = "A prefix is text: one for all the details.";
                self.fault("prefix", Code::InvalidType, detail);
                None
            }
        }
    }

    fn set_detail(&mut self, reading: Reading) -> Option<Action> {
        let name = self.required("name").and_then(|name| {
            let at = self.place("name");
            self.detail_name(name, &at)
        });
        let value = self.required("value").and_then(|value| {
            // what a value may be does not depend on the name, which may have faults of its own
            let body = Map::from_iter([("details".to_owned(), json!({ "x": value }))]);
            let (patch, faults) = ContactPatch::read_all(&body, "", reading);
            let at = self.place("value");
            let faults = faults.into_iter().map(|fault| Fault { pointer: at.clone(), ..fault });
            self.faults.extend(faults);
            match patch.details {
                Patch::Set(details) => details.into_iter().next().and_then(|(_, value)| value),
                _ => None,
            }
        });
        Some(Action::SetDetail { name: name?, value: value? })
    }

    fn coupon(&mut self, now: DateTime<Utc>) -> Option<Action> {
        let name = self.text("name", MAX_COUPON_NAME_CHARS);
        let length = self.required("length").and_then(|length| {
            let range = MIN_COUPON_CHARS..=MAX_COUPON_CHARS;
            let number = length.as_u64().and_then(|number| u32::try_from(number).ok());
            let fits = number.filter(|number| range.contains(number));
            if fits.is_none() {
                let code = if length.is_i64() || length.is_u64() {
                    Code::OutOfRange
                } else {
                    Code::InvalidType
                };
                let detail =
                    format!("A code has {MIN_COUPON_CHARS} to {MAX_COUPON_CHARS} characters.");
                self.fault("length", code, detail);
            }
            fits
        });
        let valid_until = self.required("valid_until").and_then(|value| {
            let day = value.as_str().and_then(|text| text.parse::<NaiveDate>().ok());
            let read = match day {
                Some(day) => ValidUntil::Day(day),
                None => {
                    let at = self.place("valid_until");
                    ValidUntil::Instant(read_instant(value, &at, self.faults)?)
                }
            };
            // the day may have begun where the workspace is
            let over = match read {
                ValidUntil::Day(day) => day < (now - TimeDelta::days(1)).date_naive(),
                ValidUntil::Instant(instant) => instant <= now,
            };
            if over {
                self.fault("valid_until", Code::OutOfRange, "This is over.");
                return None;
            }
            Some(read)
        });
        Some(Action::GenerateCoupon { name: name?, length: length?, valid_until: valid_until? })
    }

    fn detect_gender(&mut self) -> Option<Action> {
        let countries = ["PL", "HU", "CZ"];
        let country = self.word("country", true, countries.into_iter(), |word| {
            NameCountry::of_country(word).filter(|_| countries.contains(&word))
        });
        let orders = [NameOrder::FirstLast, NameOrder::LastFirst];
        let words = orders.into_iter().map(NameOrder::as_str);
        let name_order = self.word("name_order", true, words, |word| {
            orders.into_iter().find(|order| order.as_str() == word)
        });
        let tags = self.required("tags").and_then(|tags| self.gender_tags(tags));
        let (country, name_order) = (country?, name_order?);
        Some(Action::DetectGender { country, name_order, tags: Box::new(tags?) })
    }

    fn gender_tags(&mut self, tags: &Value) -> Option<GenderTags> {
        let Value::Object(members) = tags else {
            let detail = "Tags are named by gender: female, male, undetermined.";
            self.fault("tags", Code::InvalidType, detail);
            return None;
        };
        let before = self.faults.len();
        let mut read = GenderTags::default();
        for (gender, tag) in members {
            let at = format!("{}/{}", self.place("tags"), pointer_token(gender));
            let place = match gender.as_str() {
                "female" => &mut read.female,
                "male" => &mut read.male,
                "undetermined" => &mut read.undetermined,
                _ => {
                    let detail = "Tags are named for female, male, undetermined.";
                    self.faults.push(Fault::new(at, Code::UnknownField, detail));
                    continue;
                }
            };
            if tag.is_null() {
                continue;
            }
            let mut faults = Vec::new();
            let tags = read_tags(&Value::Array(vec![tag.clone()]), &at, &mut faults);
            let here = format!("{at}/0");
            self.faults.extend(faults.into_iter().map(|fault| {
                let pointer = fault.pointer.replacen(&here, &at, 1);
                Fault { pointer, ..fault }
            }));
            *place = tags.into_iter().next();
        }
        if self.faults.len() > before {
            return None;
        }
        let mut keys = HashSet::new();
        if !read.all().all(|tag| keys.insert(tag.name.key())) {
            self.fault("tags", Code::InvalidValue, "Each gender has a tag of its own.");
            return None;
        }
        if keys.is_empty() {
            self.fault("tags", Code::TooShort, "Name at least one tag.");
            return None;
        }
        Some(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-22T12:00:00Z";

    fn read_body(body: &Value) -> JobRequest {
        let now: DateTime<Utc> = NOW.parse().unwrap();
        let reading = Reading { phone_region: None, today: now.date_naive() };
        read(body.as_object().unwrap(), reading, now)
    }

    fn faults(body: &Value) -> Vec<(String, Code)> {
        let read = read_body(body);
        read.faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    fn fault_of(action: &Value) -> Vec<(String, Code)> {
        let faults = faults(&json!({"selection": {}, "actions": [action]}));
        let short = |at: String| at.trim_start_matches("#/actions/0").to_owned();
        faults.into_iter().map(|(at, code)| (short(at), code)).collect()
    }

    /// MGR-A to MGR-P: every action is read, and they run in the order of the table whatever order they came in.
    #[test]
    fn every_action_is_read_and_put_in_order() {
        let id = Uuid::from_u128(7);
        let mut actions = vec![
            json!({"type": "set_email_opt_out"}),
            json!({"type": "mark_email_invalid"}),
            json!({"type": "set_mobile_opt_in", "legal_basis": "consent"}),
            json!({"type": "add_tags", "tags": [{"name": "vip", "score": 5}, "jaro"]}),
            json!({"type": "add_tags_from_details", "details": ["rozmiar_buta", "x"], "prefix": "ROZMIARBUTA_", "score": 2}),
            json!({"type": "remove_tags", "tags": ["old", {"name": "older"}]}),
            json!({"type": "set_detail", "name": " rozmiar buta ", "value": 43}),
            json!({"type": "remove_detail", "name": "x"}),
            json!({"type": "set_score", "score": -3}),
            json!({"type": "assign_owner", "user_id": id, "level": "co_owner"}),
            json!({"type": "remove_owner", "email": "jana@example.com"}),
            json!({"type": "set_state", "state": "partner"}),
            json!({"type": "add_to_stage", "stage_id": id}),
            json!({"type": "remove_from_funnel", "stage_id": "all", "funnel_id": id}),
            json!({"type": "generate_coupon", "name": "Jaro", "length": 8, "valid_until": "2026-12-31"}),
            json!({"type": "run_rule", "rule_id": id, "check_conditions": true}),
            json!({"type": "run_scenario", "scenario_id": id}),
            json!({"type": "generate_links", "url": "https://example.com/", "private": true}),
            json!({"type": "add_note", "text": "x".repeat(1_024)}),
            json!({"type": "detect_gender", "country": "PL", "name_order": "last_first",
                "tags": {"female": "kobieta", "male": {"name": "mezczyzna", "score": 1}}}),
        ];
        actions.reverse();
        let read = read_body(&json!({"selection": {"segments": []}, "actions": actions}));
        assert_eq!(read.faults, []);
        let kinds: Vec<ActionType> =
            read.actions.iter().map(|placed| placed.action.kind()).collect();
        let left_out =
            [ActionType::LiftEmailInvalid, ActionType::SetMobileOptOut, ActionType::Delete];
        let all = ActionType::ALL.iter().copied().filter(|kind| !left_out.contains(kind));
        assert_eq!(kinds, all.collect::<Vec<_>>());
        assert_eq!(read.actions[0].at, "#/actions/19");
        let named = |kind: ActionType| {
            read.actions.iter().find(|placed| placed.action.kind() == kind).unwrap().action.clone()
        };
        let detail = Action::SetDetail { name: "rozmiar buta".into(), value: json!(43) };
        assert_eq!(named(ActionType::SetDetail), detail);
        let Action::DetectGender { tags, .. } = named(ActionType::DetectGender) else { panic!() };
        assert_eq!(tags.undetermined, None);
        assert_eq!(tags.male.unwrap().score, Some(1));
        let until = ValidUntil::Day(NaiveDate::from_ymd_opt(2026, 12, 31).unwrap());
        let coupon = Action::GenerateCoupon { name: "Jaro".into(), length: 8, valid_until: until };
        assert_eq!(named(ActionType::GenerateCoupon), coupon);
    }

    /// MGR: nothing is chosen by default; consent to e-mail is not given here; one of each; deleting stands alone.
    #[test]
    fn what_a_job_may_not_hold_is_refused() {
        let of = |actions: Value| faults(&json!({"selection": {}, "actions": actions}));
        assert_eq!(faults(&json!({})), [("#/actions".to_owned(), Code::MissingField)]);
        assert_eq!(of(json!([])), [("#/actions".to_owned(), Code::TooShort)]);
        let opt_in = read_body(&json!({"actions": [{"type": "set_email_opt_in"}]})).faults;
        assert_eq!(
            (opt_in[0].pointer.as_str(), opt_in[0].code),
            ("#/actions/0/type", Code::OptInNotHere)
        );
        for place in ["contacts/{id}/consents", "import", "scenario"] {
            assert!(opt_in[0].detail.contains(place), "{}", opt_in[0].detail);
        }
        let twice = json!([{"type": "set_detail", "name": "a", "value": 1}, {"type": "set_detail", "name": "b", "value": 1}]);
        assert_eq!(of(twice), [("#/actions/1/type".to_owned(), Code::TooMany)]);
        let with = json!([{"type": "delete", "mode": "trash"}, {"type": "set_score", "score": 1}]);
        assert_eq!(of(with), [("#/actions/0/type".to_owned(), Code::InvalidValue)]);
        let both = json!([{"type": "set_mobile_opt_out"}, {"type": "set_mobile_opt_in", "legal_basis": "consent"}]);
        assert_eq!(of(both), [("#/actions/0/type".to_owned(), Code::InvalidValue)]);
        let mark = json!([{"type": "mark_email_invalid"}, {"type": "lift_email_invalid"}]);
        assert_eq!(of(mark), [("#/actions/1/type".to_owned(), Code::InvalidValue)]);
        let tags = json!([{"type": "remove_tags", "tags": ["VIP"]}, {"type": "add_tags", "tags": ["vip"]}]);
        assert_eq!(of(tags), [("#/actions/0/tags".to_owned(), Code::InvalidValue)]);
        let detail = json!([{"type": "set_detail", "name": "a b", "value": 1}, {"type": "remove_detail", "name": " a  b"}]);
        assert_eq!(of(detail), [("#/actions/1/name".to_owned(), Code::InvalidValue)]);
        let other = json!([{"type": "set_detail", "name": "a", "value": 1}, {"type": "remove_detail", "name": "b"}]);
        assert_eq!(of(other), []);
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let stages = |out: Value| json!([{"type": "remove_from_funnel", "stage_id": out}, {"type": "add_to_stage", "stage_id": one}]);
        assert_eq!(
            of(stages(json!(one))),
            [("#/actions/0/stage_id".to_owned(), Code::InvalidValue)]
        );
        // moving on from one stage, or from all of the funnel
        assert_eq!((of(stages(json!(two))), of(stages(json!("all")))), (vec![], vec![]));
        let many = vec![json!({"type": "set_score", "score": 1}); 24];
        assert_eq!(of(json!(many)), [("#/actions".to_owned(), Code::TooMany)]);
        let over = json!({"run_at": "2026-11-22T11:00:00Z", "actions": [{"type": "set_email_opt_out"}], "colour": 1});
        assert_eq!(
            faults(&over),
            [
                ("#/colour".to_owned(), Code::UnknownField),
                ("#/run_at".to_owned(), Code::InvalidValue)
            ]
        );
    }

    #[test]
    fn the_time_is_an_instant_ahead() {
        let at = |text: &str| {
            read_body(&json!({"run_at": text, "actions": [{"type": "set_email_opt_out"}]}))
        };
        assert_eq!(
            at("2026-12-01T08:00:00+01:00").run_at,
            Some("2026-12-01T07:00:00Z".parse().unwrap())
        );
        assert_eq!(at("2026-11-22T11:59:30Z").run_at, Some(NOW.parse().unwrap()));
        for bad in ["tomorrow", "2026-12-01", "2028-01-01T00:00:00Z", "2026-11-22T11:58:00Z"] {
            assert_eq!(at(bad).faults.len(), 1, "{bad}");
        }
    }

    /// MGR-M
    #[test]
    fn links_lead_to_a_page() {
        let link = json!({"type": "generate_links", "url": "https://jana:x@example.com/", "private": "yes"});
        let expected = [("/url", Code::InvalidValue), ("/private", Code::InvalidType)]
            .map(|(at, code)| (at.to_owned(), code));
        assert_eq!(fault_of(&link), expected);
        let link = json!({"type": "generate_links", "private": true});
        assert_eq!(fault_of(&link), [("/url".to_owned(), Code::MissingField)]);
    }

    /// MGR: every parameter, with what is wrong and where.
    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn wrong_parameters_are_told_at_their_place() {
        for (action, expected) in [
            (json!({"type": "dance"}), vec![("/type", Code::InvalidValue)]),
            (json!({}), vec![("/type", Code::MissingField)]),
            (json!(1), vec![("", Code::InvalidType)]),
            (json!({"type": "set_email_opt_out", "x": 1}), vec![("/x", Code::UnknownField)]),
            (json!({"type": "set_mobile_opt_in"}), vec![("/legal_basis", Code::MissingField)]),
            (
                json!({"type": "set_mobile_opt_in", "legal_basis": "none"}),
                vec![("/legal_basis", Code::InvalidValue)],
            ),
            (json!({"type": "add_tags", "tags": []}), vec![("/tags", Code::TooShort)]),
            (
                json!({"type": "add_tags", "tags": ["", {"name": "a", "score": "x"}]}),
                vec![("/tags/0", Code::InvalidTag), ("/tags/1/score", Code::InvalidType)],
            ),
            (
                json!({"type": "remove_tags", "tags": [{"name": "a", "score": 1}]}),
                vec![("/tags/0/score", Code::UnknownField)],
            ),
            (
                json!({"type": "add_tags_from_details", "details": [], "prefix": ["a", "b"]}),
                vec![("/details", Code::TooShort), ("/prefix", Code::InvalidType)],
            ),
            (
                json!({"type": "add_tags_from_details", "details": ["a", 1], "prefix": "x"}),
                vec![("/details/1", Code::InvalidType)],
            ),
            (
                json!({"type": "add_tags_from_details", "details": ["", 1, "\u{0}", "a"]}),
                vec![
                    ("/details/0", Code::TooShort),
                    ("/details/1", Code::InvalidType),
                    ("/details/2", Code::NulCharacter),
                ],
            ),
            (
                json!({"type": "set_detail", "name": "", "value": []}),
                vec![("/name", Code::TooShort), ("/value", Code::InvalidType)],
            ),
            (
                json!({"type": "set_detail", "name": "a", "value": []}),
                vec![("/value", Code::InvalidType)],
            ),
            (json!({"type": "set_detail", "name": "a"}), vec![("/value", Code::MissingField)]),
            (
                json!({"type": "remove_detail", "name": "a\u{0}"}),
                vec![("/name", Code::NulCharacter)],
            ),
            (json!({"type": "set_score", "score": 1.5}), vec![("/score", Code::InvalidType)]),
            (
                json!({"type": "assign_owner", "user_id": "x"}),
                vec![("/user_id", Code::InvalidValue), ("/level", Code::MissingField)],
            ),
            (
                json!({"type": "remove_owner", "email": "jana"}),
                vec![("/email", Code::InvalidEmail)],
            ),
            (
                json!({"type": "set_state", "state": ["prospect", "partner"]}),
                vec![("/state", Code::InvalidType)],
            ),
            (json!({"type": "remove_from_funnel"}), vec![("/stage_id", Code::MissingField)]),
            (
                json!({"type": "generate_coupon", "name": "x", "length": 2, "valid_until": "2026-11-01"}),
                vec![("/length", Code::OutOfRange), ("/valid_until", Code::OutOfRange)],
            ),
            (
                json!({"type": "run_rule", "rule_id": "00000000-0000-7000-8000-000000000000"}),
                vec![("/check_conditions", Code::MissingField)],
            ),
            (
                json!({"type": "add_note", "text": "x".repeat(1_025)}),
                vec![("/text", Code::TooLong)],
            ),
            (
                json!({"type": "add_note", "text": "a\u{0}", "private": 1}),
                vec![("/text", Code::NulCharacter), ("/private", Code::InvalidType)],
            ),
            (
                json!({"type": "add_note", "text": "a", "private": null}),
                vec![("/private", Code::InvalidType)],
            ),
            (
                json!({"type": "detect_gender", "country": "SK", "name_order": "1", "tags": {"female": "a", "male": "A"}}),
                vec![
                    ("/country", Code::InvalidValue),
                    ("/name_order", Code::InvalidValue),
                    ("/tags", Code::InvalidValue),
                ],
            ),
            (
                json!({"type": "detect_gender", "country": "CZ", "name_order": "first_last", "tags": {"other": "a", "male": {"name": ""}}}),
                vec![("/tags/other", Code::UnknownField), ("/tags/male/name", Code::InvalidTag)],
            ),
            (json!({"type": "delete"}), vec![("/mode", Code::MissingField)]),
        ] {
            let expected: Vec<(String, Code)> =
                expected.into_iter().map(|(at, code)| (at.to_owned(), code)).collect();
            assert_eq!(fault_of(&action), expected, "{action}");
        }
    }
}
