//! What no route matches: 405 where only the method is wrong, else 404.

use std::collections::HashMap;
use std::sync::OnceLock;

use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde_json::Value;

use kartoteka_domain::codes::Code;

use crate::openapi;
use crate::problem::Problem;

/// The default service of the app. Each method of a path is a resource of its own, so the router alone
/// cannot tell a wrong method from a wrong path; the document can.
pub(crate) async fn fallback(request: HttpRequest) -> HttpResponse {
    let methods = methods_of(openapi::document(), request.path());
    if methods.is_empty() {
        return Problem::new(Code::NotFound, "There is nothing at this path.").error_response();
    }
    wrong_method(&methods).error_response()
}

fn wrong_method(methods: &[String]) -> Problem {
    let allow = methods.join(", ");
    Problem::new(Code::MethodNotAllowed, format!("This path knows {allow}."))
        .with_header(header::ALLOW, &allow)
}

/// Refuses a method that a path without parameters does not have. The router would go on to a path with
/// one and take `batch` of `DELETE /contacts/batch` for an id.
///
/// # Errors
/// `method_not_allowed`, with `Allow`.
pub(crate) fn check_method(method: &Method, path: &str) -> Result<(), Problem> {
    static PLAIN: OnceLock<HashMap<&'static str, Vec<String>>> = OnceLock::new();
    let plain = PLAIN.get_or_init(|| {
        let document = openapi::document();
        let paths = openapi::operations(document).map(|(path, _, _)| path);
        let plain = paths.filter(|path| !path.contains('{'));
        plain.map(|path| (path, methods_of(document, path))).collect()
    });
    match plain.get(path) {
        Some(methods) if !methods.iter().any(|known| known == method.as_str()) => {
            Err(wrong_method(methods))
        }
        _ => Ok(()),
    }
}

/// Methods of the templates that fit; where several do, of those with the fewest parameters, which
/// is what OpenAPI says about `/contacts/batch` beside `/contacts/{id}`.
fn methods_of(document: &Value, path: &str) -> Vec<String> {
    let parameters = |template: &str| template.matches('{').count();
    let fitting = || openapi::operations(document).filter(|(template, _, _)| fits(template, path));
    let fewest = fitting().map(|(template, _, _)| parameters(template)).min();
    let mut methods: Vec<String> = Vec::new();
    for (template, method, _) in fitting() {
        if Some(parameters(template)) == fewest {
            methods.push(method.to_uppercase());
            if method == "get" {
                methods.push("HEAD".to_owned());
            }
        }
    }
    methods.sort();
    methods.dedup();
    methods
}

fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(part), Some(word)) if part == word => {}
            (Some(part), Some(word)) if part.starts_with('{') && !word.is_empty() => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_match_segment_by_segment() {
        assert!(fits("/api/v1/users/{id}", "/api/v1/users/7"));
        assert!(!fits("/api/v1/users/{id}", "/api/v1/users/"));
        assert!(!fits("/api/v1/users/{id}", "/api/v1/users/7/x"));
        assert!(!fits("/api/v1/users", "/api/v1/clients"));
    }

    #[test]
    fn words_of_a_path_go_before_parameters() {
        assert_eq!(methods_of(openapi::document(), "/api/v1/contacts/batch"), ["POST"]);
        assert_eq!(methods_of(openapi::document(), "/api/v1/users/me"), ["GET", "HEAD"]);
        assert!(check_method(&Method::DELETE, "/api/v1/contacts/batch").is_err());
        assert!(check_method(&Method::HEAD, "/api/v1/users/me").is_ok());
        assert!(check_method(&Method::DELETE, "/api/v1/contacts/7").is_ok());
        assert!(check_method(&Method::DELETE, "/nowhere").is_ok());
    }

    #[test]
    fn a_get_also_answers_head() {
        assert_eq!(methods_of(openapi::document(), "/healthz"), ["GET", "HEAD"]);
    }
}
