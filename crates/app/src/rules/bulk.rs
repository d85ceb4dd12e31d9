//! Running a rule for many contacts (MGR-K).

use uuid::Uuid;

use kartoteka_domain::codes::Code;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::{DefinitionId, JobId};
use kartoteka_domain::scenarios::Kind;
use kartoteka_domain::scenarios::runs::{Limits, begin};
use kartoteka_persistence::Tenant;
use kartoteka_persistence::definitions::{self, Definition, Hold};

use crate::context::Context;
use crate::definitions::bulk::{Starting, start_for_job};
use crate::definitions::runs::nowhere;
use crate::error::Error;
use crate::frozen::Dids;

/// What keeps a rule from being run; `at` is the pointer of the action. The rule is held until the end of the
/// transaction.
///
/// # Errors
/// What the database said.
pub(crate) fn check_run_rule(
    tenant: &mut Tenant<'_>,
    rule: Uuid,
    at: &str,
) -> Result<Vec<Fault>, Error> {
    Ok(usable(tenant, rule, at)?.err().into_iter().collect())
}

fn usable(
    tenant: &mut Tenant<'_>,
    rule: Uuid,
    at: &str,
) -> Result<Result<Definition, Fault>, Error> {
    let at = format!("{at}/rule_id");
    Ok(match definitions::get(tenant, Kind::Rule, DefinitionId(rule), Hold::Use)? {
        None => Err(Fault::new(at, Code::UnknownReference, "There is no such rule.")),
        Some(rule) if !rule.enabled => {
            let detail = "The rule is switched off; switch it on first.";
            Err(Fault::new(at, Code::RuleDisabled, detail))
        }
        Some(rule) => Ok(rule),
    })
}

/// Starts the rule for each of these contacts, its event skipped. Delays are honoured, and so are its limits per
/// contact, which count all runs before, whoever started them: `run_limit_reached`, `interval_not_over`. Conditions are
/// asked when they are due, or not at all. A contact that is on its way through it is left alone (`already_running`):
/// the same steps twice side by side would send everything twice.
///
/// Runs that were started stay when the job is cancelled, and cannot be undone: what they did may be out of the house.
///
/// # Errors
/// As [`check_run_rule`] tells, when the rule was taken away or switched off meanwhile; what the database said.
pub(crate) fn run_rule(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    job: JobId,
    rule: Uuid,
    check_conditions: bool,
    ids: &[Uuid],
) -> Result<Dids, Error> {
    let rule = usable(tenant, rule, "#/actions")?.map_err(|fault| Error::invalid(vec![fault]))?;
    let beginning = begin(Kind::Rule, &rule.body, "", ctx.now).ok_or_else(|| nowhere(&rule))?;
    let starting = Starting {
        definition: &rule,
        beginning: &beginning,
        check_conditions,
        limits: Some(Limits::of(&rule.body)),
    };
    start_for_job(tenant, ctx, job, &starting, ids)
}
