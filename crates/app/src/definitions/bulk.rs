//! Rules (MGR-K) and scenarios (MGR-L) run for many contacts at once.

use std::collections::HashMap;

use uuid::Uuid;

use kartoteka_domain::codes::Code;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::{DefinitionId, JobId};
use kartoteka_domain::scenarios::Kind;
use kartoteka_domain::scenarios::runs::{Limits, Origin, begin, starts};
use kartoteka_persistence::Tenant;
use kartoteka_persistence::definitions::runs as store;
use kartoteka_persistence::definitions::{self, Definition, Hold};

use super::runs::{begun, nowhere};
use crate::access::audit;
use crate::context::Context;
use crate::error::Error;
use crate::frozen::{Dids, Outcome};

/// What keeps a rule or scenario from being run for many contacts; `at` is the pointer of the action. It is held until the
/// end of the transaction.
///
/// # Errors
/// What the database said.
pub(crate) fn check_run(
    tenant: &mut Tenant<'_>,
    kind: Kind,
    id: Uuid,
    at: &str,
) -> Result<Vec<Fault>, Error> {
    Ok(usable(tenant, kind, id, at)?.err().into_iter().collect())
}

/// The definition, and the id of the start where runs of it begin; that of a rule has none.
fn usable(
    tenant: &mut Tenant<'_>,
    kind: Kind,
    id: Uuid,
    at: &str,
) -> Result<Result<(Definition, String), Fault>, Error> {
    let noun = kind.as_str();
    let fault =
        |code: Code, detail: String| Ok(Err(Fault::new(format!("{at}/{noun}_id"), code, detail)));
    let Some(found) = definitions::get(tenant, kind, DefinitionId(id), Hold::Use)? else {
        return fault(Code::UnknownReference, format!("There is no such {noun}."));
    };
    if !found.enabled {
        let code = match kind {
            Kind::Rule => Code::RuleDisabled,
            Kind::Scenario => Code::ScenarioDisabled,
        };
        return fault(code, format!("The {noun} is switched off; switch it on first."));
    }
    let known = match kind {
        Kind::Rule => vec![""],
        Kind::Scenario => starts(&found.body),
    };
    match known.as_slice() {
        [only] => {
            let only = (*only).to_owned();
            Ok(Ok((found, only)))
        }
        several => {
            let detail = format!(
                "Only a scenario with exactly one start event can be run for many contacts; this one has {}.",
                several.len()
            );
            fault(Code::InvalidValue, detail)
        }
    }
}

/// Starts a rule or scenario for each of these contacts, its event skipped; says of all of them what became of it. Delays and
/// waits are honoured. A contact that is on its way through it is left alone (`already_running`): the same steps twice side
/// by side would send everything twice. Limits per contact bind rules (MGR-K), and count all runs before, whoever started
/// them: `run_limit_reached`, `interval_not_over`; those of scenarios do not (MGR-L). Conditions of a rule are asked when they
/// are due, or not at all. The contacts are locked.
///
/// Runs that were started stay when the job is cancelled, and cannot be undone: what they did may be out of the house.
///
/// # Errors
/// As [`check_run`] tells, when it was taken away, switched off or given another start meanwhile; what the database said.
pub(crate) fn run(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    (kind, id): (Kind, Uuid),
    check_conditions: bool,
    ids: &[Uuid],
) -> Result<Dids, Error> {
    let (definition, start) =
        usable(tenant, kind, id, "#/actions")?.map_err(|fault| Error::invalid(vec![fault]))?;
    let beginning =
        begin(kind, &definition.body, &start, ctx.now).ok_or_else(|| nowhere(&definition))?;
    let wanted: Vec<(Uuid, Uuid)> = ids.iter().map(|id| (*id, ctx.new_id())).collect();
    let queue = store::Queue {
        definition: DefinitionId(definition.id),
        version: definition.version,
        beginning: &beginning,
        origin: Origin::ContactManager,
        job: Some(job),
        actor: ctx.actor,
        check_conditions,
        limits: (kind == Kind::Rule).then(|| Limits::of(&definition.body)),
        now: ctx.now,
    };
    let runs: HashMap<Uuid, Uuid> = wanted.iter().copied().collect();
    let mut lines = Vec::new();
    let mut dids = Dids::with_capacity(ids.len());
    for queued in store::queue(tenant, &queue, &wanted)? {
        let outcome = match queued.reason {
            Some(reason) => Outcome::Skipped(reason),
            None => {
                let told = Some(begun(queued.contact_id, &definition));
                lines.extend(runs.get(&queued.contact_id).map(|run| (*run, told)));
                Outcome::Applied
            }
        };
        dids.insert(queued.contact_id, outcome.into());
    }
    audit::record_each_for_job(tenant, ctx, "run.create", "run", lines, Some(job.0))?;
    Ok(dids)
}
