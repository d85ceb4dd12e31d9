//! Contacts: made, read, listed, changed, found by key, put in the trash.
//!
//! Who changes which contacts exist, or by what they match, takes the workspace's writer lock first
//! ([`room`]) and counts afterwards; a plan of an import made before then knows that it is old.

pub mod batch;
pub mod bulk_edit;
pub mod create;
pub mod export;
pub mod list;
pub mod merges;
pub mod notes;
pub mod owners;
pub mod patch;
pub mod permission;
pub(crate) mod references;
pub mod room;
pub mod search_index;
pub mod timeline;
pub mod trash;
pub mod upsert;

use serde_json::{Map, Value};
use uuid::Uuid;

use kartoteka_domain::contacts::patch::{ContactPatch, Patch, Reading};
use kartoteka_domain::contacts::phone::Region;
use kartoteka_domain::ids::ContactId;
use kartoteka_domain::tags::TagSet;
use kartoteka_persistence::contacts::read;
use kartoteka_persistence::contacts::row::StoredTag;
use kartoteka_persistence::{StoreError, Tenant, workspaces};

use crate::context::Context;
use crate::error::Error;

pub use kartoteka_persistence::contacts::Stored;
pub use kartoteka_persistence::contacts::row::{StoredOwner, StoredStage};

/// One contact, in the trash or not.
///
/// # Errors
/// `not_found`.
pub fn get(tenant: &mut Tenant<'_>, id: ContactId) -> Result<Stored, Error> {
    read::get(tenant, id)?.ok_or(Error::NotFound)
}

/// With what bodies are read in this workspace today.
pub(crate) fn reading(tenant: &mut Tenant<'_>, ctx: &Context) -> Result<Reading, StoreError> {
    let workspace = workspaces::get(tenant)?;
    Ok(Reading {
        phone_region: Region::parse(&workspace.phone_region).ok(),
        today: ctx.now.date_naive(),
    })
}

/// Reads a body whole: its own faults, and those of what it refers to, at once.
fn read_patch(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    body: &Map<String, Value>,
) -> Result<ContactPatch, Error> {
    let reading = reading(tenant, ctx)?;
    let (patch, mut faults) = ContactPatch::read_all(body, "#", reading);
    faults.extend(references::faults(tenant, [&patch])?.into_iter().flatten());
    if faults.is_empty() { Ok(patch) } else { Err(Error::invalid(faults)) }
}

/// The groups a contact will be in, in order, when those are not the `present` ones.
fn groups_after(present: &[Uuid], wanted: &Patch<Vec<Uuid>>) -> Option<Vec<Uuid>> {
    let mut after = match wanted {
        Patch::Absent => return None,
        Patch::Clear => Vec::new(),
        Patch::Set(ids) => ids.clone(),
    };
    after.sort_unstable();
    after.dedup();
    (after != present).then_some(after)
}

/// The tags a contact will have and their scores, when that is not what it has: a score the request does
/// not name stays.
fn tags_after(present: &[StoredTag], wanted: &[TagSet]) -> Option<Vec<(TagSet, i64)>> {
    let of = |tag: &TagSet| present.iter().find(|known| known.key == tag.name.key());
    let after: Vec<(TagSet, i64)> = wanted
        .iter()
        .map(|tag| {
            let score = tag.score.or_else(|| of(tag).map(|known| known.score)).unwrap_or(0);
            (tag.clone(), score)
        })
        .collect();
    let same = after.len() == present.len()
        && after.iter().all(|(tag, score)| of(tag).is_some_and(|known| known.score == *score));
    (!same).then_some(after)
}

#[cfg(test)]
mod tests {
    use kartoteka_domain::tags::TagName;

    use super::*;

    /// CON-7
    #[test]
    fn a_set_of_groups_replaces_and_is_kept_in_order() {
        let id = Uuid::from_u128;
        let has = [id(1), id(2)];
        let after = |wanted| groups_after(&has, &wanted);
        assert_eq!(after(Patch::Absent), None);
        assert_eq!(after(Patch::Set(vec![id(2), id(1), id(2)])), None);
        assert_eq!(after(Patch::Set(vec![id(3), id(1)])), Some(vec![id(1), id(3)]));
        assert_eq!(after(Patch::Clear), Some(vec![]));
        assert_eq!(groups_after(&[], &Patch::Clear), None);
    }

    /// CON-11
    #[test]
    fn a_set_of_tags_replaces_and_keeps_scores_it_does_not_name() {
        let present = |name: &str, score| StoredTag {
            id: Uuid::nil(),
            name: name.into(),
            key: name.into(),
            score,
        };
        let set = |name: &str, score| TagSet { name: TagName::parse(name).unwrap(), score };
        let has = [present("vip", 5), present("spring", 0)];
        assert_eq!(tags_after(&has, &[set("Spring", None), set("VIP", Some(5))]), None);
        let scores = |wanted: &[TagSet]| {
            let after = tags_after(&has, wanted)?;
            Some(after.into_iter().map(|(_, score)| score).collect::<Vec<_>>())
        };
        assert_eq!(scores(&[set("vip", None)]), Some(vec![5]));
        assert_eq!(scores(&[set("vip", Some(7)), set("spring", None)]), Some(vec![7, 0]));
        assert_eq!(scores(&[set("vip", None), set("new", None)]), Some(vec![5, 0]));
        assert_eq!(scores(&[]), Some(vec![]));
        assert_eq!(tags_after(&[], &[]), None);
    }
}
