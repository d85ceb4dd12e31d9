//! Settings and use of the workspace (TRS-3).

use serde_json::{Map, Value, json};

use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::phone::Region;
use kartoteka_domain::contacts::place::{Language, TimeZone};
use kartoteka_domain::faults::Fault;
use kartoteka_persistence::workspaces;
use kartoteka_persistence::{StoreError, Tenant};

use crate::access::audit;
use crate::context::Context;
use crate::error::Error;

pub use kartoteka_persistence::workspaces::{Usage, Workspace};

/// Other settings; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct WorkspaceChanges {
    /// Another name.
    pub name: Option<String>,
    /// Most contacts, trash included.
    pub contact_limit: Option<i64>,
    /// Region of national phone numbers.
    pub phone_region: Option<String>,
    /// Language of people whose own is not known.
    pub language: Option<String>,
    /// Time zone of people whose own is not known.
    pub time_zone: Option<String>,
    /// Whether an owner whom the contact manager assigns starts scenarios.
    pub scenarios_on_owner_assigned: Option<bool>,
}

/// The settings and what the workspace holds.
///
/// # Errors
/// What the database said.
pub fn get(tenant: &mut Tenant<'_>) -> Result<(Workspace, Usage), StoreError> {
    Ok((workspaces::get(tenant)?, workspaces::usage(tenant)?))
}

/// Changes the settings. `check` sees them as they are (If-Match). A limit below what is there is taken:
/// nothing is deleted, and nothing can be added.
///
/// # Errors
/// All faults of the input, `conflict` when the name is taken, or what `check` says.
pub fn update<E: From<Error> + From<StoreError>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    changes: WorkspaceChanges,
    check: impl FnOnce(&(Workspace, Usage)) -> Result<(), E>,
) -> Result<(Workspace, Usage), E> {
    let present = (workspaces::get_for_update(tenant)?, workspaces::usage(tenant)?);
    check(&present)?;
    let (before, usage) = present;
    let mut after = before.clone();
    let WorkspaceChanges {
        name,
        contact_limit,
        phone_region,
        language,
        time_zone,
        scenarios_on_owner_assigned,
    } = changes;
    let mut faults = Vec::new();
    if let Some(name) = name {
        let name = name.trim();
        if name.is_empty() {
            faults.push(Fault::new("#/name", Code::TooShort, "A workspace needs a name."));
        }
        name.clone_into(&mut after.name);
    }
    if let Some(limit) = contact_limit {
        after.contact_limit = limit;
    }
    if let Some(raw) = phone_region {
        match Region::parse(&raw) {
            Ok(region) => after.phone_region = region.as_str().to_owned(),
            Err(_unknown) => {
                let detail = "This is not a region with phone numbers (ISO 3166, such as CZ).";
                faults.push(Fault::new("#/phone_region", Code::InvalidCountry, detail));
            }
        }
    }
    if let Some(raw) = language {
        match Language::parse(&raw) {
            Ok(language) => after.language = language.as_str().to_owned(),
            Err(_unknown) => {
                faults.push(Fault::new(
                    "#/language",
                    Code::InvalidLanguage,
                    Code::InvalidLanguage.title(),
                ));
            }
        }
    }
    if let Some(raw) = time_zone {
        match TimeZone::parse(&raw) {
            Ok(zone) => after.time_zone = zone.as_str().to_owned(),
            Err(_unknown) => {
                faults.push(Fault::new(
                    "#/time_zone",
                    Code::InvalidTimeZone,
                    Code::InvalidTimeZone.title(),
                ));
            }
        }
    }
    if let Some(starts) = scenarios_on_owner_assigned {
        after.scenarios_on_owner_assigned = starts;
    }
    if !faults.is_empty() {
        return Err(Error::invalid(faults).into());
    }
    if after != before {
        after.updated_at = ctx.now;
        workspaces::update(tenant, &after)?;
        let told = told(&before, &after);
        audit::record(tenant, ctx, "workspace.update", "workspace", Some(after.id), Some(told))?;
    }
    Ok((after, usage))
}

fn told(before: &Workspace, after: &Workspace) -> Value {
    let pairs = [
        ("name", json!(before.name), json!(after.name)),
        ("contact_limit", json!(before.contact_limit), json!(after.contact_limit)),
        ("phone_region", json!(before.phone_region), json!(after.phone_region)),
        ("language", json!(before.language), json!(after.language)),
        ("time_zone", json!(before.time_zone), json!(after.time_zone)),
        (
            "scenarios_on_owner_assigned",
            json!(before.scenarios_on_owner_assigned),
            json!(after.scenarios_on_owner_assigned),
        ),
    ];
    let changed = pairs.into_iter().filter(|(_, before, after)| before != after);
    let told: Map<String, Value> =
        changed.map(|(name, before, after)| (name.to_owned(), json!([before, after]))).collect();
    Value::Object(told)
}
