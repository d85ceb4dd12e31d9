//! Projects (CON-15).

use serde_json::Value;
use uuid::Uuid;

use kartoteka_domain::projects::{Project, ProjectPatch};
use kartoteka_domain::segments::Link;
use kartoteka_persistence::Tenant;
use kartoteka_persistence::projects::{TABLE, columns};
use kartoteka_persistence::records::Table;

use crate::context::Context;
use crate::error::Error;
use crate::records::{self, Noun};

pub use kartoteka_persistence::projects::ProjectRow;

/// Projects as a noun.
#[derive(Debug)]
pub enum Projects {}

impl Noun for Projects {
    const WORD: &'static str = "project";
    const LINK: Link = Link::Project;
    type Value = Project;
    type Row = ProjectRow;

    fn table() -> &'static Table {
        &TABLE
    }

    fn value(row: &ProjectRow) -> Project {
        row.into()
    }

    fn columns(project: &Project) -> Value {
        columns(project)
    }
}

/// Makes a project.
///
/// # Errors
/// All faults of what it is made of.
pub fn create(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    patch: &ProjectPatch,
) -> Result<ProjectRow, Error> {
    let mut project = Project::default();
    patch.apply(&mut project).map_err(Error::invalid)?;
    records::create::<Projects>(tenant, ctx, &project)
}

/// Changes a project. `guard` sees it as it is now.
///
/// # Errors
/// `not_found`, all faults of the patch, what `guard` says.
pub fn update<E: From<Error>>(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    id: Uuid,
    patch: &ProjectPatch,
    guard: impl FnOnce(&ProjectRow) -> Result<(), E>,
) -> Result<ProjectRow, E> {
    let apply = |project: &mut Project| patch.apply(project);
    records::update::<Projects, E>(tenant, ctx, id, apply, guard)
}
