//! `GET /contacts/{id}/consents/links`: what a message to a contact needs.

use actix_web::get;
use actix_web::web::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use kartoteka_app::consents::links::{AddressMark, Link, unsubscribe_headers};
use kartoteka_app::{consents::purposes, contacts};
use kartoteka_domain::codes::Code;
use kartoteka_domain::ids::{ContactId, PurposeId};

use crate::extract::{Path, Query, Scoped, scope};
use crate::problem::Problem;
use crate::state::State;

/// What the links are for.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LinkQuery {
    /// Name of the purpose to unsubscribe from; everything that comes by e-mail when not said.
    #[param(example = "email_basic")]
    purpose: Option<String>,
    /// What the message belongs to, in the words of whoever sends it: any UUID. It stands in the entry that the link
    /// leads to.
    #[param(
        pattern = "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$",
        example = "0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a10"
    )]
    campaign: Option<String>,
}

/// Links that belong into messages to a contact.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConsentLinks {
    /// Page on which the contact unsubscribes; a `POST` to it does so at once (RFC 8058).
    #[schema(example = "https://crm.example.com/links/unsubscribe/AgGYxfJtPnwRmlMNbw5vKhA")]
    pub(crate) unsubscribe: String,
    /// Page on which the contact chooses what it gets. Belongs to the contact's present address.
    #[schema(example = "https://crm.example.com/links/preferences/AwGYxfJtPnwRmlMNbw5vKhA")]
    pub(crate) preferences: String,
    /// Headers for the message; its DKIM signature has to cover them.
    pub(crate) headers: LinkHeaders,
}

/// Headers of a message that can be unsubscribed from with one click (RFC 2369, RFC 8058).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkHeaders {
    /// The link to unsubscribe, between angle brackets.
    #[serde(rename = "List-Unsubscribe")]
    #[schema(example = "<https://crm.example.com/links/unsubscribe/AgGYxfJtPnwRmlMNbw5vKhA>")]
    pub(crate) list_unsubscribe: String,
    /// That one click is enough.
    #[serde(rename = "List-Unsubscribe-Post")]
    #[schema(example = "List-Unsubscribe=One-Click")]
    pub(crate) list_unsubscribe_post: String,
}

/// Get the links for a message to a contact
///
/// For whoever sends messages without Kartoteka. The links need no token: whoever has one may use it.
#[utoipa::path(
    tag = "consents",
    operation_id = "get_consent_links",
    params(("id" = Uuid, Path, description = "The contact"), LinkQuery),
    responses((status = 200, description = "The links", body = ConsentLinks)),
    security(("bearer" = ["consents:read"])),
)]
#[get("/contacts/{id}/consents/links")]
pub(crate) async fn get_consent_links(
    state: State,
    caller: Scoped<scope::ConsentsRead>,
    id: Path<Uuid>,
    query: Query<LinkQuery>,
) -> Result<Json<ConsentLinks>, Problem> {
    let campaign = match query.campaign.as_deref().map(str::parse::<Uuid>) {
        None => None,
        Some(Ok(campaign)) => Some(campaign),
        Some(Err(_no_id)) => {
            return Err(Problem::fault("?campaign", Code::InvalidValue, "This is not a UUID."));
        }
    };
    let settings = state.settings();
    let (secret, base) = (settings.secret.clone(), settings.links_url().to_owned());
    let links = state
        .read(&caller, move |tenant, ctx| {
            let contact = contacts::get(tenant, ContactId(*id))?;
            let purpose = match &query.purpose {
                None => None,
                Some(name) => Some(purposes::named(tenant, name)?.ok_or_else(|| {
                    let code = Code::UnknownPurpose;
                    Problem::fault("?purpose", code, code.title())
                })?),
            };
            let url = |link: Link| link.url(&base, &secret, ctx.workspace, None);
            let unsubscribe = url(Link::Unsubscribe {
                contact: contact.id,
                purpose: purpose.map(|purpose| PurposeId(purpose.id)),
                campaign,
            });
            let address = AddressMark::of(&secret, contact.contact.email_key.as_deref());
            let preferences = url(Link::Preferences { contact: contact.id, address });
            let [(_, list_unsubscribe), (_, list_unsubscribe_post)] =
                unsubscribe_headers(&unsubscribe);
            let headers = LinkHeaders { list_unsubscribe, list_unsubscribe_post };
            Ok(ConsentLinks { unsubscribe, preferences, headers })
        })
        .await?;
    Ok(Json(links))
}
