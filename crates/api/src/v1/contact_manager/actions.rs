//! `GET /contact-manager/actions`: the matrix (MGR-2).

use actix_web::get;
use actix_web::web::Json;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use kartoteka_app::contact_manager;
use kartoteka_domain::contact_manager::{
    ActionType, MAX_COUPON_CHARS, MAX_DETAILS_FOR_TAGS, MAX_NOTE_CHARS, MIN_COUPON_CHARS,
};
use kartoteka_domain::documents::links::{MAX_URL_CHARS, MOST_CONTACTS};
use kartoteka_domain::scopes::Scope;
use kartoteka_domain::tags::MAX_TAGS_PER_CONTACT;

use super::body::schema_name;
use crate::extract::{Scoped, scope};
use crate::openapi::schemas;
use crate::problem::Problem;
use crate::state::State;

/// All the actions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ContactManagerActions {
    /// In the order they run in.
    pub(crate) data: Vec<ContactManagerActionView>,
}

/// One action.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ContactManagerActionDescription)]
pub(crate) struct ContactManagerActionView {
    /// Its type.
    #[schema(example = "set_score")]
    pub(crate) key: &'static str,
    /// What it does.
    #[schema(example = "Writes the points.")]
    pub(crate) description: &'static str,
    /// What it needs: a JSON schema.
    #[schema(value_type = Object, example = json!({"type": "object", "required": ["type", "score"]}))]
    pub(crate) schema: Value,
    /// Its limits, where it has some: `contacts`, `characters` and the like.
    #[schema(value_type = Object, example = json!({}))]
    pub(crate) limits: Value,
    /// Whether what it does starts scenarios and rules that wait for it.
    pub(crate) starts_scenarios: bool,
    /// Whether undoing the job gives back what it changed; of deletions only those into the trash.
    pub(crate) reversible: bool,
    /// The scope it needs beside `manager:run`: without it every contact is skipped as `not_permitted`.
    #[schema(example = json!(null))]
    pub(crate) scope: Option<&'static str>,
}

fn limits(kind: ActionType) -> Value {
    match kind {
        ActionType::AddTags | ActionType::RemoveTags => json!({ "tags": MAX_TAGS_PER_CONTACT }),
        ActionType::AddTagsFromDetails => json!({ "details": MAX_DETAILS_FOR_TAGS, "prefixes": 1 }),
        ActionType::SetDetail | ActionType::RemoveDetail => json!({ "details": 1 }),
        ActionType::SetState => json!({ "states": 1 }),
        ActionType::GenerateCoupon => {
            json!({ "min_length": MIN_COUPON_CHARS, "max_length": MAX_COUPON_CHARS })
        }
        ActionType::RunScenario => json!({ "start_events": 1 }),
        ActionType::GenerateLinks => {
            json!({ "contacts": MOST_CONTACTS, "url_characters": MAX_URL_CHARS })
        }
        ActionType::AddNote => json!({ "characters": MAX_NOTE_CHARS }),
        ActionType::Delete => json!({ "actions": 1 }),
        _ => json!({}),
    }
}

/// List the actions of the contact manager
///
/// The matrix: what each needs, in which limits, whether it starts scenarios, and whether it can be undone. Actions run in
/// this order, whatever order they came in. Whether `assign_owner` starts scenarios is a setting of the workspace.
#[utoipa::path(
    tag = "contact-manager",
    operation_id = "list_contact_manager_actions",
    responses((status = 200, description = "The actions", body = ContactManagerActions)),
    security(("bearer" = ["manager:run"])),
)]
#[get("/contact-manager/actions")]
pub(crate) async fn list_contact_manager_actions(
    state: State,
    caller: Scoped<scope::ManagerRun>,
) -> Result<Json<ContactManagerActions>, Problem> {
    let data = state
        .read(&caller, move |tenant, _ctx| {
            let mut data = Vec::with_capacity(ActionType::ALL.len());
            for kind in ActionType::ALL.iter().copied() {
                let starts = kind.starts_scenarios();
                data.push(ContactManagerActionView {
                    key: kind.as_str(),
                    description: kind.meaning(),
                    schema: schemas::standalone(schema_name(kind))?,
                    limits: limits(kind),
                    starts_scenarios: contact_manager::starts_scenarios(tenant, starts)?,
                    reversible: kind.is_reversible(),
                    scope: kind.scope().map(Scope::as_str),
                });
            }
            Ok(data)
        })
        .await?;
    Ok(Json(ContactManagerActions { data }))
}
