//! Contacts: made, read, listed, changed, found by key, put in the trash.
//!
//! Who changes which contacts exist, or by what they match, takes the workspace's writer lock first
//! ([`room`]) and counts afterwards; a plan of an import made before then knows that it is old.

pub mod batch;
pub mod create;
pub mod list;
pub mod notes;
pub mod owners;
pub mod patch;
pub mod permission;
pub mod room;
pub mod timeline;
pub mod trash;
pub mod upsert;

use kartoteka_domain::contacts::patch::Reading;
use kartoteka_domain::contacts::phone::Region;
use kartoteka_domain::ids::ContactId;
use kartoteka_domain::tags::TagSet;
use kartoteka_persistence::contacts::read;
use kartoteka_persistence::contacts::row::StoredTag;
use kartoteka_persistence::{StoreError, Tenant, workspaces};

use crate::context::Context;
use crate::error::Error;

pub use kartoteka_persistence::contacts::Stored;
pub use kartoteka_persistence::contacts::row::StoredOwner;

/// One contact, in the trash or not.
///
/// # Errors
/// `not_found`.
pub fn get(tenant: &mut Tenant<'_>, id: ContactId) -> Result<Stored, Error> {
    read::get(tenant, id)?.ok_or(Error::NotFound)
}

/// With what bodies are read in this workspace today.
fn reading(tenant: &mut Tenant<'_>, ctx: &Context) -> Result<Reading, StoreError> {
    let workspace = workspaces::get(tenant)?;
    Ok(Reading {
        phone_region: Region::parse(&workspace.phone_region).ok(),
        today: ctx.now.date_naive(),
    })
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

    /// CON-11
    #[test]
    fn a_set_of_tags_replaces_and_keeps_scores_it_does_not_name() {
        let present = |name: &str, score| StoredTag {
            id: uuid::Uuid::nil(),
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
