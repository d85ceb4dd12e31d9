//! Activities, and whom they are about (CON-14).

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_domain::activities::{Activity, Kind};
use kartoteka_domain::actor::Actor;
use kartoteka_domain::contacts::search::Term;
use kartoteka_domain::ids::{ActivityId, ContactId};
use kartoteka_domain::segments::Selection;

use crate::contacts::search;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::segments::{Names, condition};
use crate::sql::Sql;

/// An activity as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct ActivityRow {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Nullable<Text>)]
    text: Option<String>,
    /// The instant it is listed at.
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    starts_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    due_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    done_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    result: Option<String>,
    /// Kind of its author.
    #[diesel(sql_type = Text)]
    pub author_type: String,
    /// Its author.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub author_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    company_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    opportunity_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    project_id: Option<Uuid>,
    #[diesel(sql_type = Array<SqlUuid>)]
    contact_ids: Vec<Uuid>,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

impl From<&ActivityRow> for Activity {
    fn from(row: &ActivityRow) -> Self {
        let row = row.clone();
        Self {
            // the table takes no other word
            kind: Kind::from_word(&row.kind).unwrap_or(Kind::Task),
            subject: row.subject,
            text: row.text,
            starts_at: row.starts_at,
            due_at: row.due_at,
            done_at: row.done_at,
            result: row.result,
            contacts: row.contact_ids.into_iter().map(ContactId).collect(),
            company_id: row.company_id,
            opportunity_id: row.opportunity_id,
            project_id: row.project_id,
        }
    }
}

/// Which activities. What is not said does not matter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// What was typed into the search box.
    pub terms: Vec<Term>,
    /// Their kind.
    pub kind: Option<Kind>,
    /// Listed at or after this instant.
    pub after: Option<DateTime<Utc>>,
    /// Listed before this instant.
    pub before: Option<DateTime<Utc>>,
    /// Written by this person or integration.
    pub author_id: Option<Uuid>,
    /// What came of them.
    pub result: Option<String>,
    /// Whether they are done.
    pub done: Option<bool>,
    /// About this contact.
    pub contact_id: Option<Uuid>,
    /// About this company.
    pub company_id: Option<Uuid>,
    /// About this opportunity.
    pub opportunity_id: Option<Uuid>,
    /// About this project.
    pub project_id: Option<Uuid>,
    /// About somebody living whom this selection means at this instant (SEG-6).
    pub selection: Option<(Selection, DateTime<Utc>)>,
}

/// Where a page ended, and in which direction the list goes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Position {
    /// From the oldest on; else the newest come first.
    pub oldest_first: bool,
    /// Instant and id of the last one.
    pub after: Option<(DateTime<Utc>, Uuid)>,
}

fn select(sql: &mut Sql, workspace: &str) {
    sql.push(&format!(
        "SELECT a.id, a.type AS kind, a.subject, a.text, a.at, a.starts_at, a.due_at, a.done_at, a.result, \
         a.author_type, a.author_id, a.company_id, a.opportunity_id, a.project_id, \
         ARRAY(SELECT l.contact_id FROM activity_contacts l WHERE l.workspace_id = {workspace} \
           AND l.activity_id = a.id ORDER BY l.contact_id) AS contact_ids, a.created_at, a.updated_at \
         FROM activities a WHERE a.workspace_id = {workspace}"
    ));
}

/// Activities that fit, in order of the instant they are listed at.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    filter: &Filter,
    position: Position,
    limit: usize,
) -> Result<Vec<ActivityRow>, StoreError> {
    let names = match &filter.selection {
        Some((selection, _)) => Some(Names::load(tenant, selection)?),
        None => None,
    };
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    select(&mut sql, &workspace);
    narrow(&mut sql, &workspace, filter);
    if let (Some((selection, now)), Some(names)) = (&filter.selection, &names) {
        sql.push(&format!(
            " AND EXISTS (SELECT FROM activity_contacts l JOIN contacts c ON c.workspace_id = {workspace} \
               AND c.id = l.contact_id WHERE l.workspace_id = {workspace} AND l.activity_id = a.id \
               AND c.trashed_at IS NULL AND "
        ));
        condition(selection, &mut sql, "c", &workspace, names, *now);
        sql.push(")");
    }
    let Position { oldest_first, after } = position;
    if let Some((at, id)) = after {
        sql.push(if oldest_first { " AND (a.at, a.id) > (" } else { " AND (a.at, a.id) < (" });
        sql.bind(at).push(", ").bind(id).push(")");
    }
    let order = if oldest_first { "a.at, a.id" } else { "a.at DESC, a.id DESC" };
    sql.push(&format!(" ORDER BY {order} LIMIT "));
    sql.bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql.load(tenant.conn)
}

fn narrow(sql: &mut Sql, workspace: &str, filter: &Filter) {
    let Filter {
        terms,
        kind,
        after,
        before,
        author_id,
        result,
        done,
        contact_id,
        company_id,
        opportunity_id,
        project_id,
        selection: _,
    } = filter;
    if !terms.is_empty() {
        sql.push(" AND ");
        search::matches(sql, "a.search", terms);
    }
    if let Some(kind) = kind {
        sql.push(" AND a.type = ").bind(kind.as_str());
    }
    if let Some(instant) = after {
        sql.push(" AND a.at >= ").bind(*instant);
    }
    if let Some(instant) = before {
        sql.push(" AND a.at < ").bind(*instant);
    }
    if let Some(result) = result {
        sql.push(" AND a.result = ").bind(result.as_str());
    }
    if let Some(done) = done {
        sql.push(if *done { " AND a.done_at IS NOT NULL" } else { " AND a.done_at IS NULL" });
    }
    for (column, id) in [
        ("author_id", author_id),
        ("company_id", company_id),
        ("opportunity_id", opportunity_id),
        ("project_id", project_id),
    ] {
        if let Some(id) = id {
            sql.push(&format!(" AND a.{column} = ")).bind(*id);
        }
    }
    if let Some(contact) = contact_id {
        sql.push(&format!(
            " AND a.id IN (SELECT l.activity_id FROM activity_contacts l WHERE l.workspace_id = {workspace} \
             AND l.contact_id = "
        ));
        sql.bind(*contact).push(")");
    }
}

/// One activity; with `lock`, nobody else changes it until the transaction ends.
///
/// # Errors
/// [`StoreError::Busy`] when somebody holds it for too long.
pub fn get(
    tenant: &mut Tenant<'_>,
    id: ActivityId,
    lock: bool,
) -> Result<Option<ActivityRow>, StoreError> {
    if lock {
        // locked first and read then: contacts that were added while we waited must be seen
        let mut sql =
            Sql::new("SELECT count(*) AS n FROM (SELECT FROM activities WHERE workspace_id = ");
        sql.bind(tenant.workspace).push(" AND id = ").bind(id.0).push(" FOR UPDATE) AS held");
        sql.count(tenant.conn)?;
    }
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    select(&mut sql, &workspace);
    sql.push(" AND a.id = ").bind(id.0);
    sql.first(tenant.conn)
}

/// The columns of an activity but its author and times of its own.
#[must_use]
pub fn columns(activity: &Activity, created_at: DateTime<Utc>) -> Value {
    // destructured, so that a new field cannot be forgotten here
    let Activity {
        kind,
        subject,
        text,
        starts_at,
        due_at,
        done_at,
        result,
        contacts: _,
        company_id,
        opportunity_id,
        project_id,
    } = activity;
    json!({
        "type": kind.as_str(), "subject": subject, "text": text, "at": activity.at(created_at),
        "starts_at": starts_at, "due_at": due_at, "done_at": done_at, "result": result,
        "company_id": company_id, "opportunity_id": opportunity_id, "project_id": project_id,
        "search": activity.search(),
    })
}

const COLUMNS: &str = "type, subject, text, at, starts_at, due_at, done_at, result, company_id, opportunity_id, \
     project_id, search";
const RECORD: &str = "type text, subject text, text text, at timestamptz, starts_at timestamptz, \
     due_at timestamptz, done_at timestamptz, result text, company_id uuid, opportunity_id uuid, project_id uuid, \
     search text";

/// Makes an activity.
///
/// # Errors
/// A foreign key when company, opportunity or project is not there.
pub fn insert(
    tenant: &mut Tenant<'_>,
    id: ActivityId,
    activity: &Activity,
    author: Actor,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = Sql::new(&format!(
        "INSERT INTO activities (workspace_id, id, {COLUMNS}, author_type, author_id, created_at, updated_at) SELECT "
    ));
    sql.bind(tenant.workspace).push(", ").bind(id.0).push(&format!(", {COLUMNS}, "));
    sql.bind(author.kind()).push(", ").bind(author.id()).push(", ");
    let at = sql.param(now);
    sql.push(&format!("{at}, {at} FROM jsonb_to_record(")).bind(columns(activity, now));
    sql.push(&format!(") AS r({RECORD})"));
    sql.execute(tenant.conn)?;
    put_contacts(tenant, id, &activity.contacts)
}

/// Writes an activity that is there.
///
/// # Errors
/// As [`insert`].
pub fn update(
    tenant: &mut Tenant<'_>,
    row: &ActivityRow,
    activity: &Activity,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let values: Vec<String> = COLUMNS.split(", ").map(|column| format!("r.{column}")).collect();
    let mut sql = Sql::new(&format!(
        "UPDATE activities a SET ({COLUMNS}) = ROW ({}), updated_at = greatest(",
        values.join(", ")
    ));
    // no two versions share an instant
    sql.bind(now).push(", a.updated_at + interval '1 microsecond') FROM jsonb_to_record(");
    sql.bind(columns(activity, row.created_at))
        .push(&format!(") AS r({RECORD}) WHERE a.workspace_id = "));
    sql.bind(tenant.workspace).push(" AND a.id = ").bind(row.id);
    sql.execute(tenant.conn)?;
    let ids: Vec<Uuid> = activity.contacts.iter().map(|contact| contact.0).collect();
    let mut sql = Sql::new("DELETE FROM activity_contacts WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND activity_id = ").bind(row.id);
    sql.push(" AND contact_id <> ALL(").bind(ids).push(")");
    sql.execute(tenant.conn)?;
    put_contacts(tenant, ActivityId(row.id), &activity.contacts)
}

fn put_contacts(
    tenant: &mut Tenant<'_>,
    id: ActivityId,
    contacts: &[ContactId],
) -> Result<(), StoreError> {
    if contacts.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = contacts.iter().map(|contact| contact.0).collect();
    let mut sql =
        Sql::new("INSERT INTO activity_contacts (workspace_id, activity_id, contact_id) SELECT ");
    sql.bind(tenant.workspace).push(", ").bind(id.0).push(", contact FROM unnest(").bind(ids);
    sql.push(") AS contact ON CONFLICT (workspace_id, activity_id, contact_id) DO NOTHING");
    sql.execute(tenant.conn).map(drop)
}

/// Removes an activity.
///
/// # Errors
/// What the database said.
pub fn delete(tenant: &mut Tenant<'_>, id: ActivityId) -> Result<(), StoreError> {
    let mut sql = Sql::new("DELETE FROM activities WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ").bind(id.0);
    sql.execute(tenant.conn).map(drop)
}

/// Takes purged contacts off all activities, and removes those that were about nobody else: what they say is
/// about the contact (TRS-2).
///
/// # Errors
/// What the database said.
pub(crate) fn forget_contacts(
    tenant: &mut Tenant<'_>,
    contacts: &[Uuid],
) -> Result<(), StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    let ids = sql.param(contacts.to_vec());
    sql.push(&format!(
        "DELETE FROM activities a USING (SELECT DISTINCT l.activity_id FROM activity_contacts l \
           WHERE l.workspace_id = {workspace} AND l.contact_id = ANY({ids})) AS gone \
         WHERE a.workspace_id = {workspace} AND a.id = gone.activity_id AND NOT EXISTS (\
           SELECT FROM activity_contacts other WHERE other.workspace_id = {workspace} \
           AND other.activity_id = a.id AND other.contact_id <> ALL({ids}))"
    ));
    sql.execute(tenant.conn)?;
    let mut sql = Sql::new("DELETE FROM activity_contacts WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND contact_id = ANY(").bind(contacts.to_vec()).push(")");
    sql.execute(tenant.conn).map(drop)
}

/// What is planned for a contact: activities that are not done and have an instant, tasks also when they are
/// overdue; the next one first, behind `after`.
///
/// # Errors
/// What the database said.
pub fn planned(
    tenant: &mut Tenant<'_>,
    contact: ContactId,
    now: DateTime<Utc>,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: usize,
) -> Result<Vec<ActivityRow>, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    select(&mut sql, &workspace);
    sql.push(&format!(
        " AND a.done_at IS NULL AND (a.starts_at IS NOT NULL OR a.due_at IS NOT NULL) \
         AND a.id IN (SELECT l.activity_id FROM activity_contacts l WHERE l.workspace_id = {workspace} \
           AND l.contact_id = "
    ));
    sql.bind(contact.0).push(") AND (a.type = 'task' OR a.at >= ").bind(now).push(")");
    if let Some((at, id)) = after {
        sql.push(" AND (a.at, a.id) > (").bind(at).push(", ").bind(id).push(")");
    }
    sql.push(" ORDER BY a.at, a.id LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql.load(tenant.conn)
}
