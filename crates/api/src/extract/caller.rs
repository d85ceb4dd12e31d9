//! Who asks, and the proof that they may: [`Scoped`].

use std::collections::BTreeSet;
use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use kartoteka_app::access::subjects;
use kartoteka_domain::actor::Actor;
use kartoteka_domain::codes::Code;
use kartoteka_domain::ids::WorkspaceId;
use kartoteka_domain::scopes::Scope;

use crate::middleware::{self, Presented};
use crate::problem::Problem;
use crate::state::{AppState, State};

/// Whoever sent the request, after the token has been checked. Only [`Scoped`] makes one.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The workspace of the token: the only one the request can reach.
    pub workspace: WorkspaceId,
    /// The person or integration.
    pub actor: Actor,
    /// `sub` of the token.
    pub subject: String,
    /// What the token allows.
    pub scopes: BTreeSet<Scope>,
    /// `X-Request-Id`.
    pub request_id: Option<String>,
    /// Address the request came from.
    pub ip: Option<String>,
}

impl Caller {
    /// Whether the token allows `scope`, where an answer depends on it beyond the operation's own scope.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// Demands one more scope than the operation's own.
    ///
    /// # Errors
    /// `forbidden`.
    pub fn require(&self, scope: Scope) -> Result<(), Problem> {
        if self.may(scope) { Ok(()) } else { Err(forbidden(scope)) }
    }
}

fn forbidden(scope: Scope) -> Problem {
    Problem::new(
        Code::Forbidden,
        format!("The token lacks the scope {}: {}.", scope.as_str(), scope.meaning()),
    )
    .with_header(
        header::WWW_AUTHENTICATE,
        &format!(
            "Bearer realm=\"kartoteka\", error=\"insufficient_scope\", scope=\"{}\"",
            scope.as_str()
        ),
    )
}

/// A type that stands for a scope.
pub trait Proves: 'static {
    /// The scope; `None` is any valid token.
    const SCOPE: Option<Scope>;
}

/// Any valid token will do.
#[derive(Clone, Copy, Debug)]
pub struct AnyScope;

impl Proves for AnyScope {
    const SCOPE: Option<Scope> = None;
}

macro_rules! scope_types {
    ($($name:ident),+ $(,)?) => {
        /// One type for each [`Scope`], for the argument of [`Scoped`].
        pub mod scope {
            use super::{Proves, Scope};
            $(
                #[doc = concat!("Stands for [`Scope::", stringify!($name), "`].")]
                #[derive(Clone, Copy, Debug)]
                pub struct $name;
                impl Proves for $name {
                    const SCOPE: Option<Scope> = Some(Scope::$name);
                }
            )+

            /// Fails to compile when a scope has no type here.
            #[expect(dead_code, reason = "the compiler checks the list, nobody calls it")]
            fn complete(scope: Scope) {
                match scope { $(Scope::$name => (),)+ }
            }
        }
    };
}

scope_types! {
    ContactsRead, ContactsWrite, ContactsDelete, ConsentsRead, ConsentsWrite, ImportsRead, ImportsWrite,
    ManagerRun, SegmentsRead, SegmentsWrite, CampaignsRead, CampaignsWrite, CampaignsSend, EventsRead,
    EventsWrite, ScenariosRead, ScenariosWrite, InboxRead, InboxWrite, DocumentsRead, WebhooksWrite, Admin,
}

/// Proof that the caller's token is valid and has the scope `S`: `caller: Scoped<scope::ContactsRead>`.
/// Derefs to [`Caller`].
#[derive(Clone, Debug)]
pub struct Scoped<S> {
    caller: Caller,
    proof: PhantomData<fn() -> S>,
}

impl<S> Deref for Scoped<S> {
    type Target = Caller;
    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl<S: Proves> FromRequest for Scoped<S> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let state = request.app_data::<State>().cloned();
        let presented = request.extensions().get::<Presented>().cloned();
        let ip = middleware::peer(request);
        Box::pin(async move {
            let Some(state) = state else { return Err(Problem::internal("no state")) };
            let caller = admit(&state, presented, ip).await?;
            if let Some(scope) = S::SCOPE {
                caller.require(scope)?;
            }
            Ok(Self { caller, proof: PhantomData })
        })
    }
}

/// Refuses a request for what it says, but not before it is known whether the caller is still there: what a
/// handler takes is asked for side by side, and the first refusal is the answer. Who may not ask at all hears
/// that, and not what is wrong with the question.
pub(super) fn refuse<T: 'static>(
    request: &HttpRequest,
    problem: Problem,
) -> Pin<Box<dyn Future<Output = Result<T, Problem>>>> {
    let state = request.app_data::<State>().cloned();
    let presented = request.extensions().get::<Presented>().cloned();
    Box::pin(async move {
        let proven = matches!(presented, Some(Presented::Valid(_)));
        if let Some(state) = state.filter(|_| proven) {
            admit(&state, presented, None).await?;
        }
        Err(problem)
    })
}

/// From the token that the middleware has proven to a caller that is still there.
async fn admit(
    state: &AppState,
    presented: Option<Presented>,
    ip: Option<String>,
) -> Result<Caller, Problem> {
    let verified = match presented {
        Some(Presented::Valid(verified)) => verified,
        Some(Presented::Invalid) => {
            return Err(Problem::unauthorized("The access token is not valid or has expired."));
        }
        None => {
            return Err(Problem::new(
                Code::Unauthorized,
                "Send an access token as \"Authorization: Bearer …\"; POST /api/v1/auth/token gives one.",
            )
            .with_header(header::WWW_AUTHENTICATE, "Bearer realm=\"kartoteka\""));
        }
    };
    let now = state.clock().now();
    let (workspace, actor) = (verified.workspace, verified.actor);
    let known = state.subjects().known(&verified, now);
    let active = match known {
        Some(active) => active,
        None => {
            let foreign = verified.foreign;
            let active = state
                .blocking(move |db| {
                    db.read(workspace, |tenant| Ok(subjects::is_active(tenant, actor, foreign)?))
                })
                .await?;
            state.subjects().learn(&verified, active, now);
            active
        }
    };
    if !active {
        return Err(Problem::unauthorized("The access token is not valid or has expired."));
    }
    Ok(Caller {
        workspace,
        actor,
        subject: verified.subject.clone(),
        scopes: verified.scopes.clone(),
        request_id: middleware::request_id(),
        ip,
    })
}
