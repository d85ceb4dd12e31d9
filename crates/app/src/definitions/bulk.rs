//! Starting runs for many contacts at once: what rules (MGR-K) and scenarios (MGR-L) share.

use std::collections::HashMap;

use uuid::Uuid;

use kartoteka_domain::ids::{DefinitionId, JobId};
use kartoteka_domain::scenarios::runs::{Beginning, Limits, Origin};
use kartoteka_persistence::Tenant;
use kartoteka_persistence::definitions::Definition;
use kartoteka_persistence::definitions::runs as store;

use super::runs::begun;
use crate::access::audit;
use crate::context::Context;
use crate::error::Error;
use crate::frozen::{Dids, Outcome};

/// What a job of the contact manager starts.
pub(crate) struct Starting<'a> {
    /// The definition, which is held.
    pub(crate) definition: &'a Definition,
    /// Where the runs begin.
    pub(crate) beginning: &'a Beginning,
    /// Whether conditions of a rule are asked when they are due.
    pub(crate) check_conditions: bool,
    /// The limits that bind.
    pub(crate) limits: Option<Limits>,
}

/// Starts a run for each of these contacts that may have one, and says of all of them what became of it. The contacts
/// are locked.
///
/// # Errors
/// What the database said.
pub(crate) fn start_for_job(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    starting: &Starting<'_>,
    ids: &[Uuid],
) -> Result<Dids, Error> {
    let wanted: Vec<(Uuid, Uuid)> = ids.iter().map(|id| (*id, ctx.new_id())).collect();
    let queue = store::Queue {
        definition: DefinitionId(starting.definition.id),
        version: starting.definition.version,
        beginning: starting.beginning,
        origin: Origin::ContactManager,
        job: Some(job),
        actor: ctx.actor,
        check_conditions: starting.check_conditions,
        limits: starting.limits,
        now: ctx.now,
    };
    let runs: HashMap<Uuid, Uuid> = wanted.iter().copied().collect();
    let mut lines = Vec::new();
    let mut dids = Dids::with_capacity(ids.len());
    for queued in store::queue(tenant, &queue, &wanted)? {
        let outcome = match queued.reason {
            Some(reason) => Outcome::Skipped(reason),
            None => {
                let told = Some(begun(queued.contact_id, starting.definition));
                lines.extend(runs.get(&queued.contact_id).map(|run| (*run, told)));
                Outcome::Applied
            }
        };
        dids.insert(queued.contact_id, outcome.into());
    }
    audit::record_each_for_job(tenant, ctx, "run.create", "run", lines, Some(job.0))?;
    Ok(dids)
}
