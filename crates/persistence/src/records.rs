//! What companies, opportunities and projects have in common: rows with a name that are listed, searched,
//! sorted, and linked to contacts. Each has a room of its own that says what its columns are.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::pg::Pg;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use kartoteka_domain::contacts::search::Term;
use kartoteka_domain::ids::ContactId;

use crate::contacts::list::{Column, Position, Sort, follow, order_by};
use crate::contacts::search;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::{Bind, Sql};

/// A table of such rows.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub(crate) name: &'static str,
    /// What is read of a row `c`, without `sort_keys`.
    pub(crate) select: &'static str,
    /// The columns that are written, in one order.
    pub(crate) columns: &'static str,
    /// The same with their types, for `jsonb_to_record`.
    pub(crate) record: &'static str,
    /// Columns a list can be sorted by.
    pub sorts: &'static [Column],
    /// The table of its links to contacts.
    pub(crate) links: &'static str,
    /// The column there, and in `activities`, that says to which row.
    pub(crate) key: &'static str,
}

impl Table {
    /// The column of this name that its lists can be sorted by.
    #[must_use]
    pub fn sort_column(&self, name: &str) -> Option<&'static Column> {
        self.sorts.iter().find(|column| column.name == name)
    }
}

/// A row read by [`page`].
pub trait Record: QueryableByName<Pg> + 'static {
    /// Values of the sort keys.
    fn sort_keys(&self) -> &Value;
    /// Its id.
    fn id(&self) -> Uuid;
}

/// Which rows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// What was typed into the search box.
    pub terms: Vec<Term>,
    /// Values of columns, by the names of the columns: text of ours.
    pub equal: Vec<(&'static str, Bind)>,
    /// Linked to this contact.
    pub contact: Option<Uuid>,
}

/// A page, and where it ended when there is more.
#[derive(Debug)]
pub struct Page<R> {
    /// The rows.
    pub rows: Vec<R>,
    /// Values of the sort keys and the id of the last one, when more follow.
    pub next: Option<(Vec<Value>, Uuid)>,
}

/// One page.
///
/// # Errors
/// What the database said.
pub fn page<R: Record>(
    tenant: &mut Tenant<'_>,
    table: &Table,
    filter: &Filter,
    sort: &Sort,
    after: Option<&Position>,
    limit: usize,
) -> Result<Page<R>, StoreError> {
    let keys: Vec<String> = sort.keys.iter().map(|key| key.column.expression()).collect();
    let mut sql = Sql::new(&format!(
        "SELECT {}, jsonb_build_array({}) AS sort_keys FROM {} c WHERE c.workspace_id = ",
        table.select,
        keys.join(", "),
        table.name
    ));
    sql.bind(tenant.workspace);
    if !filter.terms.is_empty() {
        sql.push(" AND ");
        search::matches(&mut sql, "c.search", &filter.terms);
    }
    for (column, value) in &filter.equal {
        sql.push(&format!(" AND c.{column} = ")).bind(value.clone());
    }
    if let Some(contact) = filter.contact {
        let Table { links, key, .. } = table;
        sql.push(&format!(" AND c.id IN (SELECT l.{key} FROM {links} l WHERE l.workspace_id = "));
        sql.bind(tenant.workspace).push(" AND l.contact_id = ").bind(contact).push(")");
    }
    if let Some(after) = after {
        sql.push(" AND ");
        follow(&mut sql, sort, &keys, after);
    }
    sql.push(&format!(" ORDER BY {} LIMIT ", order_by(sort, &keys)));
    sql.bind(i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1));
    let mut rows: Vec<R> = sql.load(tenant.conn)?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| more);
    let next = last.map(|row| (row.sort_keys().as_array().cloned().unwrap_or_default(), row.id()));
    Ok(Page { rows, next })
}

/// How a row is meant to be held while it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Not at all.
    No,
    /// It is about to be changed or removed.
    Change,
}

/// One row.
///
/// # Errors
/// [`StoreError::Busy`] when somebody holds it for too long.
pub fn get<R: Record>(
    tenant: &mut Tenant<'_>,
    table: &Table,
    id: Uuid,
    hold: Hold,
) -> Result<Option<R>, StoreError> {
    let mut sql = Sql::new(&format!(
        "SELECT {}, '[]'::jsonb AS sort_keys FROM {} c WHERE c.workspace_id = ",
        table.select, table.name
    ));
    sql.bind(tenant.workspace).push(" AND c.id = ").bind(id);
    sql.push(if hold == Hold::Change { " FOR UPDATE OF c" } else { "" });
    sql.first(tenant.conn)
}

/// Makes a row of `values`, a JSON object of its columns.
///
/// # Errors
/// What the database said, a foreign key among it.
pub fn insert(
    tenant: &mut Tenant<'_>,
    table: &Table,
    id: Uuid,
    values: Value,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let Table { name, columns, record, .. } = table;
    let mut sql = Sql::new(&format!(
        "INSERT INTO {name} (workspace_id, id, {columns}, created_at, updated_at) SELECT "
    ));
    sql.bind(tenant.workspace).push(", ").bind(id);
    sql.push(&format!(", {columns}, "));
    let now = sql.param(now);
    sql.push(&format!("{now}, {now} FROM jsonb_to_record(")).bind(values);
    sql.push(&format!(") AS r({record})"));
    sql.execute(tenant.conn).map(drop)
}

/// Writes all columns of a row.
///
/// # Errors
/// What the database said, a foreign key among it.
pub fn update(
    tenant: &mut Tenant<'_>,
    table: &Table,
    id: Uuid,
    values: Value,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let Table { name, columns, record, .. } = table;
    let values_of: Vec<String> = columns.split(", ").map(|column| format!("r.{column}")).collect();
    let mut sql = Sql::new(&format!(
        "UPDATE {name} c SET ({columns}) = ROW ({}), updated_at = greatest(",
        values_of.join(", ")
    ));
    // no two versions share an instant
    sql.bind(now).push(", c.updated_at + interval '1 microsecond') FROM jsonb_to_record(");
    sql.bind(values).push(&format!(") AS r({record}) WHERE c.workspace_id = "));
    sql.bind(tenant.workspace).push(" AND c.id = ").bind(id);
    sql.execute(tenant.conn).map(drop)
}

/// What refers to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct Use {
    /// Contacts that live.
    #[diesel(sql_type = BigInt)]
    pub live: i64,
    /// Contacts in the trash.
    #[diesel(sql_type = BigInt)]
    pub trash: i64,
    /// Opportunities; only companies have them.
    #[diesel(sql_type = BigInt)]
    pub opportunities: i64,
    /// Activities.
    #[diesel(sql_type = BigInt)]
    pub activities: i64,
}

/// Counts what refers to a row. Who has locked it for change gets numbers that stay.
///
/// # Errors
/// What the database said.
pub fn usage(tenant: &mut Tenant<'_>, table: &Table, id: Uuid) -> Result<Use, StoreError> {
    let Table { links, key, .. } = table;
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    let id = sql.param(id);
    let opportunities = if *key == "company_id" {
        format!(
            "(SELECT count(*) FROM opportunities o WHERE o.workspace_id = {workspace} AND o.company_id = {id})"
        )
    } else {
        "0::bigint".to_owned()
    };
    sql.push(&format!(
        "SELECT count(*) FILTER (WHERE c.trashed_at IS NULL) AS live, count(c.trashed_at) AS trash, \
         {opportunities} AS opportunities, \
         (SELECT count(*) FROM activities a WHERE a.workspace_id = {workspace} AND a.{key} = {id}) AS activities \
         FROM {links} l JOIN contacts c ON c.workspace_id = {workspace} AND c.id = l.contact_id \
         WHERE l.workspace_id = {workspace} AND l.{key} = {id}"
    ));
    let none = Use { live: 0, trash: 0, opportunities: 0, activities: 0 };
    Ok(sql.first(tenant.conn)?.unwrap_or(none))
}

/// Removes a row that nothing refers to.
///
/// # Errors
/// What the database said.
pub fn delete(tenant: &mut Tenant<'_>, table: &Table, id: Uuid) -> Result<(), StoreError> {
    let mut sql = Sql::new(&format!("DELETE FROM {} WHERE workspace_id = ", table.name));
    sql.bind(tenant.workspace).push(" AND id = ").bind(id);
    sql.execute(tenant.conn).map(drop)
}

/// A contact linked to a row.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Linked {
    /// The contact.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// What it is called.
    #[diesel(sql_type = Nullable<Text>)]
    pub name: Option<String>,
    /// Its e-mail address.
    #[diesel(sql_type = Nullable<Text>)]
    pub email: Option<String>,
    /// Its phone number.
    #[diesel(sql_type = Nullable<Text>)]
    pub phone: Option<String>,
    /// What it is there.
    #[diesel(sql_type = Nullable<Text>)]
    pub role: Option<String>,
    /// Since when it is linked.
    #[diesel(sql_type = Timestamptz)]
    pub added_at: DateTime<Utc>,
    /// Since when it is in the trash.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub trashed_at: Option<DateTime<Utc>>,
}

fn linked(tenant: &Tenant<'_>, table: &Table, row: Uuid) -> Sql {
    let Table { links, key, .. } = table;
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT c.id, {} AS name, c.email, c.phone, l.role, l.added_at, c.trashed_at FROM {links} l \
         JOIN contacts c ON c.workspace_id = {workspace} AND c.id = l.contact_id \
         WHERE l.workspace_id = {workspace} AND l.{key} = ",
        crate::contacts::list::NAME
    ));
    sql.bind(row);
    sql
}

/// Contacts linked to a row, newest contact first, behind the contact `before`.
///
/// # Errors
/// What the database said.
pub fn contacts(
    tenant: &mut Tenant<'_>,
    table: &Table,
    row: Uuid,
    before: Option<Uuid>,
    limit: usize,
) -> Result<Vec<Linked>, StoreError> {
    let mut sql = linked(tenant, table, row);
    if let Some(before) = before {
        sql.push(" AND l.contact_id < ").bind(before);
    }
    sql.push(" ORDER BY l.contact_id DESC LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql.load(tenant.conn)
}

/// One contact linked to a row.
///
/// # Errors
/// What the database said.
pub fn contact(
    tenant: &mut Tenant<'_>,
    table: &Table,
    row: Uuid,
    contact: ContactId,
) -> Result<Option<Linked>, StoreError> {
    let mut sql = linked(tenant, table, row);
    sql.push(" AND l.contact_id = ").bind(contact.0);
    sql.first(tenant.conn)
}

/// Links a contact to a row, or writes its role there.
///
/// # Errors
/// The foreign key of the row when it is gone.
pub fn link(
    tenant: &mut Tenant<'_>,
    table: &Table,
    row: Uuid,
    contact: ContactId,
    role: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let Table { links, key, .. } = table;
    let mut sql = Sql::new(&format!(
        "INSERT INTO {links} (workspace_id, {key}, contact_id, role, added_at) VALUES ("
    ));
    sql.bind(tenant.workspace).push(", ").bind(row).push(", ").bind(contact.0);
    sql.push(", ").bind(role.map(str::to_owned)).push(", ").bind(now);
    sql.push(&format!(
        ") ON CONFLICT (workspace_id, {key}, contact_id) DO UPDATE SET role = excluded.role"
    ));
    sql.execute(tenant.conn).map(drop)
}

/// Takes a link away; says whether it was there.
///
/// # Errors
/// What the database said.
pub fn unlink(
    tenant: &mut Tenant<'_>,
    table: &Table,
    row: Uuid,
    contact: ContactId,
) -> Result<bool, StoreError> {
    let Table { links, key, .. } = table;
    let mut sql = Sql::new(&format!("DELETE FROM {links} WHERE workspace_id = "));
    sql.bind(tenant.workspace).push(&format!(" AND {key} = ")).bind(row);
    sql.push(" AND contact_id = ").bind(contact.0);
    Ok(sql.execute(tenant.conn)? > 0)
}
