//! `GET` and `POST /links/confirm/{token}`: the answer to a question for a consent (CNS-6).

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post};
use serde::Serialize;

use kartoteka_app::consents::answers::{self, Answerable, Asked};
use kartoteka_app::consents::links::Link;
use kartoteka_domain::consents::words::fill;
use kartoteka_domain::ids::{ConsentRequestId, WorkspaceId};

use super::page::{Note, broken, note, page};
use super::{Visitor, preferences_url, read};
use crate::extract::Path;
use crate::problem::{Problem, ProblemBody};
use crate::state::State;

#[derive(Serialize)]
struct Question<'a> {
    asked: &'a str,
    purpose: &'a str,
    wording: &'a str,
    unsubscribed: bool,
}

fn of(state: &State, token: &str) -> Option<(WorkspaceId, ConsentRequestId)> {
    match read(state, token)? {
        (workspace, Link::Confirm(request)) => Some((workspace, request)),
        _ => None,
    }
}

/// Show what is to be confirmed
///
/// The page that the message leads to: the wording, and a button. Changes nothing.
#[utoipa::path(
    tag = "links",
    operation_id = "get_confirmation_page",
    params(("token" = String, Path, description = "Out of the message", example = "AQGYxfJtPnwRmlMNbw5vKhA"), Visitor),
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html",
            example = json!("<!doctype html><title>Confirm your consent</title>")),
        (status = 404, description = "The link leads nowhere", content(
            (String = "text/html"), (ProblemBody = "application/problem+json"))),
        (status = 410, description = "The link has expired", body = String, content_type = "text/html"),
    ),
    security(()),
)]
#[get("/links/confirm/{token}")]
pub(crate) async fn get_confirmation_page(
    state: State,
    token: Path<String>,
    visitor: Visitor,
) -> Result<HttpResponse, Problem> {
    let Some((workspace, request)) = of(&state, &token) else {
        return broken(visitor.tongue(None));
    };
    let secret = state.settings().secret.clone();
    let asked = state
        .visit(workspace, &visitor, move |tenant, ctx| {
            Ok(answers::asked(tenant, ctx, &secret, request)?)
        })
        .await?;
    show(&state, &visitor, workspace, asked.as_ref())
}

/// Confirm a consent
///
/// What the button of the page sends. Writes the entry of the ledger, with address and browser of whoever confirmed,
/// when it was asked, sent and confirmed, and the Message-ID. Once: confirming again changes nothing.
#[utoipa::path(
    tag = "links",
    operation_id = "confirm_consent",
    params(("token" = String, Path, description = "Out of the message", example = "AQGYxfJtPnwRmlMNbw5vKhA"), Visitor),
    responses(
        (status = 200, description = "It is confirmed", body = String, content_type = "text/html",
            example = json!("<!doctype html><title>Confirm your consent</title>")),
        (status = 404, description = "The link leads nowhere", content(
            (String = "text/html"), (ProblemBody = "application/problem+json"))),
        (status = 410, description = "The link has expired", body = String, content_type = "text/html"),
    ),
    security(()),
)]
#[post("/links/confirm/{token}")]
pub(crate) async fn confirm_consent(
    state: State,
    token: Path<String>,
    visitor: Visitor,
) -> Result<HttpResponse, Problem> {
    let Some((workspace, request)) = of(&state, &token) else {
        return broken(visitor.tongue(None));
    };
    let settings = state.settings();
    let secret = settings.secret.clone();
    let domain = settings.mail.as_ref().map(|mail| mail.from.domain().to_owned());
    let visit = visitor.visit.clone();
    let asked = state
        .answer(workspace, &visitor, move |tenant, ctx| {
            Ok(answers::confirm(tenant, ctx, &secret, request, &visit, domain.as_deref())?)
        })
        .await?;
    show(&state, &visitor, workspace, asked.as_ref())
}

fn show(
    state: &State,
    visitor: &Visitor,
    workspace: WorkspaceId,
    asked: Option<&Asked>,
) -> Result<HttpResponse, Problem> {
    let Some(asked) = asked else { return broken(visitor.tongue(None)) };
    let tongue = visitor.tongue(Some(asked.tongue));
    let w = tongue.words();
    match asked.state {
        Answerable::Open => {
            let question = Question {
                asked: &fill(w.asked, &[("sender", &asked.sender)]),
                purpose: &asked.title,
                wording: &asked.wording,
                unsubscribed: asked.unsubscribed,
            };
            page(StatusCode::OK, tongue, "confirm.html", w.confirm_title, &question)
        }
        Answerable::Confirmed => {
            let (contact, address) = (asked.contact, asked.address);
            let link = Some(preferences_url(state, workspace, contact, address, tongue));
            let done = Note { text: w.confirm_done, before: w.confirm_withdraw, link };
            note(StatusCode::OK, tongue, w.confirm_title, &done)
        }
        Answerable::Expired => {
            let late = Note { text: w.confirm_expired, before: "", link: None };
            note(StatusCode::GONE, tongue, w.confirm_title, &late)
        }
    }
}
