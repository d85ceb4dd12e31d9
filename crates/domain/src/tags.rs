//! Names of tags, and what a request says about the tags of a contact (CON-7, CON-11).

use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use crate::codes::Code;
use crate::contacts::cell::visible;
use crate::faults::{Fault, pointer_token, sentence};

/// Characters of a tag's name.
pub const MAX_TAG_CHARS: usize = 100;
/// Tags one request may put on one contact.
pub const MAX_TAGS_PER_CONTACT: usize = 200;
/// Scores lie between this and its negative: every such integer is exact in JSON (RFC 7493, 2.2).
pub const MAX_SCORE: i64 = 9_007_199_254_740_991;

/// A tag's name. Two spellings that differ in case or white space are one tag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagName {
    key: String,
    name: String,
}

/// Why a text is not a tag's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagNameError {
    /// Nothing is written.
    #[error("a tag has a name")]
    Empty,
    /// More than [`MAX_TAG_CHARS`].
    #[error("the name of a tag has at most {MAX_TAG_CHARS} characters")]
    TooLong,
    /// NUL or another control character.
    #[error("the name of a tag has no control characters")]
    Control,
}

impl TagName {
    /// Reads a name: invisible characters are dropped, white space is collapsed, NFC.
    ///
    /// # Errors
    /// See [`TagNameError`].
    pub fn parse(raw: &str) -> Result<Self, TagNameError> {
        if raw.chars().any(|c| c.is_control() && !c.is_whitespace()) {
            return Err(TagNameError::Control);
        }
        let text = visible(raw);
        let name: String = text.split_whitespace().collect::<Vec<_>>().join(" ").nfc().collect();
        if name.is_empty() {
            return Err(TagNameError::Empty);
        }
        if name.chars().count() > MAX_TAG_CHARS {
            return Err(TagNameError::TooLong);
        }
        Ok(Self { key: name.to_lowercase(), name })
    }

    /// The name as it is shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The name as it is compared (`tags.name_key`).
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// A tag a request puts on a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagSet {
    /// Which.
    pub name: TagName,
    /// Its score on this contact; without one the present score stays, 0 for a tag that is new there.
    pub score: Option<i64>,
}

/// Reads `[{"name": "vip", "score": 5}, "spring"]`. A tag named twice counts once; the later score wins.
pub fn read_tags(value: &Value, at: &str, faults: &mut Vec<Fault>) -> Vec<TagSet> {
    let Value::Array(items) = value else {
        faults.push(Fault::new(at, Code::InvalidType, "Tags are a list."));
        return Vec::new();
    };
    if items.len() > MAX_TAGS_PER_CONTACT {
        let detail = format!("At most {MAX_TAGS_PER_CONTACT} tags.");
        faults.push(Fault::new(at, Code::TooMany, detail));
        return Vec::new();
    }
    let mut tags: Vec<TagSet> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let Some(tag) = read_tag(item, &format!("{at}/{index}"), faults) else { continue };
        match tags.iter_mut().find(|known| known.name.key == tag.name.key) {
            Some(known) => known.score = tag.score.or(known.score),
            None => tags.push(tag),
        }
    }
    tags
}

fn read_tag(item: &Value, at: &str, faults: &mut Vec<Fault>) -> Option<TagSet> {
    match item {
        Value::String(name) => read_name(name, at, faults).map(|name| TagSet { name, score: None }),
        Value::Object(fields) => {
            for field in fields.keys().filter(|field| !matches!(field.as_str(), "name" | "score")) {
                let at = format!("{at}/{}", pointer_token(field));
                faults.push(Fault::new(at, Code::UnknownField, "A tag has a name and a score."));
            }
            let score = match fields.get("score") {
                None | Some(Value::Null) => None,
                Some(score) => read_score(score, &format!("{at}/score"), faults),
            };
            let at = format!("{at}/name");
            match fields.get("name") {
                Some(Value::String(name)) => {
                    read_name(name, &at, faults).map(|name| TagSet { name, score })
                }
                Some(_) => {
                    faults.push(Fault::new(at, Code::InvalidType, "The name of a tag is text."));
                    None
                }
                None => {
                    faults.push(Fault::new(at, Code::MissingField, "A tag has a name."));
                    None
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            let detail = "A tag is an object with a name and a score, or only its name.";
            faults.push(Fault::new(at, Code::InvalidType, detail));
            None
        }
    }
}

/// Reads the name of a tag, with a fault at `at` when it is none.
pub fn read_name(raw: &str, at: &str, faults: &mut Vec<Fault>) -> Option<TagName> {
    match TagName::parse(raw) {
        Ok(name) => Some(name),
        Err(error) => {
            let code = match error {
                TagNameError::TooLong => Code::TooLong,
                TagNameError::Control if raw.contains('\0') => Code::NulCharacter,
                TagNameError::Empty | TagNameError::Control => Code::InvalidTag,
            };
            faults.push(Fault::new(at, code, sentence(&error)));
            None
        }
    }
}

/// Reads a score: a whole number that every JSON parser keeps exact.
pub fn read_score(value: &Value, at: &str, faults: &mut Vec<Fault>) -> Option<i64> {
    let Value::Number(number) = value else {
        faults.push(Fault::new(at, Code::InvalidType, "A score is a whole number."));
        return None;
    };
    match number.as_i64() {
        Some(score) if (-MAX_SCORE..=MAX_SCORE).contains(&score) => Some(score),
        None if number.is_f64() => {
            faults.push(Fault::new(at, Code::InvalidType, "A score is a whole number."));
            None
        }
        _ => {
            let detail = format!("A score lies between -{MAX_SCORE} and {MAX_SCORE}.");
            faults.push(Fault::new(at, Code::OutOfRange, detail));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn spellings_of_one_tag_share_a_key() {
        for raw in ["VIP", " vip ", "V\u{200B}ip"] {
            assert_eq!(TagName::parse(raw).unwrap().key(), "vip", "{raw:?}");
        }
        let name = TagName::parse("Jarní  akce\t2026").unwrap();
        assert_eq!((name.as_str(), name.key()), ("Jarní akce 2026", "jarní akce 2026"));
        assert_eq!(TagName::parse(" \u{A0} "), Err(TagNameError::Empty));
        assert_eq!(TagName::parse("a\0b"), Err(TagNameError::Control));
        assert_eq!(TagName::parse(&"x".repeat(101)), Err(TagNameError::TooLong));
        assert!(TagName::parse(&"ž".repeat(100)).is_ok());
    }

    /// CON-11
    #[test]
    fn tags_are_read_as_objects_and_as_names() {
        let mut faults = Vec::new();
        let value = json!([{"name": "vip", "score": 5}, "Spring", {"name": "spring", "score": -1}]);
        let tags = read_tags(&value, "#/tags", &mut faults);
        assert_eq!(faults, []);
        let read: Vec<_> = tags.iter().map(|tag| (tag.name.as_str(), tag.score)).collect();
        assert_eq!(read, [("vip", Some(5)), ("Spring", Some(-1))]);
    }

    #[test]
    fn every_fault_of_every_tag_is_told() {
        let mut faults = Vec::new();
        let value = json!(["", 7, {"score": 1.5}, {"name": 1}, {"name": "a", "sc/ore": 1},
            {"name": "b", "score": 9_007_199_254_740_992_u64}, "a\0"]);
        read_tags(&value, "#/tags", &mut faults);
        let told: Vec<_> = faults.iter().map(|f| (f.pointer.as_str(), f.code)).collect();
        assert_eq!(
            told,
            [
                ("#/tags/0", Code::InvalidTag),
                ("#/tags/1", Code::InvalidType),
                ("#/tags/2/score", Code::InvalidType),
                ("#/tags/2/name", Code::MissingField),
                ("#/tags/3/name", Code::InvalidType),
                ("#/tags/4/sc~1ore", Code::UnknownField),
                ("#/tags/5/score", Code::OutOfRange),
                ("#/tags/6", Code::NulCharacter),
            ]
        );
    }
}
