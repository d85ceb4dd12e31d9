//! The id of a contact that was merged into another leads to that other one (CON-16): integrations keep ids.
//!
//! Here, and nowhere else, for every operation with the id of a contact in its path. A request for a contact that is
//! there costs nothing: only an answer that found nobody makes us look whether the id was merged, and then the request is
//! sent on once more, with the id of the winner.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::uri::PathAndQuery;
use actix_web::http::{Method, StatusCode, Uri};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage, ResponseError};
use futures_util::{Stream, StreamExt};
use uuid::Uuid;

use kartoteka_app::contacts::merges;
use kartoteka_domain::codes::Code;
use kartoteka_domain::ids::ContactId;

use super::Presented;
use crate::problem::Problem;
use crate::state::State;

/// Where a request that is sent on was sent to: what an idempotency key is bound to.
#[derive(Clone, Debug)]
pub(crate) struct AskedFor(pub(crate) Uri);

/// The innermost layer.
///
/// # Errors
/// As what is within.
pub async fn follow(
    state: State,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(id) = contact_of(request.path()) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let body = remember_body(&mut request);
    let answered = next.call(request).await?.map_into_boxed_body();
    if !found_nobody(&answered) {
        return Ok(answered);
    }
    let presented = answered.request().extensions().get::<Presented>().cloned();
    let Some(Presented::Valid(token)) = presented else { return Ok(answered) };
    let workspace = token.workspace;
    let winner = state
        .blocking(move |db| {
            db.read(workspace, |tenant| Ok(merges::winner_of(tenant, ContactId(id))?))
        })
        .await;
    let winner = match winner {
        Ok(Some(winner)) => winner,
        Ok(None) => return Ok(answered),
        Err(problem) => return Ok(refused(answered, &problem)),
    };
    let (method, is_contact) = {
        let request = answered.request();
        (request.method().clone(), is_contact(request.path()))
    };
    if method == Method::DELETE && is_contact {
        return Ok(refused(answered, &merged(winner)));
    }
    let (request, nobody) = answered.into_parts();
    drop(nobody);
    let mut again = ServiceRequest::from_parts(request, body.into_payload());
    if let Err(problem) = send_on(&mut again, winner) {
        return Ok(again.into_response(problem.error_response()));
    }
    let mut answered = next.call(again).await?.map_into_boxed_body();
    if is_contact
        && answered.status().is_success()
        && let Ok(path) = HeaderValue::from_str(&format!("/api/v1/contacts/{winner}"))
    {
        answered.headers_mut().insert(header::CONTENT_LOCATION, path);
    }
    Ok(answered)
}

/// Who deletes what is known to be somebody else does not mean that one.
fn merged(winner: ContactId) -> Problem {
    let detail = "The contact was merged into the one that winner_id names; delete that one, or undo the merge.";
    Problem::new(Code::ContactMerged, detail).with_member("winner_id", winner.to_string())
}

fn refused(answered: ServiceResponse<BoxBody>, problem: &Problem) -> ServiceResponse<BoxBody> {
    let (request, _nobody) = answered.into_parts();
    ServiceResponse::new(request, problem.error_response())
}

/// Nothing with this id, or a cursor of a list of somebody else: those of the winner, whose list it was.
fn found_nobody(answered: &ServiceResponse<BoxBody>) -> bool {
    let query = answered.request().query_string();
    match answered.status() {
        StatusCode::NOT_FOUND => true,
        StatusCode::UNPROCESSABLE_ENTITY => query.contains("cursor="),
        _ => false,
    }
}

/// Where the id of a contact stands in a path: behind `contacts`.
fn place(path: &str) -> Option<(usize, &str)> {
    let mut start = 0;
    let mut behind = false;
    for segment in path.split('/') {
        if behind {
            return Some((start, segment));
        }
        behind = segment == "contacts";
        start += segment.len() + 1;
    }
    None
}

fn contact_of(path: &str) -> Option<Uuid> {
    let (_, segment) = place(path)?;
    segment.parse().ok()
}

/// Whether the path is that of a contact itself.
fn is_contact(path: &str) -> bool {
    place(path).is_some_and(|(start, segment)| {
        path.get(..start) == Some("/api/v1/contacts/") && path.len() == start + segment.len()
    })
}

/// The path with another id.
fn path_of(path: &str, contact: ContactId) -> Option<String> {
    let (start, segment) = place(path)?;
    let (before, rest) = (path.get(..start)?, path.get(start + segment.len()..)?);
    Some(format!("{before}{contact}{rest}"))
}

/// Turns the request into one for the winner, as if it had not been routed yet.
fn send_on(request: &mut ServiceRequest, winner: ContactId) -> Result<(), Problem> {
    let asked_for = request.uri().clone();
    let mut text = path_of(request.path(), winner).ok_or_else(Problem::not_found)?;
    if let Some(query) = asked_for.query() {
        text.push('?');
        text.push_str(query);
    }
    let mut parts = asked_for.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).map_err(Problem::internal)?);
    let uri = Uri::from_parts(parts).map_err(Problem::internal)?;
    request.match_info_mut().get_mut().update(&uri);
    request.match_info_mut().reset();
    request.head_mut().uri = uri;
    request.extensions_mut().insert(AskedFor(asked_for));
    Ok(())
}

/// What was read of a body: the pieces themselves, not copies.
#[derive(Clone, Default)]
struct Body(Rc<RefCell<Vec<Bytes>>>);

type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>>;

impl Body {
    fn into_payload(self) -> Payload {
        let pieces = self.0.take();
        if pieces.is_empty() { Payload::None } else { Payload::from(pieces.concat()) }
    }
}

/// Keeps the pieces of the body that the handler reads; it reads no more than a JSON body may have.
fn remember_body(request: &mut ServiceRequest) -> Body {
    let body = Body::default();
    if matches!(*request.method(), Method::GET | Method::DELETE) {
        return body;
    }
    let seen = body.clone();
    let pieces: Pieces = Box::pin(request.take_payload().inspect(move |piece| {
        if let Ok(piece) = piece {
            seen.0.borrow_mut().push(piece.clone());
        }
    }));
    request.set_payload(Payload::from(pieces));
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a10";

    /// CON-16
    #[test]
    fn the_id_of_a_contact_is_found_wherever_it_stands_in_a_path() {
        let id: Uuid = ID.parse().unwrap();
        for (path, found) in [
            (format!("/api/v1/contacts/{ID}"), true),
            (format!("/api/v1/contacts/{ID}/notes/{ID}"), true),
            (format!("/api/v1/companies/{ID}/contacts/{ID}"), true),
            (format!("/api/v1/companies/{ID}/contacts"), false),
            ("/api/v1/contacts/by/email/contacts".to_owned(), false),
            (format!("/api/v1/trash/{ID}"), false),
            ("/api/v1/contacts/".to_owned(), false),
        ] {
            assert_eq!(contact_of(&path), found.then_some(id), "{path}");
        }
    }

    #[test]
    fn only_the_id_of_the_contact_is_replaced() {
        let other = ContactId(Uuid::nil());
        let path = format!("/api/v1/companies/{ID}/contacts/{ID}");
        let expected = format!("/api/v1/companies/{ID}/contacts/{other}");
        assert_eq!(path_of(&path, other), Some(expected));
        assert!(is_contact(&format!("/api/v1/contacts/{ID}")));
        assert!(!is_contact(&format!("/api/v1/contacts/{ID}/notes")));
        assert!(!is_contact(&path));
    }
}
