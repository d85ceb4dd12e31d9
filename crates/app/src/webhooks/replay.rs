//! Sending again what happened in a span of time: a job that starts the deliveries, in the order of their events.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use kartoteka_domain::codes::Code;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::WebhookId;
use kartoteka_domain::jobs::JobState;
use kartoteka_domain::outbox::EventType;
use kartoteka_persistence::jobs::{self as queue, Job, NewJob, Progress};
use kartoteka_persistence::webhooks::deliveries::{self as store, Replay};
use kartoteka_persistence::{StoreError, Tenant};

use super::deliveries::refuse_disabled;
use super::{get, wake};
use crate::access::audit;
use crate::context::Context;
use crate::error::{Error, Refusal};
use crate::worker::{self, Ended, JobError, Run, Work};

/// Deliveries that one transaction starts.
const CHUNK: i64 = 5_000;

/// Name in the queue.
/// Name of the jobs in the queue.
pub const KIND: &str = "webhook_replay";

/// Which events are to be sent again.
#[derive(Clone, Debug)]
pub struct Span {
    /// Those that happened from this instant on.
    pub after: DateTime<Utc>,
    /// Those that happened before this one; by default all until now.
    pub before: Option<DateTime<Utc>>,
    /// These types; by default those the webhook asks for.
    pub events: Option<Vec<EventType>>,
}

/// Arguments of the job.
#[derive(Debug, Serialize, Deserialize)]
struct Arguments {
    webhook_id: Uuid,
    after: DateTime<Utc>,
    before: DateTime<Utc>,
    events: Vec<String>,
}

/// How far it got.
#[derive(Debug, Serialize, Deserialize)]
struct Checkpoint {
    last: Uuid,
    done: i64,
}

/// Has events sent again.
///
/// # Errors
/// `not_found`, `webhook_disabled`, `conflict` while another replay of the webhook runs, `invalid_value` for a span that
/// ends before it begins.
pub fn start(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: WebhookId,
    span: Span,
) -> Result<Job, Error> {
    let webhook = get(tenant, id)?;
    refuse_disabled(webhook.enabled)?;
    let before = span.before.unwrap_or(ctx.now).min(ctx.now);
    if span.after >= before {
        let detail = "The span ends before it begins.";
        return Err(Error::invalid(vec![Fault::new("#/after", Code::InvalidValue, detail)]));
    }
    let events = match span.events {
        Some(events) => events.iter().map(|event| event.as_str().to_owned()).collect(),
        None => webhook.events,
    };
    let job = ctx.new_id().into();
    let arguments = Arguments { webhook_id: id.0, after: span.after, before, events };
    let new = NewJob {
        id: job,
        kind: KIND,
        payload: json!(arguments),
        subject: Some(("webhook", id.0)),
        unique_key: Some(format!("{KIND}:{id}")),
        run_at: ctx.now,
        actor: ctx.actor,
        request_id: ctx.request_id.clone(),
        created_at: ctx.now,
    };
    queue::enqueue(tenant, &new).map_err(|error| match error.constraint() {
        Some("jobs_unique_key") => {
            Error::refused(Code::Conflict, "A replay of this webhook is under way.")
        }
        _ => Error::Store(error),
    })?;
    let changes = json!({"after": span.after, "before": before, "events": arguments.events});
    audit::record(tenant, ctx, "webhook.replay", "webhook", Some(id.0), Some(changes))?;
    worker::wake();
    crate::jobs::get(tenant, job)
}

/// Starts the deliveries.
pub(crate) struct ReplayWork;

enum Chunk {
    Started(Checkpoint),
    Ended(Ended),
}

impl Work for ReplayWork {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn run(&self, run: &mut Run<'_>) -> Result<Ended, JobError> {
        let broken = |problem: serde_json::Error| {
            Error::Store(StoreError::Inconsistent { table: "jobs", problem: problem.to_string() })
        };
        let arguments: Arguments =
            serde_json::from_value(run.job().payload.clone()).map_err(broken)?;
        let replay = Replay {
            webhook: arguments.webhook_id.into(),
            events: arguments.events,
            after: arguments.after,
            before: arguments.before,
            due: run.job().created_at,
        };
        let mut reached: Option<Checkpoint> = match run.job().checkpoint.clone() {
            Some(value) => Some(serde_json::from_value(value).map_err(broken)?),
            None => None,
        };
        let total = run.db().read(run.workspace(), |tenant| store::replayable(tenant, &replay))?;
        loop {
            let chunk = run.step(|tenant, _ctx, held| {
                let (last, done) =
                    reached.as_ref().map_or((None, 0), |at| (Some(at.last), at.done));
                if held.cancel_requested || !get(tenant, replay.webhook)?.enabled {
                    return run.end(tenant, JobState::Cancelled, None).map(Chunk::Ended);
                }
                let started = store::replay(tenant, &replay, last, CHUNK)?;
                let Some(last) = started.last else {
                    return run.end(tenant, JobState::Succeeded, None).map(Chunk::Ended);
                };
                let at = Checkpoint { last, done: done + started.events };
                let progress = Progress {
                    done: at.done,
                    total: Some(total.max(at.done)),
                    counts: Some(json!({ "events": at.done })),
                    checkpoint: Some(json!(at)),
                };
                run.advance(tenant, &progress)?;
                wake();
                Ok(Chunk::Started(at))
            })?;
            match chunk {
                Chunk::Started(at) => reached = Some(at),
                Chunk::Ended(ended) => return Ok(ended),
            }
        }
    }

    /// There is no subject with a state of its own: what was started goes on its way.
    fn on_failed(
        &self,
        _tenant: &mut Tenant<'_>,
        _ctx: &Context,
        _job: &Job,
        _refusal: &Refusal,
    ) -> Result<(), Error> {
        Ok(())
    }

    fn on_cancelled(
        &self,
        _tenant: &mut Tenant<'_>,
        _ctx: &Context,
        _job: &Job,
    ) -> Result<(), Error> {
        Ok(())
    }
}
