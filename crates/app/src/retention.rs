//! What a workspace need not keep goes after its time (TRS-5): once a day by itself, or when somebody asks; and before
//! that anybody may see how much it would be.
//!
//! Beside these rules, and for all workspaces: kept answers of an `Idempotency-Key` go after a day, events and the log
//! of their deliveries after 30 days, refresh tokens when they have ended ([`crate::access::maintenance`]).

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use kartoteka_domain::actor::Actor;
use kartoteka_domain::ids::{DocumentId, ImportId};
use kartoteka_domain::jobs::JobState;
use kartoteka_domain::retention::{Kind, Rules};
use kartoteka_persistence::contacts::read;
use kartoteka_persistence::definitions::{self, runs};
use kartoteka_persistence::documents;
use kartoteka_persistence::jobs::{self, Job, Progress};
use kartoteka_persistence::retention as store;
use kartoteka_persistence::{Db, StoreError, Tenant};

use crate::access::audit;
use crate::contacts::room;
use crate::context::Context;
use crate::error::{Error, Refusal};
use crate::imports::forget;
use crate::jobs::start_alone;
use crate::trash;
use crate::worker::{Ended, JobError, Run, Work};

pub use kartoteka_persistence::retention::Retention;

/// Name of the jobs in the queue.
const KIND: &str = "retention_run";
/// Rows removed in one transaction.
const ROWS: i64 = 20_000;
/// Contacts purged in one transaction: each takes a statement for every table.
const CONTACTS: i64 = 500;
/// Jobs, or proofs of entries, removed in one transaction.
const RECORDS: i64 = 1_000;
/// Pieces of an upload that broke off are kept so long: it may only be slow.
const BROKEN_UPLOAD_HOURS: i64 = 24;

/// How many things of each kind went, or would go.
pub type Counts = BTreeMap<&'static str, i64>;

/// The rules, and when they were looked after.
///
/// # Errors
/// What the database said.
pub fn get(tenant: &mut Tenant<'_>) -> Result<Retention, StoreError> {
    store::get(tenant, false)
}

/// Puts other rules in the place of those that are there. `guard` sees them as they are.
///
/// # Errors
/// What the database said, or what `guard` says.
pub fn put<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    rules: &Rules,
    guard: impl FnOnce(&Retention) -> Result<(), E>,
) -> Result<Retention, E> {
    let before = store::get(tenant, true).map_err(Error::from)?;
    guard(&before)?;
    let mut written = || -> Result<Retention, Error> {
        if before.rules() != *rules {
            store::put(tenant, rules, ctx.now)?;
            let changed =
                Kind::ALL.iter().filter(|kind| before.rules().days(**kind) != rules.days(**kind));
            let told: serde_json::Map<_, _> = changed
                .map(|kind| {
                    let days = json!([before.rules().days(*kind), rules.days(*kind)]);
                    (kind.as_str().to_owned(), days)
                })
                .collect();
            let workspace = Some(tenant.workspace().0);
            audit::record(
                tenant,
                ctx,
                "retention.update",
                "workspace",
                workspace,
                Some(told.into()),
            )?;
        }
        Ok(store::get(tenant, false)?)
    };
    Ok(written()?)
}

/// Since when things of a kind are over their time, where there is a rule.
fn limit(rules: &Rules, kind: Kind, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    now.checked_sub_signed(TimeDelta::days(rules.days(kind)?))
}

/// How much a run would remove now.
///
/// # Errors
/// What the database said.
pub fn would_remove(tenant: &mut Tenant<'_>, ctx: &Context) -> Result<Counts, StoreError> {
    let rules = store::get(tenant, false)?.rules();
    let mut counts = Counts::new();
    for kind in Kind::ALL {
        let n = match limit(&rules, *kind, ctx.now) {
            Some(before) => store::count(tenant, *kind, before)?,
            None => 0,
        };
        counts.insert(kind.as_str(), n);
    }
    Ok(counts)
}

/// Has the rules followed now.
///
/// # Errors
/// `conflict` while a run is under way.
pub fn start(tenant: &mut Tenant<'_>, ctx: &Context) -> Result<Job, Error> {
    let id = start_alone(tenant, ctx, (KIND, json!({})), "retention.run", "A run is under way.")?;
    crate::jobs::get(tenant, id)
}

/// Removes a part of what is over its time; 0 when nothing is left.
fn part(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    kind: Kind,
    before: DateTime<Utc>,
) -> Result<usize, Error> {
    let most = match kind {
        Kind::ImportRows
        | Kind::ImportFiles
        | Kind::ImportsOpen
        | Kind::JobContacts
        | Kind::Documents => 1,
        Kind::Jobs | Kind::ConsentEvidence => RECORDS,
        Kind::Runs => ROWS,
        Kind::Trash => CONTACTS,
    };
    if kind == Kind::Trash {
        room::enter_beside(tenant)?;
    }
    let mut ids = store::some(tenant, kind, before, most)?;
    if matches!(kind, Kind::JobContacts | Kind::Jobs) && !ids.is_empty() {
        ids = store::hold_jobs(tenant, &ids)?;
        if ids.is_empty() {
            // somebody began to undo them just now: next time they are not among those that are over
            return part(tenant, ctx, kind, before);
        }
    }
    let Some(first) = ids.first().copied() else { return Ok(0) };
    Ok(match kind {
        Kind::ImportRows => store::remove_import_rows(tenant, ImportId(first), ROWS)?,
        Kind::ImportFiles => usize::from(forget::file(tenant, ImportId(first))?),
        Kind::ImportsOpen => usize::from(forget::abandon(tenant, ctx, ImportId(first), before)?),
        Kind::JobContacts => store::remove_job_contacts(tenant, first, ROWS)?,
        Kind::Documents => usize::from(documents::delete(tenant, DocumentId(first))?),
        Kind::Jobs => store::remove_jobs(tenant, &ids)?,
        Kind::Runs => {
            let gone = runs::remove(tenant, &ids)?;
            // once, behind the last part
            if i64::try_from(ids.len()).unwrap_or(i64::MAX) < most {
                definitions::remove_old_versions(tenant)?;
            }
            gone
        }
        Kind::Trash => {
            read::lock(tenant, &ids)?;
            trash::purge_all(tenant, ctx, &ids, None)?
        }
        Kind::ConsentEvidence => store::remove_evidence(tenant, &ids)?,
    })
}

/// The job.
pub(crate) struct RetentionWork;

impl Work for RetentionWork {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn run(&self, run: &mut Run<'_>) -> Result<Ended, JobError> {
        let now = run.job().created_at;
        let rules = run.db().read(run.workspace(), |tenant| store::get(tenant, false))?.rules();
        // what went before a worker died is in the counts of the job
        let mut counts: BTreeMap<String, i64> =
            serde_json::from_value(run.job().counts.clone()).unwrap_or_default();
        for kind in Kind::ALL {
            counts.entry(kind.as_str().to_owned()).or_default();
        }
        for kind in Kind::ALL {
            let Some(before) = limit(&rules, *kind, now) else { continue };
            loop {
                let gone = run.step(|tenant, ctx, held| {
                    if held.cancel_requested {
                        return run.end(tenant, JobState::Cancelled, None).map(Err);
                    }
                    let gone = part(tenant, ctx, *kind, before)?;
                    *counts.entry(kind.as_str().to_owned()).or_default() +=
                        i64::try_from(gone).unwrap_or(i64::MAX);
                    let done = counts.values().sum();
                    let told = Some(json!(counts));
                    run.advance(tenant, &Progress { done, counts: told, ..Progress::default() })?;
                    Ok(Ok(gone))
                })?;
                match gone {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(ended) => return Ok(ended),
                }
            }
        }
        run.step(|tenant, ctx, _held| {
            let broken = ctx.now - TimeDelta::hours(BROKEN_UPLOAD_HOURS);
            store::remove_broken_uploads(tenant, broken)?;
            run.end(tenant, JobState::Succeeded, None)
        })
    }

    fn on_failed(
        &self,
        _: &mut Tenant<'_>,
        _: &Context,
        _: &Job,
        _: &Refusal,
    ) -> Result<(), Error> {
        // what is gone is gone, and the next run goes on
        Ok(())
    }

    fn on_cancelled(&self, _: &mut Tenant<'_>, _: &Context, _: &Job) -> Result<(), Error> {
        Ok(())
    }
}

/// Follows the rules of every workspace whose day is over; how many things went. A worker calls it now and then; however
/// many do, each workspace is looked after once a day.
///
/// # Errors
/// What the database said; what was not done then is done the next day.
pub fn look_after(db: &Db, now: DateTime<Utc>) -> Result<i64, Error> {
    let mut all = 0;
    while let Some(workspace) = db.system(|conn| store::due(conn, now))? {
        let ctx = Context { workspace, actor: Actor::System, now, request_id: None, ip: None };
        let rules = db.read(workspace, |tenant| store::get(tenant, false))?.rules();
        let mut counts = Counts::new();
        for kind in Kind::ALL {
            let Some(before) = limit(&rules, *kind, now) else { continue };
            loop {
                let gone = db.write(workspace, |tenant| {
                    jobs::lift_timeouts(tenant)?;
                    part(tenant, &ctx, *kind, before)
                })?;
                if gone == 0 {
                    break;
                }
                *counts.entry(kind.as_str()).or_default() +=
                    i64::try_from(gone).unwrap_or(i64::MAX);
            }
        }
        db.write(workspace, |tenant| {
            let broken = now - TimeDelta::hours(BROKEN_UPLOAD_HOURS);
            store::remove_broken_uploads(tenant, broken)?;
            if !counts.is_empty() {
                let (id, told) = (Some(workspace.0), Some(json!(counts)));
                audit::record(tenant, &ctx, "retention.done", "workspace", id, told)?;
            }
            Ok::<_, Error>(())
        })?;
        all += counts.values().sum::<i64>();
    }
    Ok(all)
}
