//! `GET` and `POST /links/preferences/{token}`: what a contact gets.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpRequest, HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::consents::answers::{self, Choice, Preferences, Shown, Wishes};
use kartoteka_app::consents::links::{AddressMark, Link};
use kartoteka_domain::codes::Code;
use kartoteka_domain::consents::words::Words;
use kartoteka_domain::ids::{ContactId, PurposeId, WorkspaceId};

use super::page::{broken, page};
use super::{Visitor, read};
use crate::extract::body::is_encoded;
use crate::extract::query::decode;
use crate::extract::{Path, read_limited};
use crate::problem::{Problem, ProblemBody};
use crate::state::State;

/// Bytes of a form: a hundred for each purpose.
const MOST_BYTES: usize = 64 << 10;

/// The form of the page. Each purpose comes with what was shown of it, so that a page that was open for long takes
/// nothing back that was said meanwhile.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(example = json!({
    "shown": ["0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a10:1:-:0"], "want": ["0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a10"],
    "none_shown": "0"
}))]
pub(crate) struct PreferencesForm {
    /// For each purpose `id:version:entry:ticked`: its id, the number of the wording, the entry that was the last word
    /// or `-`, and `1` when it was ticked.
    #[serde(default)]
    pub(crate) shown: Vec<String>,
    /// Ids of the purposes that are ticked.
    #[serde(default)]
    pub(crate) want: Vec<String>,
    /// `1` when "no messages at all" was shown ticked.
    pub(crate) none_shown: Option<String>,
    /// `1` when it is ticked now.
    pub(crate) none: Option<String>,
}

impl PreferencesForm {
    /// Reads `application/x-www-form-urlencoded`; what the page would not send is let be.
    fn read(body: &[u8]) -> Result<Self, Problem> {
        let broken = |detail: &str| Problem::new(Code::BadRequest, detail);
        let text =
            std::str::from_utf8(body).map_err(|_not_text| broken("The form is not UTF-8."))?;
        let mut form = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (decode(name), decode(value)) else {
                return Err(broken("The form is not UTF-8."));
            };
            if value.contains('\0') {
                return Err(broken("The form holds the character U+0000."));
            }
            match name.as_str() {
                "shown" => form.shown.push(value),
                "want" => form.want.push(value),
                "none_shown" => form.none_shown = Some(value),
                "none" => form.none = Some(value),
                _ => {}
            }
        }
        Ok(form)
    }

    fn wishes(&self) -> Wishes {
        let none = self.none.as_deref() == Some("1");
        Wishes {
            shown: self.shown.iter().filter_map(|text| shown(text)).collect(),
            ticked: self.want.iter().filter_map(|id| id.parse().ok()).collect(),
            none: self.none_shown.as_deref().map(|shown| (shown == "1", none)),
        }
    }
}

/// The way back from [`mark`].
fn shown(text: &str) -> Option<Shown> {
    let mut parts = text.split(':');
    let shown = Shown {
        purpose: PurposeId(parts.next()?.parse().ok()?),
        version: parts.next()?.parse().ok()?,
        entry: match parts.next()? {
            "-" => None,
            id => Some(id.parse().ok()?),
        },
        ticked: parts.next()? == "1",
    };
    parts.next().is_none().then_some(shown)
}

fn mark(choice: &Choice) -> String {
    let entry = choice.entry_id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let ticked = i32::from(choice.granted == Some(true));
    format!("{}:{}:{entry}:{ticked}", choice.id, choice.version)
}

impl FromRequest for PreferencesForm {
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
                let detail = "Send the form as application/x-www-form-urlencoded.";
                return Err(Problem::new(Code::UnsupportedMediaType, detail));
            }
            let patience = state.settings().body_timeout;
            let body = read_limited(&request, &mut payload, MOST_BYTES, patience).await?;
            Self::read(&body)
        })
    }
}

#[derive(Serialize)]
struct Shape<'a> {
    sender: &'a str,
    address: Option<&'a str>,
    choices: Vec<ChoiceShape<'a>>,
    none: bool,
    notice: Option<&'static str>,
}

#[derive(Serialize)]
struct ChoiceShape<'a> {
    id: Uuid,
    shown: String,
    title: &'a str,
    wording: &'a str,
    channel: &'static str,
    ticked: bool,
}

fn channel(w: &'static Words, channel: &str) -> &'static str {
    match channel {
        "sms" => w.channel_sms,
        "post" => w.channel_post,
        _ => w.channel_email,
    }
}

fn of(state: &State, token: &str) -> Option<(WorkspaceId, ContactId, AddressMark)> {
    match read(state, token)? {
        (workspace, Link::Preferences { contact, address }) => Some((workspace, contact, address)),
        _ => None,
    }
}

/// Show the preferences of a contact
///
/// A page with the purposes in their present wording, what the contact said on each, and "no messages at all". Of the
/// contact it shows a masked address only. Changes nothing.
#[utoipa::path(
    tag = "links",
    operation_id = "get_preferences_page",
    params(("token" = String, Path, description = "Out of the message", example = "AwGYxfJtPnwRmlMNbw5vKhA"), Visitor),
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html",
            example = json!("<!doctype html><title>Message preferences</title>")),
        (status = 404, description = "The link leads nowhere", content(
            (String = "text/html"), (ProblemBody = "application/problem+json"))),
    ),
    security(()),
)]
#[get("/links/preferences/{token}")]
pub(crate) async fn get_preferences_page(
    state: State,
    token: Path<String>,
    visitor: Visitor,
) -> Result<HttpResponse, Problem> {
    let Some((workspace, contact, address)) = of(&state, &token) else {
        return broken(visitor.tongue(None));
    };
    let secret = state.settings().secret.clone();
    let found = state
        .visit(workspace, &visitor, move |tenant, _| {
            Ok(answers::preferences(tenant, &secret, contact, address)?)
        })
        .await?;
    let Some(found) = found else { return broken(visitor.tongue(None)) };
    show(&visitor, &found, StatusCode::OK, |_| None)
}

/// Save the preferences of a contact
///
/// What the button of the page sends. Writes what was changed on the page, and nothing else: grants and withdrawals of
/// purposes, and whether the contact takes messages at all. Something that changed since the page was opened is not
/// granted (409, with the page as it is now); withdrawals are always taken.
#[utoipa::path(
    tag = "links",
    operation_id = "save_preferences",
    params(("token" = String, Path, description = "Out of the message", example = "AwGYxfJtPnwRmlMNbw5vKhA"), Visitor),
    request_body(content = PreferencesForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The page, with what holds now", body = String, content_type = "text/html",
            example = json!("<!doctype html><title>Message preferences</title>")),
        (status = 404, description = "The link leads nowhere", content(
            (String = "text/html"), (ProblemBody = "application/problem+json"))),
        (status = 409, description = "Something changed meanwhile and was not granted", body = String,
            content_type = "text/html"),
    ),
    security(()),
)]
#[post("/links/preferences/{token}")]
pub(crate) async fn save_preferences(
    state: State,
    token: Path<String>,
    visitor: Visitor,
    form: PreferencesForm,
) -> Result<HttpResponse, Problem> {
    let Some((workspace, contact, address)) = of(&state, &token) else {
        return broken(visitor.tongue(None));
    };
    let (secret, visit) = (state.settings().secret.clone(), visitor.visit.clone());
    let saved = state
        .answer(workspace, &visitor, move |tenant, ctx| {
            let link = (contact, address);
            Ok(answers::save(tenant, ctx, &secret, link, &form.wishes(), &visit)?)
        })
        .await?;
    match saved {
        None => broken(visitor.tongue(None)),
        Some((now, false)) => show(&visitor, &now, StatusCode::OK, |w| Some(w.preferences_saved)),
        Some((now, true)) => {
            show(&visitor, &now, StatusCode::CONFLICT, |w| Some(w.preferences_stale))
        }
    }
}

fn show(
    visitor: &Visitor,
    found: &Preferences,
    status: StatusCode,
    notice: impl Fn(&'static Words) -> Option<&'static str>,
) -> Result<HttpResponse, Problem> {
    let tongue = visitor.tongue(Some(found.tongue));
    let w = tongue.words();
    let choices = found.choices.iter().map(|choice| ChoiceShape {
        id: choice.id,
        shown: mark(choice),
        title: &choice.title,
        wording: &choice.wording,
        channel: channel(w, &choice.channel),
        ticked: choice.granted == Some(true),
    });
    let shape = Shape {
        sender: &found.sender,
        address: found.address.as_deref(),
        choices: choices.collect(),
        none: !found.subscribed,
        notice: notice(w),
    };
    page(status, tongue, "preferences.html", w.preferences_title, &shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_shown_comes_back_with_the_form() {
        let id = Uuid::from_u128(7);
        for (granted, entry_id) in [(None, None), (Some(true), Some(id)), (Some(false), Some(id))] {
            let choice = Choice {
                id,
                name: "email_basic".into(),
                channel: "email".into(),
                title: "News".into(),
                version: 3,
                wording: "I agree.".into(),
                granted,
                entry_id,
            };
            let ticked = granted == Some(true);
            let expected = Shown { purpose: PurposeId(id), version: 3, entry: entry_id, ticked };
            assert_eq!(shown(&mark(&choice)), Some(expected));
        }
        for nonsense in ["", ":::", "x:1:-:1", &format!("{id}:1:-"), &format!("{id}:1:-:1:1")] {
            assert_eq!(shown(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_form_is_read_with_all_its_repeated_fields() {
        let id = Uuid::from_u128(7);
        let body =
            format!("shown={id}%3A1%3A-%3A0&want={id}&want=nonsense&none_shown=0&none=1&else=x");
        let wishes = PreferencesForm::read(body.as_bytes()).unwrap().wishes();
        assert_eq!((wishes.shown.len(), wishes.ticked.len()), (1, 1));
        assert_eq!(wishes.none, Some((false, true)));
        assert!(PreferencesForm::read(b"").unwrap().wishes().none.is_none());
        for broken in ["a=%ff", "want=a%00b"] {
            assert_eq!(
                PreferencesForm::read(broken.as_bytes()).unwrap_err().code(),
                Code::BadRequest
            );
        }
    }
}
