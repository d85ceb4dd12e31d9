//! The row report (IMP-16).

use kartoteka_domain::ids::ImportId;
use kartoteka_persistence::Tenant;
use kartoteka_persistence::imports::report;

pub use kartoteka_persistence::imports::report::{ReportFilter, ReportRow};

use super::get;
use crate::error::Error;

/// A page of rows with what is planned for them, or what became of them.
///
/// # Errors
/// [`Error::NotFound`].
pub fn rows(
    tenant: &mut Tenant<'_>,
    id: ImportId,
    filter: &ReportFilter,
) -> Result<Vec<ReportRow>, Error> {
    get(tenant, id)?;
    Ok(report::rows(tenant, id, filter)?)
}
