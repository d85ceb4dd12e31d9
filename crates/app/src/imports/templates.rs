//! Saved mappings (IMP-19): the options of a one-call import under a name.

use serde_json::Value;

use kartoteka_domain::codes::Code;
use kartoteka_domain::ids::ImportTemplateId;
use kartoteka_persistence::imports::templates;
use kartoteka_persistence::{StoreError, Tenant};

pub use kartoteka_persistence::imports::templates::Template;

use crate::access::audit;
use crate::context::Context;
use crate::error::Error;

fn name_taken(error: StoreError) -> Error {
    match error.constraint() {
        Some("import_templates_name_key") => {
            Error::refused(Code::TemplateExists, "there is a saved mapping with this name")
        }
        _ => error.into(),
    }
}

/// Saves a mapping.
///
/// # Errors
/// `template_exists`.
pub fn create(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    name: String,
    options: Value,
) -> Result<Template, Error> {
    let template =
        Template { id: ctx.new_id(), name, options, created_at: ctx.now, updated_at: ctx.now };
    templates::put(tenant, &template).map_err(name_taken)?;
    audit::record(
        tenant,
        ctx,
        "import_template.create",
        "import_template",
        Some(template.id),
        None,
    )?;
    Ok(template)
}

/// One saved mapping.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get(tenant: &mut Tenant<'_>, id: ImportTemplateId) -> Result<Template, Error> {
    templates::get(tenant, id)?.ok_or(Error::NotFound)
}

/// Saved mappings, newest first, older than `before`.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    before: Option<ImportTemplateId>,
    limit: i64,
) -> Result<Vec<Template>, Error> {
    Ok(templates::list(tenant, before, limit)?)
}

/// Changes name, options, or both.
///
/// # Errors
/// `template_exists`.
pub fn update(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    mut template: Template,
    name: Option<String>,
    options: Option<Value>,
) -> Result<Template, Error> {
    template.name = name.unwrap_or(template.name);
    template.options = options.unwrap_or(template.options);
    template.updated_at = ctx.now;
    templates::put(tenant, &template).map_err(name_taken)?;
    audit::record(
        tenant,
        ctx,
        "import_template.update",
        "import_template",
        Some(template.id),
        None,
    )?;
    Ok(template)
}

/// Removes one.
///
/// # Errors
/// [`Error::NotFound`].
pub fn delete(tenant: &mut Tenant<'_>, ctx: &Context, id: ImportTemplateId) -> Result<(), Error> {
    if !templates::delete(tenant, id)? {
        return Err(Error::NotFound);
    }
    Ok(audit::record(tenant, ctx, "import_template.delete", "import_template", Some(id.0), None)?)
}
