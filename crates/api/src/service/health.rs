//! Probes.

use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use kartoteka_domain::codes::Code;

use crate::problem::Problem;
use crate::reply::Done;
use crate::state::State;

/// How the server is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`.
    #[schema(example = "ok")]
    pub status: &'static str,
}

/// Is the process alive?
///
/// Says nothing about the database: a restart would not mend it.
#[utoipa::path(tag = "service", operation_id = "get_health",
    responses((status = 200, description = "It is", body = Health)), security(()))]
#[get("/healthz")]
pub(crate) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok" })
}

/// Can the server do its work?
///
/// The database answers and its schema is the one this version was built with.
#[utoipa::path(tag = "service", operation_id = "get_readiness",
    responses((status = 200, description = "It can", body = Health),
        (status = 503, description = "Not now", body = crate::problem::ProblemBody, content_type = "application/problem+json")),
    security(()))]
#[get("/readyz")]
pub(crate) async fn readyz(state: State) -> Result<Done<Health>, Problem> {
    let current = state.blocking(|db| Ok(db.is_current()?)).await.map_err(|problem| {
        if problem.code() == Code::DatabaseBusy { problem } else { Problem::busy() }
    })?;
    if current {
        Ok(Done(Health { status: "ok" }))
    } else {
        Err(Problem::new(Code::DatabaseBusy, "The schema waits for its migrations."))
    }
}
