//! What no route matches: 405 where only the method is wrong, else 404.

use actix_web::http::header;
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
    let allow = methods.join(", ");
    Problem::new(Code::MethodNotAllowed, format!("This path knows {allow}."))
        .with_header(header::ALLOW, &allow)
        .error_response()
}

fn methods_of(document: &Value, path: &str) -> Vec<String> {
    let mut methods: Vec<String> = Vec::new();
    for (template, method, _) in openapi::operations(document) {
        if fits(template, path) {
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
    fn a_get_also_answers_head() {
        assert_eq!(methods_of(openapi::document(), "/healthz"), ["GET", "HEAD"]);
    }
}
