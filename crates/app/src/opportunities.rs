//! Opportunities (CON-15).

use serde_json::Value;
use uuid::Uuid;

use kartoteka_domain::opportunities::{Opportunity, OpportunityPatch};
use kartoteka_domain::segments::Link;
use kartoteka_persistence::Tenant;
use kartoteka_persistence::opportunities::{TABLE, columns};
use kartoteka_persistence::records::Table;

use crate::context::Context;
use crate::error::Error;
use crate::records::{self, Noun};

pub use kartoteka_persistence::opportunities::OpportunityRow;

/// Opportunities as a noun.
#[derive(Debug)]
pub enum Opportunities {}

impl Noun for Opportunities {
    const WORD: &'static str = "opportunity";
    const LINK: Link = Link::Opportunity;
    type Value = Opportunity;
    type Row = OpportunityRow;

    fn table() -> &'static Table {
        &TABLE
    }

    fn value(row: &OpportunityRow) -> Opportunity {
        row.into()
    }

    fn columns(opportunity: &Opportunity) -> Value {
        columns(opportunity)
    }
}

/// Makes an opportunity.
///
/// # Errors
/// All faults of what it is made of.
pub fn create(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    patch: &OpportunityPatch,
) -> Result<OpportunityRow, Error> {
    let mut opportunity = Opportunity::default();
    patch.apply(&mut opportunity).map_err(Error::invalid)?;
    records::create::<Opportunities>(tenant, ctx, &opportunity)
}

/// Changes an opportunity. `guard` sees it as it is now.
///
/// # Errors
/// `not_found`, all faults of the patch, what `guard` says.
pub fn update<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: Uuid,
    patch: &OpportunityPatch,
    guard: impl FnOnce(&OpportunityRow) -> Result<(), E>,
) -> Result<OpportunityRow, E> {
    let apply = |opportunity: &mut Opportunity| patch.apply(opportunity);
    records::update::<Opportunities, E>(tenant, ctx, id, apply, guard)
}
