//! `POST /contacts/{id}/scenarios`.

use actix_web::post;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::definitions::runs;
use kartoteka_domain::ids::{ContactId, DefinitionId};

use crate::extract::{IdempotencyKey, Path, Scoped, ValidJson, scope};
use crate::problem::Problem;
use crate::reply::{Created, Reply};
use crate::state::State;
use crate::v1::definitions::runs::RunView;

/// A scenario to be started for a contact.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct StartScenario {
    /// The scenario.
    pub(crate) scenario_id: Uuid,
    /// The id of the start, of a scenario that has several.
    #[schema(max_length = 64, example = json!(null))]
    pub(crate) start: Option<String>,
}

/// Start a scenario for a contact
///
/// Its event is skipped: the contact goes on behind the start. Waits are honoured, limits per contact do not bind. A
/// scenario that is switched off is `scenario_disabled`; a contact that is on its way through it, `already_running`; one
/// in the trash, `conflict`. Who came to the end may go again.
#[utoipa::path(
    tag = "runs",
    operation_id = "start_scenario",
    params(("id" = Uuid, Path, description = "The contact"), IdempotencyKey),
    request_body = StartScenario,
    responses((status = 201, description = "The run", body = RunView)),
    security(("bearer" = ["scenarios:write"])),
)]
#[post("/contacts/{id}/scenarios")]
pub(crate) async fn start_scenario(
    state: State,
    caller: Scoped<scope::ScenariosWrite>,
    id: Path<Uuid>,
    key: IdempotencyKey,
    body: ValidJson<StartScenario>,
) -> Result<Reply, Problem> {
    let ValidJson { value, fingerprint } = body;
    let contact = *id;
    state
        .post(&caller, &key, fingerprint, move |tenant, ctx| {
            let StartScenario { scenario_id, start } = value;
            let scenario = DefinitionId(scenario_id);
            let run = runs::start(tenant, ctx, ContactId(contact), scenario, start.as_deref())?;
            let location = format!("/api/v1/contacts/{contact}/scenarios/{}", run.id);
            Ok(Created { location, body: RunView::from(run) })
        })
        .await
}
