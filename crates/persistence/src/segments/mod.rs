//! Selections in PostgreSQL: what a tree of conditions becomes, and counts of it (SEG-1..4).

mod compile;
mod names;
pub mod saved;

pub use compile::condition;
pub use names::{Existing, Names, existing, hold};

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::Uuid as SqlUuid;
use uuid::Uuid;

use kartoteka_domain::ids::ContactId;
use kartoteka_domain::segments::Selection;

use crate::contacts::list;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// How many living contacts the selection means: the length of the list that [`page`] cuts.
///
/// # Errors
/// [`StoreError::Busy`] when it takes longer than a statement may; what the database said otherwise.
pub fn count(
    tenant: &mut Tenant<'_>,
    selection: &Selection,
    now: DateTime<Utc>,
) -> Result<i64, StoreError> {
    count_within(tenant, &list::Filter::default(), selection, now)
}

/// As [`count`], of those that `filter` asks for too; it also says which side of the trash.
///
/// # Errors
/// As [`count`].
pub fn count_within(
    tenant: &mut Tenant<'_>,
    filter: &list::Filter,
    selection: &Selection,
    now: DateTime<Utc>,
) -> Result<i64, StoreError> {
    let names = Names::load(tenant, selection)?;
    let narrow = |sql: &mut Sql, workspace: &str, extent| {
        compile::condition_on(extent, selection, sql, "c", workspace, &names, now);
    };
    list::count(tenant, filter, Some(&narrow))
}

/// One page of the living contacts the selection means; see [`list::page`].
///
/// # Errors
/// As [`count`].
pub fn page(
    tenant: &mut Tenant<'_>,
    selection: &Selection,
    now: DateTime<Utc>,
    sort: &list::Sort,
    after: Option<&list::Position>,
    limit: usize,
) -> Result<list::Page, StoreError> {
    page_within(tenant, &list::Filter::default(), selection, now, sort, after, limit)
}

/// As [`page`], of those that `filter` asks for too; it also says which side of the trash.
///
/// # Errors
/// As [`count`].
pub fn page_within(
    tenant: &mut Tenant<'_>,
    filter: &list::Filter,
    selection: &Selection,
    now: DateTime<Utc>,
    sort: &list::Sort,
    after: Option<&list::Position>,
    limit: usize,
) -> Result<list::Page, StoreError> {
    let names = Names::load(tenant, selection)?;
    let narrow = |sql: &mut Sql, workspace: &str, extent| {
        compile::condition_on(extent, selection, sql, "c", workspace, &names, now);
    };
    list::page(tenant, filter, Some(&narrow), sort, after, limit)
}

/// Ids of the living contacts the selection means, in order.
///
/// # Errors
/// As [`count`].
pub fn ids(
    tenant: &mut Tenant<'_>,
    selection: &Selection,
    now: DateTime<Utc>,
) -> Result<Vec<ContactId>, StoreError> {
    let names = Names::load(tenant, selection)?;
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT c.id FROM contacts c WHERE c.workspace_id = {workspace} AND c.trashed_at IS NULL AND "
    ));
    condition(selection, &mut sql, "c", &workspace, &names, now);
    sql.push(" ORDER BY c.id");
    let rows: Vec<IdRow> = sql.load(tenant.conn)?;
    Ok(rows.into_iter().map(|row| ContactId(row.id)).collect())
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}
