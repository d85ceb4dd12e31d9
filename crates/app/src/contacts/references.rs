//! What bodies of contacts refer to: groups and types (CON-7).

use std::collections::HashSet;

use uuid::Uuid;

use kartoteka_domain::contacts::patch::{ContactPatch, Reference, Target};
use kartoteka_domain::faults::Fault;
use kartoteka_persistence::classes::{Kind, hold};
use kartoteka_persistence::{StoreError, Tenant};

/// What each of the patches refers to and does not exist, in their order. What exists stays until the end
/// of the transaction. Two statements for any number of patches, none when they refer to nothing.
///
/// # Errors
/// What the database said.
pub(super) fn faults<'p>(
    tenant: &mut Tenant<'_>,
    patches: impl IntoIterator<Item = &'p ContactPatch>,
) -> Result<Vec<Vec<Fault>>, StoreError> {
    let patches: Vec<&[Reference]> =
        patches.into_iter().map(|patch| patch.references.as_slice()).collect();
    let (mut groups, mut types) = (HashSet::<Uuid>::new(), HashSet::<Uuid>::new());
    for reference in patches.iter().copied().flatten() {
        match reference.target {
            Target::Group(id) => groups.insert(id),
            Target::ContactType(id) => types.insert(id),
        };
    }
    let groups = hold(tenant, Kind::Group, groups.into_iter().collect())?;
    let types = hold(tenant, Kind::ContactType, types.into_iter().collect())?;
    let known = |reference: &&Reference| match reference.target {
        Target::Group(id) => groups.contains(&id),
        Target::ContactType(id) => types.contains(&id),
    };
    let of = |references: &&[Reference]| {
        references.iter().filter(|reference| !known(reference)).map(Reference::fault).collect()
    };
    Ok(patches.iter().map(of).collect())
}
