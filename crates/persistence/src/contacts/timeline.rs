//! What happened to one contact (CON-18): nothing is kept for it, it is put together of what is there.
//!
//! Each source finds the rows of the contact by an index, and gives at most a page of them.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use kartoteka_domain::actor::Actor;
use kartoteka_domain::contacts::timeline::Kind;
use kartoteka_domain::ids::ContactId;

use super::notes::visible;
use super::purge::made_by_import;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct Entry {
    /// What kind of thing: a word of [`Kind`].
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// When.
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    /// Id of what it is about: the entry of the ledger, the note, the activity …
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Kind of whoever did it, where that is known.
    #[diesel(sql_type = Nullable<Text>)]
    pub actor_type: Option<String>,
    /// Who did it.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub actor_id: Option<Uuid>,
    /// The job it was done through.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub job_id: Option<Uuid>,
    /// What there is to say about it.
    #[diesel(sql_type = Jsonb)]
    pub data: Value,
}

/// Which entries.
#[derive(Clone, Debug)]
pub struct Filter {
    /// What kinds.
    pub kinds: Vec<Kind>,
    /// At or after this instant.
    pub after: Option<DateTime<Utc>>,
    /// Before this instant.
    pub before: Option<DateTime<Utc>>,
    /// Behind this entry: where the page before ended.
    pub behind: Option<(DateTime<Utc>, Uuid)>,
}

/// What is written once and named by all sources.
struct Names {
    workspace: String,
    contact: String,
    /// The contact and those that were merged into it.
    ids: String,
    now: String,
}

/// Entries that fit, newest first. `ids` are the contact and those that were merged into it. `viewer` decides which
/// private notes are here; what is planned for later than `now` has not happened.
///
/// # Errors
/// What the database said.
pub fn list(
    tenant: &mut Tenant<'_>,
    contact: ContactId,
    ids: &[Uuid],
    viewer: Actor,
    now: DateTime<Utc>,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut sql = Sql::default();
    let names = Names {
        workspace: sql.param(tenant.workspace),
        contact: sql.param(contact.0),
        ids: sql.param(ids.to_vec()),
        now: sql.param(now),
    };
    sql.push("SELECT * FROM (");
    let mut first = true;
    for kind in &filter.kinds {
        let (at, id) = order(*kind);
        sql.push(if first { "(" } else { " UNION ALL (" });
        first = false;
        source(&mut sql, *kind, &names, contact, viewer);
        if let Some(instant) = filter.after {
            sql.push(&format!(" AND {at} >= ")).bind(instant);
        }
        if let Some(instant) = filter.before {
            sql.push(&format!(" AND {at} < ")).bind(instant);
        }
        if let Some((instant, last)) = filter.behind {
            sql.push(&format!(" AND ({at}, {id}) < (")).bind(instant);
            sql.push(", ").bind(last).push(")");
        }
        sql.push(&format!(" ORDER BY {at} DESC, {id} DESC LIMIT ")).bind(limit).push(")");
    }
    sql.push(") AS entries ORDER BY at DESC, id DESC LIMIT ").bind(limit);
    sql.load(tenant.conn)
}

/// The expressions a source is ordered by.
const fn order(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Created => ("c.created_at", "c.id"),
        Kind::Changed
        | Kind::Trashed
        | Kind::Restored
        | Kind::Owner
        | Kind::Linked
        | Kind::Merged => ("a.at", "a.id"),
        Kind::Consent => ("e.at", "e.id"),
        Kind::Tag => ("ct.added_at", "ct.tag_id"),
        Kind::Note => ("n.created_at", "n.id"),
        Kind::Activity => ("coalesce(a.done_at, a.at)", "a.id"),
        Kind::Import => ("i.committed_at", "i.id"),
    }
}

#[expect(clippy::too_many_lines, reason = "a table: one statement for each kind")]
fn source(sql: &mut Sql, kind: Kind, names: &Names, contact: ContactId, viewer: Actor) {
    let Names { workspace, contact: id, ids, now } = names;
    let (word, (at, key)) = (kind.as_str(), order(kind));
    let head = |actor: &str, data: &str| {
        format!("SELECT '{word}' AS kind, {at} AS at, {key} AS id, {actor}, {data} AS data FROM ")
    };
    let nobody = "NULL::text AS actor_type, NULL::uuid AS actor_id, NULL::uuid AS job_id";
    match kind {
        Kind::Created => {
            let actor = "made.actor_type, made.actor_id, made.job_id";
            let data = "jsonb_build_object('origin', c.origin, 'import', source.import)";
            sql.push(&head(actor, data));
            sql.push(&format!(
                "contacts c LEFT JOIN LATERAL (SELECT m.actor_type, m.actor_id, m.job_id FROM audit_entries m \
                   WHERE m.workspace_id = {workspace} AND m.record_id = {id} AND m.action = 'contact.create' \
                   ORDER BY m.id LIMIT 1) AS made ON true LEFT JOIN LATERAL ("
            ));
            made_by(sql, workspace, contact);
            sql.push(&format!(
                ") AS source ON true WHERE c.workspace_id = {workspace} AND c.id = {id}"
            ));
        }
        Kind::Changed
        | Kind::Trashed
        | Kind::Restored
        | Kind::Owner
        | Kind::Linked
        | Kind::Merged => {
            let actor = "a.actor_type, a.actor_id, a.job_id";
            let data = "jsonb_build_object('action', a.action) || coalesce(a.changes, '{}')";
            sql.push(&head(actor, data));
            let actions: Vec<String> = kind.actions().iter().map(|&word| word.to_owned()).collect();
            sql.push(&format!(
                "audit_entries a WHERE a.workspace_id = {workspace} AND a.record_id = ANY({ids}) \
                 AND a.record_type = 'contact' AND a.action "
            ));
            sql.push(if kind == Kind::Changed { "<> ALL(" } else { "= ANY(" });
            sql.bind(actions).push(")");
            // the winner's line of a merge says all that the losers' say
            sql.push(&format!(" AND (a.action <> 'contact.merged' OR a.record_id = {id})"));
        }
        Kind::Consent => {
            let actor = "e.actor_type, e.actor_id, NULL::uuid AS job_id";
            let data = "jsonb_build_object('purpose', p.name, 'action', e.action, 'legal_basis', e.legal_basis, \
                'source', jsonb_build_object('type', e.source_type, 'id', e.source_id))";
            sql.push(&head(actor, data));
            sql.push(&format!(
                "consent_entries e JOIN purposes p ON p.workspace_id = {workspace} AND p.id = e.purpose_id \
                 WHERE e.workspace_id = {workspace} AND e.contact_id = ANY({ids})"
            ));
        }
        Kind::Tag => {
            let data = "jsonb_build_object('name', t.name, 'score', ct.score)";
            sql.push(&head(nobody, data));
            sql.push(&format!(
                "contact_tags ct JOIN tags t ON t.workspace_id = {workspace} AND t.id = ct.tag_id \
                 WHERE ct.workspace_id = {workspace} AND ct.contact_id = {id}"
            ));
        }
        Kind::Note => {
            let actor =
                "n.author_type AS actor_type, n.author_id AS actor_id, NULL::uuid AS job_id";
            let data = "jsonb_build_object('text', n.text, 'private', n.private)";
            sql.push(&head(actor, data));
            sql.push(&format!(
                "contact_notes n WHERE n.workspace_id = {workspace} AND n.contact_id = {id} AND "
            ));
            visible(sql, viewer);
        }
        Kind::Activity => {
            let actor =
                "a.author_type AS actor_type, a.author_id AS actor_id, NULL::uuid AS job_id";
            let data = "jsonb_build_object('type', a.type, 'subject', a.subject, 'result', a.result, 'done', \
                a.done_at IS NOT NULL)";
            sql.push(&head(actor, data));
            sql.push(&format!(
                "activity_contacts l JOIN activities a ON a.workspace_id = {workspace} AND a.id = l.activity_id \
                 WHERE l.workspace_id = {workspace} AND l.contact_id = {id} \
                 AND (a.done_at IS NOT NULL OR a.at <= {now})"
            ));
        }
        Kind::Import => {
            let actor = "i.actor_type, i.actor_id, i.job_id";
            let data = "jsonb_build_object('name', i.name, 'rows', r.rows)";
            sql.push(&head(actor, data));
            sql.push(&format!(
                "(SELECT touched.import_id, jsonb_agg(jsonb_build_object('row', touched.row, 'outcome', touched.outcome, \
                   'fields', (SELECT coalesce(jsonb_agg(field ORDER BY field), '[]') FROM import_changes x, \
                     jsonb_object_keys(x.changes) AS field WHERE x.workspace_id = {workspace} \
                     AND x.import_id = touched.import_id AND x.row = touched.row)) \
                   ORDER BY touched.row) AS rows FROM import_rows touched \
                   WHERE touched.workspace_id = {workspace} AND touched.contact_id = ANY({ids}) \
                   AND touched.outcome IN ('update', 'restore') GROUP BY touched.import_id) AS r \
                 JOIN imports i ON i.workspace_id = {workspace} AND i.id = r.import_id \
                 WHERE i.committed_at IS NOT NULL AND (r.rows -> 0 ->> 'row')::bigint <= i.applied_row"
            ));
        }
    }
}

/// The import that made the contact, by what its function puts into an id; the function has the last word.
fn made_by(sql: &mut Sql, workspace: &str, contact: ContactId) {
    let (millisecond, row) = made_by_import(contact.0)
        .map_or((None, None), |made| (Some(made.millisecond), Some(made.row)));
    let (millisecond, row) = (sql.param(millisecond), sql.param(row));
    sql.push(&format!(
        "SELECT jsonb_build_object('id', i.id, 'name', i.name, 'row', {row}::bigint) AS import FROM imports i \
         WHERE i.workspace_id = {workspace} AND i.id_salt IS NOT NULL \
         AND floor(extract(epoch FROM i.committed_at) * 1000)::bigint = {millisecond} \
         AND import_row_id({millisecond}, i.id_salt, {row}) = "
    ));
    sql.bind(contact.0).push(" LIMIT 1");
}
