//! The row report (IMP-16).

use kartoteka_domain::ids::ImportId;
use kartoteka_persistence::Tenant;
use kartoteka_persistence::imports::report;

pub use kartoteka_persistence::imports::report::{ReportFilter, ReportRow};

use super::get;
use super::plan::plan_of;
use crate::error::Error;

/// A page of rows with what is planned for them, or what became of them.
///
/// # Errors
/// [`Error::NotFound`]; `step_out_of_order` while there is no plan.
pub fn rows(
    tenant: &mut Tenant<'_>,
    id: ImportId,
    filter: &ReportFilter,
) -> Result<Vec<ReportRow>, Error> {
    // rows of an earlier plan may still be there; they are removed when the next one is made
    plan_of(&get(tenant, id)?)?;
    Ok(report::rows(tenant, id, filter)?)
}
