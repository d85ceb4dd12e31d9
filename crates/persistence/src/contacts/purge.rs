//! Removing contacts for good, with every trace of them (TRS-2).

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use uuid::Uuid;

use super::merges;
use super::read::Id;
use crate::activities;
use crate::db::Tenant;
use crate::duplicates;
use crate::error::StoreError;
use crate::integrity;
use crate::sql::Sql;

/// How many of the contacts purged lived, and how many were in the trash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// The contacts that are gone.
    pub ids: Vec<Uuid>,
}

/// Removes contacts that are in the trash, and all that hangs on them; others are left alone.
///
/// What stays: the audit trail, which holds no personal data, the numbers of imports, suppressions, which are
/// keyed hashes (CNS-8), and the hashes of the rows of the ledger, for the seals over them (CNS-5).
///
/// # Errors
/// What the database said.
pub fn purge(tenant: &mut Tenant<'_>, ids: &[Uuid]) -> Result<Purged, StoreError> {
    let mut sql = Sql::new("SELECT id FROM contacts WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND trashed_at IS NOT NULL AND id = ANY(");
    sql.bind(ids.to_vec()).push(") ORDER BY id FOR UPDATE");
    let ids: Vec<Uuid> = sql.load::<Id>(tenant.conn)?.into_iter().map(|row| row.id).collect();
    if ids.is_empty() {
        return Ok(Purged::default());
    }
    // what was merged into them is about the same people
    let people = merges::ids_of_all(tenant, &ids)?;
    forget_import_rows(tenant, &people)?;
    activities::forget_contacts(tenant, &ids)?;
    duplicates::forget_contacts(tenant, &ids)?;
    integrity::remove_entries(tenant, &people)?;
    for table in [
        "contact_search",
        "contact_tags",
        "contact_groups",
        "contact_stages",
        "coupons",
        "consent_requests",
        "consents",
        "consent_evidence",
        "import_changes",
        "import_tag_additions",
        "frozen_values",
        "contact_notes",
        "contact_owners",
        "company_contacts",
        "opportunity_contacts",
        "project_contacts",
        "document_contacts",
        "runs",
    ] {
        let mut sql = Sql::new(&format!("DELETE FROM {table} WHERE workspace_id = "));
        sql.bind(tenant.workspace).push(" AND contact_id = ANY(").bind(people.clone()).push(")");
        sql.execute(tenant.conn)?;
    }
    merges::forget(tenant, &people)?;
    let mut sql = Sql::new("DELETE FROM contacts WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ANY(").bind(ids.clone()).push(")");
    sql.execute(tenant.conn)?;
    Ok(Purged { ids })
}

/// Rows of imports that made or changed the contacts: the values that could not be read are removed from
/// their problems, and what is still staged of them is removed.
fn forget_import_rows(tenant: &mut Tenant<'_>, ids: &[Uuid]) -> Result<(), StoreError> {
    let rows = import_rows(tenant, ids)?;
    if rows.is_empty() {
        return Ok(());
    }
    let imports: Vec<Uuid> = rows.iter().map(|row| row.import_id).collect();
    let numbers: Vec<i64> = rows.iter().map(|row| row.row).collect();
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push("WITH gone AS (SELECT * FROM unnest(").bind(imports).push(", ").bind(numbers);
    sql.push(") AS gone(import_id, row)), ");
    // a row folded into a purged one is about the same person; imports planned before merged_into was there
    // say so in the staged row
    sql.push(&format!(
        "about AS MATERIALIZED (SELECT * FROM gone \
           UNION SELECT f.import_id, f.row FROM import_rows f JOIN gone ON f.import_id = gone.import_id AND f.merged_into = gone.row \
             WHERE f.workspace_id = {workspace} \
           UNION SELECT s.import_id, s.row FROM import_staged s JOIN gone ON s.import_id = gone.import_id AND s.head = gone.row \
             WHERE s.workspace_id = {workspace}), \
         unstaged AS (DELETE FROM import_staged s USING about \
           WHERE s.workspace_id = {workspace} AND s.import_id = about.import_id AND s.row = about.row) \
         UPDATE import_rows r SET problems = NULL FROM about \
         WHERE r.workspace_id = {workspace} AND r.import_id = about.import_id AND r.row = about.row"
    ));
    sql.execute(tenant.conn).map(drop)
}

/// A row of an import.
#[derive(QueryableByName)]
pub(crate) struct ImportRow {
    #[diesel(sql_type = SqlUuid)]
    pub(crate) import_id: Uuid,
    #[diesel(sql_type = BigInt)]
    pub(crate) row: i64,
}

/// Rows of imports that made or changed the contacts.
pub(crate) fn import_rows(
    tenant: &mut Tenant<'_>,
    ids: &[Uuid],
) -> Result<Vec<ImportRow>, StoreError> {
    let made: Vec<(Uuid, MadeByImport)> =
        ids.iter().filter_map(|id| made_by_import(*id).map(|made| (*id, made))).collect();
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT r.import_id, r.row FROM import_rows r JOIN imports i ON i.workspace_id = {workspace} AND i.id = r.import_id \
         WHERE r.workspace_id = {workspace} AND r.contact_id = ANY("
    ));
    // a row that waits to be written is not of the contact yet, and must not be lost (IMP-17)
    sql.bind(ids.to_vec()).push(
        ") AND NOT (i.state IN ('planning', 'awaiting_commit') OR (i.state = 'running' AND r.row > i.applied_row))",
    );
    sql.push(" UNION SELECT i.id AS import_id, made.row FROM unnest(");
    sql.bind(made.iter().map(|(id, _)| *id).collect::<Vec<_>>()).push(", ");
    sql.bind(made.iter().map(|(_, made)| made.millisecond).collect::<Vec<_>>()).push(", ");
    sql.bind(made.iter().map(|(_, made)| made.row).collect::<Vec<_>>());
    // the id alone does not say which import made it: the function has the last word
    sql.push(&format!(
        ") AS made(id, ms, row) JOIN imports i ON i.workspace_id = {workspace} AND i.id_salt IS NOT NULL \
           AND floor(extract(epoch FROM i.committed_at) * 1000)::bigint = made.ms \
           AND import_row_id(made.ms, i.id_salt, made.row) = made.id"
    ));
    sql.load(tenant.conn)
}

/// What the SQL function `import_row_id` puts into an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MadeByImport {
    pub(super) millisecond: i64,
    pub(super) row: i64,
}

/// Takes an id apart as if an import had made it: 48 bits of time, then 12, 2 and 18 bits of the row.
pub(super) fn made_by_import(id: Uuid) -> Option<MadeByImport> {
    let bits = id.as_u128();
    let part = |shift: u32, width: u32| i64::try_from((bits >> shift) & ((1 << width) - 1)).ok();
    let high = part(64, 12)?;
    let middle = part(60, 2)?;
    let low = part(42, 18)?;
    Some(MadeByImport { millisecond: part(80, 48)?, row: (high << 20) | (middle << 18) | low })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TRS-2: the row is found back in the id that the import's function made of it.
    #[test]
    fn the_row_stands_in_the_id() {
        // select import_row_id(1795299136123, 12345678901, 987654321)
        let id: Uuid = "01a2002a-d27b-73ad-b9a2-c402dfdc1c35".parse().unwrap();
        let made = made_by_import(id).unwrap();
        assert_eq!(made, MadeByImport { millisecond: 1_795_299_136_123, row: 987_654_321 });
    }
}
