//! `PUT /contacts/{id}/owners/{user_id}`.

use actix_web::put;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::contacts::owners::{self, Owner};
use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::owners::Level;
use kartoteka_domain::ids::{ContactId, UserId};

use super::OwnerView;
use crate::extract::{IfMatch, Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// How far somebody owns a contact.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OwnerLevel {
    /// May do everything.
    Main,
    /// Changes the contact, but neither deletes it nor says who owns it.
    CoOwner,
    /// Sees it.
    ReadOnly,
}

impl From<OwnerLevel> for Level {
    fn from(level: OwnerLevel) -> Self {
        match level {
            OwnerLevel::Main => Self::Main,
            OwnerLevel::CoOwner => Self::CoOwner,
            OwnerLevel::ReadOnly => Self::ReadOnly,
        }
    }
}

/// An owner to be.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct OwnerInput {
    /// `main`: everything. `co_owner`: neither deletes nor changes owners. `read_only`: sees.
    pub(crate) level: OwnerLevel,
}

/// Make a user an owner
///
/// Or change how far they are one. What an owner may do binds people only: not integrations, not
/// administrators; and nobody who owns nothing of the contact, for whom the scopes decide. A contact in the trash
/// is restored first: `conflict`.
#[utoipa::path(
    tag = "owners",
    operation_id = "put_owner",
    params(
        ("id" = Uuid, Path, description = "The contact"),
        ("user_id" = Uuid, Path, description = "The user"),
        IfMatch,
    ),
    request_body = OwnerInput,
    responses((status = 200, description = "The owner", body = OwnerView)),
    security(("bearer" = ["contacts:write"])),
)]
#[put("/contacts/{id}/owners/{user_id}")]
pub(crate) async fn put_owner(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    path: Path<(Uuid, Uuid)>,
    if_match: IfMatch,
    body: ValidJson<OwnerInput>,
) -> Result<Done<OwnerView>, Problem> {
    let (contact, user) = path.into_inner();
    let level = body.into_inner().level.into();
    state
        .write(&caller, move |tenant, ctx| {
            let guard = |now: Option<&Owner>| match now {
                Some(owner) => if_match.check(&OwnerView::from(owner.clone())),
                None if if_match.is_given() => Err(Problem::new(
                    Code::PreconditionFailed,
                    "The user does not own the contact, so there is nothing If-Match could mean.",
                )),
                None => Ok(()),
            };
            let (contact, user) = (ContactId(contact), UserId(user));
            Ok(Done(owners::put(tenant, ctx, contact, user, level, guard)?.into()))
        })
        .await
}
