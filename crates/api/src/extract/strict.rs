//! JSON read once, strictly: no key twice, no U+0000, nesting bounded by `serde_json` itself (128).

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use kartoteka_domain::codes::Code;
use kartoteka_domain::faults::Fault;

/// Up to here a double tells each whole number from the next.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Longest name of a member, in bytes.
const NAME_BYTES: usize = 1_000;
/// Most entries of a list, and most members of an object, that are kept: ten times what any schema allows. The
/// check against the schema keeps a fault for each entry that does not fit.
const MOST_ENTRIES: usize = 10_000;
/// Of more faults than this only the first ones are told.
const MOST_FAULTS: usize = 1_000;
/// And no more than so many bytes of pointers: a fault deep inside long names has a long one.
const MOST_POINTER_BYTES: usize = 256 << 10;

/// The value and what is wrong with it already.
///
/// # Errors
/// It is not JSON: where, in words.
pub fn parse(bytes: &[u8]) -> Result<(Value, Vec<Fault>), serde_json::Error> {
    let found = RefCell::new(Found::default());
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let root = Place { above: None, step: Step::Root };
    let value = Seed { place: &root, found: &found }.deserialize(&mut reader)?;
    reader.end()?;
    Ok((value, found.into_inner().faults))
}

/// A member's name inside a pointer (RFC 6901, 3).
#[must_use]
pub fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Where a value stands. Its pointer is written only for a fault: written for every value, a long name
/// above a long list would cost their product.
struct Place<'a> {
    above: Option<&'a Place<'a>>,
    step: Step<'a>,
}

enum Step<'a> {
    Root,
    Member(&'a str),
    Entry(usize),
}

impl Place<'_> {
    fn pointer(&self) -> String {
        let mut steps = Vec::new();
        let mut place = Some(self);
        while let Some(here) = place {
            steps.push(match here.step {
                Step::Root => "#".to_owned(),
                Step::Member(name) => escape(shortened(name)),
                Step::Entry(index) => index.to_string(),
            });
            place = here.above;
        }
        steps.reverse();
        steps.join("/")
    }
}

/// A name that is too long is told by how it begins.
fn shortened(name: &str) -> &str {
    if name.len() <= NAME_BYTES {
        return name;
    }
    name.get(..name.floor_char_boundary(100)).unwrap_or_default()
}

#[derive(Default)]
struct Found {
    faults: Vec<Fault>,
    pointer_bytes: usize,
}

#[derive(Clone, Copy)]
struct Seed<'a> {
    place: &'a Place<'a>,
    found: &'a RefCell<Found>,
}

impl Seed<'_> {
    fn fault(&self, code: Code, detail: &str) {
        let mut found = self.found.borrow_mut();
        if found.faults.len() < MOST_FAULTS && found.pointer_bytes < MOST_POINTER_BYTES {
            let pointer = self.place.pointer();
            found.pointer_bytes += pointer.len();
            found.faults.push(Fault::new(pointer, code, detail));
        }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        // 50.0 and 5e1 are whole numbers to JSON Schema, so they have to be to our types
        if value.fract() == 0.0 && value.abs() <= EXACT {
            #[expect(clippy::cast_possible_truncation, reason = "whole, and within 53 bits")]
            return Ok((value as i64).into());
        }
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        if value.contains('\0') {
            self.fault(Code::NulCharacter, Code::NulCharacter.title());
        }
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        loop {
            if values.len() >= MOST_ENTRIES {
                if list.next_element::<IgnoredAny>()?.is_some() {
                    self.fault(Code::TooMany, "A list may have at most 10000 entries.");
                    while list.next_element::<IgnoredAny>()?.is_some() {}
                }
                return Ok(Value::Array(values));
            }
            let place = Place { above: Some(self.place), step: Step::Entry(values.len()) };
            match list.next_element_seed(Seed { place: &place, found: self.found })? {
                Some(value) => values.push(value),
                None => return Ok(Value::Array(values)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.len() >= MOST_ENTRIES {
                self.fault(Code::TooMany, "An object may have at most 10000 members.");
                members.next_value::<IgnoredAny>()?;
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                break;
            }
            if name.contains('\0') {
                self.fault(Code::NulCharacter, "A name here holds the character U+0000.");
            }
            if name.len() > NAME_BYTES {
                self.fault(Code::TooLong, "A name here is longer than 1000 bytes.");
            }
            let place = Place { above: Some(self.place), step: Step::Member(&name) };
            let below = Seed { place: &place, found: self.found };
            if object.contains_key(&name) {
                below.fault(Code::InvalidValue, "This field stands here twice.");
            }
            let value = members.next_value_seed(below)?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_value() {
        let (value, faults) =
            parse(br#"{"a":[1,-2,1.5,1.7976931348623157e308,null,true,"x"]}"#).unwrap();
        assert_eq!(value, serde_json::json!({"a": [1, -2, 1.5, f64::MAX, null, true, "x"]}));
        assert!(faults.is_empty());
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_point() {
        let (value, _) = parse(b"[50.0, 5e1, -0.0, 0.5, 1e300]").unwrap();
        assert_eq!(value, serde_json::json!([50, 50, 0, 0.5, 1e300]));
    }

    #[test]
    fn nul_and_a_key_twice_are_found_where_they_stand() {
        let (_, faults) = parse(br#"{"a":{"b":"x\u0000"},"c/d":1,"c/d":2,"\u0000":1}"#).unwrap();
        let seen: Vec<_> = faults.iter().map(|f| (f.pointer.as_str(), f.code)).collect();
        assert_eq!(
            seen,
            [
                ("#/a/b", Code::NulCharacter),
                ("#/c~1d", Code::InvalidValue),
                ("#", Code::NulCharacter)
            ]
        );
    }

    /// OWASP API4:2023: what a body costs grows with its length, not with its square.
    #[test]
    fn long_names_above_long_lists_cost_nothing() {
        let name = "n".repeat(8_000);
        let mut body = format!("{{\"{name}\":").repeat(60);
        body.push_str(&format!("[{}\"\"]", "\"\\u0000\",".repeat(50_000)));
        body.push_str(&"}".repeat(60));
        let (_, faults) = parse(body.as_bytes()).unwrap();
        assert!(faults.len() <= MOST_FAULTS);
        let told: usize = faults.iter().map(|fault| fault.pointer.len()).sum();
        assert!(told <= MOST_POINTER_BYTES + 60 * NAME_BYTES, "{told}");
        assert_eq!(faults.first().map(|fault| fault.code), Some(Code::TooLong));
    }

    #[test]
    fn endless_lists_and_objects_are_cut() {
        let list = format!("[{}0]", "0,".repeat(400_000));
        let members: String = (0..20_000).map(|at| format!("\"m{at}\":0,")).collect();
        for body in [list, format!("{{{members}\"last\":0}}")] {
            let (value, faults) = parse(body.as_bytes()).unwrap();
            let kept = value.as_array().map_or_else(|| value.as_object().unwrap().len(), Vec::len);
            assert_eq!(kept, MOST_ENTRIES);
            assert_eq!(faults.len(), 1);
            assert_eq!(faults.first().map(|fault| fault.code), Some(Code::TooMany));
        }
        let (value, faults) = parse(format!("[{}0]", "0,".repeat(9_999)).as_bytes()).unwrap();
        assert_eq!((value.as_array().unwrap().len(), faults.len()), (MOST_ENTRIES, 0));
    }

    #[test]
    fn deep_nesting_is_refused_and_does_not_overflow_the_stack() {
        assert!(parse("[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn trailing_bytes_are_refused() {
        assert!(parse(b"{} x").is_err());
        assert!(parse(b"").is_err());
    }
}
