//! Doing again what a restored database has forgotten.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::{Map, json};
use uuid::Uuid;

use kartoteka_domain::actor::Actor;
use kartoteka_domain::consents::ledger::Channel;
use kartoteka_domain::ids::{ErasureId, WorkspaceId};
use kartoteka_persistence::contacts::read;
use kartoteka_persistence::erasures::{self as store, Erasure, elsewhere};
use kartoteka_persistence::{Db, StoreError, Tenant, workspaces};

use super::journal::{self, Line};
use super::{enqueue, written};
use crate::consents::suppression;
use crate::context::Context;
use crate::error::Error;
use crate::worker::{JobError, Run, wake};

/// Contacts whose hashes are made at once.
const CHUNK: i64 = 10_000;
/// Erasures a record is looked for of at once.
const KNOWN_AT_ONCE: usize = 1_000;

/// What reading a journal led to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Erasures the journal names.
    pub lines: usize,
    /// Of them, those that this database knows.
    pub known: usize,
    /// Those that are done again: it did not know them, or they had failed.
    pub again: usize,
    /// Those of workspaces that are not here.
    pub elsewhere: usize,
    /// Lines that cannot be read.
    pub unreadable: usize,
}

/// Why a journal was not replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file cannot be read.
    #[error("the journal of erasures cannot be read: {0}")]
    Journal(#[from] io::Error),
    /// What the database said.
    #[error(transparent)]
    Store(#[from] Error),
}

impl From<StoreError> for ReplayError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.into())
    }
}

/// Has every erasure of the journal done that the database does not know, or that failed. The work is done by jobs;
/// any number of processes may call this at once, and again at any time.
///
/// # Errors
/// See [`ReplayError`].
pub fn replay(db: &Db, path: &Path, now: DateTime<Utc>) -> Result<Replayed, ReplayError> {
    let journal = journal::read(path)?;
    let mut done = Replayed {
        lines: journal.lines.len(),
        unreadable: journal.unreadable,
        ..Replayed::default()
    };
    if journal.lines.is_empty() {
        return Ok(done);
    }
    let here: Vec<Uuid> =
        db.system(workspaces::all)?.into_iter().map(|workspace| workspace.id).collect();
    let mut by_workspace: BTreeMap<Uuid, Vec<Line>> = BTreeMap::new();
    for line in journal.lines {
        by_workspace.entry(line.workspace).or_default().push(line);
    }
    for (workspace, lines) in by_workspace {
        if !here.contains(&workspace) {
            done.elsewhere += lines.len();
            continue;
        }
        let workspace = WorkspaceId(workspace);
        for lines in lines.chunks(KNOWN_AT_ONCE) {
            let ids = lines.iter().map(|line| line.erasure).collect();
            let states: HashMap<Uuid, String> =
                db.read(workspace, |tenant| store::states(tenant, ids))?.into_iter().collect();
            for line in lines {
                let state = states.get(&line.erasure).map(String::as_str);
                if matches!(state, Some("requested" | "done")) {
                    done.known += 1;
                    continue;
                }
                let again = db.write(workspace, |tenant| one(tenant, workspace, line, now))?;
                *if again { &mut done.again } else { &mut done.known } += 1;
            }
        }
    }
    if done.again > 0 {
        wake();
    }
    Ok(done)
}

/// Writes record and job of one; `false` when somebody else did.
fn one(
    tenant: &mut Tenant<'_>,
    workspace: WorkspaceId,
    line: &Line,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let ctx = Context { workspace, actor: Actor::System, now, request_id: None, ip: None };
    let mut payload = Map::new();
    payload.insert("erasure_id".into(), json!(line.erasure));
    let job = enqueue(tenant, &ctx, line.erasure, payload)?;
    let erasure = Erasure {
        id: line.erasure,
        state: "requested".to_owned(),
        reason: line.reason.clone(),
        suppress: line.suppress,
        by_address: line.by_address,
        contact_ids: line.contacts.clone(),
        addresses: line.addresses.clone(),
        also_used_by: Vec::new(),
        actor_type: ctx.actor.kind().to_owned(),
        actor_id: None,
        job_id: job.id,
        counts: json!({}),
        problem: None,
        requested_at: line.requested_at,
        replayed_at: Some(now),
        looked_up: false,
        erased_at: None,
    };
    if store::insert(tenant, &erasure)? {
        return Ok(true);
    }
    if store::again(tenant, line.erasure, job.id, now)? {
        return Ok(true);
    }
    // somebody else was first: their job does it
    kartoteka_persistence::retention::remove_jobs(tenant, &[job.id])?;
    Ok(false)
}

/// Looks for the contacts of replayed erasures by the hashes, for all that wait at once: whoever is not there under the
/// id that was erased may be there under the one of before a merge or another import.
pub(super) fn look_up(run: &Run<'_>) -> Result<(), JobError> {
    let waiting = run.db().read(run.workspace(), store::not_looked_up)?;
    if waiting.is_empty() {
        return Ok(());
    }
    let mut wanted: HashMap<&str, Vec<&Erasure>> = HashMap::new();
    for erasure in &waiting {
        // who is there under the id is the person; an address may have been somebody else's too at that time
        let is_there = |tenant: &mut Tenant<'_>| read::get_many(tenant, &erasure.contact_ids);
        if !erasure.by_address && !run.db().read(run.workspace(), is_there)?.is_empty() {
            continue;
        }
        for address in &erasure.addresses {
            wanted.entry(address.as_str()).or_default().push(erasure);
        }
    }
    // nobody made after the last of them is one of them
    let latest = waiting.iter().map(|erasure| erasure.requested_at).max().unwrap_or_default();
    let secret = &run.environment().secret;
    let mut found: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    let mut after = None;
    loop {
        let keys = run
            .db()
            .read(run.workspace(), |tenant| elsewhere::keys(tenant, latest, after, CHUNK))?;
        let Some(last) = keys.last() else { break };
        after = Some(last.id);
        for one in &keys {
            let addresses = [(Channel::Email, &one.email_key), (Channel::Sms, &one.phone)];
            for (channel, address) in addresses {
                let Some(address) = address else { continue };
                let hash = suppression::hash(secret, channel, address);
                let written = written(channel, &hash);
                for erasure in wanted.get(written.as_str()).into_iter().flatten() {
                    if one.made_at < erasure.requested_at {
                        found.entry(erasure.id).or_default().push(one.id);
                    }
                }
            }
        }
    }
    for erasure in &waiting {
        let contacts = found.remove(&erasure.id).unwrap_or_default();
        run.step(|tenant, _ctx, _held| Ok(store::found(tenant, erasure.id, contacts)?))?;
    }
    Ok(())
}

/// The record as it is now.
pub(super) fn record(run: &Run<'_>, id: ErasureId) -> Result<Erasure, JobError> {
    let erasure = run.db().read(run.workspace(), |tenant| store::get(tenant, id))?;
    Ok(erasure.ok_or(Error::NotFound)?)
}

/// The lines of a journal for every erasure that the database knows: to make one anew, or to fill up another.
///
/// # Errors
/// What the database said.
pub fn export(db: &Db) -> Result<String, Error> {
    let mut text = String::new();
    for workspace in db.system(workspaces::all)? {
        let workspace = WorkspaceId(workspace.id);
        let mut before = None;
        loop {
            let page = db.read(workspace, |tenant| store::list(tenant, before, KNOWN_AT_ONCE))?;
            let Some(last) = page.last() else { break };
            before = Some(last.id);
            for erasure in &page {
                text.push_str(&json!(Line::of(workspace, erasure)).to_string());
                text.push('\n');
            }
        }
    }
    Ok(text)
}
