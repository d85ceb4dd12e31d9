//! A job as a stream of server-sent events.

use std::time::Duration;

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, get};
use futures_util::stream::unfold;
use utoipa::ToSchema;
use uuid::Uuid;

use kartoteka_app::jobs;

use super::JobView;
use crate::extract::{AnyScope, Caller, Path, Scoped};
use crate::problem::Problem;
use crate::state::State;

/// How often the job is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// Looks without news after which a comment keeps proxies from closing the stream.
const QUIET_LOOKS: u32 = 50;

struct Watch {
    state: State,
    caller: Caller,
    id: Uuid,
    last: Option<JobView>,
    quiet: u32,
    ended: bool,
}

// Only documentation: the stream is written as text.
/// One event of the stream.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the stream is written as text")]
struct JobEvent {
    /// Always `job`.
    #[schema(pattern = "^job$", example = "job")]
    event: String,
    /// The job as it is now, as JSON.
    #[schema(example = r#"{"id":"0198c5f2-6d3e-7c11-9a53-0d6f0e6f2a10","state":"succeeded"}"#)]
    data: String,
}

/// Follow a job
///
/// Server-sent events (WHATWG): `event: job` with the job as `data` whenever it changes, the last one with
/// its final state; then the stream ends.
#[utoipa::path(
    tag = "jobs",
    operation_id = "watch_job",
    params(("id" = Uuid, Path, description = "The job")),
    responses((status = 200, description = "Events, each with the job", body = JobEvent, content_type = "text/event-stream")),
    security(("bearer" = [])),
)]
#[get("/jobs/{id}/events")]
pub(crate) async fn watch_job(
    state: State,
    caller: Scoped<AnyScope>,
    id: Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let id = *id;
    let caller: Caller = (*caller).clone();
    // a job that is not there is a problem document, not a stream
    look(&state, &caller, id).await?;
    let watch = Watch { state, caller, id, last: None, quiet: 0, ended: false };
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(unfold(watch, next)))
}

async fn look(state: &State, caller: &Caller, id: Uuid) -> Result<JobView, Problem> {
    state.read(caller, move |tenant, _ctx| Ok(jobs::get(tenant, id.into())?.into())).await
}

async fn next(mut watch: Watch) -> Option<(Result<Bytes, std::io::Error>, Watch)> {
    if watch.ended {
        return None;
    }
    loop {
        if watch.last.is_some() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        // a database that is busy for a moment is no reason to end the stream
        if let Ok(job) = look(&watch.state, &watch.caller, watch.id).await
            && watch.last.as_ref() != Some(&job)
        {
            watch.ended = job.finished_at.is_some();
            let data = serde_json::to_string(&job).unwrap_or_default();
            watch.last = Some(job);
            watch.quiet = 0;
            return Some((Ok(Bytes::from(format!("event: job\ndata: {data}\n\n"))), watch));
        }
        watch.quiet += 1;
        if watch.quiet >= QUIET_LOOKS {
            watch.quiet = 0;
            return Some((Ok(Bytes::from_static(b": still here\n\n")), watch));
        }
    }
}
