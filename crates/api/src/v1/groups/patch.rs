//! `PATCH /groups/{id}`.

use actix_web::patch;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::classes::{self, Class, Kind, Use};

use super::GroupInUse;
use crate::extract::json::nullable;
use crate::extract::{IfMatch, Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Changes of a group.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct GroupPatch {
    /// Its name; compared without case.
    #[serde(default)]
    #[schema(nullable = false, min_length = 1, max_length = 100, example = "Suppliers")]
    pub(crate) name: Option<String>,
    /// What it is for; `null` removes it.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 1000, example = "Who we buy from")]
    pub(crate) description: Option<Option<String>>,
}

/// Change a group
///
/// A new name is shown wherever the group is.
#[utoipa::path(
    tag = "groups",
    operation_id = "patch_group",
    params(("id" = Uuid, Path, description = "The group"), IfMatch),
    request_body = GroupPatch,
    responses((status = 200, description = "The group", body = GroupInUse)),
    security(("bearer" = ["contacts:write"])),
)]
#[patch("/groups/{id}")]
pub(crate) async fn patch_group(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    id: Path<Uuid>,
    if_match: IfMatch,
    body: ValidJson<GroupPatch>,
) -> Result<Done<GroupInUse>, Problem> {
    let GroupPatch { name, description } = body.into_inner();
    state
        .write(&caller, move |tenant, ctx| {
            let guard =
                |now: &Class, usage: Use| if_match.check(&GroupInUse::from((now.clone(), usage)));
            let description = description.as_ref().map(Option::as_deref);
            let (kind, name) = (Kind::Group, name.as_deref());
            Ok(Done(classes::update(tenant, ctx, kind, *id, name, description, guard)?.into()))
        })
        .await
}
