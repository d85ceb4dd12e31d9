//! A fault of the input: where, which and in words. All faults of a request are told at once.

use serde::{Deserialize, Serialize};

use crate::codes::Code;

/// One fault of a request body, query or path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// JSON pointer into the body (`#/email`, RFC 6901 as URI fragment) or `?name` for a query parameter.
    pub pointer: String,
    /// What is wrong, for programs.
    pub code: Code,
    /// What is wrong, for people; never repeats personal data.
    pub detail: String,
}

impl Fault {
    /// A fault at `pointer`.
    pub fn new(pointer: impl Into<String>, code: Code, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code, detail: detail.into() }
    }
}

/// The code of a refusal for these faults: theirs when they share one, so that a program that sends one
/// unknown field hears `unknown_field` and not only that something is wrong.
#[must_use]
pub fn common_code(faults: &[Fault]) -> Code {
    match faults {
        [first, rest @ ..] if rest.iter().all(|fault| fault.code == first.code) => first.code,
        _ => Code::ValidationFailed,
    }
}

/// A member name inside a JSON pointer (RFC 6901, 3).
#[must_use]
pub fn pointer_token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// An error as a sentence: capital letter, full stop.
pub(crate) fn sentence(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), chars.as_str()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_one_kind_give_the_refusal_its_code() {
        let fault = |code| Fault::new("#/a", code, "");
        assert_eq!(
            common_code(&[fault(Code::UnknownField), fault(Code::UnknownField)]),
            Code::UnknownField
        );
        assert_eq!(
            common_code(&[fault(Code::UnknownField), fault(Code::TooLong)]),
            Code::ValidationFailed
        );
        assert_eq!(common_code(&[]), Code::ValidationFailed);
    }
}
