//! `GET` and `POST /links/unsubscribe/{token}`: out, with one click (CNS-7; RFC 8058).

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde::Serialize;
use uuid::Uuid;

use kartoteka_app::consents::answers::{self, By};
use kartoteka_app::consents::links::Link;
use kartoteka_domain::ids::{ContactId, PurposeId, WorkspaceId};

use super::page::{Note, broken, note, page};
use super::{Visitor, read};
use crate::extract::{Path, read_limited};
use crate::problem::{Problem, ProblemBody};
use crate::state::State;

/// Bytes of a body that are read; what one click sends are some dozens.
const MOST_BYTES: usize = 64 << 10;

#[derive(Serialize)]
struct Question<'a> {
    sender: &'a str,
    question: &'a str,
    purpose: Option<&'a str>,
}

struct Meant {
    workspace: WorkspaceId,
    contact: ContactId,
    purpose: Option<PurposeId>,
    campaign: Option<Uuid>,
}

fn of(state: &State, token: &str) -> Option<Meant> {
    match read(state, token)? {
        (workspace, Link::Unsubscribe { contact, purpose, campaign }) => {
            Some(Meant { workspace, contact, purpose, campaign })
        }
        _ => None,
    }
}

/// Show what can be unsubscribed from
///
/// A page with a button. Changes nothing, whoever opens it.
#[utoipa::path(
    tag = "links",
    operation_id = "get_unsubscribe_page",
    params(("token" = String, Path, description = "Out of the message", example = "AgGYxfJtPnwRmlMNbw5vKhA"), Visitor),
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html",
            example = json!("<!doctype html><title>Unsubscribe</title>")),
        (status = 404, description = "The link leads nowhere", content(
            (String = "text/html"), (ProblemBody = "application/problem+json"))),
    ),
    security(()),
)]
#[get("/links/unsubscribe/{token}")]
pub(crate) async fn get_unsubscribe_page(
    state: State,
    token: Path<String>,
    visitor: Visitor,
) -> Result<HttpResponse, Problem> {
    let Some(Meant { workspace, contact, purpose, .. }) = of(&state, &token) else {
        return broken(visitor.tongue(None));
    };
    let secret = state.settings().secret.clone();
    let found = state
        .visit(workspace, &visitor, move |tenant, _| {
            Ok(answers::unsubscribable(tenant, &secret, contact, purpose)?)
        })
        .await?;
    let Some(found) = found else { return broken(visitor.tongue(None)) };
    let tongue = visitor.tongue(Some(found.tongue));
    let w = tongue.words();
    let question = if found.title.is_some() { w.unsubscribe_one } else { w.unsubscribe_all };
    let question = Question { sender: &found.sender, question, purpose: found.title.as_deref() };
    page(StatusCode::OK, tongue, "unsubscribe.html", w.unsubscribe_title, &question)
}

/// Unsubscribe
///
/// Withdraws the purpose of the link, or everything that comes by e-mail, at once. Mail programs send
/// `List-Unsubscribe=One-Click` (RFC 8058), the button of the page something else; any body will do, also none. The
/// answer is the same whether or not the link means anybody.
#[utoipa::path(
    tag = "links",
    operation_id = "unsubscribe_contact",
    params(("token" = String, Path, description = "Out of the message", example = "AgGYxfJtPnwRmlMNbw5vKhA"), Visitor),
    responses((status = 200, description = "Done", body = String, content_type = "text/html",
        example = json!("<!doctype html><title>Unsubscribe</title>"))),
    security(()),
)]
#[post("/links/unsubscribe/{token}")]
pub(crate) async fn unsubscribe_contact(
    state: State,
    request: HttpRequest,
    token: Path<String>,
    visitor: Visitor,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let mut payload = payload.into_inner();
    let patience = state.settings().body_timeout;
    // whatever is wrong with the body, the wish is clear
    let body = read_limited(&request, &mut payload, MOST_BYTES, patience).await;
    let by = if body.is_ok_and(|body| is_one_click(&body)) { By::OneClick } else { By::Page };
    if let Some(Meant { workspace, contact, purpose, campaign }) = of(&state, &token) {
        let visit = visitor.visit.clone();
        state
            .answer(workspace, &visitor, move |tenant, ctx| {
                Ok(answers::unsubscribe(tenant, ctx, contact, purpose, campaign, by, &visit)?)
            })
            .await?;
    }
    // of the contact's language nothing is told, as there may be no contact
    let tongue = visitor.tongue(None);
    let w = tongue.words();
    let done = Note { text: w.unsubscribe_done, before: "", link: None };
    note(StatusCode::OK, tongue, w.unsubscribe_title, &done)
}

/// RFC 8058, 3.2: `List-Unsubscribe=One-Click`, URL-encoded or as a part of a form.
fn is_one_click(body: &[u8]) -> bool {
    let has = |words: &[u8]| body.windows(words.len()).any(|part| part == words);
    has(b"List-Unsubscribe") && has(b"One-Click")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_click_is_known_in_both_forms() {
        for (body, one_click) in [
            (&b"List-Unsubscribe=One-Click"[..], true),
            (
                b"--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n",
                true,
            ),
            (b"by=page", false),
            (b"", false),
        ] {
            assert_eq!(is_one_click(body), one_click);
        }
    }
}
