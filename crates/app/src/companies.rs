//! Companies (CON-15).

use serde_json::Value;
use uuid::Uuid;

use kartoteka_domain::companies::{Company, CompanyPatch};
use kartoteka_domain::contacts::patch::Patch;
use kartoteka_domain::contacts::phone::Region;
use kartoteka_domain::segments::Link;
use kartoteka_persistence::companies::{TABLE, columns};
use kartoteka_persistence::records::Table;
use kartoteka_persistence::{StoreError, Tenant, workspaces};

use crate::context::Context;
use crate::error::Error;
use crate::records::{self, Noun};

pub use kartoteka_persistence::companies::CompanyRow;

/// Companies as a noun.
#[derive(Debug)]
pub enum Companies {}

impl Noun for Companies {
    const WORD: &'static str = "company";
    const LINK: Link = Link::Company;
    type Value = Company;
    type Row = CompanyRow;

    fn table() -> &'static Table {
        &TABLE
    }

    fn value(row: &CompanyRow) -> Company {
        row.into()
    }

    fn columns(company: &Company) -> Value {
        columns(company)
    }
}

/// Makes a company.
///
/// # Errors
/// All faults of what it is made of.
pub fn create(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    patch: &CompanyPatch,
) -> Result<CompanyRow, Error> {
    let mut company = Company::default();
    patch.apply(&mut company, region(tenant, patch)?).map_err(Error::invalid)?;
    records::create::<Companies>(tenant, ctx, &company)
}

/// Changes a company. `guard` sees it as it is now.
///
/// # Errors
/// `not_found`, all faults of the patch, what `guard` says.
pub fn update<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: Uuid,
    patch: &CompanyPatch,
    guard: impl FnOnce(&CompanyRow) -> Result<(), E>,
) -> Result<CompanyRow, E> {
    let region = region(tenant, patch).map_err(Error::from)?;
    let apply = |company: &mut Company| patch.apply(company, region);
    records::update::<Companies, E>(tenant, ctx, id, apply, guard)
}

/// The region national phone numbers are read in, when there is one to be read.
fn region(tenant: &mut Tenant<'_>, patch: &CompanyPatch) -> Result<Option<Region>, StoreError> {
    if !matches!(patch.phone, Patch::Set(_)) {
        return Ok(None);
    }
    Ok(Region::parse(&workspaces::get(tenant)?.phone_region).ok())
}
