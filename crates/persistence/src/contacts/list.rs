//! Pages of contacts: filtered, sorted by any columns, continued where the page before ended.
//!
//! Pages are cut by the values of the last row (keyset), never counted off, so nothing is lost or
//! repeated while others write. The end of every order is the id, which makes it total. Without a sort
//! the order is that of the primary key: ids are UUIDv7, so the newest contact comes first without
//! any sorting.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::QueryableByName;
use diesel::sql_types::Uuid as SqlUuid;
use serde_json::Value;
use uuid::Uuid;

use kartoteka_domain::consents::ledger::Display;
use kartoteka_domain::contacts::search::Term;

use super::row::{self, Stored};
use super::search::{self, Reach};
use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::{Bind, Sql};

/// How the values of a column are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text, case and diacritics folded.
    Folded,
    /// Text of codes, byte by byte.
    Exact,
    /// `YYYY-MM-DD`.
    Date,
    /// A whole number.
    Whole,
    /// True or false.
    Flag,
    /// An instant.
    Time,
}

/// A column lists can be sorted by, and filtered by where [`Column::filter`] says so.
#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in the API.
    pub name: &'static str,
    /// How it is compared.
    pub kind: Kind,
    /// Whether `?name=value` filters by it.
    pub filter: bool,
    expression: &'static str,
}

pub(crate) const fn column(
    name: &'static str,
    kind: Kind,
    filter: bool,
    expression: &'static str,
) -> Column {
    Column { name, kind, filter, expression }
}

/// All columns, the contact is `c`. `created_at` is not here: it is the order of ids.
pub const COLUMNS: &[Column] = &[
    column("external_id", Kind::Exact, true, "c.external_id"),
    column("first_name", Kind::Folded, true, "c.first_name"),
    column("last_name", Kind::Folded, true, "c.last_name"),
    column("name", Kind::Folded, true, NAME),
    column("title_before", Kind::Folded, true, "c.title_before"),
    column("title_after", Kind::Folded, true, "c.title_after"),
    column("company_name", Kind::Folded, true, "c.company_name"),
    column("job_title", Kind::Folded, true, "c.job_title"),
    column("email", Kind::Exact, true, "c.email_key"),
    column("phone", Kind::Exact, true, "c.phone"),
    column("birth_date", Kind::Date, true, "c.birth_date"),
    column("gender", Kind::Exact, true, "c.gender"),
    column("street", Kind::Folded, true, "c.street"),
    column("city", Kind::Folded, true, "c.city"),
    column("postal_code", Kind::Folded, true, "c.postal_code"),
    column("region", Kind::Folded, true, "c.region"),
    column("country", Kind::Exact, true, "c.country"),
    column("language", Kind::Exact, true, "c.language"),
    column("time_zone", Kind::Exact, true, "c.time_zone"),
    column("state", Kind::Exact, true, "c.state"),
    column("score", Kind::Whole, true, "c.score"),
    column("origin", Kind::Exact, true, "c.origin"),
    column("subscribed", Kind::Flag, true, "c.subscribed"),
    column("muted", Kind::Flag, true, "c.muted"),
    column("communication", Kind::Exact, false, COMMUNICATION),
    column("updated_at", Kind::Time, false, "c.updated_at"),
    column("trashed_at", Kind::Time, false, "c.trashed_at"),
];

/// The name a contact is shown by, as `contacts::contact::display_name` of the domain makes it.
pub(crate) const NAME: &str = "coalesce(nullif(btrim(coalesce(c.first_name, '') || ' ' || coalesce(c.last_name, '')), ''), c.company_name, c.email)";

const COMMUNICATION: &str =
    "CASE WHEN c.muted THEN 'muted' WHEN c.subscribed THEN 'subscribed' ELSE 'unsubscribed' END";

impl Column {
    /// The column with this name; parts of the address may be called `address.city` as in the contact.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        const PARTS: &[&str] = &["street", "city", "postal_code", "region", "country"];
        let part = name.strip_prefix("address.");
        if part.is_some_and(|part| !PARTS.contains(&part)) {
            return None;
        }
        let name = part.unwrap_or(name);
        COLUMNS.iter().find(|column| column.name == name)
    }

    /// What is compared.
    pub(crate) fn expression(&self) -> String {
        match self.kind {
            Kind::Folded => format!("contact_fold({}) COLLATE \"C\"", self.expression),
            Kind::Exact => format!("({}) COLLATE \"C\"", self.expression),
            Kind::Date | Kind::Whole | Kind::Flag | Kind::Time => self.expression.to_owned(),
        }
    }

    /// A value of a cursor as a bind of the column's type; `None` when it is not of that type.
    #[must_use]
    pub fn bind(&self, value: &Value) -> Option<Bind> {
        match (self.kind, value) {
            (Kind::Folded | Kind::Exact, Value::Null) => Some(Bind::Text(None)),
            (Kind::Date, Value::Null) => Some(Bind::Date(None)),
            (Kind::Whole, Value::Null) => Some(Bind::BigInt(None)),
            (Kind::Flag, Value::Null) => Some(Bind::Bool(None)),
            (Kind::Time, Value::Null) => Some(Bind::Time(None)),
            (Kind::Folded | Kind::Exact, Value::String(text)) if !text.contains('\0') => {
                Some(Bind::Text(Some(text.clone())))
            }
            (Kind::Date, Value::String(text)) => {
                text.parse::<NaiveDate>().ok().map(|date| Bind::Date(Some(date)))
            }
            (Kind::Whole, Value::Number(number)) => number.as_i64().map(|n| Bind::BigInt(Some(n))),
            (Kind::Flag, Value::Bool(flag)) => Some(Bind::Bool(Some(*flag))),
            (Kind::Time, Value::String(text)) => DateTime::parse_from_rfc3339(text)
                .ok()
                .map(|time| Bind::Time(Some(time.with_timezone(&Utc)))),
            _ => None,
        }
    }
}

/// So many contacts are looked through for a page before all of them are.
const WINDOW_ROWS: usize = 10_000;
/// So many of the newest search texts tell how common a word is.
const NEAR_TEXTS: usize = 1_000;
/// So many are looked through before the index is asked for a word that should fill a page in half of them.
const FAR_TEXTS: usize = 30_000;

/// One column of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortKey {
    /// Which.
    pub column: &'static Column,
    /// From the largest down.
    pub descending: bool,
}

/// An order of contacts. Contacts without a value come last in either direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    /// Columns, the first one weighs most.
    pub keys: Vec<SortKey>,
    /// At the end, and alone by default: the newest first.
    pub newest_first: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Self { keys: Vec::new(), newest_first: true }
    }
}

/// Which contacts.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Those in the trash instead of those that live.
    pub trash: bool,
    /// What was typed into the search box.
    pub terms: Vec<Term>,
    /// The shown state.
    pub communication: Option<Display>,
    /// Keys of tags they all have.
    pub tags: Vec<String>,
    /// Values of columns. Text of a folded column must come folded.
    pub equal: Vec<(&'static Column, Bind)>,
    /// Instants: column, `true` for "at or after" and `false` for "before".
    pub times: Vec<(&'static str, bool, DateTime<Utc>)>,
}

impl Filter {
    /// Whether nothing is asked for but the side of the trash.
    fn is_plain(&self) -> bool {
        let Self { trash: _, terms, communication, tags, equal, times } = self;
        terms.is_empty()
            && communication.is_none()
            && tags.is_empty()
            && equal.is_empty()
            && times.is_empty()
    }
}

/// Sizes of pages whose statements are kept.
const PLAIN_LIMITS: &[usize] = &[10, 20, 25, 50, 100, 200];

/// Columns [`Filter::times`] may name.
pub const TIME_COLUMNS: &[&str] = &["created_at", "updated_at", "trashed_at"];

/// Where the page before ended.
#[derive(Clone, Debug)]
pub struct Position {
    /// Values of the sort keys in its last row.
    pub keys: Vec<Bind>,
    /// Id of its last row.
    pub id: Uuid,
}

/// A page, and where it ended when there is more.
#[derive(Debug)]
pub struct Page {
    /// The contacts.
    pub contacts: Vec<Stored>,
    /// Values of the sort keys and the id of the last one, when more follow.
    pub next: Option<(Vec<Value>, Uuid)>,
}

/// How many contacts a condition is asked of: what is looked up for each of a few is gathered once for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Some thousands at most.
    Few,
    /// All of the workspace.
    All,
}

/// Writes a further condition on the contact `c`; it is given the placeholder of the workspace.
pub type Condition<'a> = &'a dyn Fn(&mut Sql, &str, Extent);

/// One page.
///
/// # Errors
/// What the database said.
pub fn page(
    tenant: &mut Tenant<'_>,
    filter: &Filter,
    condition: Option<Condition<'_>>,
    sort: &Sort,
    after: Option<&Position>,
    limit: usize,
) -> Result<Page, StoreError> {
    let index = index(tenant, filter)?;
    let mut look = |among| rows(tenant, filter, condition, sort, after, limit, among);
    let mut rows = match Strategy::of(filter, condition, sort, index) {
        Strategy::All => look(Among::All)?,
        // Nobody knows how many contacts a selection means, the planner least of all (it takes a named detail
        // for rare, whatever it is); when it thinks there are few, it finds all of them and sorts them. So the
        // newest are looked through first, which is quick, and mostly enough for a page.
        Strategy::NewestFirst => {
            let near = look(Among::Newest(WINDOW_ROWS))?;
            if near.len() > limit { near } else { look(Among::All)? }
        }
        Strategy::Index(reach) => look(Among::Found(reach))?,
        Strategy::NewestThenIndex(reach) => {
            return searched(tenant, filter, condition, sort.newest_first, after, limit, reach);
        }
    };
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows
        .last()
        .filter(|_| more)
        .map(|(last, keys)| (keys.as_array().cloned().unwrap_or_default(), last.id.0));
    Ok(Page { contacts: rows.into_iter().map(|(stored, _)| stored).collect(), next })
}

/// A page of a search, the newest or the oldest first. The index has to find everybody before it can show
/// the first; of a word that many have, a page is found sooner among the first texts. How common it is a small
/// sample tells. What is looked through are ids: planning the whole row each time would take longer than looking.
fn searched(
    tenant: &mut Tenant<'_>,
    filter: &Filter,
    condition: Option<Condition<'_>>,
    newest_first: bool,
    after: Option<&Position>,
    limit: usize,
    reach: Reach,
) -> Result<Page, StoreError> {
    let mut look = |texts| {
        let after = after.map(|after| after.id);
        ids(tenant, filter, condition, newest_first, after, limit, texts)
    };
    let near = look(Texts::First(NEAR_TEXTS))?;
    let far = near.len() * (FAR_TEXTS / NEAR_TEXTS / 2);
    let mut ids = if near.len() > limit {
        near
    } else if far > limit {
        let first = look(Texts::First(FAR_TEXTS))?;
        if first.len() > limit { first } else { look(Texts::Found(reach))? }
    } else {
        look(Texts::Found(reach))?
    };
    let more = ids.len() > limit;
    ids.truncate(limit);
    let next = ids.last().filter(|_| more).map(|last| (Vec::new(), *last));
    if ids.is_empty() {
        return Ok(Page { contacts: Vec::new(), next });
    }
    let mut sql = Sql::default();
    let workspace = sql.prepared().param(tenant.workspace);
    let ids = sql.param(ids);
    let inner = |sql: &mut Sql| {
        sql.push(&format!(
            "SELECT c.*, '[]'::jsonb AS sort_keys FROM contacts c WHERE c.workspace_id = {workspace} \
             AND c.id = ANY({ids}) AND c.trashed_at IS NULL"
        ));
    };
    let order = if newest_first { "ORDER BY c.id DESC" } else { "ORDER BY c.id" };
    let rows = row::load(tenant.conn, sql, &workspace, inner, order)?;
    Ok(Page { contacts: rows.into_iter().map(|(stored, _)| stored).collect(), next })
}

/// Which search texts are looked through for a page.
#[derive(Clone, Copy)]
enum Texts {
    /// The next so many.
    First(usize),
    /// Those the index finds.
    Found(Reach),
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// The ids of a page and one more.
fn ids(
    tenant: &mut Tenant<'_>,
    filter: &Filter,
    condition: Option<Condition<'_>>,
    newest_first: bool,
    after: Option<Uuid>,
    limit: usize,
    texts: Texts,
) -> Result<Vec<Uuid>, StoreError> {
    let (beyond, direction) = if newest_first { ("<", "DESC") } else { (">", "ASC") };
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    let order = format!("ORDER BY s.contact_id {direction}");
    // in order already when they are joined: no more contacts are read than the page shows
    sql.push("SELECT c.id FROM (SELECT s.contact_id FROM ");
    if matches!(texts, Texts::First(_)) {
        sql.push("(SELECT s.contact_id, s.search FROM ");
    }
    sql.push("contact_search s WHERE ");
    match texts {
        Texts::First(_) => sql.push(&format!("s.workspace_id = {workspace}")),
        Texts::Found(reach) => sql.push(&search::within(reach, "s", &workspace)),
    };
    if let Some(after) = after {
        sql.push(&format!(" AND s.contact_id {beyond} ")).bind(after);
    }
    if let Texts::First(window) = texts {
        sql.push(&format!(" {order} LIMIT {window}) AS s WHERE true"));
    }
    terms(&mut sql, "s.search", filter);
    sql.push(&format!(
        " {order}) AS s JOIN contacts c ON c.workspace_id = {workspace} AND c.id = s.contact_id WHERE true"
    ));
    narrow(&mut sql, &workspace, filter, condition, Extent::Few);
    let more = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    sql.push(&format!(" ORDER BY c.id {direction} LIMIT ")).bind(more);
    Ok(sql.load::<Id>(tenant.conn)?.into_iter().map(|row| row.id).collect())
}

/// How a page is found.
enum Strategy {
    All,
    NewestFirst,
    Index(Reach),
    NewestThenIndex(Reach),
}

impl Strategy {
    fn of(
        filter: &Filter,
        condition: Option<Condition<'_>>,
        sort: &Sort,
        index: Option<Reach>,
    ) -> Self {
        match (index, sort.keys.is_empty()) {
            (Some(reach), true) if !filter.trash => Self::NewestThenIndex(reach),
            (Some(reach), _) => Self::Index(reach),
            (None, true) if condition.is_some() => Self::NewestFirst,
            (None, _) => Self::All,
        }
    }
}

/// Among whom the rows of a page are looked for.
#[derive(Clone, Copy)]
enum Among {
    /// All contacts behind the page before.
    All,
    /// The next so many of them.
    Newest(usize),
    /// Those the search index finds.
    Found(Reach),
}

impl Among {
    fn extent(self) -> Extent {
        match self {
            Self::Newest(_) => Extent::Few,
            Self::All | Self::Found(_) => Extent::All,
        }
    }
}

/// How the search index can be asked for what the filter searches; `None` when it cannot.
fn index(tenant: &mut Tenant<'_>, filter: &Filter) -> Result<Option<Reach>, StoreError> {
    if search::is_indexable(&filter.terms) { search::reach(tenant) } else { Ok(None) }
}

/// The rows of a page and one more.
fn rows(
    tenant: &mut Tenant<'_>,
    filter: &Filter,
    condition: Option<Condition<'_>>,
    sort: &Sort,
    after: Option<&Position>,
    limit: usize,
    among: Among,
) -> Result<Vec<(Stored, Value)>, StoreError> {
    let mut sql = Sql::default();
    // the lists everybody asks for; the number stands in the text, for the plan depends on it
    let plain = filter.is_plain() && condition.is_none() && sort.keys.is_empty();
    let plain = plain && PLAIN_LIMITS.contains(&limit);
    if plain {
        sql.prepared();
    }
    let workspace = sql.param(tenant.workspace);
    let keys: Vec<String> = sort.keys.iter().map(|key| key.column.expression()).collect();
    let order = order_by(sort, &keys);
    let inner = |sql: &mut Sql| {
        sql.push(&format!("SELECT c.*, jsonb_build_array({}) AS sort_keys FROM ", keys.join(", ")));
        let base = |sql: &mut Sql| {
            sql.push(&format!("contacts c WHERE c.workspace_id = {workspace}"));
            if let Some(after) = after {
                sql.push(" AND ");
                follow(sql, sort, &keys, after);
            }
        };
        match among {
            Among::All => {
                base(sql);
                terms(sql, "c.search", filter);
            }
            Among::Newest(window) => {
                sql.push("(SELECT c.* FROM ");
                base(sql);
                sql.push(&format!(" ORDER BY {order} LIMIT {window}) AS c WHERE true"));
                terms(sql, "c.search", filter);
            }
            Among::Found(reach) => {
                base(sql);
                found(sql, &workspace, filter, reach);
            }
        }
        narrow(sql, &workspace, filter, condition, among.extent());
        let more = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        sql.push(&format!(" ORDER BY {order} LIMIT "));
        if plain {
            sql.push(&more.to_string());
        } else {
            sql.bind(more);
        }
    };
    row::load(tenant.conn, sql, &workspace, inner, &format!("ORDER BY {order}"))
}

/// How many there are.
///
/// # Errors
/// What the database said.
pub fn count(
    tenant: &mut Tenant<'_>,
    filter: &Filter,
    condition: Option<Condition<'_>>,
) -> Result<i64, StoreError> {
    let index = index(tenant, filter)?;
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!("SELECT count(*) AS n FROM contacts c WHERE c.workspace_id = {workspace}"));
    match index {
        Some(reach) => found(&mut sql, &workspace, filter, reach),
        None => terms(&mut sql, "c.search", filter),
    }
    narrow(&mut sql, &workspace, filter, condition, Extent::All);
    sql.count(tenant.conn)
}

pub(crate) fn order_by(sort: &Sort, keys: &[String]) -> String {
    let direction = |descending: bool| if descending { "DESC" } else { "ASC" };
    let mut order: Vec<String> = keys
        .iter()
        .zip(&sort.keys)
        .map(|(key, sort)| format!("{key} {} NULLS LAST", direction(sort.descending)))
        .collect();
    order.push(format!("c.id {}", direction(sort.newest_first)));
    order.join(", ")
}

/// The rows behind `after`: `k1 > v1 OR (k1 = v1 AND (k2 > v2 OR (… AND id > i)))`, where NULL is behind
/// every value.
pub(crate) fn follow(sql: &mut Sql, sort: &Sort, keys: &[String], after: &Position) {
    let mut open = 0;
    for ((key, sort), value) in keys.iter().zip(&sort.keys).zip(&after.keys) {
        if is_null(value) {
            sql.push(&format!("({key} IS NULL AND "));
            open += 1;
            continue;
        }
        let value = sql.param(value.clone());
        let beyond = if sort.descending { "<" } else { ">" };
        sql.push(&format!("({key} {beyond} {value} OR {key} IS NULL OR ({key} = {value} AND "));
        open += 2;
    }
    sql.push(if sort.newest_first { "c.id < " } else { "c.id > " }).bind(after.id);
    sql.push(&")".repeat(open));
}

fn is_null(value: &Bind) -> bool {
    matches!(
        value,
        Bind::Text(None)
            | Bind::Date(None)
            | Bind::BigInt(None)
            | Bind::Bool(None)
            | Bind::Time(None)
    )
}

/// The terms of the search box, in the text of this column.
fn terms(sql: &mut Sql, column: &str, filter: &Filter) {
    if !filter.terms.is_empty() {
        sql.push(" AND ");
        search::matches(sql, column, &filter.terms);
    }
}

/// The same, asked of the index.
fn found(sql: &mut Sql, workspace: &str, filter: &Filter, reach: Reach) {
    let within = search::within(reach, "s", workspace);
    sql.push(&format!(" AND c.id IN (SELECT s.contact_id FROM contact_search s WHERE {within}"));
    terms(sql, "s.search", filter);
    sql.push(")");
}

fn narrow(
    sql: &mut Sql,
    workspace: &str,
    filter: &Filter,
    condition: Option<Condition<'_>>,
    extent: Extent,
) {
    let Filter { trash, terms: _, communication, tags, equal, times } = filter;
    sql.push(if *trash { " AND c.trashed_at IS NOT NULL" } else { " AND c.trashed_at IS NULL" });
    match communication {
        None => {}
        Some(Display::Muted) => drop(sql.push(" AND c.muted")),
        Some(Display::Unsubscribed) => drop(sql.push(" AND NOT c.muted AND NOT c.subscribed")),
        Some(Display::Subscribed) => drop(sql.push(" AND NOT c.muted AND c.subscribed")),
    }
    for tag in tags {
        sql.push(&format!(
            " AND EXISTS (SELECT FROM contact_tags ct JOIN tags t ON t.workspace_id = {workspace} AND t.id = ct.tag_id \
             WHERE ct.workspace_id = {workspace} AND ct.contact_id = c.id AND t.name_key = "
        ));
        sql.bind(tag.as_str()).push(")");
    }
    for (column, value) in equal {
        // the plain column where it has an index
        let expression = match column.kind {
            Kind::Folded => column.expression(),
            _ => column.expression.to_owned(),
        };
        sql.push(&format!(" AND {expression} = ")).bind(value.clone());
    }
    for (column, from, instant) in times {
        sql.push(&format!(" AND c.{column} {} ", if *from { ">=" } else { "<" })).bind(*instant);
    }
    if let Some(condition) = condition {
        sql.push(" AND (");
        condition(sql, workspace, extent);
        sql.push(")");
    }
}

/// A LIKE pattern for "holds this text".
#[must_use]
pub fn contains(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_their_text() {
        assert_eq!(contains("100%_a\\b"), "%100\\%\\_a\\\\b%");
    }

    #[test]
    fn columns_have_one_name_each_and_addresses_two() {
        for column in COLUMNS {
            assert_eq!(Column::named(column.name), Some(column));
        }
        assert_eq!(Column::named("address.city"), Column::named("city"));
        assert_eq!(Column::named("address.email"), None);
        assert_eq!(Column::named("search"), None);
        assert_eq!(Column::named("id; DROP TABLE contacts"), None);
    }

    #[test]
    fn a_page_follows_the_last_row_whatever_it_lacks() {
        let key = |name, descending| SortKey { column: Column::named(name).unwrap(), descending };
        let sort =
            Sort { keys: vec![key("score", true), key("birth_date", false)], newest_first: false };
        let keys: Vec<String> = sort.keys.iter().map(|key| key.column.expression()).collect();
        assert_eq!(
            order_by(&sort, &keys),
            "c.score DESC NULLS LAST, c.birth_date ASC NULLS LAST, c.id ASC"
        );
        let mut sql = Sql::default();
        let after =
            Position { keys: vec![Bind::BigInt(Some(5)), Bind::Date(None)], id: Uuid::nil() };
        follow(&mut sql, &sort, &keys, &after);
        assert_eq!(
            sql.text(),
            "(c.score < $1 OR c.score IS NULL OR (c.score = $1 AND (c.birth_date IS NULL AND c.id > $2)))"
        );
    }

    #[test]
    fn values_of_a_cursor_are_taken_only_in_their_type() {
        let score = Column::named("score").unwrap();
        assert!(score.bind(&Value::from(5)).is_some());
        assert!(score.bind(&Value::Null).is_some());
        assert!(score.bind(&Value::from("5")).is_none());
        assert!(score.bind(&Value::from(1.5)).is_none());
        let time = Column::named("updated_at").unwrap();
        assert!(time.bind(&Value::from("2026-11-21T22:12:16.123456+00:00")).is_some());
        assert!(time.bind(&Value::from("yesterday")).is_none());
        assert!(Column::named("city").unwrap().bind(&Value::from("a\0")).is_none());
    }
}
