//! Definitions of details (CON-7, CON-9): a detail with one has values of its type. One that is true or
//! false is a flag. Details without a definition are free.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde_json::Value;

use crate::codes::Code;
use crate::contacts::boolean::parse_bool;
use crate::contacts::cell::{is_placeholder, visible};
use crate::contacts::date::{DateError, DateFormat, parse_date};
use crate::contacts::fold::fold;
use crate::contacts::number::parse_number;
use crate::contacts::patch::{MAX_DETAIL_NAME_CHARS, one_line};
use crate::faults::Fault;

/// Characters of what people see.
pub const MAX_TITLE_CHARS: usize = 200;
/// Choices of one field.
pub const MAX_CHOICES: usize = 200;
/// Characters of a choice.
pub const MAX_CHOICE_CHARS: usize = 200;

/// What values a field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Any text.
    Text,
    /// Any number.
    Number,
    /// A day: the text `YYYY-MM-DD`.
    Date,
    /// True or false: a flag.
    Boolean,
    /// One of some texts.
    Choice,
}

impl FieldType {
    /// All types.
    pub const ALL: &'static [Self] =
        &[Self::Text, Self::Number, Self::Date, Self::Boolean, Self::Choice];

    /// The word in the database and in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Date => "date",
            Self::Boolean => "boolean",
            Self::Choice => "choice",
        }
    }

    /// The type with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.as_str() == word)
    }
}

/// What the values of a detail are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Of which type.
    pub field_type: FieldType,
    /// The texts of a choice; empty for other types.
    pub choices: Vec<String>,
}

/// Definitions by the names of their details.
pub type Definitions = HashMap<String, Definition>;

impl Definition {
    /// What is wrong with a value that a request writes.
    #[must_use]
    pub fn fault(&self, value: &Value, pointer: &str) -> Option<Fault> {
        let (code, detail) = match (self.field_type, value) {
            (FieldType::Text, Value::String(_))
            | (FieldType::Number, Value::Number(_))
            | (FieldType::Boolean, Value::Bool(_)) => return None,
            (FieldType::Date, Value::String(text)) if is_day(text) => return None,
            (FieldType::Choice, Value::String(text)) if self.choices.contains(text) => return None,
            (FieldType::Date, Value::String(_)) => {
                (Code::InvalidDate, "A date is written YYYY-MM-DD.".to_owned())
            }
            (FieldType::Choice, Value::String(_)) => {
                (Code::InvalidValue, "This is not one of the choices of the field.".to_owned())
            }
            (FieldType::Text, _) => (Code::InvalidType, "The field is defined as text.".to_owned()),
            (FieldType::Number, _) => {
                (Code::InvalidType, "The field is defined as a number.".to_owned())
            }
            (FieldType::Boolean, _) => {
                (Code::InvalidType, "The field is defined as true or false.".to_owned())
            }
            (FieldType::Date, _) => {
                (Code::InvalidType, "The field is defined as a date: YYYY-MM-DD.".to_owned())
            }
            (FieldType::Choice, _) => {
                (Code::InvalidType, "The field is defined as a choice among texts.".to_owned())
            }
        };
        Some(Fault::new(pointer, code, detail))
    }

    /// The value that a cell of a file means; `None` when it says that there is nothing.
    ///
    /// # Errors
    /// The code of what it is not.
    pub fn read_cell(&self, raw: &str, format: DateFormat) -> Result<Option<Value>, Code> {
        // "-" is a way to say no, so yes and no are asked first
        if self.field_type == FieldType::Boolean
            && let Some(flag) = parse_bool(raw)
        {
            return Ok(Some(Value::Bool(flag)));
        }
        if self.field_type != FieldType::Text && is_placeholder(raw) {
            return Ok(None);
        }
        match self.field_type {
            FieldType::Text => Ok(Some(Value::from(raw))),
            FieldType::Number => parse_number(raw)
                .map(|number| Some(Value::Number(number)))
                .ok_or(Code::InvalidNumber),
            FieldType::Boolean => Err(Code::InvalidBoolean),
            FieldType::Date => match parse_date(raw, format) {
                Ok(day) => Ok(Some(Value::from(day.to_string()))),
                Err(DateError::Empty | DateError::Placeholder) => Ok(None),
                Err(_) => Err(Code::InvalidDate),
            },
            FieldType::Choice => {
                let text = visible(raw);
                let folded = fold(&text);
                let exact = self.choices.iter().find(|choice| **choice == *text);
                exact
                    .or_else(|| self.choices.iter().find(|choice| fold(choice) == folded))
                    .map(|choice| Some(Value::from(choice.as_str())))
                    .ok_or(Code::InvalidValue)
            }
        }
    }
}

/// As RFC 3339 writes a day; chrono alone would take `1990-5-1` too.
fn is_day(text: &str) -> bool {
    let digit = text.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
    digit && text.len() == 10 && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

/// Reads the name of a detail as contacts keep it, with a fault at `at` when it is none.
pub fn read_name(raw: &str, at: &str, faults: &mut Vec<Fault>) -> Option<String> {
    let name = one_line(&visible(raw));
    let (code, detail) = if name.is_empty() {
        (Code::TooShort, "A detail has a name.".to_owned())
    } else if name.chars().count() > MAX_DETAIL_NAME_CHARS {
        (Code::TooLong, format!("At most {MAX_DETAIL_NAME_CHARS} characters."))
    } else {
        return Some(name);
    };
    faults.push(Fault::new(at, code, detail));
    None
}

/// Reads what people see of a field: one line of text.
pub fn read_title(raw: &str, at: &str, faults: &mut Vec<Fault>) -> Option<String> {
    let title = one_line(&visible(raw));
    if title.is_empty() {
        faults.push(Fault::new(at, Code::TooShort, "Write a title."));
        return None;
    }
    if title.chars().count() > MAX_TITLE_CHARS {
        let detail = format!("At most {MAX_TITLE_CHARS} characters.");
        faults.push(Fault::new(at, Code::TooLong, detail));
        return None;
    }
    Some(title)
}

/// Reads type and choices: a choice has some, and nothing else has any.
pub fn read_definition(
    field_type: FieldType,
    choices: Option<&[String]>,
    at: &str,
    faults: &mut Vec<Fault>,
) -> Definition {
    let mut read: Vec<String> = Vec::new();
    match (field_type, choices) {
        (FieldType::Choice, None | Some([])) => {
            faults.push(Fault::new(at, Code::MissingField, "A choice has choices."));
        }
        (FieldType::Choice, Some(choices)) if choices.len() > MAX_CHOICES => {
            let detail = format!("At most {MAX_CHOICES} choices.");
            faults.push(Fault::new(at, Code::TooMany, detail));
        }
        (FieldType::Choice, Some(choices)) => {
            for (index, choice) in choices.iter().enumerate() {
                let at = format!("{at}/{index}");
                let choice = one_line(&visible(choice));
                if choice.is_empty() {
                    faults.push(Fault::new(at, Code::TooShort, "A choice is text."));
                } else if choice.chars().count() > MAX_CHOICE_CHARS {
                    let detail = format!("At most {MAX_CHOICE_CHARS} characters.");
                    faults.push(Fault::new(at, Code::TooLong, detail));
                } else if read.contains(&choice) {
                    faults.push(Fault::new(
                        at,
                        Code::InvalidValue,
                        "This choice stands here twice.",
                    ));
                } else {
                    read.push(choice);
                }
            }
        }
        (_, Some([_, ..])) => {
            faults.push(Fault::new(at, Code::InvalidValue, "Only a choice has choices."));
        }
        (_, None | Some([])) => {}
    }
    Definition { field_type, choices: read }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(field_type: FieldType) -> Definition {
        let choices = if field_type == FieldType::Choice {
            vec!["Zlatá".into(), "silver".into()]
        } else {
            vec![]
        };
        Definition { field_type, choices }
    }

    /// CON-9: a value has the type of its field.
    #[test]
    fn values_fit_their_type_or_are_refused() {
        let cases = [
            (FieldType::Text, json!("x"), None),
            (FieldType::Text, json!(1), Some(Code::InvalidType)),
            (FieldType::Number, json!(1.5), None),
            (FieldType::Number, json!("1.5"), Some(Code::InvalidType)),
            (FieldType::Boolean, json!(false), None),
            (FieldType::Boolean, json!("ano"), Some(Code::InvalidType)),
            (FieldType::Date, json!("2024-02-29"), None),
            (FieldType::Date, json!("2023-02-29"), Some(Code::InvalidDate)),
            (FieldType::Date, json!("2024-2-9"), Some(Code::InvalidDate)),
            (FieldType::Date, json!(20_240_229), Some(Code::InvalidType)),
            (FieldType::Choice, json!("silver"), None),
            (FieldType::Choice, json!("Silver"), Some(Code::InvalidValue)),
            (FieldType::Choice, json!(true), Some(Code::InvalidType)),
        ];
        for (field_type, value, code) in cases {
            let fault = of(field_type).fault(&value, "#/details/x");
            assert_eq!(fault.map(|fault| fault.code), code, "{field_type:?} {value}");
        }
    }

    /// CON-9, IMP-20: cells are read in the type of their field.
    #[test]
    fn cells_are_read_in_their_type() {
        let cases = [
            (FieldType::Text, "n/a", Ok(Some(json!("n/a")))),
            (FieldType::Number, "1 234,5", Ok(Some(json!(1234.5)))),
            (FieldType::Number, "n/a", Ok(None)),
            (FieldType::Number, "43 cm", Err(Code::InvalidNumber)),
            (FieldType::Date, "1. 5. 1990", Ok(Some(json!("1990-05-01")))),
            (FieldType::Date, "0000-00-00", Ok(None)),
            (FieldType::Date, "jaro", Err(Code::InvalidDate)),
            (FieldType::Boolean, "ano", Ok(Some(json!(true)))),
            (FieldType::Boolean, "-", Ok(Some(json!(false)))),
            (FieldType::Boolean, "neuvedeno", Ok(None)),
            (FieldType::Boolean, "možná", Err(Code::InvalidBoolean)),
            (FieldType::Choice, " zlata ", Ok(Some(json!("Zlatá")))),
            (FieldType::Choice, "bronze", Err(Code::InvalidValue)),
        ];
        for (field_type, raw, value) in cases {
            let read = of(field_type).read_cell(raw, DateFormat::default());
            assert_eq!(read, value, "{field_type:?} {raw}");
        }
    }

    #[test]
    fn only_a_choice_has_choices() {
        let read = |field_type, choices: Option<&[&str]>| {
            let mut faults = Vec::new();
            let choices: Option<Vec<String>> =
                choices.map(|list| list.iter().map(|one| (*one).to_owned()).collect());
            read_definition(field_type, choices.as_deref(), "#/choices", &mut faults);
            faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect::<Vec<_>>()
        };
        let at = |at: &str, code| vec![(at.to_owned(), code)];
        assert_eq!(read(FieldType::Choice, Some(&["a", "b"])), vec![]);
        assert_eq!(read(FieldType::Choice, None), at("#/choices", Code::MissingField));
        assert_eq!(
            read(FieldType::Choice, Some(&["a", " a "])),
            at("#/choices/1", Code::InvalidValue)
        );
        assert_eq!(read(FieldType::Choice, Some(&["a", " "])), at("#/choices/1", Code::TooShort));
        assert_eq!(read(FieldType::Text, Some(&["a"])), at("#/choices", Code::InvalidValue));
        assert_eq!(read(FieldType::Text, Some(&[])), vec![]);
    }
}
