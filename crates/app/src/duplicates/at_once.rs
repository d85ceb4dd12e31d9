//! Small workspaces that nobody searched yet: compared while somebody waits.

use std::cmp::Ordering;
use std::collections::HashSet;

use uuid::Uuid;

use kartoteka_domain::duplicates::{Record, search};
use kartoteka_persistence::duplicates::{
    self as store, Pair, PairFilter, RejectionFilter, ordered,
};
use kartoteka_persistence::{StoreError, Tenant};

use super::find::pair;
use crate::context::Context;

/// Most contacts of such a workspace: some hundredths of a second.
const FEW: usize = 500;

/// As [`store::list`], of all living contacts as they are now; nothing where they are many.
///
/// # Errors
/// What the database said.
pub(super) fn list(
    tenant: &mut Tenant<'_>,
    ctx: &Context,
    filter: &PairFilter,
) -> Result<Vec<Pair>, StoreError> {
    let (ids, records): (Vec<Uuid>, Vec<Record>) =
        store::few(tenant, FEW)?.into_iter().map(|one| (one.contact_id, one.record)).unzip();
    let all = RejectionFilter { limit: i64::MAX, ..RejectionFilter::default() };
    let rejected: HashSet<(Uuid, Uuid)> = store::rejections(tenant, &all)?
        .into_iter()
        .map(|rejection| (rejection.contact_id, rejection.other_id))
        .collect();
    let mut pairs: Vec<Pair> = search(&records)
        .pairs
        .into_iter()
        .filter(|(_, score)| score.is_offered())
        .filter_map(|((a, b), score)| {
            let found = pair(*ids.get(a)?, *ids.get(b)?, &score);
            let (contact_id, other_id) = ordered(found.one, found.other);
            Some(Pair {
                contact_id,
                other_id,
                score: found.score,
                exact: found.exact,
                reasons: found.reasons,
                found_at: ctx.now,
            })
        })
        .filter(|pair| !rejected.contains(&(pair.contact_id, pair.other_id)))
        .filter(|pair| filter.contact.is_none_or(|id| pair.contact_id == id || pair.other_id == id))
        .filter(|pair| filter.min_score.is_none_or(|least| pair.score >= least))
        .filter(|pair| {
            let place = (pair.score, pair.contact_id, pair.other_id);
            filter.after.is_none_or(|after| in_order(place, after) == Ordering::Greater)
        })
        .collect();
    pairs.sort_by(|one, other| {
        in_order(
            (one.score, one.contact_id, one.other_id),
            (other.score, other.contact_id, other.other_id),
        )
    });
    pairs.truncate(usize::try_from(filter.limit).unwrap_or(usize::MAX));
    Ok(pairs)
}

/// The most probable first, then by contacts.
fn in_order(one: (f64, Uuid, Uuid), other: (f64, Uuid, Uuid)) -> Ordering {
    other.0.total_cmp(&one.0).then((one.1, one.2).cmp(&(other.1, other.2)))
}
