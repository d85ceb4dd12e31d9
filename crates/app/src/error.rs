//! Why a use case did not do what it was asked.

use serde_json::{Map, Value};

use kartoteka_domain::codes::Code;
use kartoteka_domain::faults::{Fault, common_code};
use kartoteka_persistence::StoreError;

/// A use case's refusal or failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not exist, or belongs to somebody else: the same answer in both cases.
    #[error("not found")]
    NotFound,
    /// The caller can do something about it.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A refusal with all that is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Which.
    pub code: Code,
    /// What is wrong and what can be done, in words; never personal data.
    pub detail: String,
    /// All faults of the input.
    pub faults: Vec<Fault>,
    /// Numbers and names a program needs beside the code.
    pub extra: Map<String, Value>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl Error {
    /// A refusal with a code and a sentence.
    pub fn refused(code: Code, detail: impl Into<String>) -> Self {
        Self::Refused(Box::new(Refusal {
            code,
            detail: detail.into(),
            faults: Vec::new(),
            extra: Map::new(),
        }))
    }

    /// A refusal with members a program needs: `extra` must be a JSON object.
    pub fn refused_with(code: Code, detail: impl Into<String>, extra: Value) -> Self {
        let extra = match extra {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        Self::Refused(Box::new(Refusal { code, detail: detail.into(), faults: Vec::new(), extra }))
    }

    /// The same with one more member that a program needs.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Self::Refused(refusal) = &mut self {
            refusal.extra.insert(name.to_owned(), value.into());
        }
        self
    }

    /// Faults of the input, all at once.
    #[must_use]
    pub fn invalid(faults: Vec<Fault>) -> Self {
        let detail = match faults.as_slice() {
            [one] => one.detail.clone(),
            many => format!("{} faults", many.len()),
        };
        Self::Refused(Box::new(Refusal {
            code: common_code(&faults),
            detail,
            faults,
            extra: Map::new(),
        }))
    }
}
