//! An import in one call (IMP-19): the steps one after the other, and the commit as soon as the plan is made.

use kartoteka_domain::ids::ImportId;
use kartoteka_persistence::jobs::Job;
use kartoteka_persistence::{Tenant, imports};

use super::receive::{Receiver, Said};
use super::steps::{self, MappingRequest, MatchingRequest};
use super::{ImportRecord, locked, receive};
use crate::context::Context;
use crate::error::Error;

/// The steps in one.
#[derive(Clone, Debug)]
pub struct Options {
    /// Encoding and delimiter, when they are known.
    pub said: Said,
    /// `header` or `data`; what the file looks like when not given.
    pub first_row: Option<String>,
    /// What becomes of each column.
    pub mapping: MappingRequest,
    /// What becomes of each class.
    pub matching: MatchingRequest,
}

/// Takes all steps over bytes that are received already, and starts the job that plans and commits.
///
/// # Errors
/// What the single steps refuse.
pub fn run(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: ImportId,
    receiver: Receiver,
    options: Options,
    name: Option<String>,
) -> Result<(ImportRecord, Job), Error> {
    let import = receive::finish(tenant, ctx, id, receiver, &options.said)?;
    let source: receive::StoredSource = super::read_json(import.source.as_ref(), "the source")?;
    let guess = if source.header_guess { "header" } else { "data" };
    steps::header(tenant, ctx, id, options.first_row.as_deref().unwrap_or(guess))?;
    steps::mapping(tenant, ctx, id, options.mapping)?;
    let mut import = locked(tenant, id)?;
    import.auto_commit = true;
    import.name = name.unwrap_or(import.name);
    imports::save(tenant, &import)?;
    steps::matching(tenant, ctx, id, options.matching)
}

/// Removes the import that was made for a call which is refused, or was answered before.
///
/// # Errors
/// What the database said.
pub fn forget(tenant: &mut Tenant<'_>, ctx: &Context, id: ImportId) -> Result<(), Error> {
    imports::delete(tenant, id)?;
    Ok(crate::access::audit::record(tenant, ctx, "import.delete", "import", Some(id.0), None)?)
}
