//! What is left of a person outside of the contact: staged rows and files of imports, kept answers, requests of jobs,
//! saved conditions, companies and activities they share with others.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_domain::ids::{ActivityId, ImportId, JobId};

use crate::contacts::purge::import_rows;
use crate::contacts::read::Id;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// Whose rows of imports are looked for.
#[derive(Clone, Debug, Default)]
pub struct Whose {
    /// Contacts.
    pub contacts: Vec<Uuid>,
    /// Keys of e-mail addresses.
    pub emails: Vec<String>,
    /// Numbers in E.164.
    pub phones: Vec<String>,
    /// First and last names, folded, at the same places. Used for imports that have ended only: a namesake must
    /// not be left out of one that runs.
    pub first_names: Vec<String>,
    /// See `first_names`.
    pub last_names: Vec<String>,
}

/// Imports with a row that met or made one of the contacts.
///
/// # Errors
/// What the database said.
pub fn imports_of(tenant: &mut Tenant<'_>, contacts: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
    let mut ids: Vec<Uuid> =
        import_rows(tenant, contacts)?.into_iter().map(|row| row.import_id).collect();
    let mut sql =
        Sql::new("SELECT DISTINCT import_id AS id FROM import_rows WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND contact_id = ANY(").bind(contacts.to_vec()).push(")");
    ids.extend(sql.load::<Id>(tenant.conn)?.into_iter().map(|row| row.id));
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

/// Values of a column that the contacts had before an import changed it, or that it gave them.
///
/// # Errors
/// What the database said.
pub fn former(
    tenant: &mut Tenant<'_>,
    contacts: &[Uuid],
    column: &str,
) -> Result<Vec<String>, StoreError> {
    let rows = import_rows(tenant, contacts)?;
    let mut sql = Sql::default();
    let (ws, column) = (sql.param(tenant.workspace), sql.param(column));
    sql.push("SELECT DISTINCT v.word FROM unnest(");
    sql.bind(rows.iter().map(|row| row.import_id).collect::<Vec<_>>()).push(", ");
    sql.bind(rows.iter().map(|row| row.row).collect::<Vec<_>>());
    sql.push(&format!(
        ") AS t(import_id, row) JOIN import_changes x ON x.workspace_id = {ws} AND x.import_id = t.import_id AND x.row = t.row \
         CROSS JOIN LATERAL jsonb_array_elements_text(x.changes -> {column}) AS v(word) \
         WHERE v.word IS NOT NULL AND x.contact_id = ANY("
    ));
    sql.bind(contacts.to_vec()).push(")");
    Ok(sql.load::<Word>(tenant.conn)?.into_iter().map(|row| row.word).collect())
}

/// The next imports behind `after`.
///
/// # Errors
/// What the database said.
pub fn imports_after(
    tenant: &mut Tenant<'_>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = Sql::new("SELECT id FROM imports WHERE workspace_id = ");
    sql.bind(tenant.workspace);
    if let Some(after) = after {
        sql.push(" AND id > ").bind(after);
    }
    sql.push(" ORDER BY id LIMIT ").bind(limit);
    Ok(sql.load::<Id>(tenant.conn)?.into_iter().map(|row| row.id).collect())
}

/// Whether staged rows of the import are the person's.
///
/// # Errors
/// What the database said.
pub fn is_staged(
    tenant: &mut Tenant<'_>,
    import: ImportId,
    whose: &Whose,
) -> Result<bool, StoreError> {
    let mut sql =
        Sql::new("SELECT count(*) AS n FROM (SELECT FROM import_staged s WHERE s.workspace_id = ");
    sql.bind(tenant.workspace).push(" AND s.import_id = ").bind(import.0).push(" AND (");
    sql.push("s.email_key = ANY(").bind(whose.emails.clone()).push(") OR s.phone = ANY(");
    sql.bind(whose.phones.clone()).push(")) LIMIT 1) AS one");
    Ok(sql.count(tenant.conn)? > 0)
}

/// Removes all staged rows of an import that has ended, and the values in the problems of the person's rows; how
/// many staged rows those were.
///
/// # Errors
/// What the database said.
pub fn forget_staged(
    tenant: &mut Tenant<'_>,
    import: ImportId,
    whose: &Whose,
) -> Result<usize, StoreError> {
    let mut sql = Sql::default();
    let (ws, imp) = (sql.param(tenant.workspace), sql.param(import.0));
    let (emails, phones) = (sql.param(whose.emails.clone()), sql.param(whose.phones.clone()));
    let (first, last) = (sql.param(whose.first_names.clone()), sql.param(whose.last_names.clone()));
    sql.push(&format!(
        "WITH theirs AS MATERIALIZED (
            SELECT s.row FROM import_staged s WHERE s.workspace_id = {ws} AND s.import_id = {imp}
              AND (s.email_key = ANY({emails}) OR s.phone = ANY({phones})
                OR (contact_fold(s.first_name), contact_fold(s.last_name)) IN (SELECT * FROM unnest({first}, {last})))
            UNION SELECT r.row FROM import_rows r WHERE r.workspace_id = {ws} AND r.import_id = {imp} AND r.contact_id = ANY("
    ));
    sql.bind(whose.contacts.clone()).push(&format!(
        ")),
         about AS MATERIALIZED (
            SELECT row FROM theirs UNION
            SELECT f.row FROM import_rows f JOIN theirs ON f.merged_into = theirs.row WHERE f.workspace_id = {ws} AND f.import_id = {imp})
         UPDATE import_rows r SET problems = NULL FROM about
         WHERE r.workspace_id = {ws} AND r.import_id = {imp} AND r.row = about.row AND r.problems IS NOT NULL"
    ));
    sql.execute(tenant.conn)?;
    remove_staged(tenant, import, i64::MAX)
}

/// Removes staged rows of an import that has ended; how many. What an older build kept there only is kept.
///
/// # Errors
/// What the database said.
pub fn remove_staged(
    tenant: &mut Tenant<'_>,
    import: ImportId,
    most: i64,
) -> Result<usize, StoreError> {
    let mut sql = Sql::default();
    let (ws, imp, most) = (sql.param(tenant.workspace), sql.param(import.0), sql.param(most));
    sql.push(&format!(
        "WITH gone AS MATERIALIZED (
            SELECT s.row, s.head FROM import_staged s WHERE s.workspace_id = {ws} AND s.import_id = {imp} ORDER BY s.row LIMIT {most}),
         heads AS (
            UPDATE import_rows r SET merged_into = gone.head FROM gone
            WHERE gone.head IS NOT NULL AND r.workspace_id = {ws} AND r.import_id = {imp} AND r.row = gone.row
              AND r.outcome = 'merged_in_file' AND r.merged_into IS NULL)
         DELETE FROM import_staged s USING gone WHERE s.workspace_id = {ws} AND s.import_id = {imp} AND s.row = gone.row"
    ));
    sql.execute(tenant.conn)
}

/// Leaves the person out of imports that are being written: rows that were not written yet are skipped, and what is
/// staged of them goes. The caller holds the writer lock, so no chunk is being written meanwhile. How many rows.
///
/// # Errors
/// What the database said.
pub fn skip_waiting(tenant: &mut Tenant<'_>, whose: &Whose) -> Result<usize, StoreError> {
    let mut sql = Sql::default();
    let ws = sql.param(tenant.workspace);
    let (emails, phones) = (sql.param(whose.emails.clone()), sql.param(whose.phones.clone()));
    let contacts = sql.param(whose.contacts.clone());
    sql.push(&format!(
        "WITH running AS MATERIALIZED (
            SELECT i.id, i.applied_row FROM imports i WHERE i.workspace_id = {ws} AND i.state = 'running'),
         theirs AS MATERIALIZED (
            SELECT s.import_id, s.row, s.row > i.applied_row AS waits FROM running i
            JOIN import_staged s ON s.workspace_id = {ws} AND s.import_id = i.id
            WHERE s.email_key = ANY({emails}) OR s.phone = ANY({phones})
            UNION SELECT r.import_id, r.row, true FROM running i
            JOIN import_rows r ON r.workspace_id = {ws} AND r.import_id = i.id AND r.row > i.applied_row
            WHERE r.contact_id = ANY({contacts})),
         unstaged AS (
            DELETE FROM import_staged s USING theirs
            WHERE s.workspace_id = {ws} AND s.import_id = theirs.import_id AND s.row = theirs.row)
         UPDATE import_rows r SET problems = NULL, contact_id = CASE WHEN theirs.waits THEN NULL ELSE r.contact_id END,
            outcome = CASE WHEN theirs.waits AND r.outcome NOT IN ('merged_in_file', 'invalid') THEN 'skip' ELSE r.outcome END
         FROM theirs WHERE r.workspace_id = {ws} AND r.import_id = theirs.import_id AND r.row = theirs.row"
    ));
    sql.execute(tenant.conn)
}

/// What was written down of a job.
#[derive(Clone, Debug, QueryableByName)]
pub struct JobTexts {
    /// The job.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its arguments.
    #[diesel(sql_type = Jsonb)]
    pub payload: Value,
    /// Why it failed.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub problem: Option<Value>,
    /// What went wrong last.
    #[diesel(sql_type = Nullable<Text>)]
    pub last_error: Option<String>,
}

/// What was written down of the next jobs behind `after`.
///
/// # Errors
/// What the database said.
pub fn job_texts(
    tenant: &mut Tenant<'_>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<JobTexts>, StoreError> {
    let mut sql =
        Sql::new("SELECT id, payload, problem, last_error FROM jobs WHERE workspace_id = ");
    sql.bind(tenant.workspace);
    if let Some(after) = after {
        sql.push(" AND id > ").bind(after);
    }
    sql.push(" ORDER BY id LIMIT ").bind(limit);
    sql.load(tenant.conn)
}

/// Writes other texts of a job.
///
/// # Errors
/// What the database said.
pub fn put_job_texts(tenant: &mut Tenant<'_>, texts: &JobTexts) -> Result<(), StoreError> {
    let mut sql = Sql::new("UPDATE jobs SET payload = ");
    sql.bind(texts.payload.clone()).push(", problem = ").bind(texts.problem.clone());
    sql.push(", last_error = ").bind(texts.last_error.clone());
    sql.push(" WHERE workspace_id = ").bind(tenant.workspace).push(" AND id = ").bind(texts.id);
    sql.execute(tenant.conn).map(drop)
}

/// Writes the arguments of a job anew.
///
/// # Errors
/// What the database said.
pub fn put_payload(tenant: &mut Tenant<'_>, job: JobId, payload: Value) -> Result<(), StoreError> {
    let mut sql = Sql::new("UPDATE jobs SET payload = ");
    sql.bind(payload).push(" WHERE workspace_id = ").bind(tenant.workspace);
    sql.push(" AND id = ").bind(job.0);
    sql.execute(tenant.conn).map(drop)
}

/// Texts of a saved segment.
#[derive(Clone, Debug, QueryableByName)]
pub struct SegmentTexts {
    /// The segment.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// What people say of it.
    #[diesel(sql_type = Nullable<Text>)]
    pub description: Option<String>,
    /// Its filter.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub filter: Option<Value>,
    /// Its selection.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub selection: Option<Value>,
}

/// Texts of all segments. The caller holds the lock on segments.
///
/// # Errors
/// What the database said.
pub fn segment_texts(tenant: &mut Tenant<'_>) -> Result<Vec<SegmentTexts>, StoreError> {
    let mut sql =
        Sql::new("SELECT id, description, filter, selection FROM segments WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" ORDER BY id");
    sql.load(tenant.conn)
}

/// Writes other texts of segments.
///
/// # Errors
/// What the database said.
pub fn put_segment_texts(
    tenant: &mut Tenant<'_>,
    segments: &[SegmentTexts],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if segments.is_empty() {
        return Ok(());
    }
    let rows: Value = segments
        .iter()
        .map(|one| {
            json!({"id": one.id, "description": one.description, "filter": one.filter, "selection": one.selection})
        })
        .collect();
    let mut sql = Sql::new(
        "UPDATE segments s SET description = r.description, filter = nullif(r.filter, 'null'), \
         selection = nullif(r.selection, 'null'), updated_at = greatest(",
    );
    sql.bind(now).push(", s.updated_at + interval '1 microsecond') FROM jsonb_to_recordset(");
    sql.bind(rows).push(
        ") AS r(id uuid, description text, filter jsonb, selection jsonb) WHERE s.id = r.id AND s.workspace_id = ",
    );
    sql.bind(tenant.workspace);
    sql.execute(tenant.conn).map(drop)
}

/// Companies the contacts are linked to that have an address or number of theirs, locked.
///
/// # Errors
/// What the database said.
pub fn companies_with(
    tenant: &mut Tenant<'_>,
    contacts: &[Uuid],
    emails: Vec<String>,
    phones: Vec<String>,
) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = Sql::default();
    let ws = sql.param(tenant.workspace);
    let (emails, phones) = (sql.param(emails), sql.param(phones));
    sql.push(&format!(
        "SELECT c.id FROM companies c WHERE c.workspace_id = {ws} AND (lower(c.email) = ANY({emails}) OR c.phone = ANY({phones})) \
         AND EXISTS (SELECT FROM company_contacts l WHERE l.workspace_id = {ws} AND l.company_id = c.id AND l.contact_id = ANY("
    ));
    sql.bind(contacts.to_vec()).push(")) ORDER BY c.id FOR UPDATE OF c");
    Ok(sql.load::<Id>(tenant.conn)?.into_iter().map(|row| row.id).collect())
}

/// Activities that the contacts share with others.
///
/// # Errors
/// What the database said.
pub fn shared_activities(
    tenant: &mut Tenant<'_>,
    contacts: &[Uuid],
) -> Result<Vec<ActivityId>, StoreError> {
    let mut sql = Sql::default();
    let (ws, ids) = (sql.param(tenant.workspace), sql.param(contacts.to_vec()));
    sql.push(&format!(
        "SELECT DISTINCT l.activity_id AS id FROM activity_contacts l WHERE l.workspace_id = {ws} AND l.contact_id = ANY({ids}) \
         AND EXISTS (SELECT FROM activity_contacts o WHERE o.workspace_id = {ws} AND o.activity_id = l.activity_id \
           AND o.contact_id <> ALL({ids})) ORDER BY 1"
    ));
    Ok(sql.load::<Id>(tenant.conn)?.into_iter().map(|row| ActivityId(row.id)).collect())
}

/// A contact with its keys, for those who know hashes only.
#[derive(Clone, Debug, QueryableByName)]
pub struct Keys {
    /// The contact.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Key of its e-mail address.
    #[diesel(sql_type = Nullable<Text>)]
    pub email_key: Option<String>,
    /// Its number.
    #[diesel(sql_type = Nullable<Text>)]
    pub phone: Option<String>,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub made_at: DateTime<Utc>,
}

/// The next contacts with an address or number, in the trash or not, made before an instant, behind `after`.
///
/// # Errors
/// What the database said.
pub fn keys(
    tenant: &mut Tenant<'_>,
    made_before: DateTime<Utc>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Keys>, StoreError> {
    let mut sql = Sql::new(
        "SELECT id, email_key, phone, created_at AS made_at FROM contacts WHERE workspace_id = ",
    );
    sql.bind(tenant.workspace).push(" AND created_at < ").bind(made_before);
    sql.push(" AND (email_key IS NOT NULL OR phone IS NOT NULL)");
    if let Some(after) = after {
        sql.push(" AND id > ").bind(after);
    }
    sql.push(" ORDER BY id LIMIT ").bind(limit);
    sql.load(tenant.conn)
}

/// Contacts, in the trash or not, that have one of these keys or numbers, at most `limit`.
///
/// # Errors
/// What the database said.
pub fn holders(
    tenant: &mut Tenant<'_>,
    emails: &[String],
    phones: &[String],
    limit: i64,
) -> Result<Vec<Keys>, StoreError> {
    let mut sql = Sql::default();
    let ws = sql.param(tenant.workspace);
    let (emails, phones) = (sql.param(emails.to_vec()), sql.param(phones.to_vec()));
    sql.push(&format!(
        "SELECT id, email_key, phone, created_at AS made_at FROM contacts WHERE workspace_id = {ws} AND email_key = ANY({emails}) \
         UNION SELECT id, email_key, phone, created_at AS made_at FROM contacts WHERE workspace_id = {ws} AND phone = ANY({phones}) ORDER BY id LIMIT "
    ));
    sql.bind(limit);
    sql.load(tenant.conn)
}
