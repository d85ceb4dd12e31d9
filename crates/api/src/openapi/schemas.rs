//! Requests against the published document: what does not fit becomes faults with pointers.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use serde_json::{Value, json};
use utoipa::openapi::path::Parameter;

use kartoteka_domain::codes::Code;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::scopes::Scope;

use super::{document, operations};
use crate::extract::strict::escape;
use crate::problem::{MOST_FAULTS, Problem};

/// Members that answers have and no request may set.
const READ_ONLY: &[&str] =
    &["id", "workspace_id", "created_at", "updated_at", "trashed_at", "etag", "request_id"];

/// Faults of a value against a schema of the document.
///
/// # Errors
/// There is no such schema: an operation does not publish its body.
pub fn faults(schema: &str, value: &Value) -> Result<Vec<Fault>, Problem> {
    let validator = validator(schema)?;
    let mut found = Vec::new();
    for error in validator.iter_errors(value) {
        translate(&error, &mut found);
        if found.len() >= MOST_FAULTS {
            break;
        }
    }
    // what has the wrong type breaks all other rules too: that says nothing more
    let mistyped: Vec<String> = found
        .iter()
        .filter(|fault| fault.code == Code::InvalidType)
        .map(|fault| fault.pointer.clone())
        .collect();
    found.retain(|fault| fault.code == Code::InvalidType || !mistyped.contains(&fault.pointer));
    found.dedup();
    Ok(found)
}

/// A schema of the document with those it refers to put in their places, so that it can be read without the document.
///
/// # Errors
/// There is no such schema.
pub(crate) fn standalone(schema: &str) -> Result<Value, Problem> {
    let found = document().pointer(&format!("/components/schemas/{schema}"));
    let found = found
        .ok_or_else(|| Problem::internal(format!("schema {schema} is not in the document")))?;
    Ok(with_references(found))
}

/// None of them refers to itself: what is published so are bodies of a fixed depth.
fn with_references(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let target = members.get("$ref").and_then(Value::as_str);
            let target =
                target.and_then(|target| document().pointer(target.trim_start_matches('#')));
            match target {
                Some(target) => with_references(target),
                None => Value::Object(
                    members
                        .iter()
                        .map(|(name, member)| (name.clone(), with_references(member)))
                        .collect(),
                ),
            }
        }
        Value::Array(items) => items.iter().map(with_references).collect(),
        other => other.clone(),
    }
}

fn validator(schema: &str) -> Result<Arc<Validator>, Problem> {
    compiled(schema, || {
        let components = document().pointer("/components/schemas").cloned().unwrap_or_default();
        if components.get(schema).is_none() {
            return Err(Problem::internal(format!("schema {schema} is not in the document")));
        }
        Ok(json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$ref": format!("#/components/schemas/{schema}"),
            "components": {"schemas": components},
        }))
    })
}

/// The validator kept under `key`; there are as many as the document has schemas and parameters.
fn compiled(
    key: &str,
    schema: impl FnOnce() -> Result<Value, Problem>,
) -> Result<Arc<Validator>, Problem> {
    static COMPILED: OnceLock<RwLock<HashMap<String, Arc<Validator>>>> = OnceLock::new();
    let compiled = COMPILED.get_or_init(RwLock::default);
    let known = compiled.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
    if let Some(validator) = known {
        return Ok(validator);
    }
    let built = jsonschema::options().should_validate_formats(true).build(&schema()?);
    let validator = Arc::new(built.map_err(|error| Problem::internal(error.to_string()))?);
    let mut compiled = compiled.write().unwrap_or_else(PoisonError::into_inner);
    compiled.insert(key.to_owned(), Arc::clone(&validator));
    Ok(validator)
}

fn translate(error: &ValidationError<'_>, found: &mut Vec<Fault>) {
    let at = format!("#{}", error.instance_path().as_str());
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            for name in unexpected {
                let pointer = format!("{at}/{}", escape(name));
                found.push(if READ_ONLY.contains(&name.as_str()) {
                    Fault::new(pointer, Code::ReadOnlyField, Code::ReadOnlyField.title())
                } else {
                    Fault::new(pointer, Code::UnknownField, Code::UnknownField.title())
                });
            }
        }
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            let pointer = format!("{at}/{}", escape(name));
            found.push(Fault::new(pointer, Code::MissingField, Code::MissingField.title()));
        }
        ValidationErrorKind::AnyOf { context }
        | ValidationErrorKind::OneOfNotValid { context }
        | ValidationErrorKind::OneOfMultipleValid { context } => choose(error, &at, context, found),
        ValidationErrorKind::PropertyNames { error } => {
            let (code, detail) = describe(error.kind());
            found.push(Fault::new(at, code, format!("A name here does not fit: {detail}")));
        }
        kind => {
            let (code, detail) = describe(kind);
            found.push(Fault::new(at, code, detail));
        }
    }
}

/// Of several forms, tells the faults of the one that was most likely meant: the one whose own type and
/// constants fit, and of those the one with the fewest faults.
fn choose(
    error: &ValidationError<'_>,
    at: &str,
    context: &[Vec<ValidationError<'static>>],
    found: &mut Vec<Fault>,
) {
    let top = error.instance_path().as_str();
    let depth = top.matches('/').count();
    let misfit = |branch: &&Vec<ValidationError<'static>>| {
        branch.iter().any(|inner| {
            let path = inner.instance_path().as_str();
            let kind = inner.kind();
            let own = path == top && matches!(kind, ValidationErrorKind::Type { .. });
            let tag = path.matches('/').count() <= depth + 1
                && matches!(
                    kind,
                    ValidationErrorKind::Enum { .. } | ValidationErrorKind::Constant { .. }
                );
            own || tag
        })
    };
    let fitting: Vec<_> = context.iter().filter(|branch| !misfit(branch)).collect();
    let pool: Vec<&Vec<ValidationError<'static>>> =
        if fitting.is_empty() { context.iter().collect() } else { fitting };
    let without_null = pool.iter().copied().filter(|branch| !is_only_null(branch, top));
    match without_null.min_by_key(|branch| branch.len()) {
        Some(branch) if !branch.is_empty() => {
            branch.iter().for_each(|inner| translate(inner, found));
        }
        _ => found.push(Fault::new(
            at,
            Code::InvalidValue,
            "The value has none of the forms this field knows.",
        )),
    }
}

fn is_only_null(branch: &[ValidationError<'static>], top: &str) -> bool {
    matches!(branch, [only] if only.instance_path().as_str() == top
        && matches!(only.kind(), ValidationErrorKind::Type { kind: TypeKind::Single(jsonschema::JsonType::Null) }))
}

/// Code and sentence of a fault. The sentence names rules, never the value.
fn describe(kind: &ValidationErrorKind) -> (Code, String) {
    match kind {
        ValidationErrorKind::Type { kind } => (Code::InvalidType, types(kind)),
        ValidationErrorKind::Enum { options } if are_scopes(options) => {
            (Code::UnknownScope, one_of(options))
        }
        ValidationErrorKind::Enum { options } => (Code::InvalidValue, one_of(options)),
        ValidationErrorKind::Constant { expected_value } => {
            (Code::InvalidValue, format!("This must be {expected_value}."))
        }
        ValidationErrorKind::Minimum { limit } => {
            (Code::OutOfRange, format!("The number must be at least {limit}."))
        }
        ValidationErrorKind::Maximum { limit } => {
            (Code::OutOfRange, format!("The number may be at most {limit}."))
        }
        ValidationErrorKind::ExclusiveMinimum { limit } => {
            (Code::OutOfRange, format!("The number must be more than {limit}."))
        }
        ValidationErrorKind::ExclusiveMaximum { limit } => {
            (Code::OutOfRange, format!("The number must be less than {limit}."))
        }
        ValidationErrorKind::MaxLength { limit } => {
            (Code::TooLong, format!("The text may have at most {limit} characters."))
        }
        ValidationErrorKind::MinLength { limit } => {
            (Code::TooShort, format!("The text must have at least {limit} characters."))
        }
        ValidationErrorKind::MaxItems { limit } => {
            (Code::TooMany, format!("The list may have at most {limit} entries."))
        }
        ValidationErrorKind::MinItems { limit } => {
            (Code::TooShort, format!("The list must have at least {limit} entries."))
        }
        ValidationErrorKind::MaxProperties { limit } => {
            (Code::TooMany, format!("The object may have at most {limit} fields."))
        }
        ValidationErrorKind::MinProperties { limit } => {
            (Code::TooShort, format!("The object must have at least {limit} fields."))
        }
        ValidationErrorKind::Format { format } => format_fault(format),
        ValidationErrorKind::FalseSchema => {
            (Code::ReadOnlyField, Code::ReadOnlyField.title().to_owned())
        }
        ValidationErrorKind::UniqueItems => {
            (Code::InvalidValue, "The entries of the list must differ.".to_owned())
        }
        _ => (Code::InvalidValue, Code::InvalidValue.title().to_owned()),
    }
}

/// Scopes have a code of their own.
fn are_scopes(options: &Value) -> bool {
    let words = options.as_array().map(Vec::as_slice).unwrap_or_default();
    let known = |word: &Value| word.as_str().is_some_and(|word| word.parse::<Scope>().is_ok());
    !words.is_empty() && words.iter().all(known)
}

fn format_fault(format: &str) -> (Code, String) {
    match format {
        "email" => (Code::InvalidEmail, Code::InvalidEmail.title().to_owned()),
        "date" => (Code::InvalidDate, "Write the date as YYYY-MM-DD.".to_owned()),
        "date-time" => (
            Code::InvalidDate,
            "Write the time as RFC 3339, such as 2026-05-01T10:00:00Z.".to_owned(),
        ),
        "uuid" => (Code::InvalidValue, "This is not an id.".to_owned()),
        _ => (Code::InvalidValue, Code::InvalidValue.title().to_owned()),
    }
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => format!("This must be of type {one}."),
        TypeKind::Multiple(set) => {
            let names: Vec<String> = set.iter().map(|one| one.to_string()).collect();
            format!("This must be of type {}.", names.join(" or "))
        }
    }
}

fn one_of(options: &Value) -> String {
    let words: Vec<String> = options
        .as_array()
        .into_iter()
        .flatten()
        .map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned))
        .collect();
    format!("This must be one of {}.", words.join(", "))
}

/// Names of the query parameters that an operation publishes; `None` when it is not in the document.
#[must_use]
pub fn query_parameters(method: &str, pattern: &str) -> Option<Vec<String>> {
    let method = method.to_ascii_lowercase();
    let (_, _, operation) =
        operations(document()).find(|(path, verb, _)| *path == pattern && *verb == method)?;
    let list = operation.get("parameters").and_then(Value::as_array).into_iter().flatten();
    let names = list.filter(|p| p.get("in").and_then(Value::as_str) == Some("query"));
    Some(names.filter_map(|p| p.get("name")?.as_str().map(str::to_owned)).collect())
}

/// A query parameter as the JSON its schema wants.
///
/// # Errors
/// The fault at `?name`.
pub fn read_parameter(parameter: &Parameter, text: &str) -> Result<Value, Fault> {
    let schema = serde_json::to_value(&parameter.schema).unwrap_or_default();
    let pointer = format!("?{}", parameter.name);
    let value = coerce(&schema, text)
        .map_err(|(code, detail)| Fault::new(pointer.clone(), code, detail))?;
    let Some(whole) = resolve(&schema) else { return Ok(value) };
    let Ok(validator) = compiled(&schema.to_string(), || Ok(whole)) else { return Ok(value) };
    let first = validator.iter_errors(&value).next().map(|error| describe(error.kind()));
    match first {
        Some((code, detail)) => Err(Fault::new(pointer, code, detail)),
        None => Ok(value),
    }
}

/// The schema with what it refers to.
fn resolve(schema: &Value) -> Option<Value> {
    let text = schema.to_string();
    if !text.contains("$ref") {
        return Some(schema.clone());
    }
    let name = text.split("#/components/schemas/").nth(1)?.split('"').next()?;
    document().pointer(&format!("/components/schemas/{name}")).cloned()
}

fn coerce(schema: &Value, text: &str) -> Result<Value, (Code, String)> {
    let words: Vec<&str> = match schema.get("type") {
        Some(Value::String(word)) => vec![word],
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
        _ => vec!["string"],
    };
    if words.contains(&"boolean") {
        return match text {
            "true" => Ok(json!(true)),
            "false" => Ok(json!(false)),
            _ => Err((Code::InvalidType, "This must be true or false.".to_owned())),
        };
    }
    if words.contains(&"integer") {
        let number = text.parse::<i64>();
        return number
            .map(Value::from)
            .map_err(|_not| (Code::InvalidType, "This must be a whole number.".to_owned()));
    }
    if words.contains(&"number") {
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        return number
            .map(Value::from)
            .ok_or_else(|| (Code::InvalidType, "This must be a number.".to_owned()));
    }
    Ok(Value::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(schema: &str, value: &Value) -> Vec<(String, Code)> {
        let mut told: Vec<_> = faults(schema, value)
            .unwrap()
            .into_iter()
            .map(|fault| (fault.pointer, fault.code))
            .collect();
        told.sort();
        told
    }

    #[test]
    fn faults_point_at_the_value_and_say_what_is_wrong() {
        let value = json!({"name": "", "scopes": ["contacts:read", 7], "id": 1, "a/b~": 2});
        assert_eq!(
            told("NewClient", &value),
            [
                ("#/a~1b~0".to_owned(), Code::UnknownField),
                ("#/id".to_owned(), Code::ReadOnlyField),
                ("#/name".to_owned(), Code::InvalidValue),
                ("#/name".to_owned(), Code::TooShort),
                ("#/scopes/1".to_owned(), Code::InvalidType),
            ]
        );
        assert_eq!(told("NewClient", &json!(null)), [("#".to_owned(), Code::InvalidType)]);
        assert_eq!(
            told("NewClient", &json!({"name": "a"})),
            [("#/scopes".to_owned(), Code::MissingField)]
        );
    }

    #[test]
    fn a_scope_that_is_none_has_its_own_code() {
        for (schema, value) in [
            ("NewClient", json!({"name": "Shop", "scopes": ["contacts:read", "contacts:eat"]})),
            ("ClientPatch", json!({"scopes": ["admin", "Admin"]})),
        ] {
            assert_eq!(told(schema, &value), [("#/scopes/1".to_owned(), Code::UnknownScope)]);
        }
    }

    /// Details go to people and into logs: they name rules, never values.
    #[test]
    fn details_do_not_repeat_the_value() {
        let value = json!({"email": {"secret": 1}, "role": "secret", "password": ["secret"]});
        for fault in faults("NewUser", &value).unwrap() {
            assert!(!fault.detail.contains("secret"), "{}", fault.detail);
        }
    }

    #[test]
    fn a_wrong_type_is_one_fault() {
        assert_eq!(
            told("UserPatch", &json!({"role": null})),
            [("#/role".to_owned(), Code::InvalidType)]
        );
    }

    #[test]
    fn an_unknown_schema_is_our_fault() {
        assert_eq!(faults("Nothing", &json!({})).unwrap_err().code(), Code::Internal);
    }
}
