//! Automation rules and scenarios: made, changed, switched on and off (SCN-1, SCN-2, SCN-4). Both are one here; what is
//! a rule's or a scenario's own says the domain.

pub(crate) mod bulk;
pub mod runs;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value, json};
use uuid::Uuid;

use kartoteka_domain::codes::Code;
use kartoteka_domain::consents::ledger::Channel;
use kartoteka_domain::contacts::phone::Region;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::fields::FieldType;
use kartoteka_domain::ids::{DefinitionId, FunnelId};
use kartoteka_domain::scenarios::catalogue::Thing;
use kartoteka_domain::scenarios::read::{self, Draft};
use kartoteka_domain::scenarios::{Kind, MAX_DEFINITIONS};
use kartoteka_domain::segments::read::missing;
use kartoteka_domain::segments::unfold::measure;
use kartoteka_domain::tags::TagName;
use kartoteka_persistence::consents::bulk as purposes;
use kartoteka_persistence::definitions as store;
use kartoteka_persistence::funnels::stages;
use kartoteka_persistence::segments::{self as trees, saved as segments};
use kartoteka_persistence::workspaces::WriterLock;
use kartoteka_persistence::{StoreError, Tenant, fields, funnels, tags, workspaces};

use crate::access::audit;
use crate::context::Context;
use crate::error::Error;
use crate::segments::{together, too_large};

pub use kartoteka_persistence::definitions::{Definition, Hold, list};

/// What keeps a definition from being switched on; nothing when it can be.
#[must_use]
pub fn problems(kind: Kind, definition: &Definition) -> Vec<Fault> {
    stored(kind, definition).problems
}

/// A definition as it was saved, its national phone numbers read in the region they were written in.
fn stored(kind: Kind, definition: &Definition) -> Draft {
    let members = definition.body.as_object().cloned().unwrap_or_default();
    read::read(kind, &members, Region::parse(&definition.phone_region).ok(), false)
}

/// A definition.
///
/// # Errors
/// `not_found`.
pub fn get(tenant: &mut Tenant<'_>, kind: Kind, id: DefinitionId) -> Result<Definition, Error> {
    store::get(tenant, kind, id, Hold::No)?.ok_or(Error::NotFound)
}

/// Saves a definition. One that is switched off may be half made.
///
/// # Errors
/// All faults at once, also what is missing when it is to be switched on; `rule_exists`, `scenario_exists`, `too_many`.
pub fn create(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    kind: Kind,
    members: &Map<String, Value>,
) -> Result<Definition, Error> {
    segments::lock(tenant)?;
    let phone_region = workspaces::get(tenant)?.phone_region;
    let draft = read::read(kind, members, Region::parse(&phone_region).ok(), true);
    let faults = faults_of(tenant, &draft, draft.faults.clone())?;
    let (Some(name), true) = (&draft.name, faults.is_empty()) else {
        return Err(Error::invalid(faults));
    };
    // under the lock: two at once are counted one after the other
    if store::count(tenant, kind)? >= MAX_DEFINITIONS {
        let detail = format!("A workspace has at most {MAX_DEFINITIONS} {}s.", kind.as_str());
        let limit = json!({ "limit": MAX_DEFINITIONS });
        return Err(Error::refused_with(Code::TooMany, detail, limit));
    }
    let id = ctx.new_id();
    let definition = Definition {
        id,
        name: name.as_str().to_owned(),
        name_key: name.key().to_owned(),
        description: draft.description.clone(),
        enabled: draft.enabled,
        version: 1,
        body: draft.body.clone(),
        phone_region,
        used: false,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    store::put(tenant, kind, &definition).map_err(|error| exists(kind, error))?;
    store::put_version(tenant, kind, &definition, &draft.segments, &draft.names)?;
    put_starts(tenant, kind, id, &draft)?;
    audit::record(
        tenant,
        ctx,
        &format!("{}.create", kind.as_str()),
        kind.as_str(),
        Some(id),
        None,
    )?;
    get(tenant, kind, DefinitionId(id))
}

/// Changes a definition: a merge patch, in which lists are replaced as a whole. What it consists of becomes another
/// version; runs under way go on with theirs. `guard` sees it as it is now.
///
/// # Errors
/// `not_found`, all faults at once as of [`create`], what `guard` says.
pub fn update<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    kind: Kind,
    id: DefinitionId,
    members: &Map<String, Value>,
    guard: impl FnOnce(&Definition) -> Result<(), E>,
) -> Result<Definition, E> {
    segments::lock(tenant).map_err(Error::from)?;
    let mut phone_region = workspaces::get(tenant).map_err(Error::from)?.phone_region;
    // what no definition has is told of what was sent: merging would leave a null out
    let mut told = read::read(kind, members, Region::parse(&phone_region).ok(), false).faults;
    let Some(before) = store::get(tenant, kind, id, Hold::Change).map_err(Error::from)? else {
        return Err(if told.is_empty() { Error::NotFound } else { Error::invalid(told) }.into());
    };
    told.retain(|fault| matches!(fault.code, Code::UnknownField | Code::ReadOnlyField));
    if told.is_empty() {
        guard(&before)?;
    }
    // what is not sent keeps the meaning it was saved with
    if !["conditions", "nodes"].iter().any(|member| members.contains_key(*member)) {
        phone_region.clone_from(&before.phone_region);
    }
    let changed = || -> Result<Definition, Error> {
        let merged = merged(&before, members);
        let draft = read::read(kind, &merged, Region::parse(&phone_region).ok(), true);
        let faults = faults_of(tenant, &draft, together(told, draft.faults.clone()))?;
        let (Some(name), true) = (&draft.name, faults.is_empty()) else {
            return Err(Error::invalid(faults));
        };
        let mut after = Definition {
            name: name.as_str().to_owned(),
            name_key: name.key().to_owned(),
            description: draft.description.clone(),
            enabled: draft.enabled,
            ..before.clone()
        };
        let mut fields = differing(kind, &before, &draft);
        let versions = fields.iter().any(|field| kind.members().contains(field));
        for (field, differs) in [
            ("name", before.name != after.name),
            ("description", before.description != after.description),
            ("enabled", before.enabled != after.enabled),
        ] {
            fields.extend(differs.then_some(field));
        }
        if fields.is_empty() {
            return Ok(before);
        }
        after.updated_at = ctx.now;
        if versions {
            after.version += 1;
            after.body = draft.body.clone();
            after.phone_region = phone_region;
        }
        store::put(tenant, kind, &after).map_err(|error| exists(kind, error))?;
        if versions {
            store::put_version(tenant, kind, &after, &draft.segments, &draft.names)?;
        }
        put_starts(tenant, kind, id.0, &draft)?;
        let action = format!("{}.update", kind.as_str());
        let changes = json!({"fields": fields, "version": after.version});
        audit::record(tenant, ctx, &action, kind.as_str(), Some(id.0), Some(changes))?;
        get(tenant, kind, id)
    };
    Ok(changed()?)
}

/// Takes a definition away. Runs that ended still say what they went through.
///
/// # Errors
/// `not_found`, `in_use` while contacts are on their way through it, what `guard` says.
pub fn delete<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    kind: Kind,
    id: DefinitionId,
    guard: impl FnOnce(&Definition) -> Result<(), E>,
) -> Result<(), E> {
    let gone = |tenant: &mut Tenant<'_>| -> Result<(), Error> {
        // counted after the lock: who started a run before has committed
        let runs = store::runs::active(tenant, id)?;
        if runs > 0 {
            let detail = format!(
                "{runs} contacts are on their way through it; end their runs or let them end, and switch it off meanwhile."
            );
            return Err(Error::refused_with(Code::InUse, detail, json!({"runs": runs})));
        }
        store::delete(tenant, kind, id, ctx.now)?;
        let action = format!("{}.delete", kind.as_str());
        Ok(audit::record(tenant, ctx, &action, kind.as_str(), Some(id.0), None)?)
    };
    segments::lock(tenant).map_err(Error::from)?;
    let before = store::get(tenant, kind, id, Hold::Change).map_err(Error::from)?;
    guard(&before.ok_or(Error::NotFound)?)?;
    Ok(gone(tenant)?)
}

/// The definition with the changes laid over it (RFC 7396).
fn merged(before: &Definition, members: &Map<String, Value>) -> Map<String, Value> {
    let mut whole = before.body.clone();
    if let Value::Object(whole) = &mut whole {
        whole.insert("name".into(), before.name.clone().into());
        whole.insert("description".into(), before.description.clone().into());
        whole.insert("enabled".into(), before.enabled.into());
    }
    lay(&mut whole, &Value::Object(members.clone()));
    match whole {
        Value::Object(mut whole) => {
            // a switch cannot be cleared, and a null that is sent is told
            whole.entry("enabled").or_insert(Value::Null);
            whole
        }
        _ => Map::new(),
    }
}

fn lay(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    if let Value::Object(target) = target {
        for (name, value) in patch {
            if value.is_null() {
                target.remove(name);
            } else {
                lay(target.entry(name).or_insert(Value::Null), value);
            }
        }
    }
}

fn differing(kind: Kind, before: &Definition, draft: &Draft) -> Vec<&'static str> {
    let differs = |member: &&&str| before.body.get(**member) != draft.body.get(**member);
    kind.members().iter().filter(differs).copied().collect()
}

/// All that keeps a draft from being saved as it says: `found`, and what it names and does not exist, what grows too
/// large with its segments, and, of one that is to be switched on, what is missing. What it names is held until the
/// end of the transaction. The caller holds the lock on segments.
fn faults_of(
    tenant: &mut Tenant<'_>,
    draft: &Draft,
    found: Vec<Fault>,
) -> Result<Vec<Fault>, Error> {
    let named = draft.things.iter().filter(|(_, thing, _)| *thing == Thing::Funnel);
    // before their stages, as whoever removes one does
    funnels::hold(tenant, named.map(|(.., id)| *id).collect())?;
    let existing = trees::hold(tenant, &draft.references)?;
    let mut faults = missing(&draft.references, |target| existing.holds(target));
    let webhooks = draft.things.iter().filter(|(_, thing, _)| *thing == Thing::Webhook);
    let webhooks: Vec<(&String, Uuid)> = webhooks.map(|(at, _, id)| (at, *id)).collect();
    let known = store::hold_webhooks(tenant, webhooks.iter().map(|(_, id)| *id).collect())?;
    for (at, _) in webhooks.iter().filter(|(_, id)| !known.contains(id)) {
        let detail = "There is no such webhook.";
        faults.push(Fault::new(at.as_str(), Code::UnknownReference, detail));
    }
    let named = draft.things.iter().filter(|(_, thing, _)| *thing == Thing::Funnel);
    let mut known: BTreeMap<Uuid, bool> = BTreeMap::new();
    for (at, _, id) in named {
        let is_there = match known.get(id) {
            Some(is_there) => *is_there,
            None => funnels::get(tenant, FunnelId(*id), funnels::Hold::Use)?.is_some(),
        };
        if !known.insert(*id, is_there).unwrap_or(is_there) {
            let detail = "There is no such funnel.";
            faults.push(Fault::new(at.as_str(), Code::UnknownReference, detail));
        }
    }
    let library = segments::library(tenant, &draft.segments)?;
    for condition in &draft.conditions {
        if let Err(error) = measure(&condition.meant, &library) {
            faults.push(too_large(&condition.pointer, error));
        }
    }
    let unfit = unfit(tenant, draft)?;
    let known = |fault: &Fault| faults.iter().any(|known| known.pointer == fault.pointer);
    let unfit: Vec<Fault> = unfit.into_iter().filter(|fault| !known(fault)).collect();
    faults.extend(unfit);
    if draft.enabled {
        faults.extend(draft.problems.iter().cloned());
    }
    let faults = together(found, faults);
    if faults.is_empty() {
        let keys = draft.names.iter().filter(|(kind, _)| *kind == "tag");
        tags::hold(tenant, keys.map(|(_, key)| key.clone()).collect())?;
    }
    Ok(faults)
}

/// What exists and does not fit: a stage of another funnel, a purpose of another channel, a value that the definition of
/// its detail does not take, a detail that holds no day.
fn unfit(tenant: &mut Tenant<'_>, draft: &Draft) -> Result<Vec<Fault>, Error> {
    let mut faults = Vec::new();
    let ids = draft.placed.iter().map(|(_, stage, _)| stage.0).collect();
    let funnel_of: HashMap<Uuid, Uuid> =
        stages::hold(tenant, ids)?.into_iter().map(|stage| (stage.id, stage.funnel_id)).collect();
    for (at, stage, funnel) in &draft.placed {
        if funnel_of.get(&stage.0).is_some_and(|of| *of != funnel.0) {
            let detail = "The stage is one of another funnel.";
            faults.push(Fault::new(at.as_str(), Code::InvalidValue, detail));
        }
    }
    for channel in [Channel::Email, Channel::Sms] {
        let named = draft.purposes.iter().filter(|(.., wanted)| *wanted == channel);
        let named: Vec<_> = named.collect();
        if named.is_empty() {
            continue;
        }
        let of_channel = purposes::purposes_of(tenant, channel)?;
        for (at, name, _) in named {
            if !of_channel.iter().any(|purpose| purpose.name == *name) {
                let detail = format!("This is no purpose of the channel {}.", channel.as_str());
                faults.push(Fault::new(at.as_str(), Code::InvalidValue, detail));
            }
        }
    }
    let details = draft.values.iter().map(|(_, name, _)| name);
    let details: BTreeSet<&String> =
        details.chain(draft.days.iter().map(|(_, name)| name)).collect();
    if !details.is_empty() {
        // shared with those who write values: who changes a definition, or deletes it, comes before or behind
        fields::lock(tenant, WriterLock::Shared)?;
    }
    let definitions = fields::definitions(tenant, details.into_iter().cloned().collect())?;
    for (at, name, value) in &draft.values {
        faults.extend(definitions.get(name).and_then(|field| field.fault(value, at)));
    }
    for (at, name) in &draft.days {
        if definitions.get(name).is_some_and(|field| field.field_type != FieldType::Date) {
            let detail = "The field is not defined as a date: it holds no day.";
            faults.push(Fault::new(at.as_str(), Code::InvalidValue, detail));
        }
    }
    Ok(faults)
}

fn put_starts(
    tenant: &mut Tenant<'_>,
    kind: Kind,
    id: Uuid,
    draft: &Draft,
) -> Result<(), StoreError> {
    let starts = if draft.enabled { draft.starts.as_slice() } else { &[] };
    store::put_starts(tenant, kind, DefinitionId(id), starts)
}

fn exists(kind: Kind, error: StoreError) -> Error {
    match (error.constraint(), kind) {
        (Some("definitions_name_key"), Kind::Rule) => Error::refused(
            Code::RuleExists,
            "There is a rule with this name; names are compared without case.",
        ),
        (Some("definitions_name_key"), Kind::Scenario) => Error::refused(
            Code::ScenarioExists,
            "There is a scenario with this name; names are compared without case.",
        ),
        _ => Error::Store(error),
    }
}

/// How many rules and scenarios name a thing that somebody wants to delete: in their present version, or in one that a
/// contact is on its way through. `kind` is a word of [`read::Name`].
///
/// # Errors
/// What the database said.
pub(crate) fn count_naming(
    tenant: &mut Tenant<'_>,
    kind: &str,
    name: &str,
) -> Result<i64, StoreError> {
    store::count_naming(tenant, &[(kind, name)])
}

/// As [`count_naming`], of those that name any of these, each once.
///
/// # Errors
/// What the database said.
pub(crate) fn count_naming_any(
    tenant: &mut Tenant<'_>,
    names: &[(&str, &str)],
) -> Result<i64, StoreError> {
    store::count_naming(tenant, names)
}

/// Follows a tag that is renamed: all versions that name it name it anew. The caller holds the lock on segments.
///
/// # Errors
/// What the database said.
pub(crate) fn follow_tag(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    key: &str,
    name: &TagName,
) -> Result<(), StoreError> {
    let mut versions = store::naming_tag(tenant, key)?;
    if versions.is_empty() {
        return Ok(());
    }
    for version in &mut versions {
        read::rename_tag(&mut version.body, key, name);
    }
    store::put_texts(tenant, &versions, ctx.now)?;
    store::rename_tag(tenant, key, name)?;
    let mut rewritten = Rewritten::new();
    for version in &versions {
        rewritten.entry((version.kind.clone(), version.id)).or_default().insert("tags");
    }
    follow_rewritten(tenant, ctx, rewritten)
}

/// The definitions that were rewritten, by the words of their kinds and their ids, with the names of what was.
pub(crate) type Rewritten = BTreeMap<(String, Uuid), BTreeSet<&'static str>>;

/// What was rewritten in definitions is looked for in what starts them, and written down, once for each.
///
/// # Errors
/// What the database said.
pub(crate) fn follow_rewritten(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    mut rewritten: Rewritten,
) -> Result<(), StoreError> {
    for kind in Kind::ALL.iter().copied() {
        let of: Rewritten = rewritten.extract_if(.., |(of, _), _| of == kind.as_str()).collect();
        for (_, id) in of.keys() {
            let now = store::get(tenant, kind, DefinitionId(*id), Hold::No)?;
            if let Some(now) = now.filter(|now| now.enabled) {
                let starts = stored(kind, &now).starts;
                store::put_starts(tenant, kind, DefinitionId(*id), &starts)?;
            }
        }
        let line = |((_, id), fields)| (id, Some(json!({ "fields": fields })));
        let lines = of.into_iter().map(line).collect();
        let action = format!("{}.update", kind.as_str());
        audit::record_each(tenant, ctx, &action, kind.as_str(), lines)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7396
    #[test]
    fn changes_are_laid_over_what_is_there() {
        let mut whole = json!({"event": {"type": "a", "tag": "b"}, "actions": [1, 2], "limits": {"interval": "P1D"}});
        let patch = json!({"event": {"tag": "c"}, "actions": [3], "limits": {"interval": null}, "delay": null, "x": {"y": null}});
        lay(&mut whole, &patch);
        let expected =
            json!({"event": {"type": "a", "tag": "c"}, "actions": [3], "limits": {}, "x": {}});
        assert_eq!(whole, expected);
    }
}
