//! Running a scenario for many contacts (MGR-L).

use uuid::Uuid;

use kartoteka_domain::codes::Code;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::{DefinitionId, JobId};
use kartoteka_domain::scenarios::Kind;
use kartoteka_domain::scenarios::runs::{begin, starts};
use kartoteka_persistence::Tenant;
use kartoteka_persistence::definitions::{self, Definition, Hold};

use crate::context::Context;
use crate::definitions::bulk::{Starting, start_for_job};
use crate::definitions::runs::nowhere;
use crate::error::Error;
use crate::frozen::Dids;

/// What keeps a scenario from being run for many contacts; `at` is the pointer of the action. The scenario is held until
/// the end of the transaction.
///
/// # Errors
/// What the database said.
pub(crate) fn check_run_scenario(
    tenant: &mut Tenant<'_>,
    scenario: Uuid,
    at: &str,
) -> Result<Vec<Fault>, Error> {
    Ok(usable(tenant, scenario, at)?.err().into_iter().collect())
}

/// The scenario, and its only start.
fn usable(
    tenant: &mut Tenant<'_>,
    scenario: Uuid,
    at: &str,
) -> Result<Result<(Definition, String), Fault>, Error> {
    let at = format!("{at}/scenario_id");
    let found = definitions::get(tenant, Kind::Scenario, DefinitionId(scenario), Hold::Use)?;
    let Some(scenario) = found else {
        let detail = "There is no such scenario.";
        return Ok(Err(Fault::new(at, Code::UnknownReference, detail)));
    };
    if !scenario.enabled {
        let detail = "The scenario is switched off; switch it on first.";
        return Ok(Err(Fault::new(at, Code::ScenarioDisabled, detail)));
    }
    let starts: Vec<String> = starts(&scenario.body).into_iter().map(str::to_owned).collect();
    Ok(match starts.as_slice() {
        [only] => Ok((scenario, only.clone())),
        several => {
            let detail = format!(
                "Only a scenario with exactly one start event can be run for many contacts; this one has {}.",
                several.len()
            );
            Err(Fault::new(at, Code::InvalidValue, detail))
        }
    })
}

/// Starts the scenario for each of these contacts, its event skipped. Waits are honoured; its limits per contact do not
/// bind. A contact that is on its way through it is left alone (`already_running`): the same steps twice side by side
/// would send everything twice. Who came to the end may go again.
///
/// Runs that were started stay when the job is cancelled, and cannot be undone: what they did may be out of the house.
///
/// # Errors
/// As [`check_run_scenario`] tells, when the scenario was taken away, switched off or given another start meanwhile; what
/// the database said.
pub(crate) fn run_scenario(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    scenario: Uuid,
    ids: &[Uuid],
) -> Result<Dids, Error> {
    let (scenario, start) =
        usable(tenant, scenario, "#/actions")?.map_err(|fault| Error::invalid(vec![fault]))?;
    let beginning =
        begin(Kind::Scenario, &scenario.body, &start, ctx.now).ok_or_else(|| nowhere(&scenario))?;
    let starting = Starting {
        definition: &scenario,
        beginning: &beginning,
        check_conditions: true,
        limits: None,
    };
    start_for_job(tenant, ctx, job, &starting, ids)
}
