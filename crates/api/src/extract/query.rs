//! Query parameters, checked like bodies: unknown ones are refused, all faults are told at once.

use std::future::{Future, ready};
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::IntoParams;

use kartoteka_domain::codes::Code;
use kartoteka_domain::faults::Fault;

use super::caller::refuse;
use crate::openapi::schemas;
use crate::problem::Problem;

/// The query as `T`. Several may stand beside each other (`Query<Filter>`, `Query<PageQuery>`): a parameter
/// is unknown when the operation publishes none of that name.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

impl<T> Query<T> {
    /// The value itself.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Query<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + IntoParams + 'static> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let pattern = request.match_pattern().unwrap_or_default();
        let known = schemas::query_parameters(request.method().as_str(), &pattern);
        match read(request.query_string(), known.as_deref()) {
            Ok(query) => Box::pin(ready(Ok(Self(query)))),
            Err(problem) => refuse(request, problem),
        }
    }
}

/// Reads a query string; `published` are all parameters of the operation, by name.
fn read<T: DeserializeOwned + IntoParams>(
    text: &str,
    published: Option<&[String]>,
) -> Result<T, Problem> {
    let own = T::into_params(|| None);
    let mut faults = Vec::new();
    let mut object = Map::new();
    let mut seen: Vec<String> = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Some(name), Some(value)) = (decode(name), decode(value)) else {
            faults.push(Fault::new("?", Code::InvalidValue, "The query is not UTF-8."));
            continue;
        };
        let pointer = format!("?{name}");
        if seen.contains(&name) {
            faults.push(Fault::new(
                pointer,
                Code::InvalidValue,
                "This parameter stands here twice.",
            ));
            continue;
        }
        seen.push(name.clone());
        if value.contains('\0') {
            faults.push(Fault::new(pointer, Code::NulCharacter, Code::NulCharacter.title()));
            continue;
        }
        if let Some(parameter) = own.iter().find(|parameter| parameter.name == name) {
            match schemas::read_parameter(parameter, &value) {
                Ok(value) => {
                    object.insert(name, value);
                }
                Err(fault) => faults.push(fault),
            }
        } else if !published.is_some_and(|names| names.contains(&name)) {
            let detail = "This operation has no such query parameter.";
            faults.push(Fault::new(pointer, Code::UnknownField, detail));
        }
    }
    for parameter in &own {
        let needed = matches!(parameter.required, utoipa::openapi::Required::True);
        if needed && !seen.contains(&parameter.name) {
            let pointer = format!("?{}", parameter.name);
            faults.push(Fault::new(pointer, Code::MissingField, "This parameter is needed."));
        }
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    serde_json::from_value(Value::Object(object)).map_err(|_unfit| {
        Problem::fault("?", Code::InvalidValue, "A value is not one its parameter knows.")
    })
}

/// `application/x-www-form-urlencoded`: `+` is a blank.
pub(crate) fn decode(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    percent_encoding::percent_decode_str(&text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use crate::page::PageQuery;

    use super::*;

    fn faults(text: &str) -> Vec<(String, Code)> {
        let problem = read::<PageQuery>(text, None).unwrap_err();
        problem.faults().iter().map(|f| (f.pointer.clone(), f.code)).collect()
    }

    #[test]
    fn a_page_has_defaults() {
        let page = read::<PageQuery>("", None).unwrap();
        assert_eq!((page.limit, page.cursor), (50, None));
        assert_eq!(read::<PageQuery>("limit=200&cursor=a%2Bb", None).unwrap().limit, 200);
    }

    #[test]
    fn all_faults_of_a_query_are_told_at_once() {
        assert_eq!(
            faults("limit=0&limt=3&cursor=%00"),
            [
                ("?limit".to_owned(), Code::OutOfRange),
                ("?limt".to_owned(), Code::UnknownField),
                ("?cursor".to_owned(), Code::NulCharacter)
            ]
        );
        assert_eq!(faults("limit=201"), [("?limit".to_owned(), Code::OutOfRange)]);
        assert_eq!(faults("limit=x"), [("?limit".to_owned(), Code::InvalidType)]);
        assert_eq!(faults("limit=1&limit=2"), [("?limit".to_owned(), Code::InvalidValue)]);
    }

    #[test]
    fn a_parameter_of_a_neighbour_is_not_unknown() {
        assert!(read::<PageQuery>("q=x", Some(&["q".to_owned()])).is_ok());
    }
}
