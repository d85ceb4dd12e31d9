//! Contacts that were merged into others (CON-16).
//!
//! A loser leaves `contacts`. What hung on it goes to the winner ([`moving`]); what it was is kept with the merge, so
//! that it can come back ([`back`]). Its entries in the consent ledger, its evidence and what imports remember of it
//! keep its id: whoever reads those of one person reads them of [`ids_of`].
//!
//! Two tables say who was merged: `merges` with `merge_losers` is the history, `contact_merges` says where an id leads
//! now, over any number of merges.

pub mod back;
pub mod moving;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{
    Array, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use serde_json::{Map, Value};
use uuid::Uuid;

use kartoteka_domain::ids::{ContactId, MergeId};

use super::read::Id;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// A merge.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct Merge {
    /// Its id, in order of time.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// The contact that stayed.
    #[diesel(sql_type = SqlUuid)]
    pub winner_id: Uuid,
    /// Those that were merged into it, in the order of the request.
    #[diesel(sql_type = Array<SqlUuid>)]
    pub loser_ids: Vec<Uuid>,
    /// Kind of whoever merged.
    #[diesel(sql_type = Text)]
    pub actor_type: String,
    /// Who merged.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub actor_id: Option<Uuid>,
    /// When.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it was undone.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub undone_at: Option<DateTime<Utc>>,
    /// The winner was purged, and with it what undoing needs.
    #[diesel(sql_type = Bool)]
    pub forgotten: bool,
}

const COLUMNS: &str =
    "m.id, m.winner_id, m.actor_type, m.actor_id, m.created_at, m.undone_at, m.forgotten";

fn select(sql: &mut Sql, workspace: &str) {
    sql.push(&format!(
        "SELECT {COLUMNS}, ARRAY(SELECT l.loser_id FROM merge_losers l WHERE l.workspace_id = {workspace} \
           AND l.merge_id = m.id ORDER BY l.place) AS loser_ids FROM merges m WHERE m.workspace_id = {workspace}"
    ));
}

/// One merge. With `lock` nobody else undoes it until the transaction ends.
///
/// # Errors
/// [`StoreError::Busy`] when somebody holds it for too long.
pub fn get(tenant: &mut Tenant<'_>, id: MergeId, lock: bool) -> Result<Option<Merge>, StoreError> {
    if lock {
        // locked first and read then: what was read before may be old
        let mut sql =
            Sql::new("SELECT count(*) AS n FROM (SELECT FROM merges WHERE workspace_id = ");
        sql.bind(tenant.workspace).push(" AND id = ").bind(id.0).push(" FOR UPDATE) AS held");
        sql.count(tenant.conn)?;
    }
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    select(&mut sql, &workspace);
    sql.push(" AND m.id = ").bind(id.0);
    sql.first(tenant.conn)
}

/// Merges, newest first, older than `before`; of one contact those it won or lost.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    contact: Option<ContactId>,
    before: Option<Uuid>,
    limit: usize,
) -> Result<Vec<Merge>, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    select(&mut sql, &workspace);
    if let Some(contact) = contact {
        let contact = sql.param(contact.0);
        sql.push(&format!(
            " AND m.id IN (SELECT w.id FROM merges w WHERE w.workspace_id = {workspace} AND w.winner_id = {contact} \
             UNION ALL SELECT l.merge_id FROM merge_losers l WHERE l.workspace_id = {workspace} AND l.loser_id = {contact})"
        ));
    }
    if let Some(before) = before {
        sql.push(" AND m.id < ").bind(before);
    }
    sql.push(" ORDER BY m.id DESC LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql.load(tenant.conn)
}

/// A merged contact and where its id leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct Merged {
    /// The contact that was merged.
    #[diesel(sql_type = SqlUuid)]
    pub loser_id: Uuid,
    /// The contact that is there.
    #[diesel(sql_type = SqlUuid)]
    pub winner_id: Uuid,
    /// The merge it lost.
    #[diesel(sql_type = SqlUuid)]
    pub merge_id: Uuid,
}

/// Which of these ids are those of merged contacts, and where they lead.
///
/// # Errors
/// What the database said.
pub fn merged(tenant: &mut Tenant<'_>, ids: &[Uuid]) -> Result<Vec<Merged>, StoreError> {
    let mut sql =
        Sql::new("SELECT loser_id, winner_id, merge_id FROM contact_merges WHERE workspace_id = ");
    sql.prepared().bind(tenant.workspace).push(" AND loser_id = ANY(").bind(ids.to_vec());
    sql.push(") ORDER BY loser_id");
    sql.load(tenant.conn)
}

/// A contact and all that were merged into it: the ids under which entries of the ledger, evidence, lines of the
/// audit trail and rows of imports are about it.
///
/// # Errors
/// What the database said.
pub fn ids_of(tenant: &mut Tenant<'_>, contact: ContactId) -> Result<Vec<Uuid>, StoreError> {
    ids_of_all(tenant, &[contact.0])
}

/// The same of several contacts, in no order, each id once.
///
/// # Errors
/// What the database said.
pub fn ids_of_all(tenant: &mut Tenant<'_>, contacts: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = Sql::new("SELECT loser_id AS id FROM contact_merges WHERE workspace_id = ");
    sql.prepared().bind(tenant.workspace).push(" AND winner_id = ANY(").bind(contacts.to_vec());
    sql.push(")");
    let losers = sql.load::<Id>(tenant.conn)?.into_iter().map(|row| row.id);
    Ok(contacts.iter().copied().chain(losers).collect())
}

/// Values of a column that merged contacts had, and that their merges found or left in the winner. `ids` are the
/// contacts and all that were merged into them.
///
/// # Errors
/// What the database said.
pub fn former(
    tenant: &mut Tenant<'_>,
    ids: &[Uuid],
    column: &str,
) -> Result<Vec<String>, StoreError> {
    let mut sql = Sql::default();
    let (workspace, ids) = (sql.param(tenant.workspace), sql.param(ids.to_vec()));
    let column = sql.param(column);
    sql.push(&format!(
        "SELECT v.word FROM (SELECT l.snapshot -> '{CONTACT}' ->> {column} AS word FROM merge_losers l \
           WHERE l.workspace_id = {workspace} AND l.loser_id = ANY({ids}) AND l.snapshot IS NOT NULL \
         UNION SELECT w.word FROM merges m \
           CROSS JOIN LATERAL jsonb_array_elements_text(m.changes -> '{CONTACT}' -> {column}) AS w(word) \
           WHERE m.workspace_id = {workspace} AND m.winner_id = ANY({ids}) AND m.changes -> '{CONTACT}' ? {column}) AS v \
         WHERE v.word IS NOT NULL ORDER BY v.word"
    ));
    Ok(sql.load::<Former>(tenant.conn)?.into_iter().map(|row| row.word).collect())
}

/// Contacts into which somebody with one of these keys or numbers was merged, at most `limit`.
///
/// # Errors
/// What the database said.
pub fn holders(
    tenant: &mut Tenant<'_>,
    emails: &[String],
    phones: &[String],
    limit: i64,
) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    let (emails, phones) = (sql.param(emails.to_vec()), sql.param(phones.to_vec()));
    sql.push(&format!(
        "SELECT DISTINCT c.winner_id AS id FROM contact_merges c JOIN merge_losers l ON l.workspace_id = {workspace} \
           AND l.merge_id = c.merge_id AND l.loser_id = c.loser_id \
         WHERE c.workspace_id = {workspace} AND (l.snapshot -> '{CONTACT}' ->> 'email_key' = ANY({emails}) \
           OR l.snapshot -> '{CONTACT}' ->> 'phone' = ANY({phones})) ORDER BY 1 LIMIT "
    ));
    sql.bind(limit);
    Ok(sql.load::<Id>(tenant.conn)?.into_iter().map(|row| row.id).collect())
}

#[derive(QueryableByName)]
struct Former {
    #[diesel(sql_type = Text)]
    word: String,
}

/// Takes from the merges of contacts that are purged all that is personal, and the ways to them. `ids` are the
/// contacts and all that were merged into them.
///
/// # Errors
/// What the database said.
pub fn forget(tenant: &mut Tenant<'_>, ids: &[Uuid]) -> Result<(), StoreError> {
    let mut sql = Sql::new(
        "UPDATE merges SET changes = '{}', forgotten = true WHERE undone_at IS NULL AND workspace_id = ",
    );
    sql.bind(tenant.workspace).push(" AND winner_id = ANY(").bind(ids.to_vec()).push(")");
    sql.execute(tenant.conn)?;
    let mut sql = Sql::new("UPDATE merge_losers SET snapshot = NULL WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND snapshot IS NOT NULL AND loser_id = ANY(");
    sql.bind(ids.to_vec()).push(")");
    sql.execute(tenant.conn)?;
    let mut sql = Sql::new("DELETE FROM contact_merges WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND loser_id = ANY(").bind(ids.to_vec()).push(")");
    sql.execute(tenant.conn).map(drop)
}

/// A table of rows that hang on a contact, at most one for each thing they name.
pub(super) struct Hanging {
    /// Its name.
    pub(super) table: &'static str,
    /// What people call such rows, in answers.
    pub(super) word: &'static str,
    /// The column that names the thing.
    pub(super) key: &'static str,
    /// The table of the things.
    pub(super) parent: &'static str,
    /// The other columns.
    pub(super) columns: &'static [&'static str],
    /// Values of the other columns where several losers have a row `h` for one thing; `$losers` are their ids.
    gathered: &'static str,
    /// What becomes of a row that the winner has already.
    united: &'static str,
}

/// Levels of owners, the highest first.
const LEVELS: &str = "ARRAY['main', 'co_owner', 'read_only']";

const ROLE: &str = "(array_agg(h.role ORDER BY array_position($losers, h.contact_id)) FILTER (WHERE h.role IS NOT NULL))[1], min(h.added_at)";
const FILL_ROLE: &str =
    "DO UPDATE SET role = excluded.role WHERE present.role IS NULL AND excluded.role IS NOT NULL";

pub(super) const HANGING: &[Hanging] = &[
    Hanging {
        table: "contact_tags",
        word: "tags",
        key: "tag_id",
        parent: "tags",
        columns: &["score", "added_at"],
        gathered: "max(h.score), min(h.added_at)",
        united: "DO UPDATE SET score = excluded.score WHERE present.score < excluded.score",
    },
    Hanging {
        table: "contact_groups",
        word: "groups",
        key: "group_id",
        parent: "groups",
        columns: &["added_at"],
        gathered: "min(h.added_at)",
        united: "DO NOTHING",
    },
    Hanging {
        table: "contact_stages",
        word: "funnel_stages",
        key: "stage_id",
        parent: "funnel_stages",
        columns: &["entered_at"],
        gathered: "min(h.entered_at)",
        united: "DO NOTHING",
    },
    Hanging {
        table: "contact_owners",
        word: "owners",
        key: "user_id",
        parent: "users",
        columns: &["level", "added_at"],
        gathered: "(array_agg(h.level ORDER BY array_position($levels, h.level)))[1], min(h.added_at)",
        united: "DO UPDATE SET level = excluded.level \
                 WHERE array_position($levels, excluded.level) < array_position($levels, present.level)",
    },
    Hanging {
        table: "company_contacts",
        word: "companies",
        key: "company_id",
        parent: "companies",
        columns: &["role", "added_at"],
        gathered: ROLE,
        united: FILL_ROLE,
    },
    Hanging {
        table: "opportunity_contacts",
        word: "opportunities",
        key: "opportunity_id",
        parent: "opportunities",
        columns: &["role", "added_at"],
        gathered: ROLE,
        united: FILL_ROLE,
    },
    Hanging {
        table: "project_contacts",
        word: "projects",
        key: "project_id",
        parent: "projects",
        columns: &["role", "added_at"],
        gathered: ROLE,
        united: FILL_ROLE,
    },
    Hanging {
        table: "activity_contacts",
        word: "activities",
        key: "activity_id",
        parent: "activities",
        columns: &[],
        gathered: "",
        united: "DO NOTHING",
    },
];

/// A table of rows that are one contact's and go to the winner as they are.
pub(super) struct Moved {
    /// Its name.
    pub(super) table: &'static str,
    /// The member of a snapshot that holds their ids, and what people call such rows, in answers.
    pub(super) word: &'static str,
}

pub(super) const MOVED: &[Moved] = &[
    Moved { table: "contact_notes", word: "notes" },
    Moved { table: "coupons", word: "coupons" },
    Moved { table: "runs", word: "runs" },
];

/// The member of a snapshot that holds pairs of which somebody said that they are two: `{other: since}`.
const REJECTIONS: &str = "duplicate_rejections";
/// The member that holds pairs that were found: `[row]`.
const PAIRS: &str = "duplicate_pairs";
/// The member that holds the row of `contacts`.
const CONTACT: &str = "contact";

/// All that is one contact's alone, as JSON: `contact` is its row, each table of rows that hang on it an object by
/// what they name.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The contact.
    pub id: Uuid,
    /// What it is.
    parts: Map<String, Value>,
}

#[derive(QueryableByName)]
struct SnapshotRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Jsonb)]
    snapshot: Value,
}

impl SnapshotRow {
    fn into_snapshot(self) -> Result<Snapshot, StoreError> {
        match self.snapshot {
            Value::Object(parts) => Ok(Snapshot { id: self.id, parts }),
            _ => Err(StoreError::Inconsistent {
                table: "merge_losers",
                problem: format!("the snapshot of {} cannot be read", self.id),
            }),
        }
    }
}

impl Snapshot {
    /// An object of the snapshot; empty when it is not there.
    fn object(&self, name: &str) -> Map<String, Value> {
        self.parts.get(name).and_then(Value::as_object).cloned().unwrap_or_default()
    }

    fn array(&self, name: &str) -> Vec<Value> {
        self.parts.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
    }

    /// A column of the contact.
    #[must_use]
    pub fn column(&self, name: &str) -> &Value {
        self.parts.get(CONTACT).and_then(|row| row.get(name)).unwrap_or(&Value::Null)
    }

    /// Its details.
    #[must_use]
    pub fn details(&self) -> Map<String, Value> {
        self.column("details").as_object().cloned().unwrap_or_default()
    }

    /// What hangs on it, by the words of answers: how many things `beside` does not have.
    #[must_use]
    pub fn more_than(snapshots: &[Self], beside: &Self) -> Vec<(&'static str, usize)> {
        let mut counts: Vec<(&'static str, usize)> = HANGING
            .iter()
            .map(|hanging| {
                let mut keys: Vec<String> = snapshots
                    .iter()
                    .flat_map(|one| one.object(hanging.table).keys().cloned().collect::<Vec<_>>())
                    .collect();
                keys.sort_unstable();
                keys.dedup();
                let has = beside.object(hanging.table);
                (hanging.word, keys.iter().filter(|key| !has.contains_key(*key)).count())
            })
            .collect();
        counts.extend(MOVED.iter().map(|moved| {
            (moved.word, snapshots.iter().map(|one| one.array(moved.word).len()).sum())
        }));
        counts
    }
}

/// Contacts as they are now, with all that hangs on them, in the order of `ids`. The caller has locked them.
///
/// # Errors
/// What the database said.
pub fn snapshots(tenant: &mut Tenant<'_>, ids: &[Uuid]) -> Result<Vec<Snapshot>, StoreError> {
    let mut sql = Sql::default();
    let (workspace, ids) = (sql.param(tenant.workspace), sql.param(ids.to_vec()));
    sql.push(&format!("SELECT c.id, jsonb_build_object('{CONTACT}', to_jsonb(c) - 'workspace_id'"));
    for Hanging { table, key, .. } in HANGING {
        sql.push(&format!(
            ", '{table}', (SELECT coalesce(jsonb_object_agg(h.{key}, to_jsonb(h) - 'workspace_id' - 'contact_id'), '{{}}') \
             FROM {table} h WHERE h.workspace_id = {workspace} AND h.contact_id = c.id)"
        ));
    }
    for Moved { table, word } in MOVED {
        sql.push(&format!(
            ", '{word}', (SELECT coalesce(jsonb_agg(m.id ORDER BY m.id), '[]') FROM {table} m \
             WHERE m.workspace_id = {workspace} AND m.contact_id = c.id)"
        ));
    }
    sql.push(&format!(
        ", '{REJECTIONS}', (SELECT coalesce(jsonb_object_agg(CASE WHEN r.contact_id = c.id THEN r.other_id ELSE r.contact_id END, r.rejected_at), '{{}}') \
           FROM duplicate_rejections r WHERE r.workspace_id = {workspace} AND (r.contact_id = c.id OR r.other_id = c.id)), \
         '{PAIRS}', (SELECT coalesce(jsonb_agg(to_jsonb(p) - 'workspace_id' ORDER BY p.contact_id, p.other_id), '[]') \
           FROM duplicate_pairs p WHERE p.workspace_id = {workspace} AND (p.contact_id = c.id OR p.other_id = c.id))) AS snapshot \
         FROM contacts c WHERE c.workspace_id = {workspace} AND c.id = ANY({ids}) ORDER BY array_position({ids}, c.id)"
    ));
    sql.load::<SnapshotRow>(tenant.conn)?.into_iter().map(SnapshotRow::into_snapshot).collect()
}

/// The last word of a contact on a purpose, with the entry that says so.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Word {
    /// The contact, or one that was merged.
    #[diesel(sql_type = SqlUuid)]
    pub contact_id: Uuid,
    /// The purpose.
    #[diesel(sql_type = SqlUuid)]
    pub purpose_id: Uuid,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub purpose: String,
    /// Given, or taken back.
    #[diesel(sql_type = Bool)]
    pub granted: bool,
    /// The entry.
    #[diesel(sql_type = SqlUuid)]
    pub entry_id: Uuid,
    /// When it was said.
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    /// What the processing stands on.
    #[diesel(sql_type = Text)]
    pub legal_basis: String,
    /// Which wording was shown.
    #[diesel(sql_type = Integer)]
    pub wording_version: i32,
}

/// The last words of these contacts, by the names of the purposes and in the order of `ids`.
///
/// # Errors
/// What the database said.
pub fn words(tenant: &mut Tenant<'_>, ids: &[Uuid]) -> Result<Vec<Word>, StoreError> {
    let mut sql = Sql::default();
    let (workspace, ids) = (sql.param(tenant.workspace), sql.param(ids.to_vec()));
    sql.push(&format!(
        "SELECT s.contact_id, s.purpose_id, p.name AS purpose, s.granted, s.entry_id, s.at, e.legal_basis, e.wording_version \
         FROM consents s JOIN purposes p ON p.workspace_id = {workspace} AND p.id = s.purpose_id \
         JOIN consent_entries e ON e.workspace_id = {workspace} AND e.contact_id = s.contact_id \
           AND e.purpose_id = s.purpose_id AND e.id = s.entry_id \
         WHERE s.workspace_id = {workspace} AND s.contact_id = ANY({ids}) ORDER BY p.name, array_position({ids}, s.contact_id)"
    ));
    sql.load(tenant.conn)
}

/// Pairs among these contacts of which somebody said that they are two.
///
/// # Errors
/// What the database said.
pub fn rejected_among(
    tenant: &mut Tenant<'_>,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, Uuid)>, StoreError> {
    #[derive(QueryableByName)]
    struct Pair {
        #[diesel(sql_type = SqlUuid)]
        contact_id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        other_id: Uuid,
    }
    let mut sql = Sql::default();
    let (workspace, ids) = (sql.param(tenant.workspace), sql.param(ids.to_vec()));
    sql.push(&format!(
        "SELECT contact_id, other_id FROM duplicate_rejections WHERE workspace_id = {workspace} \
         AND contact_id = ANY({ids}) AND other_id = ANY({ids}) ORDER BY contact_id, other_id"
    ));
    let pairs: Vec<Pair> = sql.load(tenant.conn)?;
    Ok(pairs.into_iter().map(|pair| (pair.contact_id, pair.other_id)).collect())
}
