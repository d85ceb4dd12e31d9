//! Selections in use: read against the workspace they are asked in, and counted.

use chrono::{DateTime, Utc};
use serde_json::Value;

use kartoteka_domain::codes::Code;
use kartoteka_domain::contacts::phone::Region;
use kartoteka_domain::faults::Fault;
use kartoteka_domain::segments::{Selection, read};
use kartoteka_persistence::contacts::list::{Page, Position, Sort};
use kartoteka_persistence::segments as store;
use kartoteka_persistence::workspaces;

use crate::{Error, StoreError, Tenant};

/// Reads the selection that stands at `pointer` of a body. `others` are the faults of the rest of the
/// body, so that all are told at once. National phone numbers are read in the workspace's region; what
/// the tree refers to must exist in the workspace.
///
/// # Errors
/// `validation_failed` with all faults, each with a pointer to its node (SEG-3).
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
        Ok(selection) if others.is_empty() => Ok(selection),
        Ok(_) => Err(Error::invalid(others)),
        Err(mut faults) => {
            // both readings of the body see U+0000
            let known = |fault: &Fault| {
                others
                    .iter()
                    .any(|other| (&other.pointer, other.code) == (&fault.pointer, fault.code))
            };
            faults.retain(|fault| !known(fault));
            faults.splice(0..0, others);
            Err(Error::invalid(faults))
        }
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
    bounded(store::count(tenant, selection, now))
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
    bounded(store::page(tenant, selection, now, sort, after, limit))
}

/// An answer that depends on a selection. One that takes longer than a statement may is refused in words
/// that help: the same request would only run into the same limit.
///
/// # Errors
/// `database_busy` when the statement ran out of its time; what the database said otherwise.
pub fn bounded<T>(answer: Result<T, StoreError>) -> Result<T, Error> {
    match answer {
        Err(StoreError::Busy(why)) if why.contains("statement timeout") => {
            let detail = "The selection took longer than a statement may. Narrow it, for instance by a tag or a \
                date, or put fewer texts to look for into it.";
            Err(Error::refused(Code::DatabaseBusy, detail))
        }
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SEG-4
    #[test]
    fn a_statement_out_of_its_time_is_told_from_a_busy_database() {
        let busy = |why: &str| bounded::<()>(Err(StoreError::Busy(why.into())));
        assert!(matches!(
            busy("canceling statement due to statement timeout"),
            Err(Error::Refused(refusal)) if refusal.code == Code::DatabaseBusy
        ));
        assert!(matches!(busy("deadlock detected"), Err(Error::Store(StoreError::Busy(_)))));
    }
}
