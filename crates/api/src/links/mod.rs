//! Pages behind the links in messages: confirming a consent (CNS-6), unsubscribing (CNS-7; RFC 8058), preferences.
//!
//! Whoever has the link may use it: there is no token, no cookie, no redirect. **A `GET` changes nothing**, because
//! mail servers, virus scanners and browsers open links before people do; what is to change takes a `POST`, which the
//! button of the page sends, or, to unsubscribe, the mail program itself. (A scanner that presses buttons too cannot
//! be told from a person.)
//!
//! The pages need no script and load nothing. They show nothing of the contact but a masked address: links are
//! forwarded. A link that was not made here, or whose contact is gone, looks like any other that leads nowhere.

pub mod confirm;
mod page;
pub mod preferences;
pub mod unsubscribe;

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};
use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, Type};
use utoipa_actix_web::service_config::ServiceConfig;

use kartoteka_app::Context;
use kartoteka_app::consents::answers::Visit;
use kartoteka_app::consents::links::{AddressMark, Link};
use kartoteka_domain::actor::Actor;
use kartoteka_domain::codes::Code;
use kartoteka_domain::consents::words::Tongue;
use kartoteka_domain::ids::{ContactId, WorkspaceId};

use crate::middleware;
use crate::problem::Problem;
use crate::state::State;

/// The pages.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(confirm::get_confirmation_page)
        .service(confirm::confirm_consent)
        .service(unsubscribe::get_unsubscribe_page)
        .service(unsubscribe::unsubscribe_contact)
        .service(preferences::get_preferences_page)
        .service(preferences::save_preferences);
}

/// Whoever came by a link.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// From where, for the ledger.
    pub visit: Visit,
    request_id: Option<String>,
    asked: Option<Tongue>,
    accepted: Option<Tongue>,
}

impl Visitor {
    /// The circumstances of the visit. Nobody with a token is behind it.
    pub(crate) fn context(&self, workspace: WorkspaceId, now: DateTime<Utc>) -> Context {
        Context {
            workspace,
            actor: Actor::System,
            now,
            request_id: self.request_id.clone(),
            ip: self.visit.ip.clone(),
        }
    }

    /// The language of the page: `?lang=`, else what the browser asks for, else the one given, else English.
    fn tongue(&self, own: Option<Tongue>) -> Tongue {
        self.asked.or(self.accepted).or(own).unwrap_or(Tongue::En)
    }
}

impl FromRequest for Visitor {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let text = |name| {
            let value = request.headers().get(name).and_then(|value| value.to_str().ok());
            value.map(str::to_owned)
        };
        ready(asked(request.query_string()).map(|asked| Self {
            visit: Visit { ip: middleware::peer(request), user_agent: text(header::USER_AGENT) },
            request_id: middleware::request_id(),
            asked,
            accepted: text(header::ACCEPT_LANGUAGE).and_then(|line| Tongue::accepted(&line)),
        }))
    }
}

/// The language that the query asks for. Other parameters are let be: programs on the way add theirs to links.
fn asked(query: &str) -> Result<Option<Tongue>, Problem> {
    let mut asked = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let [name, value] = [name, value].map(|text| percent_decode_str(text).decode_utf8_lossy());
        if name.contains('\0') || value.contains('\0') {
            let code = Code::NulCharacter;
            return Err(Problem::fault(format!("?{name}"), code, code.title()));
        }
        if name == "lang" && asked.is_none() {
            asked = Tongue::of_tag(&value);
        }
    }
    Ok(asked)
}

/// What the pages publish of their query.
impl IntoParams for Visitor {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let schema = ObjectBuilder::new().schema_type(Type::String);
        let description = "Language of the page: `cs`, `pl`, `hu` or `en`; else what the browser asks for, else the \
            contact's.";
        vec![
            ParameterBuilder::new()
                .name("lang")
                .parameter_in(ParameterIn::Query)
                .required(Required::False)
                .description(Some(description))
                .schema(Some(schema))
                .example(Some("pl".into()))
                .build(),
        ]
    }
}

/// Reads the token of a path.
fn read(state: &State, token: &str) -> Option<(WorkspaceId, Link)> {
    Link::read(&state.settings().secret, token)
}

/// The page of a contact's preferences.
fn preferences_url(
    state: &State,
    workspace: WorkspaceId,
    contact: ContactId,
    address: AddressMark,
    tongue: Tongue,
) -> String {
    let settings = state.settings();
    let link = Link::Preferences { contact, address };
    link.url(settings.links_url(), &settings.secret, workspace, Some(tongue))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_says_the_language_and_may_hold_anything_else() {
        for (query, tongue) in [
            ("", None),
            ("lang=pl", Some(Tongue::Pl)),
            ("utm_source=x&lang=hu-HU&fbclid=%ff", Some(Tongue::Hu)),
            ("lang=pl&lang=cs", Some(Tongue::Pl)),
            ("lang=klingon", None),
            ("&&=&lang", None),
        ] {
            assert_eq!(asked(query).unwrap(), tongue, "{query}");
        }
        for query in ["lang=p%00l", "a%00b=1"] {
            assert_eq!(asked(query).unwrap_err().faults().len(), 1, "{query}");
        }
    }
}
