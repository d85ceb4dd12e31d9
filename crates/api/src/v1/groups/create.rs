//! `POST /groups`.

use actix_web::post;
use serde::Deserialize;
use utoipa::ToSchema;

use kartoteka_app::classes::{self, Kind};

use super::GroupView;
use crate::extract::{IdempotencyKey, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::{Created, Reply};
use crate::state::State;

/// A new group.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewGroup {
    /// Its name; compared without case.
    #[schema(min_length = 1, max_length = 100, example = "Suppliers")]
    pub(crate) name: String,
    /// What it is for.
    #[schema(max_length = 1000, example = "Who we buy from")]
    pub(crate) description: Option<String>,
}

/// Create a group
///
/// A name that differs only in case from another is `group_exists`.
#[utoipa::path(
    tag = "groups",
    operation_id = "create_group",
    params(IdempotencyKey),
    request_body = NewGroup,
    responses((status = 201, description = "The group", body = GroupView)),
    security(("bearer" = ["contacts:write"])),
)]
#[post("/groups")]
pub(crate) async fn create_group(
    state: State,
    caller: Scoped<scope::ContactsWrite>,
    key: IdempotencyKey,
    body: ValidJson<NewGroup>,
) -> Result<Reply, Problem> {
    let ValidJson { value, fingerprint } = body;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let NewGroup { name, description } = value;
            let made = classes::create(tenant, ctx, Kind::Group, &name, description.as_deref())?;
            let group = GroupView::from(made);
            Ok(Created { location: format!("/api/v1/groups/{}", group.id), body: group })
        })
        .await
}
