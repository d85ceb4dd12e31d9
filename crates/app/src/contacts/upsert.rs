//! A contact found by its key and changed, or made when nobody has the key.
//!
//! The writer lock of the workspace is taken alone, so any number of callers with one key make one
//! contact. Only live contacts are found: when all that have the key are in the trash, the upsert is
//! refused. Restoring what somebody deleted, or making a second contact beside it, would both be done
//! behind that person's back.

use serde_json::{Map, Value};

use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::patch::{ContactPatch, Patch, Reading};
use kartoteka_domain::faults::Fault;
use kartoteka_persistence::Tenant;
use kartoteka_persistence::contacts::Stored;
use kartoteka_persistence::contacts::read::Key;

use super::batch::{self, Item, Outcome, Upserted};
use super::{reading, references, room};
use crate::context::Context;
use crate::error::Error;

/// The key with this name in a path or an item.
#[must_use]
pub fn key_named(name: &str) -> Option<Key> {
    match name {
        "external_id" => Some(Key::ExternalId),
        "email" => Some(Key::Email),
        _ => None,
    }
}

/// What an upsert did.
#[derive(Debug)]
pub struct Done {
    /// The contact as it is now.
    pub contact: Stored,
    /// Created, updated or unchanged.
    pub result: Upserted,
    /// Names of the fields that changed.
    pub changed: Vec<String>,
}

/// Changes the contact whose key has this value, or makes it. `guard` sees the contact that was found, if
/// one was, before anything is written.
///
/// # Errors
/// All faults of the body, `ambiguous_key`, `conflict` when the key is in the trash only,
/// `contact_limit_reached`, what `guard` says.
pub fn upsert<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    key: Key,
    value: &str,
    body: &Map<String, Value>,
    guard: impl FnOnce(Option<&Stored>) -> Result<(), E>,
) -> Result<Done, E> {
    let reading = reading(tenant, ctx).map_err(Error::from)?;
    let (patch, mut faults) = ContactPatch::read_all(body, "#", reading);
    let unknown = references::faults(tenant, [&patch]).map_err(Error::from)?;
    faults.extend(unknown.into_iter().flatten());
    let item = read(key, value, patch, faults, reading).map_err(Error::invalid)?;
    let room = room::enter_alone(tenant).map_err(Error::from)?;
    let mut work = batch::Work::begin(tenant, ctx, room, std::slice::from_ref(&item))?;
    guard(work.found(&item))?;
    let outcome = work.upsert(&item);
    work.write(tenant, ctx)?;
    match outcome {
        Outcome::Done { contact, result, changed } => {
            Ok(Done { contact: super::get(tenant, contact)?, result, changed })
        }
        Outcome::Refused(error) => Err(error.into()),
    }
}

/// Reads the value beside the body, whose faults were `found`. The body may repeat the key's field, in any spelling, but not contradict it.
fn read(
    key: Key,
    value: &str,
    patch: ContactPatch,
    found: Vec<Fault>,
    reading: Reading,
) -> Result<Item, Vec<Fault>> {
    let field = field(key);
    let alone = Map::from_iter([(field.to_owned(), Value::from(value))]);
    let mut faults = Vec::new();
    let named = ContactPatch::read(&alone, "?", reading).unwrap_or_else(|found| {
        faults.extend(found.into_iter().map(|fault| Fault { pointer: "?value".into(), ..fault }));
        ContactPatch::default()
    });
    faults.extend(found);
    if !faults.is_empty() {
        return Err(faults);
    }
    let Some(wanted) = key_of(key, &named) else {
        return Err(vec![Fault::new("?value", Code::TooShort, "The key has a value.")]);
    };
    let contradicts = match key {
        Key::ExternalId => {
            !patch.external_id.is_absent() && key_of(key, &patch) != Some(wanted.clone())
        }
        Key::Email => !patch.email.is_absent() && key_of(key, &patch) != Some(wanted.clone()),
    };
    if contradicts {
        let detail = "The field in the body is not the key in the path.";
        return Err(vec![Fault::new(format!("#/{field}"), Code::InvalidValue, detail)]);
    }
    Ok(Item { key, value: wanted, named, patch, at: "#".to_owned() })
}

/// The field of the body that holds the key.
pub(super) fn field(key: Key) -> &'static str {
    match key {
        Key::ExternalId => "external_id",
        Key::Email => "email",
    }
}

/// The normalised value of the key in a patch that sets it.
pub(super) fn key_of(key: Key, patch: &ContactPatch) -> Option<String> {
    match key {
        Key::ExternalId => match &patch.external_id {
            Patch::Set(value) => Some(value.clone()),
            Patch::Absent | Patch::Clear => None,
        },
        Key::Email => match &patch.email {
            Patch::Set(email) => Some(email.key().to_owned()),
            Patch::Absent | Patch::Clear => None,
        },
    }
}
