//! The catalogue of purposes and their wordings (CNS-2).

use serde_json::json;

use kartoteka_domain::codes::Code;
use kartoteka_domain::consents::ledger::{Channel, MAX_PURPOSE_NAME_CHARS, is_purpose_name};
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::PurposeId;
use kartoteka_domain::segments::NameKind;
use kartoteka_persistence::consents::{self as store, Hold};
use kartoteka_persistence::{StoreError, Tenant};

use crate::access::audit;
use crate::context::Context;
use crate::definitions;
use crate::error::Error;
use crate::segments::saved;

pub use kartoteka_persistence::consents::{Purpose, Version, purposes as list};

/// A purpose with all its wordings.
///
/// # Errors
/// `not_found`.
pub fn get(tenant: &mut Tenant<'_>, id: PurposeId) -> Result<(Purpose, Vec<Version>), Error> {
    let purpose = store::purpose(tenant, id, Hold::No)?.ok_or(Error::NotFound)?;
    Ok((purpose, store::versions(tenant, id)?))
}

/// The purpose of this name.
///
/// # Errors
/// What the database said.
pub fn named(tenant: &mut Tenant<'_>, name: &str) -> Result<Option<Purpose>, Error> {
    Ok(store::purpose_named(tenant, name, Hold::No)?)
}

/// Makes a purpose with the first version of its wording.
///
/// # Errors
/// `invalid_value` for a name that is none, `purpose_exists`.
pub fn create(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    name: &str,
    channel: Channel,
    title: &str,
    wording: &str,
) -> Result<(Purpose, Vec<Version>), Error> {
    if !is_purpose_name(name) {
        let detail = format!(
            "A name has at most {MAX_PURPOSE_NAME_CHARS} lower-case letters, digits and underscores, and begins with a letter."
        );
        return Err(Error::invalid(vec![Fault::new("#/name", Code::InvalidValue, detail)]));
    }
    let (title, wording) = (written("#/title", title)?, written("#/wording", wording)?);
    let purpose = Purpose {
        id: ctx.new_id(),
        name: name.to_owned(),
        channel: channel.as_str().to_owned(),
        title,
        version: 1,
        wording,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    store::insert_purpose(tenant, &purpose).map_err(exists)?;
    audit::record(tenant, ctx, "purpose.create", "purpose", Some(purpose.id), None)?;
    get(tenant, PurposeId(purpose.id))
}

/// Changes the title, or gives the purpose a new wording, which becomes its next version. Consents given
/// before keep the version they were given for.
///
/// # Errors
/// `not_found`, what `guard` says of the purpose as it is now.
pub fn update<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: PurposeId,
    title: Option<&str>,
    wording: Option<&str>,
    guard: impl FnOnce(&Purpose, &[Version]) -> Result<(), E>,
) -> Result<(Purpose, Vec<Version>), E> {
    let (before, versions) = lock(tenant, id)?;
    guard(&before, &versions)?;
    let title = title.map(|text| written("#/title", text)).transpose()?;
    let wording = wording.map(|text| written("#/wording", text)).transpose()?;
    let mut after = before.clone();
    after.title = title.unwrap_or(after.title);
    after.wording = wording.unwrap_or(after.wording);
    let mut fields = Vec::new();
    if after.title != before.title {
        fields.push("title");
    }
    if after.wording != before.wording {
        after.version += 1;
        fields.push("wording");
    }
    if fields.is_empty() {
        return Ok((before, versions));
    }
    after.updated_at = ctx.now;
    let mut changed = || -> Result<_, Error> {
        store::update_purpose(tenant, &after)?;
        if after.version != before.version {
            store::insert_version(tenant, &after)?;
        }
        let changes = json!({"fields": fields, "version": after.version});
        audit::record(tenant, ctx, "purpose.update", "purpose", Some(id.0), Some(changes))?;
        get(tenant, id)
    };
    Ok(changed()?)
}

/// Removes a purpose that neither the ledger nor a saved segment, rule or scenario knows.
///
/// # Errors
/// `not_found`, `purpose_in_use`, what `guard` says.
pub fn delete<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: PurposeId,
    guard: impl FnOnce(&Purpose, &[Version]) -> Result<(), E>,
) -> Result<(), E> {
    let (purpose, versions) = lock(tenant, id)?;
    guard(&purpose, &versions)?;
    let mut gone = || -> Result<(), Error> {
        if store::purpose_in_use(tenant, id)? {
            let detail = "The consent ledger has entries of this purpose; it stays with them.";
            return Err(Error::refused(Code::PurposeInUse, detail));
        }
        let segments = saved::count_naming(tenant, NameKind::Purpose, &purpose.name)?;
        let definitions = definitions::count_naming(tenant, "purpose", &purpose.name)?;
        if segments + definitions > 0 {
            let detail = format!(
                "{segments} segments and {definitions} rules and scenarios name the purpose; take it out of them first."
            );
            return Err(Error::refused_with(
                Code::PurposeInUse,
                detail,
                json!({"segments": segments, "definitions": definitions}),
            ));
        }
        store::delete_purpose(tenant, id)?;
        Ok(audit::record(tenant, ctx, "purpose.delete", "purpose", Some(id.0), None)?)
    };
    Ok(gone()?)
}

fn lock(tenant: &mut Tenant<'_>, id: PurposeId) -> Result<(Purpose, Vec<Version>), Error> {
    let purpose = store::purpose(tenant, id, Hold::Change)?.ok_or(Error::NotFound)?;
    Ok((purpose, store::versions(tenant, id)?))
}

fn written(at: &str, text: &str) -> Result<String, Error> {
    match text.trim() {
        "" => Err(Error::invalid(vec![Fault::new(at, Code::TooShort, "Write something here.")])),
        text => Ok(text.to_owned()),
    }
}

fn exists(error: StoreError) -> Error {
    match error.constraint() {
        Some("purposes_name_key") => {
            Error::refused(Code::PurposeExists, Code::PurposeExists.title())
        }
        _ => Error::Store(error),
    }
}
