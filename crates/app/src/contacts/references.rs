//! What bodies of contacts refer to: groups and types (CON-7), and the definitions of details (CON-9).

use std::collections::HashSet;

use uuid::Uuid;

use kartoteka_domain::contacts::patch::{ContactPatch, Reference, Target};
use kartoteka_domain::faults::Fault;
use kartoteka_persistence::classes::{Kind, hold};
use kartoteka_persistence::workspaces::WriterLock;
use kartoteka_persistence::{StoreError, Tenant, fields};

/// What is wrong with what each of the patches refers to, in their order: groups and types that do not exist,
/// values that do not fit the definition of their detail. What they refer to stays so until the end of the
/// transaction. A few statements for any number of patches, none when they refer to nothing.
///
/// # Errors
/// What the database said.
pub(crate) fn faults<'p>(
    tenant: &mut Tenant<'_>,
    patches: impl IntoIterator<Item = &'p ContactPatch>,
) -> Result<Vec<Vec<Fault>>, StoreError> {
    let patches: Vec<&ContactPatch> = patches.into_iter().collect();
    let (mut groups, mut types) = (HashSet::<Uuid>::new(), HashSet::<Uuid>::new());
    let mut details = HashSet::<&str>::new();
    for reference in patches.iter().flat_map(|patch| &patch.references) {
        match &reference.target {
            Target::Group(id) => groups.insert(*id),
            Target::ContactType(id) => types.insert(*id),
            Target::Detail(name) => details.insert(name),
        };
    }
    let groups = hold(tenant, Kind::Group, groups.into_iter().collect())?;
    let types = hold(tenant, Kind::ContactType, types.into_iter().collect())?;
    if !details.is_empty() {
        fields::lock(tenant, WriterLock::Shared)?;
    }
    let details = details.into_iter().map(str::to_owned).collect();
    let definitions = fields::definitions(tenant, details)?;
    let fault = |patch: &ContactPatch, reference: &Reference| match &reference.target {
        Target::Group(id) if groups.contains(id) => None,
        Target::ContactType(id) if types.contains(id) => None,
        Target::Group(_) | Target::ContactType(_) => reference.fault(),
        Target::Detail(name) => {
            definitions.get(name)?.fault(patch.detail(name)?, &reference.pointer)
        }
    };
    let of = |patch: &&ContactPatch| {
        patch.references.iter().filter_map(|reference| fault(patch, reference)).collect()
    };
    Ok(patches.iter().map(of).collect())
}
