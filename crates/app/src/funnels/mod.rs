//! Funnels, their stages, and putting contacts into them (MGR-I).

pub(crate) mod bulk;
pub mod contacts;
pub mod stages;

use std::collections::HashMap;

use serde_json::json;
use uuid::Uuid;

use kartoteka_domain::classes::{self, ClassName};
use kartoteka_domain::codes::Code;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::funnels::MAX_FUNNELS;
use kartoteka_domain::ids::{FunnelId, StageId};
use kartoteka_domain::segments::NameKind;
use kartoteka_persistence::funnels::stages as stage_store;
use kartoteka_persistence::funnels::{self as store, Hold};
use kartoteka_persistence::{StoreError, Tenant, workspaces};

use crate::access::audit;
use crate::context::Context;
use crate::definitions;
use crate::error::Error;
use crate::segments::saved;

pub use kartoteka_persistence::funnels::stages::{CountedStage, Stage};
pub use kartoteka_persistence::funnels::{Funnel, Use};

/// A funnel with its stages, and how many contacts are in each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// The funnel.
    pub funnel: Funnel,
    /// Its stages in their order.
    pub stages: Vec<CountedStage>,
}

/// Funnels in order of their names, behind the key `after`, each with its stages; `part` is a part of the key.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    part: Option<&str>,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(Funnel, Vec<Stage>)>, Error> {
    let funnels = store::list(tenant, part, after, limit)?;
    let ids = funnels.iter().map(|funnel| funnel.id).collect();
    let mut stages: HashMap<Uuid, Vec<Stage>> = HashMap::new();
    for stage in stage_store::of(tenant, ids)? {
        stages.entry(stage.funnel_id).or_default().push(stage);
    }
    let whole = |funnel: Funnel| {
        let stages = stages.remove(&funnel.id).unwrap_or_default();
        (funnel, stages)
    };
    Ok(funnels.into_iter().map(whole).collect())
}

/// One funnel.
///
/// # Errors
/// `not_found`.
pub fn get(tenant: &mut Tenant<'_>, id: FunnelId) -> Result<Whole, Error> {
    let funnel = store::get(tenant, id, Hold::No)?.ok_or(Error::NotFound)?;
    Ok(Whole { funnel, stages: stage_store::list(tenant, id, None, usize::MAX)? })
}

/// The name of a stage in a request, and where it stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The name.
    pub name: String,
    /// Pointer to it.
    pub at: String,
}

/// Makes a funnel with these stages, in this order.
///
/// # Errors
/// All faults of the names, `funnel_exists`, `too_many`.
pub fn create(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    name: &str,
    stages: &[Named],
) -> Result<Whole, Error> {
    let mut faults = Vec::new();
    let name = classes::read_name(name, "#/name", &mut faults);
    let mut named: Vec<(StageId, ClassName)> = Vec::new();
    for Named { name, at } in stages {
        let Some(name) = classes::read_name(name, at, &mut faults) else { continue };
        if named.iter().any(|(_, other)| other.key() == name.key()) {
            let detail =
                "Another stage of the list has this name; names are compared without case.";
            faults.push(Fault::new(at, Code::InvalidValue, detail));
        }
        named.push((StageId(ctx.new_id()), name));
    }
    let Some(name) = name.filter(|_| faults.is_empty()) else {
        return Err(Error::invalid(faults));
    };
    // two at once are counted one after the other
    workspaces::get_for_update(tenant)?;
    if store::count(tenant)? >= MAX_FUNNELS {
        let detail = format!("A workspace has at most {MAX_FUNNELS} funnels.");
        return Err(Error::refused_with(Code::TooMany, detail, json!({ "limit": MAX_FUNNELS })));
    }
    let id = FunnelId(ctx.new_id());
    store::insert(tenant, id, &name, ctx.now).map_err(exists)?;
    record(tenant, ctx, "funnel.create", "funnel", id.0, &[])?;
    if !named.is_empty() {
        stage_store::insert(tenant, id, 0, &named, ctx.now).map_err(exists)?;
        let ids = named.iter().map(|(stage, _)| (stage.0, Some(json!({ "funnel_id": id }))));
        audit::record_each(tenant, ctx, "funnel_stage.create", "funnel_stage", ids.collect())?;
    }
    get(tenant, id)
}

/// Gives a funnel another name. `guard` sees it as it is now.
///
/// # Errors
/// `not_found`, what is wrong with the name, `funnel_exists`, what `guard` says.
pub fn update<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: FunnelId,
    name: Option<&str>,
    guard: impl FnOnce(&Whole) -> Result<(), E>,
) -> Result<Whole, E> {
    let name = name.map(parse).transpose()?;
    lock(tenant, id)?;
    let before = get(tenant, id)?;
    guard(&before)?;
    let Some(name) = name.filter(|name| name.as_str() != before.funnel.name) else {
        return Ok(before);
    };
    let mut written = || -> Result<Whole, Error> {
        store::update(tenant, id, Some(&name), ctx.now).map_err(exists)?;
        record(tenant, ctx, "funnel.update", "funnel", id.0, &["name"])?;
        get(tenant, id)
    };
    Ok(written()?)
}

/// Removes a funnel with its stages, when no contact is in them, neither live nor in the trash, and no segment, rule or
/// scenario names one.
///
/// # Errors
/// `not_found`, `funnel_in_use` with the counts, what `guard` says.
pub fn delete<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: FunnelId,
    guard: impl FnOnce(&Whole) -> Result<(), E>,
) -> Result<(), E> {
    lock(tenant, id)?;
    stage_store::lock(tenant, id).map_err(Error::from)?;
    // counted after the lock: who entered before has committed
    let whole = get(tenant, id)?;
    guard(&whole)?;
    let mut removed = || -> Result<(), Error> {
        let ids: Vec<Uuid> = whole.stages.iter().map(|one| one.stage.id).collect();
        InUse::of(tenant, Some(id), &ids)?.refuse(Code::FunnelInUse)?;
        store::delete(tenant, id)?;
        let lines = whole.stages.iter();
        let lines = lines.map(|one| (one.stage.id, Some(json!({ "funnel_id": id })))).collect();
        audit::record_each(tenant, ctx, "funnel_stage.delete", "funnel_stage", lines)?;
        Ok(record(tenant, ctx, "funnel.delete", "funnel", id.0, &[])?)
    };
    Ok(removed()?)
}

/// Who uses stages that are to go: each once, in however many of them.
struct InUse {
    contacts: Use,
    segments: i64,
    /// Rules and scenarios.
    definitions: i64,
}

impl InUse {
    /// Of these stages, and of the funnel itself where it goes too.
    fn of(
        tenant: &mut Tenant<'_>,
        funnel: Option<FunnelId>,
        stages: &[Uuid],
    ) -> Result<Self, StoreError> {
        let funnel = funnel.map(|id| id.0.to_string());
        let ids: Vec<String> = stages.iter().map(Uuid::to_string).collect();
        let names = ids.iter().map(|id| (NameKind::Stage.as_str(), id.as_str()));
        let names: Vec<(&str, &str)> =
            names.chain(funnel.iter().map(|id| ("funnel", id.as_str()))).collect();
        Ok(Self {
            contacts: stage_store::contacts_in(tenant, stages)?,
            definitions: definitions::count_naming_any(tenant, &names)?,
            segments: saved::count_naming_any(tenant, NameKind::Stage, ids)?,
        })
    }

    fn refuse(&self, code: Code) -> Result<(), Error> {
        let Self { contacts: Use { live, trash }, segments, definitions } = self;
        if live + trash + segments + definitions == 0 {
            return Ok(());
        }
        Err(Error::refused_with(
            code,
            format!(
                "{live} contacts and {trash} in the trash are in it, {segments} segments and {definitions} rules and scenarios name \
                 it; take it off them first."
            ),
            json!({"live": live, "trash": trash, "segments": segments, "definitions": definitions}),
        ))
    }
}

/// The funnel, which nobody else changes until the end of the transaction, nor its stages.
fn lock(tenant: &mut Tenant<'_>, id: FunnelId) -> Result<Funnel, Error> {
    store::get(tenant, id, Hold::Change)?.ok_or(Error::NotFound)
}

fn parse(name: &str) -> Result<ClassName, Error> {
    let mut faults = Vec::new();
    classes::read_name(name, "#/name", &mut faults).ok_or_else(|| Error::invalid(faults))
}

fn record(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    action: &str,
    noun: &str,
    id: Uuid,
    fields: &[&str],
) -> Result<(), StoreError> {
    let changes = (!fields.is_empty()).then(|| json!({ "fields": fields }));
    audit::record(tenant, ctx, action, noun, Some(id), changes)
}

fn exists(error: StoreError) -> Error {
    let code = match error.constraint() {
        Some("funnels_name_key") => Code::FunnelExists,
        Some("funnel_stages_name_key") => Code::StageExists,
        _ => return Error::Store(error),
    };
    Error::refused(code, format!("{} Names are compared without case.", code.title()))
}
