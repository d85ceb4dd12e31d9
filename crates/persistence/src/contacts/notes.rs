//! Notes on contacts (CON-13). Every statement is told who looks: a private note is there for its author
//! only.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use kartoteka_domain::actor::Actor;
use kartoteka_domain::ids::{ContactId, NoteId};

use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// A note.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Note {
    /// Its id, in order of time.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// What it says.
    #[diesel(sql_type = Text)]
    pub text: String,
    /// Seen by its author only.
    #[diesel(sql_type = Bool)]
    pub private: bool,
    /// Kind of its author.
    #[diesel(sql_type = Text)]
    pub author_type: String,
    /// Its author.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub author_id: Option<Uuid>,
    /// When it was written.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

const COLUMNS: &str =
    "n.id, n.text, n.private, n.author_type, n.author_id, n.created_at, n.updated_at";

/// Adds "`viewer` sees the note `n`".
pub(crate) fn visible(sql: &mut Sql, viewer: Actor) {
    sql.push("(NOT n.private OR (n.author_type = ").bind(viewer.kind());
    sql.push(" AND n.author_id IS NOT DISTINCT FROM ").bind(viewer.id()).push("))");
}

fn select(tenant: &Tenant<'_>, contact: ContactId, viewer: Actor) -> Sql {
    let mut sql =
        Sql::new(&format!("SELECT {COLUMNS} FROM contact_notes n WHERE n.workspace_id = "));
    sql.bind(tenant.workspace).push(" AND n.contact_id = ").bind(contact.0).push(" AND ");
    visible(&mut sql, viewer);
    sql
}

/// Notes of a contact that `viewer` sees, newest first, older than `before`.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    contact: ContactId,
    viewer: Actor,
    before: Option<Uuid>,
    limit: usize,
) -> Result<Vec<Note>, StoreError> {
    let mut sql = select(tenant, contact, viewer);
    if let Some(before) = before {
        sql.push(" AND n.id < ").bind(before);
    }
    sql.push(" ORDER BY n.id DESC LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql.load(tenant.conn)
}

/// One note, if `viewer` sees it. The contact is locked before a note of it is changed.
///
/// # Errors
/// What the database said.
pub fn get(
    tenant: &mut Tenant<'_>,
    contact: ContactId,
    id: NoteId,
    viewer: Actor,
) -> Result<Option<Note>, StoreError> {
    let mut sql = select(tenant, contact, viewer);
    sql.push(" AND n.id = ").bind(id.0);
    sql.first(tenant.conn)
}

/// Adds a note.
///
/// # Errors
/// What the database said.
pub fn insert(tenant: &mut Tenant<'_>, contact: ContactId, note: &Note) -> Result<(), StoreError> {
    let Note { id, text, private, author_type, author_id, created_at, updated_at } = note;
    let mut sql = Sql::new(
        "INSERT INTO contact_notes (workspace_id, contact_id, id, text, private, author_type, author_id, \
         created_at, updated_at) VALUES (",
    );
    sql.bind(tenant.workspace).push(", ").bind(contact.0).push(", ").bind(*id);
    sql.push(", ").bind(text.as_str()).push(", ").bind(*private);
    sql.push(", ").bind(author_type.as_str()).push(", ").bind(*author_id);
    sql.push(", ").bind(*created_at).push(", ").bind(*updated_at).push(")");
    sql.execute(tenant.conn).map(drop)
}

/// Adds the same note to contacts, each under an id of its own: contact and note.
///
/// # Errors
/// What the database said.
pub fn insert_many(
    tenant: &mut Tenant<'_>,
    notes: &[(Uuid, Uuid)],
    (text, private): (&str, bool),
    author: Actor,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if notes.is_empty() {
        return Ok(());
    }
    let (contacts, ids): (Vec<Uuid>, Vec<Uuid>) = notes.iter().copied().unzip();
    let mut sql = Sql::new(
        "INSERT INTO contact_notes (workspace_id, contact_id, id, text, private, author_type, author_id, \
         created_at, updated_at) SELECT ",
    );
    sql.bind(tenant.workspace).push(", r.contact_id, r.id, ").bind(text);
    sql.push(", ").bind(private).push(", ").bind(author.kind()).push(", ").bind(author.id());
    let now = sql.param(now);
    sql.push(&format!(", {now}, {now} FROM unnest(")).bind(contacts).push(", ").bind(ids);
    sql.push(") AS r(contact_id, id)");
    sql.execute(tenant.conn).map(drop)
}

/// Writes text and privacy of a note.
///
/// # Errors
/// What the database said.
pub fn update(tenant: &mut Tenant<'_>, note: &Note) -> Result<(), StoreError> {
    let mut sql = Sql::new("UPDATE contact_notes SET text = ");
    sql.bind(note.text.as_str()).push(", private = ").bind(note.private);
    sql.push(", updated_at = ").bind(note.updated_at);
    sql.push(" WHERE workspace_id = ").bind(tenant.workspace).push(" AND id = ").bind(note.id);
    sql.execute(tenant.conn).map(drop)
}

/// Removes a note.
///
/// # Errors
/// What the database said.
pub fn delete(tenant: &mut Tenant<'_>, id: NoteId) -> Result<(), StoreError> {
    let mut sql = Sql::new("DELETE FROM contact_notes WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ").bind(id.0);
    sql.execute(tenant.conn).map(drop)
}
