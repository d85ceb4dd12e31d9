//! What contacts are classed by: groups, of which a contact has many, and types, of which it has one
//! (CON-7). Both are a name and a description.

use unicode_normalization::UnicodeNormalization;

use crate::codes::Code;
use crate::contacts::cell::visible;
use crate::faults::{Fault, sentence};

/// Characters of the name of a group or a type.
pub const MAX_CLASS_NAME_CHARS: usize = 100;
/// Characters of what is said about a group or a type.
pub const MAX_DESCRIPTION_CHARS: usize = 1_000;
/// Groups one request may name.
pub const MAX_GROUPS_PER_CONTACT: usize = 200;

/// The name of a group or a type. Two spellings that differ in case or white space are one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassName {
    key: String,
    name: String,
}

/// Why a text is no such name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClassNameError {
    /// Nothing is written.
    #[error("write a name")]
    Empty,
    /// More than [`MAX_CLASS_NAME_CHARS`].
    #[error("a name has at most {MAX_CLASS_NAME_CHARS} characters")]
    TooLong,
    /// NUL or another control character.
    #[error("a name has no control characters")]
    Control,
}

impl ClassName {
    /// Reads a name: invisible characters are dropped, white space is collapsed, NFC.
    ///
    /// # Errors
    /// See [`ClassNameError`].
    pub fn parse(raw: &str) -> Result<Self, ClassNameError> {
        if raw.chars().any(|c| c.is_control() && !c.is_whitespace()) {
            return Err(ClassNameError::Control);
        }
        let name: String =
            visible(raw).split_whitespace().collect::<Vec<_>>().join(" ").nfc().collect();
        if name.is_empty() {
            return Err(ClassNameError::Empty);
        }
        if name.chars().count() > MAX_CLASS_NAME_CHARS {
            return Err(ClassNameError::TooLong);
        }
        Ok(Self { key: name.to_lowercase(), name })
    }

    /// The name as it is shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The name as it is compared and sorted (`name_key`).
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// Reads a name, with a fault at `at` when it is none.
pub fn read_name(raw: &str, at: &str, faults: &mut Vec<Fault>) -> Option<ClassName> {
    match ClassName::parse(raw) {
        Ok(name) => Some(name),
        Err(error) => {
            let code = match error {
                ClassNameError::Empty => Code::TooShort,
                ClassNameError::TooLong => Code::TooLong,
                ClassNameError::Control if raw.contains('\0') => Code::NulCharacter,
                ClassNameError::Control => Code::InvalidValue,
            };
            faults.push(Fault::new(at, code, sentence(&error)));
            None
        }
    }
}

/// A description as it is kept; blank text is none.
#[must_use]
pub fn described(raw: Option<&str>) -> Option<String> {
    raw.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CON-7
    #[test]
    fn spellings_of_one_name_share_a_key() {
        for raw in ["Firmy", " firmy ", "FIR\u{200B}MY"] {
            assert_eq!(ClassName::parse(raw).unwrap().key(), "firmy", "{raw:?}");
        }
        assert_eq!(
            ClassName::parse("Velcí  klienti\t2026").unwrap().as_str(),
            "Velcí klienti 2026"
        );
        assert_eq!(ClassName::parse(" \u{A0} "), Err(ClassNameError::Empty));
        assert_eq!(ClassName::parse("a\u{1}b"), Err(ClassNameError::Control));
        assert_eq!(ClassName::parse(&"x".repeat(101)), Err(ClassNameError::TooLong));
        assert!(ClassName::parse(&"ž".repeat(100)).is_ok());
    }

    #[test]
    fn a_blank_description_is_none() {
        assert_eq!(described(Some("  ")), None);
        assert_eq!(described(Some(" a\nb ")).as_deref(), Some("a\nb"));
        assert_eq!(described(None), None);
    }
}
