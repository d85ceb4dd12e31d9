//! The search index follows the imports: whom they made is indexed after they ended (CON-4).

use kartoteka_persistence::contacts::search;
use kartoteka_persistence::workspaces::{self, WriterLock};
use kartoteka_persistence::{Db, StoreError};

/// Contacts indexed in one transaction: their workspace's writers wait so long.
const PART: i64 = 2_000;

/// Indexes some contacts that an import made; `false` when there is nothing to do.
///
/// # Errors
/// What the database said.
pub fn catch_up(db: &Db) -> Result<bool, StoreError> {
    let Some((workspace, import)) = db.system(search::lagging)? else { return Ok(false) };
    db.write(workspace, |tenant| {
        tenant.commit_without_waiting()?;
        workspaces::lock_writers(tenant, WriterLock::Exclusive)?;
        search::catch_up(tenant, import, PART)
    })?;
    Ok(true)
}

/// Contacts looked at in one transaction when the index is held against them.
const LOOK: i64 = 5_000;

/// Holds the index against some more contacts, where that was not done for a day, and puts right what a build
/// that did not know the index wrote beside this one; how many contacts that were. `None` when nothing is due.
///
/// # Errors
/// What the database said.
pub fn look_through(db: &Db) -> Result<Option<usize>, StoreError> {
    let Some(workspace) = db.system(search::unchecked)? else { return Ok(None) };
    db.write(workspace, |tenant| search::check(tenant, LOOK)).map(Some)
}
