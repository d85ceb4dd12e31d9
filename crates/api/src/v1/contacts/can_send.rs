//! `GET /contacts/{id}/can-send`.

use actix_web::get;
use actix_web::web::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use kartoteka_app::consents::can_send::{Question, can_send};
use kartoteka_domain::consents::gate::{Kind, Reason};
use kartoteka_domain::ids::ContactId;

use super::consents::ChannelWord;
use crate::extract::{Path, Query, Scoped, scope};
use crate::problem::Problem;
use crate::state::State;

/// What is to be sent.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CanSendQuery {
    /// On which channel.
    #[param(inline)]
    channel: ChannelWord,
    /// Name of the purpose, which must be of the channel. Without one, any granted purpose of the channel will do.
    #[param(example = "email_basic")]
    purpose: Option<String>,
    /// Marketing, unless it says otherwise; transactional messages need neither consent nor subscription.
    #[param(inline)]
    kind: Option<KindWord>,
}

/// Kind of message.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KindWord {
    /// Advertising.
    Marketing,
    /// Part of what the contact ordered.
    Transactional,
}

/// The decision.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"allowed": false, "reasons": ["no_consent"]}))]
pub(crate) struct CanSend {
    /// Whether a message may go.
    pub(crate) allowed: bool,
    /// All reasons why not, in this order: `in_trash`, `muted`, `no_address`, `invalid_address`, `suppressed`, `unsubscribed`, `no_consent`.
    pub(crate) reasons: Vec<&'static str>,
}

/// Ask whether a message may go to a contact
///
/// The same decision that every sender asks for: yes, or all reasons why not.
#[utoipa::path(
    tag = "contacts",
    operation_id = "can_send_contact",
    params(("id" = Uuid, Path, description = "The contact"), CanSendQuery),
    responses((status = 200, description = "The decision", body = CanSend)),
    security(("bearer" = ["consents:read"])),
)]
#[get("/contacts/{id}/can-send")]
pub(crate) async fn can_send_contact(
    state: State,
    caller: Scoped<scope::ConsentsRead>,
    id: Path<Uuid>,
    query: Query<CanSendQuery>,
) -> Result<Json<CanSend>, Problem> {
    let secret = state.settings().secret.clone();
    let reasons = state
        .read(&caller, move |tenant, _| {
            let question = Question {
                channel: query.channel.into(),
                purpose: query.purpose.as_deref(),
                kind: match query.kind {
                    None | Some(KindWord::Marketing) => Kind::Marketing,
                    Some(KindWord::Transactional) => Kind::Transactional,
                },
                secret: &secret,
            };
            Ok(can_send(tenant, ContactId(*id), &question)?)
        })
        .await?;
    let reasons: Vec<_> = reasons.into_iter().map(Reason::as_str).collect();
    Ok(Json(CanSend { allowed: reasons.is_empty(), reasons }))
}
