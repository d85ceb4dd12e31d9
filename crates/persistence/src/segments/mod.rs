//! Selections in PostgreSQL: what a tree of conditions becomes, and counts of it (SEG-1..4).

mod compile;

pub use compile::condition;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use uuid::Uuid;

use kartoteka_domain::ids::{ContactId, ImportId};
use kartoteka_domain::segments::{Reference, Selection, Target};

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
    let narrow = |sql: &mut Sql, workspace: &str| condition(selection, sql, "c", workspace, now);
    list::count(tenant, &list::Filter::default(), Some(&narrow))
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
    let narrow = |sql: &mut Sql, workspace: &str| condition(selection, sql, "c", workspace, now);
    list::page(tenant, &list::Filter::default(), Some(&narrow), sort, after, limit)
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
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT c.id FROM contacts c WHERE c.workspace_id = {workspace} AND c.trashed_at IS NULL AND "
    ));
    condition(selection, &mut sql, "c", &workspace, now);
    sql.push(" ORDER BY c.id");
    let rows: Vec<IdRow> = sql.load(tenant.conn)?;
    Ok(rows.into_iter().map(|row| ContactId(row.id)).collect())
}

/// Which of the things a tree refers to exist in the workspace.
#[derive(Clone, Debug, Default)]
pub struct Existing {
    purposes: HashSet<String>,
    imports: HashSet<ImportId>,
}

impl Existing {
    /// Whether this one does. There are no saved segments.
    #[must_use]
    pub fn holds(&self, target: &Target) -> bool {
        match target {
            Target::Purpose(name) => self.purposes.contains(name),
            Target::Import(id) => self.imports.contains(id),
            Target::Segment(_) => false,
        }
    }
}

#[derive(QueryableByName)]
struct NameRow {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Looks up what `references` point to.
///
/// # Errors
/// What the database said.
pub fn existing(tenant: &mut Tenant<'_>, references: &[Reference]) -> Result<Existing, StoreError> {
    let mut names: Vec<String> = Vec::new();
    let mut ids: Vec<Uuid> = Vec::new();
    for reference in references {
        match &reference.target {
            Target::Purpose(name) => names.push(name.clone()),
            Target::Import(id) => ids.push(id.0),
            Target::Segment(_) => {}
        }
    }
    let mut found = Existing::default();
    if !names.is_empty() {
        let mut sql = Sql::new("SELECT name FROM purposes WHERE workspace_id = ");
        sql.bind(tenant.workspace).push(" AND name = ANY (").bind(names).push(")");
        let rows: Vec<NameRow> = sql.load(tenant.conn)?;
        found.purposes = rows.into_iter().map(|row| row.name).collect();
    }
    if !ids.is_empty() {
        let mut sql = Sql::new("SELECT id FROM imports WHERE workspace_id = ");
        sql.bind(tenant.workspace).push(" AND id = ANY (").bind(ids).push(")");
        let rows: Vec<IdRow> = sql.load(tenant.conn)?;
        found.imports = rows.into_iter().map(|row| ImportId(row.id)).collect();
    }
    Ok(found)
}
