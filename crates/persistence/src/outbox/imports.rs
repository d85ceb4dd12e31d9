//! Events of the contacts and consents that an import, or its undo, writes: a statement for each type and chunk.

use chrono::{DateTime, Utc};

use kartoteka_domain::ids::ImportId;
use kartoteka_domain::outbox::EventType;

use super::Stamp;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::imports::classify::Rows;
use crate::sql::Sql;

/// A chunk that was written or taken back just now.
#[derive(Clone, Copy, Debug)]
pub struct Chunk {
    /// The import.
    pub import: ImportId,
    /// The rows.
    pub rows: Rows,
    /// Part of the ids of the contacts it made.
    pub committed_at: DateTime<Utc>,
    /// The other part.
    pub salt: i64,
    /// Whether it was taken back.
    pub reverted: bool,
    /// Random; keeps the ids of the events of different statements apart.
    pub seed: u32,
}

/// The types [`append`] knows, in the order in which they are written.
pub const TYPES: [EventType; 6] = [
    EventType::ContactCreated,
    EventType::ContactRestored,
    EventType::ContactUpdated,
    EventType::ConsentGranted,
    EventType::ConsentWithdrawn,
    EventType::ContactTrashed,
];

/// Writes the events of one type; how many deliveries that made. The chunk was written in this transaction, at
/// `stamp.at`.
///
/// # Errors
/// What the database said.
pub fn append(tenant: &mut Tenant<'_>, stamp: &Stamp, chunk: &Chunk) -> Result<usize, StoreError> {
    let Some(place) = TYPES.iter().position(|event| *event == stamp.event) else { return Ok(0) };
    let mut sql = Sql::default();
    let Some(subjects) = subjects(&mut sql, tenant, stamp, chunk) else { return Ok(0) };
    // in order within the millisecond: first by type, then by row
    let first = i64::try_from(place).unwrap_or(0) << 28;
    let (base, seed) = (sql.param(stamp.at.timestamp_millis()), sql.param(i64::from(chunk.seed)));
    let first = sql.param(first);
    let source = format!(
        "SELECT import_row_id({base}, {seed}, {first} + row_number() OVER (ORDER BY f.row)) AS id, f.subject, f.data \
         FROM ({subjects}) AS f"
    );
    super::insert(tenant, sql, stamp, &source, super::Told::Asking)
}

/// SELECT of row, subject and data; `None` where the type does not happen.
fn subjects(sql: &mut Sql, tenant: &Tenant<'_>, stamp: &Stamp, chunk: &Chunk) -> Option<String> {
    let (ws, imp) = (sql.param(tenant.workspace), sql.param(chunk.import.0));
    let (after, up_to) = (sql.param(chunk.rows.after), sql.param(chunk.rows.up_to));
    let range = |table: &str| {
        format!(
            "{table}.workspace_id = {ws} AND {table}.import_id = {imp} AND {table}.row > {after} AND {table}.row <= {up_to}"
        )
    };
    let base = sql.param(chunk.committed_at.timestamp_millis());
    let salt = sql.param(chunk.salt);
    let made = format!("import_row_id({base}, {salt}, r.row)");
    let now = sql.param(stamp.at);
    let rows = range("r");
    let images = range("ch");
    Some(match (stamp.event, chunk.reverted) {
        (EventType::ContactCreated, false) => format!(
            "SELECT r.row, {made} AS subject, '{{}}'::jsonb AS data FROM import_rows r \
             WHERE {rows} AND r.outcome = 'create'"
        ),
        (EventType::ContactRestored, false) => format!(
            "SELECT ch.row, ch.contact_id AS subject, '{{}}'::jsonb AS data FROM import_changes ch \
             WHERE {images} AND ch.changes ? 'trashed_at'"
        ),
        (EventType::ContactUpdated, reverted) => {
            // tags that are taken off again are not remembered any more when this is asked
            let tagged = if reverted {
                "false".to_owned()
            } else {
                format!(
                    "EXISTS (SELECT FROM import_tag_additions a WHERE a.workspace_id = {ws} AND a.import_id = {imp} \
                       AND a.contact_id = ch.contact_id AND a.row = ch.row)"
                )
            };
            let still = if reverted {
                format!(
                    "JOIN contacts c ON c.workspace_id = {ws} AND c.id = ch.contact_id AND c.updated_at = {now}"
                )
            } else {
                String::new()
            };
            format!(
                "SELECT n.row, n.contact_id AS subject, jsonb_build_object('changed', to_jsonb(n.names)) AS data FROM (
                    SELECT ch.row, ch.contact_id, array_cat(
                        ARRAY(SELECT CASE WHEN k IN ('street', 'city', 'postal_code', 'region', 'country') THEN 'address.' || k ELSE k END
                            FROM jsonb_object_keys(ch.changes) AS k
                            WHERE k NOT IN ('email_key', 'email_invalid_at', 'trashed_at') ORDER BY 1),
                        CASE WHEN {tagged} THEN ARRAY['tags'] ELSE '{{}}'::text[] END) AS names
                    FROM import_changes ch {still} WHERE {images}) AS n
                 WHERE cardinality(n.names) > 0"
            )
        }
        (EventType::ContactTrashed, true) => format!(
            "SELECT r.row, c.id AS subject, '{{}}'::jsonb AS data FROM import_rows r \
             JOIN contacts c ON c.workspace_id = {ws} AND c.id = {made} \
             WHERE {rows} AND r.outcome = 'create' AND c.trashed_at = {now} \
             UNION ALL \
             SELECT ch.row, c.id, '{{}}'::jsonb FROM import_changes ch \
             JOIN contacts c ON c.workspace_id = {ws} AND c.id = ch.contact_id \
             WHERE {images} AND ch.changes ? 'trashed_at' AND c.trashed_at IS NOT NULL AND c.updated_at = {now}"
        ),
        (EventType::ConsentGranted | EventType::ConsentWithdrawn, reverted) => {
            let action =
                if stamp.event == EventType::ConsentGranted { "grant" } else { "withdraw" };
            // as apply.rs and revert.rs make the ids of entries
            let entry = if reverted {
                let base = sql.param(stamp.at.timestamp_millis());
                format!("import_row_id({base}, {salt}, r.row)")
            } else {
                format!("import_row_id(1 + {base}, {salt}, r.row)")
            };
            format!(
                "SELECT r.row, e.contact_id AS subject, \
                    jsonb_build_object('purpose', p.name, 'entry_id', e.id, 'source', 'import') AS data \
                 FROM import_rows r \
                 JOIN consent_entries e ON e.workspace_id = {ws} AND e.id = {entry} \
                    AND e.contact_id = CASE WHEN r.outcome = 'create' THEN {made} ELSE r.contact_id END \
                 JOIN purposes p ON p.workspace_id = {ws} AND p.id = e.purpose_id \
                 WHERE {rows} AND r.outcome IN ('create', 'update', 'restore') \
                    AND e.action = '{action}' AND e.at = {now} AND e.source_type = 'import' AND e.source_id = {imp}"
            )
        }
        _ => return None,
    })
}
