//! Errors of the token operations: OAuth clients read `error` (RFC 6749, 5.2), all others the problem
//! document around it.

use actix_web::http::{StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use kartoteka_domain::codes::Code;

use crate::problem::Problem;

/// A refused token request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "error": "invalid_grant", "error_description": "E-mail and password do not fit.",
    "type": "/problems/invalid_grant", "title": "The credentials do not fit.", "status": 400,
    "detail": "E-mail and password do not fit.", "code": "invalid_grant",
    "request_id": "0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a10"
}))]
pub(crate) struct OAuthProblem {
    /// `invalid_request`, `invalid_client`, `invalid_grant`, `unsupported_grant_type`, `invalid_scope`.
    pub error: String,
    /// What is wrong, for people.
    pub error_description: String,
    /// Path of a page that explains the code.
    pub r#type: String,
    /// The same sentence for every occurrence of the code.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// As `error_description`.
    pub detail: String,
    /// What is wrong, for programs.
    pub code: String,
    /// The request's id, as in `X-Request-Id`.
    pub request_id: Option<String>,
}

fn refused(code: Code, error: &str, status: StatusCode, words: &str) -> Problem {
    Problem::new(code, words)
        .with_status(status)
        .with_member("error", error)
        .with_member("error_description", words)
        .with_header(header::PRAGMA, "no-cache")
}

/// A parameter is missing, doubled or too long.
#[must_use]
pub fn invalid_request(words: &str) -> Problem {
    refused(Code::BadRequest, "invalid_request", StatusCode::BAD_REQUEST, words)
}

/// The integration is not who it says.
#[must_use]
pub fn invalid_client() -> Problem {
    let words = "client_id and client_secret do not fit.";
    refused(Code::InvalidClient, "invalid_client", StatusCode::UNAUTHORIZED, words)
        .with_header(header::WWW_AUTHENTICATE, "Basic realm=\"kartoteka\"")
}

/// Password or refresh token do not fit: one answer for all reasons.
#[must_use]
pub fn invalid_grant(words: &str) -> Problem {
    refused(Code::InvalidGrant, "invalid_grant", StatusCode::BAD_REQUEST, words)
}

/// A grant we do not give.
#[must_use]
pub fn unsupported_grant_type() -> Problem {
    let words = "grant_type is password, refresh_token or client_credentials.";
    let error = "unsupported_grant_type";
    refused(Code::UnsupportedGrantType, error, StatusCode::BAD_REQUEST, words)
}

/// A word that is no scope, or only scopes that are not to be had.
#[must_use]
pub fn invalid_scope(words: &str) -> Problem {
    refused(Code::UnknownScope, "invalid_scope", StatusCode::BAD_REQUEST, words)
}

/// RFC 7009, 2.2.1.
#[must_use]
pub fn unsupported_token_type() -> Problem {
    let words = "Access tokens cannot be revoked: they end by themselves within minutes.";
    let error = "unsupported_token_type";
    refused(Code::UnsupportedTokenType, error, StatusCode::BAD_REQUEST, words)
}
