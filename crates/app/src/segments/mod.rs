//! Selections in use: read against the workspace they are asked in, unfolded, and counted; and the saved ones.

pub mod saved;

use chrono::{DateTime, Utc};
use serde_json::Value;

use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::phone::Region;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::ids::{JobId, SegmentId};
use kartoteka_domain::segments::unfold::{TooLarge, segments_of, unfold};
use kartoteka_domain::segments::{Filter, Leaf, Selection, Target, Test, read};
use kartoteka_persistence::contacts::list::{self, Page, Position, Sort};
use kartoteka_persistence::segments as store;
use kartoteka_persistence::workspaces;

use crate::{Error, StoreError, Tenant};

/// Reads the selection that stands at `pointer` of a body, and puts what its segments mean in their place.
/// `others` are the faults of the rest of the body, so that all are told at once. National phone numbers are
/// read in the workspace's region; what the tree refers to must exist in the workspace.
///
/// # Errors
/// `validation_failed` with all faults, each with a pointer to its node (SEG-3); `filter_too_large` also when
/// it is so with its segments only.
pub fn selection(
    tenant: &mut Tenant<'_>,
    json: &Value,
    pointer: &str,
    others: Vec<Fault>,
) -> Result<Selection, Error> {
    if json.is_null() && others.is_empty() {
        return Ok(Selection::default());
    }
    let region = workspaces::get(tenant)?.phone_region;
    let reading = read::selection(json, pointer, Region::parse(&region).ok());
    let existing = store::existing(tenant, &reading.references)?;
    let read = reading.resolve(|target| existing.holds(target));
    match read {
        Ok(selection) if others.is_empty() => unfolded(tenant, selection, pointer),
        Ok(_) => Err(Error::invalid(others)),
        Err(faults) => Err(Error::invalid(together(others, faults))),
    }
}

/// The faults of a body and those of a tree in it; both readings see U+0000, which is told once.
pub(crate) fn together(mut others: Vec<Fault>, mut faults: Vec<Fault>) -> Vec<Fault> {
    let known = |fault: &Fault| {
        others.iter().any(|other| (&other.pointer, other.code) == (&fault.pointer, fault.code))
    };
    faults.retain(|fault| !known(fault));
    others.extend(faults);
    others
}

fn unfolded(
    tenant: &mut Tenant<'_>,
    selection: Selection,
    pointer: &str,
) -> Result<Selection, Error> {
    let segments = segments_of(&selection);
    if segments.is_empty() {
        return Ok(selection);
    }
    let library = store::saved::library(tenant, &segments)?;
    unfold(&selection, &library).map_err(|error| Error::invalid(vec![too_large(pointer, error)]))
}

pub(crate) fn too_large(pointer: &str, error: TooLarge) -> Fault {
    Fault::new(pointer, Code::FilterTooLarge, format!("The selection is too large: {error}."))
}

/// What one saved segment means, for a request that names it at `pointer`.
///
/// # Errors
/// `unknown_reference` when there is none.
pub fn of_segment(
    tenant: &mut Tenant<'_>,
    id: SegmentId,
    pointer: &str,
) -> Result<Selection, Error> {
    let library = store::saved::library(tenant, &[id])?;
    if !library.contains_key(&id) {
        let detail = "There is no such segment.";
        return Err(Error::invalid(vec![Fault::new(pointer, Code::UnknownReference, detail)]));
    }
    let selection = Selection { segments: vec![id], ..Selection::default() };
    unfold(&selection, &library).map_err(|error| Error::invalid(vec![too_large(pointer, error)]))
}

/// Writes down that a job works on the contacts of a selection, in the transaction that enqueues it: the
/// segments the selection names cannot be deleted until the job has ended. `json` is the selection as it came
/// and was read by [`selection`].
///
/// # Errors
/// What the database said.
pub fn keep_for_job(tenant: &mut Tenant<'_>, job: JobId, json: &Value) -> Result<(), StoreError> {
    let mut segments = Vec::new();
    for reference in read::selection(json, "", None).references {
        if let Target::Segment(id) = reference.target {
            segments.push(id);
        }
    }
    segments.sort_unstable();
    segments.dedup();
    store::saved::use_by_job(tenant, job, &segments)
}

/// The segment whose contacts a selection means, when it says nothing else. `json` was read by [`selection`].
#[must_use]
pub fn only_segment(json: &Value) -> Option<SegmentId> {
    let selection = read::selection(json, "", None).resolve(|_| true).ok()?;
    let Selection { segments, include: None, exclude: None, filter } = selection else {
        return None;
    };
    match (segments.as_slice(), filter) {
        ([one], None) => Some(*one),
        ([], Some(Filter::Leaf(Leaf { test: Test::Segment(segments), negated: false }))) => {
            match segments.as_slice() {
                [one] => Some(*one),
                _ => None,
            }
        }
        _ => None,
    }
}

/// How many living contacts the selection means (SEG-4).
///
/// # Errors
/// As [`bounded`].
pub fn count(
    tenant: &mut Tenant<'_>,
    selection: &Selection,
    now: DateTime<Utc>,
) -> Result<i64, Error> {
    bounded(tenant, |tenant| store::count(tenant, selection, now))
}

/// One page of the living contacts the selection means, in `sort`, behind `after`.
///
/// # Errors
/// As [`bounded`].
pub fn page(
    tenant: &mut Tenant<'_>,
    selection: &Selection,
    now: DateTime<Utc>,
    sort: &Sort,
    after: Option<&Position>,
    limit: usize,
) -> Result<Page, Error> {
    bounded(tenant, |tenant| store::page(tenant, selection, now, sort, after, limit))
}

/// One page of a list that a selection narrows, of the side of the trash that `filter` asks for.
///
/// # Errors
/// As [`bounded`].
pub fn page_within(
    tenant: &mut Tenant<'_>,
    filter: &list::Filter,
    selection: &Selection,
    now: DateTime<Utc>,
    sort: &Sort,
    after: Option<&Position>,
    limit: usize,
) -> Result<Page, Error> {
    bounded(tenant, |tenant| store::page_within(tenant, filter, selection, now, sort, after, limit))
}

/// The length of the list that [`page_within`] cuts.
///
/// # Errors
/// As [`bounded`].
pub fn count_within(
    tenant: &mut Tenant<'_>,
    filter: &list::Filter,
    selection: &Selection,
    now: DateTime<Utc>,
) -> Result<i64, Error> {
    bounded(tenant, |tenant| store::count_within(tenant, filter, selection, now))
}

/// An answer that depends on a selection, within the time that selections have. One that takes longer is
/// refused in words that help: the same request would only run into the same limit.
///
/// # Errors
/// `selection_too_slow` when a statement ran out of its time; what `ask` and the database said otherwise.
pub fn bounded<T>(
    tenant: &mut Tenant<'_>,
    ask: impl FnOnce(&mut Tenant<'_>) -> Result<T, StoreError>,
) -> Result<T, Error> {
    match tenant.patiently(ask) {
        Err(StoreError::Busy(why)) if why.contains("statement timeout") => {
            let detail = "Finding the contacts of this selection took too long, and was stopped. Narrow it, for instance \
                by a tag or a date, or put fewer texts to look for into it.";
            Err(Error::refused(Code::SelectionTooSlow, detail))
        }
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_selection_of_one_segment_is_told_from_all_others() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let within = |op: &str, value: Value| json!({"field": "segment", "op": op, "value": value});
        for json in [
            json!({"segments": [one]}),
            json!({"segments": [one], "include": null}),
            json!({"where": within("eq", json!(one))}),
            json!({"where": within("in", json!([one]))}),
        ] {
            assert_eq!(only_segment(&json), Some(SegmentId(one)), "{json}");
        }
        for json in [
            json!({}),
            json!({"segments": [one, two]}),
            json!({"segments": [one], "where": {"field": "tag", "op": "has", "value": "a"}}),
            json!({"segments": [one], "include": within("eq", json!(two))}),
            json!({"where": within("ne", json!(one))}),
            json!({"where": within("in", json!([one, two]))}),
            json!({"where": {"not": within("eq", json!(one))}}),
            json!({"exclude": within("eq", json!(one))}),
        ] {
            assert_eq!(only_segment(&json), None, "{json}");
        }
    }
}
