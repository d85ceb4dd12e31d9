//! The search index follows the imports: whom they made is indexed after they ended (CON-4).

use kartoteka_domain::ids::WorkspaceId;
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

/// Indexes whom a build that did not know the index yet wrote beside this one; how many that were. Once at the
/// start of a worker.
///
/// # Errors
/// What the database said.
pub fn repair(db: &Db) -> Result<usize, StoreError> {
    let mut repaired = 0;
    for workspace in db.system(workspaces::all)? {
        let workspace = WorkspaceId(workspace.id);
        loop {
            let some = db.write(workspace, |tenant| search::repair(tenant, PART))?;
            repaired += some;
            if some == 0 {
                break;
            }
        }
    }
    Ok(repaired)
}
