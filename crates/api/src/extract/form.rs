//! Form bodies of the token operations (RFC 6749, appendix B). Their faults are told as OAuth errors.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use validator::Validate;

use kartoteka_domain::codes::Code;

use super::body::{is_encoded, read_limited};
use super::query::decode;
use crate::problem::Problem;
use crate::state::State;
use crate::v1::auth::oauth;

/// Largest form: tokens are small.
const LIMIT_BYTES: usize = 64 << 10;

/// A form whose fields have passed the rules of `T`. Unknown parameters are ignored, as RFC 6749, 3.2 wants.
#[derive(Clone)]
pub struct ValidForm<T>(pub T);

impl<T: DeserializeOwned + Validate + 'static> FromRequest for ValidForm<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let Some(state) = request.app_data::<State>() else {
                return Err(Problem::internal("no state"));
            };
            let kind = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
            let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
            let plain = kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded");
            if !plain || is_encoded(request.headers()) {
                return Err(Problem::new(
                    Code::UnsupportedMediaType,
                    "Send the parameters as application/x-www-form-urlencoded.",
                ));
            }
            let patience = state.settings().body_timeout;
            let body = read_limited(&request, &mut payload, LIMIT_BYTES, patience).await?;
            read(&body).map(Self)
        })
    }
}

fn read<T: DeserializeOwned + Validate>(body: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(body)
        .map_err(|_not_text| oauth::invalid_request("The body is not UTF-8."))?;
    let mut fields = Map::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Some(name), Some(value)) = (decode(name), decode(value)) else {
            return Err(oauth::invalid_request("A parameter is not UTF-8."));
        };
        if value.contains('\0') {
            return Err(oauth::invalid_request("A parameter holds the character U+0000."));
        }
        // a parameter without a value counts as left out (RFC 6749, 3.1)
        if !value.is_empty() && fields.insert(name, Value::String(value)).is_some() {
            return Err(oauth::invalid_request("A parameter stands there twice."));
        }
    }
    let form: T = serde_json::from_value(Value::Object(fields)).map_err(|_missing| {
        oauth::invalid_request("A parameter is missing: grant_type, or token.")
    })?;
    match form.validate() {
        Ok(()) => Ok(form),
        // names only: validator's own words repeat the values
        Err(faults) => {
            let faults = faults.field_errors();
            let mut names: Vec<&str> = faults.keys().map(AsRef::as_ref).collect();
            names.sort_unstable();
            Err(oauth::invalid_request(&format!("Too long: {}.", names.join(", "))))
        }
    }
}
