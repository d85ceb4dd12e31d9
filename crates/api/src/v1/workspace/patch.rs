//! `PATCH /workspace`.

use actix_web::patch;
use serde::Deserialize;
use utoipa::ToSchema;

use kartoteka_app::access::workspace::{self, Usage, Workspace as Row, WorkspaceChanges};

use super::Workspace;
use crate::extract::{IfMatch, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// Other settings (merge patch).
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct WorkspacePatch {
    /// Another name.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200, example = "main", nullable = false)]
    pub name: Option<String>,
    /// Most contacts, trash included. Below what is there nothing is deleted, and nothing can be added.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 50_000, nullable = false)]
    pub contact_limit: Option<i64>,
    /// Region of national phone numbers (ISO 3166).
    #[serde(default)]
    #[schema(max_length = 10, example = "PL", nullable = false)]
    pub phone_region: Option<String>,
    /// Language of people whose own is not known (ISO 639).
    #[serde(default)]
    #[schema(max_length = 50, example = "pl", nullable = false)]
    pub language: Option<String>,
    /// Time zone of people whose own is not known (IANA).
    #[serde(default)]
    #[schema(max_length = 50, example = "Europe/Warsaw", nullable = false)]
    pub time_zone: Option<String>,
    /// Whether an owner whom the contact manager assigns (`assign_owner`) starts scenarios and rules that hang on it;
    /// `false` when nobody said so. One who is assigned by hand always does.
    #[serde(default)]
    #[schema(example = true, nullable = false)]
    pub scenarios_on_owner_assigned: Option<bool>,
}

/// Change the workspace's settings
#[utoipa::path(
    tag = "workspace",
    operation_id = "patch_workspace",
    params(IfMatch),
    request_body = WorkspacePatch,
    responses((status = 200, description = "The workspace", body = Workspace)),
    security(("bearer" = ["admin"])),
)]
#[patch("/workspace")]
pub(crate) async fn patch_workspace(
    state: State,
    caller: Scoped<scope::Admin>,
    if_match: IfMatch,
    body: ValidJson<WorkspacePatch>,
) -> Result<Done<Workspace>, Problem> {
    let WorkspacePatch {
        name,
        contact_limit,
        phone_region,
        language,
        time_zone,
        scenarios_on_owner_assigned,
    } = body.value;
    let changes = WorkspaceChanges {
        name,
        contact_limit,
        phone_region,
        language,
        time_zone,
        scenarios_on_owner_assigned,
    };
    state
        .write(&caller, move |tenant, ctx| {
            let check = |now: &(Row, Usage)| if_match.check(&Workspace::from(now.clone()));
            Ok(Done(workspace::update(tenant, ctx, changes, check)?.into()))
        })
        .await
}
