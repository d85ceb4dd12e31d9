//! Lists: pages that go on by a cursor, and never count.

use actix_web::body::BoxBody;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use kartoteka_domain::codes::Code;
use kartoteka_domain::cursor;
use kartoteka_domain::faults::Fault;

use crate::problem::Problem;

/// Entries of a page when the request does not say.
pub const DEFAULT_LIMIT: u16 = 50;
/// Most entries of a page.
pub const MAX_LIMIT: u16 = 200;

/// `?limit=` and `?cursor=`. Taken as [`crate::extract::Query<PageQuery>`], alone or beside another.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Most entries of the page.
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 200, default = 50, example = 50)]
    pub limit: u16,
    /// Where to go on: `next_cursor` of the page before.
    #[param(max_length = 4096)]
    pub cursor: Option<String>,
}

fn default_limit() -> u16 {
    DEFAULT_LIMIT
}

impl PageQuery {
    /// What the cursor says, when there is one. `list` names the list and its order: a cursor of another
    /// one is refused.
    ///
    /// # Errors
    /// `invalid_cursor` at `?cursor`.
    pub fn after<T: DeserializeOwned>(&self, list: &str) -> Result<Option<T>, Problem> {
        self.cursor.as_deref().map(|cursor| decode_cursor(list, cursor, "?cursor")).transpose()
    }
}

/// Reads a cursor made by [`encode_cursor`]. `pointer` is where it stood in the request.
///
/// # Errors
/// `invalid_cursor`.
pub fn decode_cursor<T: DeserializeOwned>(
    list: &str,
    cursor: &str,
    pointer: &str,
) -> Result<T, Problem> {
    cursor::decode(list, cursor).ok_or_else(|| {
        Problem::invalid(vec![Fault::new(
            pointer,
            Code::InvalidCursor,
            "This is not a cursor of this list in this order; begin without one.",
        )])
    })
}

/// Writes a cursor: opaque to the client, not secret.
///
/// # Errors
/// `at` cannot be written as JSON.
pub fn encode_cursor<T: Serialize>(list: &str, at: &T) -> Result<String, Problem> {
    cursor::encode(list, at).map_err(Problem::internal)
}

/// One page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The entries.
    pub data: Vec<T>,
    /// Where the next page begins; `null` on the last one.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// The first `limit` of `found`, of which one more was asked for: that there is one says that another page follows.
    /// `key` is where a row stands in the list, `view` how it is answered.
    ///
    /// # Errors
    /// A key cannot be written as JSON.
    pub fn cut<R, K: Serialize>(
        list: &str,
        mut found: Vec<R>,
        limit: usize,
        key: impl Fn(&R) -> K,
        view: impl FnMut(R) -> T,
    ) -> Result<Self, Problem> {
        let more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| more);
        let next_cursor = last.map(|row| encode_cursor(list, &key(row))).transpose()?;
        Ok(Self { data: found.into_iter().map(view).collect(), next_cursor })
    }
}

impl<T: Serialize> Responder for Page<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::Ok();
        // the cursor of a list that is asked for by POST goes into a body, not into a link
        if let Some(cursor) = &self.next_cursor
            && request.method() == actix_web::http::Method::GET
        {
            let kept = request.query_string().split('&');
            let kept = kept.filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
            let query: String = kept.map(|pair| format!("{pair}&")).collect();
            let link = format!("<{}?{query}cursor={cursor}>; rel=\"next\"", request.path());
            response.insert_header((header::LINK, link));
        }
        match serde_json::to_string(&self) {
            Ok(body) => response.content_type("application/json").body(body),
            Err(error) => actix_web::ResponseError::error_response(&Problem::internal(error)),
        }
    }
}
