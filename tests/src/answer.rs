//! What came back, and what tests want to know of it.

use std::fmt;

use reqwest::header::HeaderMap;
use serde_json::Value;

/// An answer, read to its end and already held against the document.
#[derive(Clone)]
pub struct Answer {
    /// Method of the request.
    pub method: String,
    /// Path of the request, without the query.
    pub path: String,
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body as it came.
    pub bytes: Vec<u8>,
    /// Body as JSON; `null` when it is none.
    pub json: Value,
}

impl Answer {
    pub(crate) fn new(
        method: String,
        path: String,
        status: u16,
        headers: HeaderMap,
        bytes: Vec<u8>,
    ) -> Self {
        let mut answer = Self { method, path, status, headers, bytes, json: Value::Null };
        if answer.media_type().ends_with("json") {
            answer.json = serde_json::from_slice(&answer.bytes).unwrap_or(Value::Null);
        }
        answer
    }

    /// Goes on when the status is this one, else shows the whole answer.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert!(self.status == status, "expected {status}: {self:?}");
        self
    }

    /// A header as text; empty when it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The media type without its parameters.
    #[must_use]
    pub fn media_type(&self) -> &str {
        self.header("content-type").split(';').next().unwrap_or_default().trim()
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// `id` of the resource in the body.
    #[track_caller]
    #[must_use]
    pub fn id(&self) -> String {
        self.text_at("/id")
    }

    /// Text at a JSON pointer.
    #[track_caller]
    #[must_use]
    pub fn text_at(&self, pointer: &str) -> String {
        let value = self.json.pointer(pointer).and_then(Value::as_str);
        value.unwrap_or_else(|| panic!("no text at {pointer}: {self:?}")).to_owned()
    }

    /// `data` of a list.
    #[track_caller]
    #[must_use]
    pub fn data(&self) -> &[Value] {
        let data = self.json.get("data").and_then(Value::as_array);
        data.unwrap_or_else(|| panic!("this is no list: {self:?}"))
    }

    /// Goes on when it is a problem document with this code and exactly these pointers, in any order
    /// (`&[]`: without `errors`). `validation_failed` stands for "faults of the input": when they all have
    /// one code, the problem must carry that code, else `validation_failed` itself.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str, pointers: &[&str]) -> Self {
        let answer = self.expect(status);
        let faults = answer.faults();
        let shared = match faults.first() {
            Some((_, first)) if faults.iter().all(|(_, fault)| fault == first) => first.as_str(),
            _ => "validation_failed",
        };
        let code = if code == "validation_failed" { shared } else { code };
        assert!(answer.json["code"] == code, "expected {code}: {answer:?}");
        let mut found: Vec<&str> = answer.json["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|fault| fault["pointer"].as_str())
            .collect();
        let mut wanted = pointers.to_vec();
        found.sort_unstable();
        wanted.sort_unstable();
        assert!(found == wanted, "expected faults at {wanted:?}: {answer:?}");
        answer
    }

    /// Pairs of pointer and code of a problem's faults, as they came.
    #[must_use]
    pub fn faults(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let faults = self.json["errors"].as_array().into_iter().flatten();
        faults.map(|fault| (text(&fault["pointer"]), text(&fault["code"]))).collect()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {} answered {}", self.method, self.path, self.status)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
        }
        let text = match &self.json {
            Value::Null => self.text(),
            json => serde_json::to_string_pretty(json).unwrap_or_default(),
        };
        write!(f, "\n{}", text.chars().take(4000).collect::<String>())
    }
}
