//! `POST /auth/token`: password, refresh token, client credentials.

use std::collections::BTreeSet;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use kartoteka_app::access::passwords;
use kartoteka_app::access::secrets::{Entropy, workspace_of};
use kartoteka_app::access::tokens::{self, Granted, LoginRow, Refreshed};
use kartoteka_app::context::{Context, new_id};
use kartoteka_domain::actor::Actor;
use kartoteka_domain::ids::UserId;
use kartoteka_domain::scopes::{Scope, format_scopes, parse_scopes};

use super::oauth;
use super::throttle::Attempt;
use crate::extract::ValidForm;
use crate::middleware;
use crate::problem::Problem;
use crate::state::{AppState, State};
use crate::tokens::Grant;

/// A token request.
#[derive(Clone, Deserialize, Validate, ToSchema)]
#[schema(example = json!({"grant_type": "password", "username": "admin@example.com", "password": "correct horse battery"}))]
pub(crate) struct TokenRequest {
    /// `password`, `refresh_token` or `client_credentials`.
    #[validate(length(max = 100))]
    pub grant_type: String,
    /// `password`: the e-mail address.
    #[validate(length(max = 500))]
    pub username: Option<String>,
    /// `password`: the password.
    #[validate(length(max = 1000))]
    #[schema(format = Password)]
    pub password: Option<String>,
    /// `password`: name or id of the workspace, when the address is known in several.
    #[validate(length(max = 200))]
    pub workspace: Option<String>,
    /// `refresh_token`: the token.
    #[validate(length(max = 500))]
    pub refresh_token: Option<String>,
    /// `client_credentials`: id of the integration, unless it comes as HTTP Basic.
    #[validate(length(max = 200))]
    pub client_id: Option<String>,
    /// `client_credentials`: its secret, unless it comes as HTTP Basic.
    #[validate(length(max = 500))]
    #[schema(format = Password)]
    pub client_secret: Option<String>,
    /// Scopes wanted, separated by blanks; all that are to be had when left out.
    #[validate(length(max = 2000))]
    pub scope: Option<String>,
}

/// A token.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenAnswer {
    /// Send it as `Authorization: Bearer …`.
    #[schema(
        example = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFZERTQSIsImtpZCI6IjIwMjYifQ.eyJpc3MiOiJrYXJ0b3Rla2EifQ.c2ln"
    )]
    pub access_token: String,
    /// `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// Seconds until it ends.
    #[schema(example = 900)]
    pub expires_in: u64,
    /// For the next access token; works once. People only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "krt_AZjF8m0-fBGaUw1vDm8qEBYbKjkwTVhjcXmBiZGZoamxucHJ0dnh6fHx8fE")]
    pub refresh_token: Option<String>,
    /// What it allows, separated by blanks.
    #[schema(example = "contacts:read contacts:write")]
    pub scope: String,
}

/// Get a token
///
/// RFC 6749. `password` is for people and our own front ends, `client_credentials` for integrations,
/// `refresh_token` for whoever got one. A refresh token works once; using it twice ends the login it came from.
#[utoipa::path(
    tag = "auth",
    operation_id = "create_token",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token", body = TokenAnswer),
        (status = 400, description = "Refused: `error` says why", body = oauth::OAuthProblem, content_type = "application/problem+json"),
        (status = 401, description = "The integration's id and secret do not fit", body = oauth::OAuthProblem, content_type = "application/problem+json"),
    ),
    security(()),
)]
#[post("/auth/token")]
pub(crate) async fn create_token(
    state: State,
    request: HttpRequest,
    form: ValidForm<TokenRequest>,
) -> Result<HttpResponse, Problem> {
    let ValidForm(form) = form;
    let wanted = form.scope.as_deref().map(parse_scopes).transpose();
    let wanted = wanted.map_err(|word| oauth::invalid_scope(&format!("{word}.")))?;
    let address = middleware::peer(&request);
    let ask = Ask { state: &state, wanted, address };
    let (granted, refresh_token) = match form.grant_type.as_str() {
        "password" => ask.password(form).await?,
        "refresh_token" => ask.refresh(form).await?,
        "client_credentials" => (ask.client(&request, form).await?, None),
        _ => return Err(oauth::unsupported_grant_type()),
    };
    answer(&state, &granted, refresh_token)
}

fn answer(
    state: &AppState,
    granted: &Granted,
    refresh_token: Option<String>,
) -> Result<HttpResponse, Problem> {
    let settings = state.settings();
    let now = state.clock().now();
    let claims = Grant {
        issuer: &settings.issuer,
        audience: &settings.audience,
        actor: granted.actor,
        workspace: granted.workspace,
        scopes: &granted.scopes,
        now,
        life: settings.access_token_life,
        id: new_id(now),
    };
    let access_token = state.keys().sign(&claims.claims()).map_err(Problem::internal)?;
    Ok(HttpResponse::Ok().insert_header((header::PRAGMA, "no-cache")).json(TokenAnswer {
        access_token,
        token_type: "Bearer",
        expires_in: settings.access_token_life.as_secs(),
        refresh_token,
        scope: format_scopes(&granted.scopes),
    }))
}

/// What all grants need.
struct Ask<'a> {
    state: &'a AppState,
    wanted: Option<BTreeSet<Scope>>,
    address: Option<String>,
}

const NO_SCOPE: &str = "None of these scopes is to be had.";
const WRONG_PASSWORD: &str = "E-mail and password do not fit.";
const WRONG_REFRESH: &str = "The refresh token is not valid (any more); log in again.";

impl Ask<'_> {
    /// Of what is granted, what was asked for (RFC 6749, 3.3).
    fn narrow(&self, mut granted: Granted) -> Result<Granted, Problem> {
        if let Some(wanted) = &self.wanted {
            granted.scopes = granted.scopes.intersection(wanted).copied().collect();
        }
        if granted.scopes.is_empty() {
            return Err(oauth::invalid_scope(NO_SCOPE));
        }
        Ok(granted)
    }

    fn refresh_life(&self) -> TimeDelta {
        TimeDelta::from_std(self.state.settings().refresh_token_life).unwrap_or(TimeDelta::days(30))
    }

    async fn password(&self, form: TokenRequest) -> Result<(Granted, Option<String>), Problem> {
        let TokenRequest { username, password, workspace, .. } = form;
        let (Some(username), Some(password)) = (username, password) else {
            return Err(oauth::invalid_request("The grant password needs username and password."));
        };
        let attempt = Attempt::new(&username, self.address.as_deref().unwrap_or_default());
        self.state.throttle().admit(&attempt, self.state.clock().now())?;
        let logins = self
            .state
            .blocking(move |db| Ok(tokens::logins(db, &username, workspace.as_deref())?))
            .await?;
        let fitting = self.fitting(logins, password).await?;
        let login = match fitting.as_slice() {
            [] => {
                self.state.throttle().failed(&attempt, self.state.clock().now());
                return Err(oauth::invalid_grant(WRONG_PASSWORD));
            }
            [login] => login,
            _ => {
                return Err(oauth::invalid_request(
                    "These credentials fit several workspaces: name one in the parameter workspace.",
                ));
            }
        };
        self.state.throttle().succeeded(&attempt);
        let granted = self.narrow(tokens::granted_to(login))?;
        let token = Entropy::random().refresh_token(granted.workspace);
        let ctx = Context {
            workspace: granted.workspace,
            actor: granted.actor,
            now: self.state.clock().now(),
            request_id: middleware::request_id(),
            ip: self.address.clone(),
        };
        let (life, user, scopes) = (self.refresh_life(), UserId(login.id), granted.scopes.clone());
        let kept = token.clone();
        self.state
            .blocking(move |db| {
                db.write(ctx.workspace, |tenant| {
                    Ok(tokens::begin(tenant, &ctx, user, &scopes, &kept, life)?)
                })
            })
            .await?;
        Ok((granted, Some(token)))
    }

    /// Those whose password it is. Somebody unknown costs as much as somebody known.
    async fn fitting(
        &self,
        logins: Vec<LoginRow>,
        password: String,
    ) -> Result<Vec<LoginRow>, Problem> {
        self.state
            .hashing(move || {
                if logins.is_empty() {
                    let _ = passwords::verify(&password, passwords::NOBODY);
                    return Ok(Vec::new());
                }
                let fits = |login: &LoginRow| passwords::verify(&password, &login.password_hash);
                Ok(logins.into_iter().filter(fits).collect())
            })
            .await
    }

    async fn refresh(&self, form: TokenRequest) -> Result<(Granted, Option<String>), Problem> {
        let Some(token) = form.refresh_token else {
            return Err(oauth::invalid_request("The grant refresh_token needs refresh_token."));
        };
        let Some(workspace) = workspace_of(&token) else {
            return Err(oauth::invalid_grant(WRONG_REFRESH));
        };
        let next = Entropy::random().refresh_token(workspace);
        let (now, life, kept) = (self.state.clock().now(), self.refresh_life(), next.clone());
        let wanted = self.wanted.clone();
        let done = self
            .state
            .blocking(move |db| {
                db.write(workspace, |tenant| {
                    let (next, wanted) = ((kept.as_str(), new_id(now)), wanted.as_ref());
                    Ok(tokens::refresh(tenant, now, &token, next, life, wanted)?)
                })
            })
            .await?;
        match done {
            Refreshed::Granted(granted) => Ok((granted, Some(next))),
            Refreshed::NoScope => Err(oauth::invalid_scope(NO_SCOPE)),
            Refreshed::Reused => {
                metrics::counter!("refresh_token_reuse_total").increment(1);
                tracing::warn!(workspace = %workspace, "a refresh token was used twice, its family is revoked");
                Err(oauth::invalid_grant(WRONG_REFRESH))
            }
            Refreshed::Refused => Err(oauth::invalid_grant(WRONG_REFRESH)),
        }
    }

    async fn client(&self, request: &HttpRequest, form: TokenRequest) -> Result<Granted, Problem> {
        let (id, secret) = match basic(request)? {
            Some(pair) => pair,
            None => match (form.client_id, form.client_secret) {
                (Some(id), Some(secret)) => (id, secret),
                _ => return Err(oauth::invalid_client()),
            },
        };
        let attempt = Attempt::new(&id, self.address.as_deref().unwrap_or_default());
        let now = self.state.clock().now();
        self.state.throttle().admit(&attempt, now)?;
        let granted = self
            .state
            .blocking(move |db| Ok(tokens::client_credentials(db, &id, &secret, now)?))
            .await?;
        let Some(granted) = granted else {
            self.state.throttle().failed(&attempt, now);
            return Err(oauth::invalid_client());
        };
        self.state.throttle().succeeded(&attempt);
        debug_assert!(matches!(granted.actor, Actor::Client(_)));
        self.narrow(granted)
    }
}

/// Id and secret as HTTP Basic, each form-encoded before (RFC 6749, 2.3.1). An empty pair is none:
/// Swagger UI sends one when nothing was filled in.
fn basic(request: &HttpRequest) -> Result<Option<(String, String)>, Problem> {
    let Some(line) = request.headers().get(header::AUTHORIZATION) else { return Ok(None) };
    let read = || {
        let (scheme, value) = line.to_str().ok()?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let text = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
        let (id, secret) = text.split_once(':')?;
        let plain = |text: &str| {
            let text = text.replace('+', " ");
            percent_encoding::percent_decode_str(&text).decode_utf8().ok().map(String::from)
        };
        Some((plain(id)?, plain(secret)?))
    };
    match read() {
        Some((id, secret)) if id.is_empty() && secret.is_empty() => Ok(None),
        Some(pair) => Ok(Some(pair)),
        None => Err(oauth::invalid_client()),
    }
}
