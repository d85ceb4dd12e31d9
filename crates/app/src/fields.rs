//! Definitions of details (CON-7, CON-8, CON-9).

use serde_json::{Value, json};

use kartoteka_domain::codes::Code;
use kartoteka_domain::fields::{self as domain, Definition, FieldType};
use kartoteka_domain::ids::FieldId;
use kartoteka_domain::segments::NameKind;
use kartoteka_persistence::fields::{self as store, Hold};
use kartoteka_persistence::workspaces::WriterLock;
use kartoteka_persistence::{StoreError, Tenant};

use crate::access::audit;
use crate::context::Context;
use crate::definitions;
use crate::error::Error;
use crate::segments::saved;

pub use kartoteka_persistence::fields::{Field, Use, list};

/// A field that is to be made.
#[derive(Clone, Debug)]
pub struct NewField {
    /// Name of the detail.
    pub name: String,
    /// What people see; the name when it is missing.
    pub title: Option<String>,
    /// Its type.
    pub field_type: FieldType,
    /// The texts of a choice.
    pub choices: Option<Vec<String>>,
}

/// Changes of a field; what is missing stays.
#[derive(Clone, Debug, Default)]
pub struct FieldChanges {
    /// What people see.
    pub title: Option<String>,
    /// Its type.
    pub field_type: Option<FieldType>,
    /// The texts of a choice.
    pub choices: Option<Vec<String>>,
}

/// A field and how many contacts have a value of it.
///
/// # Errors
/// `not_found`.
pub fn get(tenant: &mut Tenant<'_>, id: FieldId) -> Result<(Field, Use), Error> {
    let field = store::get(tenant, id.0, Hold::No)?.ok_or(Error::NotFound)?;
    let usage = store::usage(tenant, &field.name)?;
    Ok((field, usage))
}

/// Makes a field. Values that contacts have under its name already must fit.
///
/// # Errors
/// All faults, `field_exists`, `field_values_do_not_fit` with the counts, `conflict` while an import is about to
/// write the detail.
pub fn create(tenant: &mut Tenant<'_>, ctx: &Context, new: &NewField) -> Result<Field, Error> {
    let mut faults = Vec::new();
    let name = domain::read_name(&new.name, "#/name", &mut faults);
    let title = new.title.as_deref().unwrap_or(&new.name);
    let at = if new.title.is_some() { "#/title" } else { "#/name" };
    // a name that cannot be one was told already
    let title = if new.title.is_some() || name.is_some() {
        domain::read_title(title, at, &mut faults)
    } else {
        None
    };
    let choices = new.choices.as_deref();
    let definition = domain::read_definition(new.field_type, choices, "#/choices", &mut faults);
    if !faults.is_empty() {
        return Err(Error::invalid(faults));
    }
    // without a fault both were read
    let (Some(name), Some(title)) = (name, title) else { return Err(Error::invalid(faults)) };
    store::lock(tenant, WriterLock::Exclusive)?;
    let field = Field {
        id: ctx.new_id(),
        name,
        title,
        field_type: definition.field_type.as_str().to_owned(),
        choices: kept(&definition),
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    store::insert(tenant, &field).map_err(exists)?;
    refuse_misfits(tenant, &field.name, &definition)?;
    audit::record(tenant, ctx, "field.create", "field", Some(field.id), None)?;
    store::get(tenant, field.id, Hold::No)?.ok_or(Error::NotFound)
}

/// Changes title, type and choices; the name stays, as the values stand under it. `guard` sees the field as it
/// is now.
///
/// # Errors
/// `not_found`, all faults, `field_values_do_not_fit` with the counts, `conflict` while an import is about to
/// write the detail, what `guard` says.
pub fn update<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: FieldId,
    changes: &FieldChanges,
    guard: impl FnOnce(&Field, Use) -> Result<(), E>,
) -> Result<(Field, Use), E> {
    let (before, usage) = lock(tenant, id)?;
    guard(&before, usage)?;
    Ok(apply(tenant, ctx, before, usage, changes)?)
}

fn apply(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    before: Field,
    usage: Use,
    changes: &FieldChanges,
) -> Result<(Field, Use), Error> {
    let mut faults = Vec::new();
    let title = changes.title.as_deref();
    let title = title.and_then(|title| domain::read_title(title, "#/title", &mut faults));
    let was = before.definition()?;
    let field_type = changes.field_type.unwrap_or(was.field_type);
    // those of another type go with it
    let stays = (field_type == FieldType::Choice).then_some(was.choices.as_slice());
    let choices = changes.choices.as_deref().or(stays);
    let definition = domain::read_definition(field_type, choices, "#/choices", &mut faults);
    if !faults.is_empty() {
        return Err(Error::invalid(faults));
    }
    let after = Field {
        title: title.unwrap_or_else(|| before.title.clone()),
        field_type: field_type.as_str().to_owned(),
        choices: kept(&definition),
        updated_at: ctx.now,
        ..before.clone()
    };
    let fields: Vec<&str> = [
        ("title", after.title != before.title),
        ("type", after.field_type != before.field_type),
        ("choices", after.choices != before.choices),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect();
    if fields.is_empty() {
        return Ok((before, usage));
    }
    if definition != was {
        refuse_misfits(tenant, &after.name, &definition)?;
    }
    store::update(tenant, &after)?;
    let changed = json!({ "fields": fields });
    audit::record(tenant, ctx, "field.update", "field", Some(after.id), Some(changed))?;
    get(tenant, FieldId(after.id))
}

/// Removes a field that no contact has a value of, neither live nor in the trash (CON-8).
///
/// # Errors
/// `not_found`, `field_in_use` with the counts, what `guard` says.
pub fn delete<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: FieldId,
    guard: impl FnOnce(&Field, Use) -> Result<(), E>,
) -> Result<(), E> {
    let (field, usage) = lock(tenant, id)?;
    guard(&field, usage)?;
    let Use { live, trash } = usage;
    let segments =
        saved::count_naming(tenant, NameKind::Detail, &field.name).map_err(Error::from)?;
    let definitions =
        definitions::count_naming(tenant, "detail", &field.name).map_err(Error::from)?;
    if live + trash + segments + definitions > 0 {
        return Err(Error::refused_with(
            Code::FieldInUse,
            format!(
                "{live} contacts and {trash} in the trash have a value of it, {segments} segments and {definitions} rules \
                 and scenarios name it; take it out of them first."
            ),
            json!({"live": live, "trash": trash, "segments": segments, "definitions": definitions}),
        )
        .into());
    }
    let gone = |tenant: &mut Tenant<'_>| -> Result<(), StoreError> {
        store::delete(tenant, id.0)?;
        audit::record(tenant, ctx, "field.delete", "field", Some(id.0), None)
    };
    Ok(gone(tenant).map_err(Error::from)?)
}

fn lock(tenant: &mut Tenant<'_>, id: FieldId) -> Result<(Field, Use), Error> {
    store::lock(tenant, WriterLock::Exclusive)?;
    let field = store::get(tenant, id.0, Hold::Change)?.ok_or(Error::NotFound)?;
    let usage = store::usage(tenant, &field.name)?;
    Ok((field, usage))
}

/// The caller holds the definitions alone: who wrote values by the old ones has committed.
fn refuse_misfits(
    tenant: &mut Tenant<'_>,
    name: &str,
    definition: &Definition,
) -> Result<(), Error> {
    let imports = store::imports_under_way(tenant, name)?;
    if !imports.is_empty() {
        let detail =
            "An import that is planned or runs writes this detail; wait for it, or cancel it.";
        return Err(Error::refused_with(Code::Conflict, detail, json!({"import_ids": imports})));
    }
    let Use { live, trash } = store::misfits(tenant, name, definition)?;
    if live + trash == 0 {
        return Ok(());
    }
    Err(Error::refused_with(
        Code::FieldValuesDoNotFit,
        format!(
            "{live} contacts and {trash} in the trash have a value that does not fit; change or remove those first."
        ),
        json!({"live": live, "trash": trash}),
    ))
}

fn kept(definition: &Definition) -> Option<Value> {
    (definition.field_type == FieldType::Choice).then(|| json!(definition.choices))
}

fn exists(error: StoreError) -> Error {
    match error.constraint() {
        Some("fields_name_key") => Error::refused(Code::FieldExists, Code::FieldExists.title()),
        _ => Error::Store(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_choices_keep_choices() {
        let of = |field_type| Definition { field_type, choices: vec!["a".into()] };
        assert_eq!(kept(&of(FieldType::Choice)), Some(json!(["a"])));
        assert_eq!(kept(&of(FieldType::Text)), None);
    }
}
