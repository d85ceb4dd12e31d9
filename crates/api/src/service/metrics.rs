//! `/metrics` in Prometheus' text form.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get};
use sha2::{Digest, Sha256};

use crate::problem::Problem;
use crate::settings::MetricsAccess;
use crate::state::State;

/// Counters and durations
///
/// Prometheus text form. Needs the token of the configuration, unless it is open or on a listener of its own.
#[utoipa::path(tag = "service", operation_id = "get_metrics",
    responses((status = 200, description = "The metrics", body = String, content_type = "text/plain",
        example = json!("http_requests_total{method=\"GET\",route=\"/healthz\",status=\"200\"} 1\n")),
        (status = 401, description = "The token is missing or wrong", body = crate::problem::ProblemBody,
            content_type = "application/problem+json"),
        (status = 404, description = "Closed on this listener", body = crate::problem::ProblemBody,
            content_type = "application/problem+json")),
    security(()))]
#[get("/metrics")]
pub(crate) async fn get_metrics(
    state: State,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    match &state.settings().metrics {
        MetricsAccess::Closed => Err(Problem::not_found()),
        MetricsAccess::Open => Ok(render(&state)),
        MetricsAccess::Token(token) => {
            let line = request.headers().get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
            let given = line.and_then(|line| line.strip_prefix("Bearer ")).unwrap_or_default();
            // digests are compared, so that the time says nothing about the token
            if Sha256::digest(given) == Sha256::digest(token) {
                Ok(render(&state))
            } else {
                Err(Problem::unauthorized("The token of the metrics is needed."))
            }
        }
    }
}

/// The answer itself, for the separate listener too.
pub(crate) fn render(state: &State) -> HttpResponse {
    let text = state.render_metrics().map(|render| render()).unwrap_or_default();
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text)
}
