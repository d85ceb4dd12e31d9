//! Carrying events to their receivers.
//!
//! Not in the queue of jobs: a slot there is for work of our own, and a few receivers that do not answer would hold all
//! of them. A receiver is claimed as a whole, by one thread of one process at a time, which sends some of what is due
//! and gives it back; of the receivers with something due the one served longest ago is next. So one that is slow
//! takes one thread for some seconds, whatever waits for it, and one that keeps failing is tried ever more seldom.
//!
//! No transaction is open while anything is sent. The outcome of an attempt is written with the proof of the lease;
//! whoever dies before that leaves the receiver to its lease, and the event is sent once more: at least once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use kartoteka_domain::actor::Actor;
use kartoteka_domain::ids::{ContactId, WebhookId, WorkspaceId};
use kartoteka_domain::outbox::Subject;
use kartoteka_domain::webhooks::{
    DeliveryState, SwitchedOff, is_given_up, next_attempt, rest, retry_after,
};
use kartoteka_gateways::webhooks::{Answer, Client, Failure, Message, sign};
use kartoteka_persistence::contacts::{Stored, read};
use kartoteka_persistence::webhooks::sending::{self as store, Attempt, Due, Receiver};
use kartoteka_persistence::{Db, StoreError, Tenant};

use super::Allowed;
use crate::access::{audit, seal};
use crate::clock::Clock;
use crate::context::Context;
use crate::error::Error;

/// How often it is looked for what is due when nothing says that there is something.
const POLL: Duration = Duration::from_secs(1);
/// The same for a moment after [`wake`]: the waking transaction may not be committed yet.
const HURRIED_POLL: Duration = Duration::from_millis(20);
const HURRY: Duration = Duration::from_millis(600);
/// Events that are looked at together.
const BATCH: i64 = 100;
/// Messages that one receiver gets at the same time.
const SIDE_BY_SIDE: u128 = 4;
/// After so long a receiver is given back, for others to have their turn.
const TURN: Duration = Duration::from_secs(5);
/// How often the outcome of an attempt is tried to be written.
const WRITES: u32 = 20;
/// Pause between them.
const WRITE_AGAIN_AFTER: Duration = Duration::from_millis(250);
/// How often the age of the queue is told to the metrics.
const MEASURE_EVERY: Duration = Duration::from_secs(5);

/// A contact in the shape of the API, which is the business of another floor.
pub type ShowContact = fn(Stored) -> Value;

/// What sending needs from outside.
#[derive(Clone)]
pub struct Environment {
    /// The database; a pool of its own.
    pub db: Db,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Secret of the installation, from which the key of sealed secrets is derived.
    pub secret: Arc<[u8]>,
    /// Networks that may be reached.
    pub allowed: Allowed,
    /// The shape of contacts.
    pub show_contact: ShowContact,
}

static HURRY_UNTIL: Mutex<Option<Instant>> = Mutex::new(None);
static WOKEN: Condvar = Condvar::new();

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells the sender of this process that something is, or is just becoming, due.
pub fn wake() {
    *locked(&HURRY_UNTIL) = Some(Instant::now() + HURRY);
    WOKEN.notify_all();
}

/// The threads that send; ended by [`Sender::stop`].
pub struct Sender {
    stop: Arc<AtomicBool>,
    dispatcher: JoinHandle<()>,
}

impl Sender {
    /// Starts one thread that looks for what is due, and at most `most` at a time that send.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start(environment: Environment, owner: String, most: usize) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let dispatcher = std::thread::Builder::new()
            .name("webhooks".into())
            .spawn(move || dispatch(&environment, &owner, most, &asked))?;
        Ok(Self { stop, dispatcher })
    }

    /// Begins nothing more, and waits until what is under way is answered or has timed out.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        WOKEN.notify_all();
        if self.dispatcher.join().is_err() {
            tracing::error!("the thread of webhooks panicked");
        }
    }
}

fn dispatch(environment: &Environment, owner: &str, most: usize, stop: &AtomicBool) {
    let busy = AtomicUsize::new(0);
    let mut measured: Option<Instant> = None;
    std::thread::scope(|scope| {
        while !stop.load(Ordering::Relaxed) {
            if measured.is_none_or(|at| at.elapsed() >= MEASURE_EVERY) {
                measured = Some(Instant::now());
                match queue_age(environment) {
                    Ok(age) => metrics::gauge!("webhook_queue_age_seconds").set(age.as_secs_f64()),
                    Err(error) => tracing::debug!(%error, "the age of the queue cannot be seen"),
                }
            }
            let claimed = if busy.load(Ordering::Acquire) < most {
                claim(environment, owner)
            } else {
                Ok(None)
            };
            match claimed {
                Ok(Some(receiver)) => {
                    busy.fetch_add(1, Ordering::AcqRel);
                    let busy = &busy;
                    let begun = std::thread::Builder::new().name("webhook".into()).spawn_scoped(
                        scope,
                        move || {
                            let _done = OnDrop(|| {
                                busy.fetch_sub(1, Ordering::AcqRel);
                                WOKEN.notify_all();
                            });
                            serve(environment, &receiver, stop);
                        },
                    );
                    if let Err(error) = begun {
                        busy.fetch_sub(1, Ordering::AcqRel);
                        tracing::warn!(%error, "no thread to send webhooks; the lease runs out");
                        pause(stop);
                    }
                }
                Ok(None) => pause(stop),
                Err(error) => {
                    tracing::warn!(%error, "it cannot be seen which webhooks are due");
                    pause(stop);
                }
            }
        }
    });
}

/// Does something at the end of a scope, after a panic too.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

fn pause(stop: &AtomicBool) {
    let hurry = locked(&HURRY_UNTIL);
    let hurried = hurry.is_some_and(|until| until > Instant::now());
    if !stop.load(Ordering::Relaxed) {
        drop(WOKEN.wait_timeout(hurry, if hurried { HURRIED_POLL } else { POLL }));
    }
}

fn claim(environment: &Environment, owner: &str) -> Result<Option<Receiver>, StoreError> {
    let now = environment.clock.now();
    environment.db.system(|conn| store::claim(conn, owner, now))
}

/// How long the event that waits longest has been due; nothing when none is. Receivers that are left alone for a
/// while because they fail do not count: this says whether the sending keeps up, not whether they do.
///
/// # Errors
/// What the database said.
pub fn queue_age(environment: &Environment) -> Result<Duration, StoreError> {
    let now = environment.clock.now();
    let oldest = environment.db.system(|conn| store::oldest_due(conn, now))?;
    Ok(oldest.map_or(Duration::ZERO, |at| (now - at).to_std().unwrap_or_default()))
}

/// Sends everything that is due, in this thread, and says how many attempts that were. For tests.
///
/// # Errors
/// The database cannot be read.
pub fn send_due(environment: &Environment, owner: &str) -> Result<usize, StoreError> {
    let mut attempts = 0;
    while let Some(receiver) = claim(environment, owner)? {
        attempts += serve(environment, &receiver, &AtomicBool::new(false));
    }
    Ok(attempts)
}

/// One turn of a receiver: some of what is due for it. Says how many attempts were made.
fn serve(environment: &Environment, receiver: &Receiver, stop: &AtomicBool) -> usize {
    let span = tracing::info_span!(
        "webhook",
        webhook.id = %receiver.id,
        workspace.id = %receiver.workspace_id,
    );
    let _entered = span.enter();
    let done = Turn::begin(environment, receiver, stop).map_or_else(
        |error| {
            tracing::warn!(%error, "a webhook cannot be served");
            if !matches!(error, Error::Store(StoreError::Busy(_))) {
                // whatever it is, it will not be gone in the next moment
                leave_alone(environment, receiver);
            }
            0
        },
        |turn| turn.run(),
    );
    if let Err(error) = environment.db.system(|conn| store::release(conn, receiver)) {
        tracing::warn!(%error, "a webhook cannot be given back; its lease will run out");
    }
    done
}

fn leave_alone(environment: &Environment, receiver: &Receiver) {
    let until = environment.clock.now() + chrono::TimeDelta::minutes(1);
    let left = environment.db.write(WorkspaceId(receiver.workspace_id), |tenant| {
        store::rest(tenant, WebhookId(receiver.id), until)
    });
    if let Err(error) = left {
        tracing::warn!(%error, "a webhook cannot be left alone");
    }
}

/// Whether a group of messages goes on after an attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    GoOn,
    Stop,
}

struct Turn<'a> {
    environment: &'a Environment,
    receiver: &'a Receiver,
    stop: &'a AtomicBool,
    /// Set by the first group that ends early: the others end too.
    over: AtomicBool,
    attempts: AtomicUsize,
    since: Instant,
    client: Client,
    secret: Vec<u8>,
    old_secret: Option<(Vec<u8>, DateTime<Utc>)>,
    due: Vec<Due>,
}

impl<'a> Turn<'a> {
    fn begin(
        environment: &'a Environment,
        receiver: &'a Receiver,
        stop: &'a AtomicBool,
    ) -> Result<Self, Error> {
        let workspace = WorkspaceId(receiver.workspace_id);
        let open = |sealed: &[u8]| {
            seal::open(&environment.secret, workspace, receiver.id, sealed).map_err(|error| {
                let problem = error.to_string();
                Error::Store(StoreError::Inconsistent { table: "webhooks", problem })
            })
        };
        let secret = open(&receiver.secret)?;
        let old_secret = match (&receiver.old_secret, receiver.old_secret_until) {
            (Some(sealed), Some(until)) => Some((open(sealed)?, until)),
            _ => None,
        };
        let now = environment.clock.now();
        let due = environment
            .db
            .read(workspace, |tenant| store::due(tenant, WebhookId(receiver.id), now, BATCH))?;
        if due.is_empty() {
            // what waited for it was swept away in this moment, or is without its event
            let problem = "deliveries are due that have no event".to_owned();
            return Err(Error::Store(StoreError::Inconsistent {
                table: "webhook_deliveries",
                problem,
            }));
        }
        Ok(Self {
            environment,
            receiver,
            stop,
            over: AtomicBool::new(false),
            attempts: AtomicUsize::new(0),
            since: Instant::now(),
            client: Client::new(&environment.allowed),
            secret,
            old_secret,
            due,
        })
    }

    /// Events of one subject go one after the other, of several side by side; what is replayed goes in its order. A
    /// receiver that keeps failing is tried with one event first.
    fn run(&self) -> usize {
        let failing = rest(self.receiver.failures, None).is_some();
        let in_order = failing || self.due.iter().any(|due| due.in_order);
        let mut groups: BTreeMap<u128, Vec<&Due>> = BTreeMap::new();
        for due in &self.due {
            let group = if in_order { 0 } else { due.subject_id.as_u128() % SIDE_BY_SIDE };
            groups.entry(group).or_default().push(due);
        }
        let span = tracing::Span::current();
        std::thread::scope(|scope| {
            for group in groups.values() {
                let span = &span;
                scope.spawn(move || span.in_scope(|| self.send_all(group)));
            }
        });
        self.attempts.load(Ordering::Relaxed)
    }

    fn send_all(&self, group: &[&Due]) {
        for due in group {
            let over = self.over.load(Ordering::Relaxed) || self.stop.load(Ordering::Relaxed);
            if over || self.since.elapsed() > TURN {
                return;
            }
            match self.attempt(due) {
                Ok(Then::GoOn) => {}
                Ok(Then::Stop) => self.over.store(true, Ordering::Relaxed),
                Err(error) => {
                    self.over.store(true, Ordering::Relaxed);
                    tracing::warn!(%error, event.id = %due.event_id, "an event could not be sent, or not be noted as sent");
                }
            }
        }
    }

    fn workspace(&self) -> WorkspaceId {
        WorkspaceId(self.receiver.workspace_id)
    }

    fn attempt(&self, due: &Due) -> Result<Then, StoreError> {
        let body = self.body(due)?;
        let at = self.environment.clock.now();
        let id = due.event_id.to_string();
        let timestamp = at.timestamp();
        let mut signature = sign::signature(&self.secret, &id, timestamp, &body);
        if let Some((old, until)) = &self.old_secret
            && at < *until
        {
            signature.push(' ');
            signature.push_str(&sign::signature(old, &id, timestamp, &body));
        }
        let message = Message { id: &id, timestamp, signature: &signature, body: &body };
        let (sent, took) = self.client.send(&self.receiver.url, message);
        self.attempts.fetch_add(1, Ordering::Relaxed);
        let result = result_of(&sent);
        metrics::counter!("webhook_attempts_total", "result" => result).increment(1);
        metrics::histogram!("webhook_attempt_duration_seconds", "result" => result)
            .record(took.as_secs_f64());
        let ms = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
        self.write(due, at, ms, &sent)
    }

    /// The message: type, time and data (Standard Webhooks, "Payload structure").
    fn body(&self, due: &Due) -> Result<Vec<u8>, StoreError> {
        let mut data = Map::new();
        let of_contact = due.subject_type == Subject::Contact.as_str();
        let consent = due.event.starts_with("consent.");
        let name = if consent { "contact_id" } else { "id" };
        data.insert(name.to_owned(), json!(due.subject_id));
        if let Value::Object(members) = &due.data {
            data.extend(members.clone());
        }
        let actor = json!({"type": due.actor_type, "id": due.actor_id});
        data.insert("actor".to_owned(), actor);
        data.insert("job_id".to_owned(), json!(due.job_id));
        if of_contact && self.receiver.include_contact {
            // as it is now: what was purged meanwhile is not sent any more
            let contact = self
                .environment
                .db
                .read(self.workspace(), |tenant| read::get(tenant, ContactId(due.subject_id)))?;
            let shown = contact.map_or(Value::Null, self.environment.show_contact);
            data.insert("contact".to_owned(), shown);
        }
        let timestamp = due.at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let body = json!({"type": due.event, "timestamp": timestamp, "data": data});
        Ok(body.to_string().into_bytes())
    }

    /// Writes what came of an attempt. A database that is away for a moment is waited for: otherwise the event would
    /// be sent again.
    fn write(
        &self,
        due: &Due,
        at: DateTime<Utc>,
        ms: i64,
        sent: &Result<Answer, Failure>,
    ) -> Result<Then, StoreError> {
        let mut tried = 0;
        loop {
            let written = self
                .environment
                .db
                .write(self.workspace(), |tenant| self.outcome(tenant, due, at, ms, sent));
            match written {
                Err(StoreError::Busy(_)) if tried < WRITES => {
                    tried += 1;
                    std::thread::sleep(WRITE_AGAIN_AFTER);
                }
                done => return done,
            }
        }
    }

    fn outcome(
        &self,
        tenant: &mut Tenant<'_>,
        due: &Due,
        at: DateTime<Utc>,
        ms: i64,
        sent: &Result<Answer, Failure>,
    ) -> Result<Then, StoreError> {
        let now = self.environment.clock.now();
        let webhook = WebhookId(self.receiver.id);
        let judged = judge(sent, now);
        let good = judged.error.is_none();
        let standing = store::count(tenant, self.receiver, good, now)?;
        let tries = due.tries.saturating_add(1);
        let next_attempt_at = match (good, judged.gone) {
            (false, false) => next_attempt(tries, judged.wish, rand::random::<f64>(), now),
            _ => None,
        };
        let state = match (good, next_attempt_at) {
            (true, _) => DeliveryState::Delivered,
            (false, Some(_)) => DeliveryState::Pending,
            (false, None) => DeliveryState::Failed,
        };
        tracing::debug!(
            event.id = %due.event_id, event.type = due.event, status = judged.status, took_ms = ms,
            state = state.as_str(), "an event was sent"
        );
        let attempt = Attempt {
            event: due.event_id.into(),
            at,
            ms,
            status: judged.status,
            error: judged.error,
            state,
            next_attempt_at,
        };
        store::record(tenant, webhook, &attempt)?;
        if good {
            return Ok(if standing.enabled { Then::GoOn } else { Then::Stop });
        }
        let since = standing.failing_since.unwrap_or(now);
        let off = if judged.gone {
            Some(SwitchedOff::Gone)
        } else {
            is_given_up(standing.failures, since, now).then_some(SwitchedOff::Failing)
        };
        if let Some(why) = off {
            self.switch_off(tenant, why, now)?;
            return Ok(Then::Stop);
        }
        match rest(standing.failures, judged.wish) {
            Some(pause) => {
                store::rest(tenant, webhook, now + pause)?;
                Ok(Then::Stop)
            }
            None if standing.enabled => Ok(Then::GoOn),
            None => Ok(Then::Stop),
        }
    }

    fn switch_off(
        &self,
        tenant: &mut Tenant<'_>,
        why: SwitchedOff,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let webhook = WebhookId(self.receiver.id);
        if !store::switch_off(tenant, webhook, why, now)? {
            return Ok(());
        }
        tracing::warn!(reason = why.as_str(), "a webhook was switched off");
        let ctx = Context {
            workspace: self.workspace(),
            actor: Actor::System,
            now,
            request_id: None,
            ip: None,
        };
        let changes = json!({"fields": ["enabled"], "reason": why.as_str()});
        audit::record(tenant, &ctx, "webhook.disable", "webhook", Some(webhook.0), Some(changes))
    }
}

/// An answer, or that there was none, in our words.
#[derive(Debug, PartialEq, Eq)]
struct Judged {
    status: Option<i32>,
    /// `None` when it was taken.
    error: Option<String>,
    /// How long the receiver wants to be left alone.
    wish: Option<chrono::TimeDelta>,
    /// It wants no more.
    gone: bool,
}

/// What came of an attempt, in a word of the metrics.
fn result_of(sent: &Result<Answer, Failure>) -> &'static str {
    match sent {
        Ok(Answer { status: 200..=299, .. }) => "delivered",
        Ok(_) => "refused",
        Err(_) => "unanswered",
    }
}

fn judge(sent: &Result<Answer, Failure>, now: DateTime<Utc>) -> Judged {
    let answer = match sent {
        Ok(answer) => answer,
        Err(failure) => {
            let error = Some(failure.to_string());
            return Judged { status: None, error, wish: None, gone: false };
        }
    };
    let status = answer.status;
    let error = match status {
        200..=299 => None,
        300..=399 => Some(format!("the receiver answered {status}; redirects are not followed")),
        410 => Some("the receiver answered 410: it wants no more".to_owned()),
        _ => Some(format!("the receiver answered {status}")),
    };
    let waits = matches!(status, 429 | 503);
    let wish = answer.retry_after.as_deref().filter(|_| waits);
    Judged {
        status: Some(i32::from(status)),
        error,
        wish: wish.and_then(|text| retry_after(text, now)),
        gone: status == 410,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PLT-3
    #[test]
    fn only_2xx_is_success_and_410_is_the_end() {
        let now: DateTime<Utc> = "2026-05-01T10:00:00Z".parse().unwrap();
        let judged = |status, retry_after: Option<&str>| {
            let retry_after = retry_after.map(str::to_owned);
            judge(&Ok(Answer { status, retry_after }), now)
        };
        let result = |status| result_of(&Ok(Answer { status, retry_after: None }));
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(judged(status, None).error, None, "{status}");
            assert_eq!(result(status), "delivered");
        }
        for status in [101, 301, 302, 307, 400, 401, 404, 410, 429, 500, 503, 599] {
            assert!(judged(status, None).error.is_some(), "{status}");
            assert_eq!(result(status), "refused");
        }
        assert!(judged(410, None).gone && !judged(404, None).gone);
        let minute = Some(chrono::TimeDelta::minutes(1));
        assert_eq!(judged(429, Some("60")).wish, minute);
        assert_eq!(judged(503, Some("60")).wish, minute);
        assert_eq!(judged(500, Some("60")).wish, None, "it means nothing there");
        assert_eq!(judge(&Err(Failure::Timeout), now).status, None);
        assert_eq!(result_of(&Err(Failure::Timeout)), "unanswered");
    }
}
