//! Runs of rules and scenarios (SCN-3): seen, started for one contact or for many, ended.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::owners::Deed;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::{ContactId, DefinitionId, RunId};
use kartoteka_domain::scenarios::Kind;
use kartoteka_domain::scenarios::runs::{Origin, begin, starts};
use kartoteka_persistence::definitions::runs as store;
use kartoteka_persistence::definitions::{self, Definition, Hold};
use kartoteka_persistence::{StoreError, Tenant};

use crate::access::audit;
use crate::contacts::{self, patch, permission};
use crate::context::Context;
use crate::error::Error;

pub use kartoteka_persistence::definitions::runs::{Run, RunFilter};

/// Runs of a contact, newest first.
///
/// # Errors
/// `not_found`.
pub fn of_contact(
    tenant: &mut Tenant<'_>,
    contact: ContactId,
    filter: RunFilter,
    limit: usize,
) -> Result<Vec<Run>, Error> {
    contacts::get(tenant, contact)?;
    Ok(store::list(tenant, &RunFilter { contact: Some(contact), ..filter }, limit)?)
}

/// Runs through a definition, newest first.
///
/// # Errors
/// `not_found`.
pub fn of_definition(
    tenant: &mut Tenant<'_>,
    kind: Kind,
    id: DefinitionId,
    filter: RunFilter,
    limit: usize,
) -> Result<Vec<Run>, Error> {
    super::get(tenant, kind, id)?;
    Ok(store::list(tenant, &RunFilter { definition: Some(id), ..filter }, limit)?)
}

/// How many runs through a definition are in each state.
///
/// # Errors
/// `not_found`.
pub fn count(
    tenant: &mut Tenant<'_>,
    kind: Kind,
    id: DefinitionId,
) -> Result<BTreeMap<String, i64>, Error> {
    super::get(tenant, kind, id)?;
    Ok(store::counts(tenant, id)?)
}

/// One run of a contact.
///
/// # Errors
/// `not_found`.
pub fn get(tenant: &mut Tenant<'_>, contact: ContactId, id: RunId) -> Result<Run, Error> {
    store::get(tenant, contact, id)?.ok_or(Error::NotFound)
}

/// Puts a contact on its way through a scenario, by hand. Its event is skipped, its limits per contact do not bind.
/// `start` says where, for a scenario that has several starts.
///
/// # Errors
/// `not_found`, `not_permitted`, `conflict` when the contact is in the trash, `unknown_reference`,
/// `scenario_disabled`, faults of `start`, `already_running`.
pub fn start(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    scenario: DefinitionId,
    start: Option<&str>,
) -> Result<Run, Error> {
    patch::refuse_in_trash(&permission::lock_for(tenant, ctx, contact, Deed::Change)?)?;
    let Some(definition) = definitions::get(tenant, Kind::Scenario, scenario, Hold::Use)? else {
        let detail = "There is no such scenario.";
        let fault = Fault::new("#/scenario_id", Code::UnknownReference, detail);
        return Err(Error::invalid(vec![fault]));
    };
    if !definition.enabled {
        let detail = "The scenario is switched off; switch it on first.";
        return Err(Error::refused(Code::ScenarioDisabled, detail));
    }
    let known = starts(&definition.body);
    let start = match (start, known.as_slice()) {
        (None, [only]) => *only,
        (Some(start), known) if known.contains(&start) => start,
        (said, known) => {
            let (code, detail) = match said {
                None => (Code::MissingField, "The scenario has several starts; say which."),
                Some(_) => (Code::UnknownReference, "The scenario has no start with this id."),
            };
            let detail = format!("{detail} It has: {}.", known.join(", "));
            return Err(Error::invalid(vec![Fault::new("#/start", code, detail)]));
        }
    };
    let beginning = begin(Kind::Scenario, &definition.body, start, ctx.now)
        .ok_or_else(|| nowhere(&definition))?;
    let id = ctx.new_id();
    let queue = store::Queue {
        definition: scenario,
        version: definition.version,
        beginning: &beginning,
        origin: Origin::Manual,
        job: None,
        actor: ctx.actor,
        check_conditions: true,
        limits: None,
        now: ctx.now,
    };
    let queued = store::queue(tenant, &queue, &[(contact.0, id)])?;
    if queued.iter().any(|one| one.reason.is_some()) {
        let detail = "The contact is on its way through this scenario; end that run first.";
        return Err(Error::refused(Code::AlreadyRunning, detail));
    }
    let changes = begun(contact.0, &definition);
    audit::record(tenant, ctx, "run.create", "run", Some(id), Some(changes))?;
    get(tenant, contact, RunId(id))
}

/// What the trail keeps of a run that was started.
pub(crate) fn begun(contact: Uuid, definition: &Definition) -> Value {
    json!({"contact_id": contact, "definition_id": definition.id, "version": definition.version})
}

/// Ends a run of a contact. A step that a worker is about has no effect any more. `guard` sees it as it is now.
///
/// # Errors
/// `not_found`, `not_permitted`, `conflict` when it has ended already, what `guard` says.
pub fn end<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    contact: ContactId,
    id: RunId,
    guard: impl FnOnce(&Run) -> Result<(), E>,
) -> Result<(), E> {
    get(tenant, contact, id)?;
    permission::lock_for(tenant, ctx, contact, Deed::Change)?;
    guard(&get(tenant, contact, id)?)?;
    let ended = |tenant: &mut Tenant<'_>| -> Result<(), Error> {
        if !store::end(tenant, id, "by_hand", ctx.now)? {
            return Err(Error::refused(Code::Conflict, "The run has ended already."));
        }
        let changes = json!({"contact_id": contact, "fields": ["state"]});
        Ok(audit::record(tenant, ctx, "run.end", "run", Some(id.0), Some(changes))?)
    };
    Ok(ended(tenant)?)
}

/// The stored definition leads nowhere, though it is switched on: it was checked when it was.
pub(crate) fn nowhere(definition: &Definition) -> Error {
    Error::Store(StoreError::Inconsistent {
        table: "definition_versions",
        problem: format!("{} is switched on and leads nowhere", definition.id),
    })
}
