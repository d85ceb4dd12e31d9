//! Documents, and whom they are about (MGR-M). Every statement that people cause is told who looks: a private document is
//! there for its owner only, and one that is not whole yet for nobody.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use kartoteka_domain::actor::Actor;
use kartoteka_domain::ids::{DocumentId, JobId};

use crate::contacts::read::Id;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// A document.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Document {
    /// Its id, in order of time.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// What it is: a word of `domain::documents::Kind`.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// The name of the file.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Of links: the page they lead to.
    #[diesel(sql_type = Nullable<Text>)]
    pub page: Option<String>,
    /// Seen by its owner only.
    #[diesel(sql_type = Bool)]
    pub private: bool,
    /// Kind of its owner.
    #[diesel(sql_type = Text)]
    pub owner_type: String,
    /// Its owner.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub owner_id: Option<Uuid>,
    /// The job that made it.
    #[diesel(sql_type = SqlUuid)]
    pub job_id: Uuid,
    /// How many contacts it was made for.
    #[diesel(sql_type = BigInt)]
    pub contacts: i64,
    /// When it was begun.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
    /// When it was whole.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub finished_at: Option<DateTime<Utc>>,
}

const COLUMNS: &str = "d.id, d.kind, d.name, d.page, d.private, d.owner_type, d.owner_id, d.job_id, d.contacts, \
     d.created_at, d.updated_at, d.finished_at";

/// Which documents of a list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those of this kind.
    pub kind: Option<String>,
    /// Only the one this job made.
    pub job: Option<JobId>,
}

/// Whole documents that `viewer` sees.
fn select(tenant: &Tenant<'_>, viewer: Actor) -> Sql {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM documents d WHERE d.workspace_id = "));
    sql.bind(tenant.workspace).push(" AND d.finished_at IS NOT NULL");
    sql.push(" AND (NOT d.private OR (d.owner_type = ").bind(viewer.kind());
    sql.push(" AND d.owner_id IS NOT DISTINCT FROM ").bind(viewer.id()).push("))");
    sql
}

/// Documents that `viewer` sees, newest first, older than `before`.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    viewer: Actor,
    filter: &Filter,
    before: Option<Uuid>,
    limit: usize,
) -> Result<Vec<Document>, StoreError> {
    let mut sql = select(tenant, viewer);
    if let Some(kind) = &filter.kind {
        sql.push(" AND d.kind = ").bind(kind.as_str());
    }
    if let Some(job) = filter.job {
        sql.push(" AND d.job_id = ").bind(job.0);
    }
    if let Some(before) = before {
        sql.push(" AND d.id < ").bind(before);
    }
    sql.push(" ORDER BY d.id DESC LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql.load(tenant.conn)
}

/// Documents that these jobs made and that `viewer` sees.
///
/// # Errors
/// What the database said.
pub fn of_jobs(
    tenant: &mut Tenant<'_>,
    viewer: Actor,
    jobs: Vec<Uuid>,
) -> Result<Vec<Document>, StoreError> {
    let mut sql = select(tenant, viewer);
    sql.push(" AND d.job_id = ANY(").bind(jobs).push(")");
    sql.load(tenant.conn)
}

/// One document, if `viewer` sees it. With `lock` nobody else changes it until the transaction ends.
///
/// # Errors
/// What the database said.
pub fn get(
    tenant: &mut Tenant<'_>,
    viewer: Actor,
    id: DocumentId,
    lock: bool,
) -> Result<Option<Document>, StoreError> {
    let mut sql = select(tenant, viewer);
    sql.push(" AND d.id = ").bind(id.0);
    if lock {
        sql.push(" FOR UPDATE");
    }
    sql.first(tenant.conn)
}

/// Writes name and privacy of a document.
///
/// # Errors
/// What the database said.
pub fn update(tenant: &mut Tenant<'_>, document: &Document) -> Result<(), StoreError> {
    let mut sql = Sql::new("UPDATE documents SET name = ");
    sql.bind(document.name.as_str()).push(", private = ").bind(document.private);
    sql.push(", updated_at = ").bind(document.updated_at);
    sql.push(" WHERE workspace_id = ").bind(tenant.workspace).push(" AND id = ").bind(document.id);
    sql.execute(tenant.conn).map(drop)
}

/// Removes a document; whether it was there.
///
/// # Errors
/// What the database said.
pub fn delete(tenant: &mut Tenant<'_>, id: DocumentId) -> Result<bool, StoreError> {
    let mut sql = Sql::new("DELETE FROM documents WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ").bind(id.0);
    Ok(sql.execute(tenant.conn)? > 0)
}

/// Begins the document of a job, unless that was done before, and says which it is.
///
/// # Errors
/// What the database said.
pub fn begin(tenant: &mut Tenant<'_>, document: &Document) -> Result<DocumentId, StoreError> {
    let Document { id, kind, name, page, private, owner_type, owner_id, job_id, .. } = document;
    let mut sql = Sql::new(
        "INSERT INTO documents (workspace_id, id, kind, name, page, private, owner_type, owner_id, job_id, \
         created_at, updated_at) VALUES (",
    );
    sql.bind(tenant.workspace).push(", ").bind(*id).push(", ").bind(kind.as_str());
    sql.push(", ").bind(name.as_str()).push(", ").bind(page.clone()).push(", ").bind(*private);
    sql.push(", ").bind(owner_type.as_str()).push(", ").bind(*owner_id).push(", ").bind(*job_id);
    sql.push(", ").bind(document.created_at).push(", ").bind(document.updated_at);
    sql.push(") ON CONFLICT (workspace_id, job_id) DO NOTHING");
    sql.execute(tenant.conn)?;
    let found = of_job(tenant, JobId(*job_id))?;
    found.map(|found| DocumentId(found.id)).ok_or_else(|| StoreError::Inconsistent {
        table: "documents",
        problem: format!("the document of the job {job_id} is not there"),
    })
}

/// The document of a job, whole or not, whoever looks.
///
/// # Errors
/// What the database said.
pub fn of_job(tenant: &mut Tenant<'_>, job: JobId) -> Result<Option<Document>, StoreError> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM documents d WHERE d.workspace_id = "));
    sql.bind(tenant.workspace).push(" AND d.job_id = ").bind(job.0);
    sql.first(tenant.conn)
}

/// Adds contacts, each once. The caller has locked them, so that none is purged meanwhile.
///
/// # Errors
/// What the database said.
pub fn add_contacts(
    tenant: &mut Tenant<'_>,
    id: DocumentId,
    contacts: &[Uuid],
) -> Result<(), StoreError> {
    let mut sql = Sql::default();
    let (workspace, id) = (sql.param(tenant.workspace), sql.param(id.0));
    sql.push(&format!(
        "WITH added AS (INSERT INTO document_contacts (workspace_id, document_id, contact_id) \
           SELECT {workspace}, {id}, c.id FROM unnest("
    ));
    sql.bind(contacts.to_vec()).push(&format!(
        ") AS c(id) ON CONFLICT DO NOTHING RETURNING contact_id) \
         UPDATE documents SET contacts = contacts + (SELECT count(*) FROM added) WHERE workspace_id = {workspace} AND id = {id}"
    ));
    sql.execute(tenant.conn).map(drop)
}

/// Makes the document of a job whole: from now on it is seen. Which one it was; `None` when the job made none.
///
/// # Errors
/// What the database said.
pub fn finish(
    tenant: &mut Tenant<'_>,
    job: JobId,
    now: DateTime<Utc>,
) -> Result<Option<DocumentId>, StoreError> {
    let mut sql = Sql::new("UPDATE documents SET finished_at = ");
    sql.bind(now).push(" WHERE workspace_id = ").bind(tenant.workspace);
    sql.push(" AND finished_at IS NULL AND job_id = ").bind(job.0).push(" RETURNING id");
    Ok(sql.first::<Id>(tenant.conn)?.map(|row| DocumentId(row.id)))
}

/// A line of a document: a contact as it is now.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Line {
    /// Whom it was made for: where the next page goes on behind.
    #[diesel(sql_type = SqlUuid)]
    pub place: Uuid,
    /// The contact that is there, the winner of one that was merged. `None` when the line falls away: the contact is in
    /// the trash, or has another line already.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub contact_id: Option<Uuid>,
    /// Its address.
    #[diesel(sql_type = Nullable<Text>)]
    pub email: Option<String>,
    /// Its first name.
    #[diesel(sql_type = Nullable<Text>)]
    pub first_name: Option<String>,
    /// Its last name.
    #[diesel(sql_type = Nullable<Text>)]
    pub last_name: Option<String>,
}

/// Adds what leads from the rows `l` of the document `id` to the contacts `c` that have a line: those merged lead to
/// their winners, and of several that lead to one the winner itself has it, else the first.
fn joined(sql: &mut Sql, workspace: &str, id: &str) {
    sql.push(&format!(
        " LEFT JOIN contact_merges m ON m.workspace_id = {workspace} AND m.loser_id = l.contact_id \
         LEFT JOIN contacts c ON c.workspace_id = {workspace} AND c.id = coalesce(m.winner_id, l.contact_id) \
           AND c.trashed_at IS NULL AND (m.loser_id IS NULL OR NOT EXISTS (\
             SELECT FROM document_contacts o WHERE o.workspace_id = {workspace} AND o.document_id = {id} \
               AND o.contact_id = m.winner_id \
             UNION ALL SELECT FROM contact_merges s JOIN document_contacts o ON o.workspace_id = {workspace} \
               AND o.document_id = {id} AND o.contact_id = s.loser_id \
             WHERE s.workspace_id = {workspace} AND s.winner_id = m.winner_id AND s.loser_id < l.contact_id))"
    ));
}

/// The next lines of a document, behind `after`.
///
/// # Errors
/// What the database said.
pub fn lines(
    tenant: &mut Tenant<'_>,
    id: DocumentId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Line>, StoreError> {
    let mut sql = Sql::default();
    let (workspace, id) = (sql.param(tenant.workspace), sql.param(id.0));
    sql.push(&format!(
        "SELECT l.contact_id AS place, c.id AS contact_id, c.email, c.first_name, c.last_name FROM (\
           SELECT contact_id FROM document_contacts WHERE workspace_id = {workspace} AND document_id = {id}"
    ));
    if let Some(after) = after {
        sql.push(" AND contact_id > ").bind(after);
    }
    sql.push(" ORDER BY contact_id LIMIT ").bind(limit).push(") AS l");
    joined(&mut sql, &workspace, &id);
    sql.push(" ORDER BY l.contact_id");
    sql.load(tenant.conn)
}

/// A word for what the lines of a document say now: it is another one as soon as one of its contacts is changed, merged,
/// put in the trash, restored or purged.
///
/// # Errors
/// What the database said.
pub fn state(tenant: &mut Tenant<'_>, id: DocumentId) -> Result<String, StoreError> {
    #[derive(QueryableByName)]
    struct Word {
        #[diesel(sql_type = Text)]
        word: String,
    }
    let mut sql = Sql::default();
    let (workspace, id) = (sql.param(tenant.workspace), sql.param(id.0));
    sql.push(
        "SELECT md5(coalesce(string_agg(c.id || ' ' || (extract(epoch FROM c.updated_at) * 1000000)::bigint, ',' \
           ORDER BY l.contact_id), '')) AS word FROM document_contacts l",
    );
    joined(&mut sql, &workspace, &id);
    sql.push(&format!(" WHERE l.workspace_id = {workspace} AND l.document_id = {id}"));
    Ok(sql.first::<Word>(tenant.conn)?.map(|row| row.word).unwrap_or_default())
}

/// Whether there is such a document.
///
/// # Errors
/// What the database said.
pub fn exists(tenant: &mut Tenant<'_>, id: DocumentId) -> Result<bool, StoreError> {
    let mut sql = Sql::new("SELECT count(*) AS n FROM documents WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ").bind(id.0);
    Ok(sql.count(tenant.conn)? > 0)
}

/// What people wrote into a document.
#[derive(Clone, Debug, QueryableByName)]
pub struct Texts {
    /// The document.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// The page its links lead to.
    #[diesel(sql_type = Nullable<Text>)]
    pub page: Option<String>,
}

/// Texts of the next documents behind `after`, whole or not.
///
/// # Errors
/// What the database said.
pub fn texts(
    tenant: &mut Tenant<'_>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Texts>, StoreError> {
    let mut sql = Sql::new("SELECT id, name, page FROM documents WHERE workspace_id = ");
    sql.bind(tenant.workspace);
    if let Some(after) = after {
        sql.push(" AND id > ").bind(after);
    }
    sql.push(" ORDER BY id LIMIT ").bind(limit);
    sql.load(tenant.conn)
}

/// Texts of one document, which nobody else changes until the end of the transaction.
///
/// # Errors
/// [`StoreError::Busy`] when somebody holds it for too long.
pub fn texts_for_update(tenant: &mut Tenant<'_>, id: Uuid) -> Result<Option<Texts>, StoreError> {
    let mut sql = Sql::new("SELECT id, name, page FROM documents WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ").bind(id).push(" FOR UPDATE");
    sql.first(tenant.conn)
}

/// Writes other texts of a document.
///
/// # Errors
/// What the database said.
pub fn put_texts(
    tenant: &mut Tenant<'_>,
    texts: &Texts,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = Sql::new("UPDATE documents SET name = left(");
    // what stands in the place of an address may be longer than it was
    sql.bind(texts.name.as_str()).push(", 200), page = ").bind(texts.page.clone());
    sql.push(", updated_at = ").bind(now);
    sql.push(" WHERE workspace_id = ").bind(tenant.workspace).push(" AND id = ").bind(texts.id);
    sql.execute(tenant.conn).map(drop)
}
