//! Taking an import back (IMP-18): contacts it made go to the trash, values it changed return to what they
//! were unless somebody edited them since, tags and consents it added are taken off.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::BigInt;

use kartoteka_domain::actor::Actor;
use kartoteka_domain::contacts::owners::Deed;
use kartoteka_domain::ids::ImportId;

use super::classify::Rows;
use crate::contacts::merges::Word;
use crate::contacts::owners;
use crate::contacts::search;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// What is reverted, and in whose name.
#[derive(Clone, Copy, Debug)]
pub struct Reverting {
    /// The import.
    pub import: ImportId,
    /// Part of the ids of the contacts it made.
    pub committed_at: DateTime<Utc>,
    /// The other part.
    pub salt: i64,
    /// Who undoes.
    pub actor: Actor,
    /// Now.
    pub now: DateTime<Utc>,
    /// Several rows may have changed one contact (IMP-11 `all`).
    pub rows_share_contacts: bool,
}

/// What a chunk of undo did, in contacts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, QueryableByName)]
pub struct Reverted {
    /// Made by the import and now in the trash.
    #[diesel(sql_type = BigInt)]
    pub trashed: i64,
    /// Changed by the import and now as before.
    #[diesel(sql_type = BigInt)]
    pub reverted: i64,
    /// Edited since, at least in part, or gone: kept as they are there.
    #[diesel(sql_type = BigInt)]
    pub kept: i64,
    /// Put back into the trash they came from.
    #[diesel(sql_type = BigInt)]
    pub trashed_again: i64,
}

/// The chunk of `size` rows that ends at or before `before`, going backwards.
///
/// # Errors
/// What the database said.
pub fn chunk_start(
    tenant: &mut Tenant<'_>,
    import: ImportId,
    before: i64,
    size: i64,
) -> Result<Option<i64>, StoreError> {
    #[derive(QueryableByName)]
    struct Start {
        #[diesel(sql_type = diesel::sql_types::Nullable<BigInt>)]
        number: Option<i64>,
    }
    let mut sql = Sql::new(
        "SELECT min(row) AS number FROM (SELECT row FROM import_rows WHERE workspace_id = ",
    );
    sql.bind(tenant.workspace).push(" AND import_id = ").bind(import.0);
    sql.push(" AND row <= ")
        .bind(before)
        .push(" ORDER BY row DESC LIMIT ")
        .bind(size)
        .push(") AS chunk");
    Ok(sql.first::<Start>(tenant.conn)?.and_then(|start| start.number))
}

/// How many contacts the import made that the actor may not delete, or changed that they may not change, as
/// their owner (CON-12). One look for whoever is an owner of nothing, or `main` of all they own.
///
/// # Errors
/// What the database said.
pub fn not_permitted(tenant: &mut Tenant<'_>, reverting: &Reverting) -> Result<i64, StoreError> {
    let (Actor::User(user), true) =
        (reverting.actor, owners::is_bound(tenant, reverting.actor, Deed::Delete)?)
    else {
        return Ok(0);
    };
    let mut sql = Sql::default();
    let (ws, imp) = (sql.param(tenant.workspace), sql.param(reverting.import.0));
    let (at, salt) = (sql.param(reverting.committed_at), sql.param(reverting.salt));
    sql.push(&format!(
        "SELECT count(*) AS n FROM contacts c WHERE c.workspace_id = {ws} AND c.id IN (
            SELECT o.contact_id FROM contact_owners o WHERE o.workspace_id = {ws} AND o.user_id = "
    ));
    sql.bind(user.0).push(&format!(
        ") AND ((c.origin = 'import' AND c.created_at = {at} AND c.trashed_at IS NULL
            AND right(c.id::text, 10) = lpad(to_hex({salt}), 10, '0') AND NOT "
    ));
    owners::permitted(&mut sql, "c", &ws, reverting.actor, Deed::Delete);
    sql.push(&format!(
        ") OR (EXISTS (SELECT FROM import_rows r WHERE r.workspace_id = {ws} AND r.import_id = {imp}
            AND r.contact_id = c.id AND r.outcome IN ('update', 'restore')) AND NOT "
    ));
    owners::permitted(&mut sql, "c", &ws, reverting.actor, Deed::Change);
    sql.push("))");
    sql.count(tenant.conn)
}

/// Reverts the rows.
///
/// # Errors
/// What the database said.
pub fn revert(
    tenant: &mut Tenant<'_>,
    reverting: &Reverting,
    rows: Rows,
) -> Result<Reverted, StoreError> {
    let created = trash_created(tenant, reverting, rows)?;
    remove_tags(tenant, reverting, rows)?;
    take_back_consents(tenant, reverting, rows)?;
    let updated = restore_values(tenant, reverting, rows)?;
    search::refresh_changed(tenant, reverting.import, rows)?;
    Ok(Reverted {
        trashed: created.trashed,
        reverted: updated.reverted,
        kept: created.kept + updated.kept,
        trashed_again: updated.trashed_again,
    })
}

struct Names {
    ws: String,
    imp: String,
    range: String,
    now: String,
}

fn names(sql: &mut Sql, tenant: &Tenant<'_>, reverting: &Reverting, rows: Rows) -> Names {
    let (ws, imp) = (sql.param(tenant.workspace), sql.param(reverting.import.0));
    let (after, up_to) = (sql.param(rows.after), sql.param(rows.up_to));
    Names {
        range: format!(
            "r.workspace_id = {ws} AND r.import_id = {imp} AND r.row > {after} AND r.row <= {up_to}"
        ),
        now: sql.param(reverting.now),
        ws,
        imp,
    }
}

fn trash_created(
    tenant: &mut Tenant<'_>,
    reverting: &Reverting,
    rows: Rows,
) -> Result<Reverted, StoreError> {
    let mut sql = Sql::default();
    let n = names(&mut sql, tenant, reverting, rows);
    let base = sql.param(reverting.committed_at.timestamp_millis());
    let salt = sql.param(reverting.salt);
    sql.push(&format!(
        "WITH made AS MATERIALIZED (
            SELECT import_row_id({base}, {salt}, r.row) AS id FROM import_rows r WHERE {range} AND r.outcome = 'create'),
         gone AS (
            UPDATE contacts c SET trashed_at = {now}, updated_at = {now} FROM made
            WHERE c.workspace_id = {ws} AND c.id = made.id AND c.trashed_at IS NULL RETURNING c.id)
         SELECT (SELECT count(*) FROM gone) AS trashed, 0::bigint AS reverted,
            (SELECT count(*) FROM made) - (SELECT count(*) FROM gone) AS kept, 0::bigint AS trashed_again",
        range = n.range,
        now = n.now,
        ws = n.ws,
    ));
    Ok(sql.first(tenant.conn)?.unwrap_or_default())
}

fn remove_tags(
    tenant: &mut Tenant<'_>,
    reverting: &Reverting,
    rows: Rows,
) -> Result<(), StoreError> {
    let mut sql = Sql::default();
    let n = names(&mut sql, tenant, reverting, rows);
    sql.push(&format!(
        "WITH r AS (
            DELETE FROM import_tag_additions r WHERE {range} RETURNING r.contact_id, r.tag_id)
         DELETE FROM contact_tags t USING r
         WHERE t.workspace_id = {ws} AND t.contact_id = r.contact_id AND t.tag_id = r.tag_id",
        range = n.range,
        ws = n.ws,
    ));
    sql.execute(tenant.conn).map(drop)
}

/// The ledger only grows: what the import declared is answered by an entry that says what held before.
/// A state that somebody changed since is left alone.
fn take_back_consents(
    tenant: &mut Tenant<'_>,
    reverting: &Reverting,
    rows: Rows,
) -> Result<(), StoreError> {
    let mut sql = Sql::default();
    let n = names(&mut sql, tenant, reverting, rows);
    let base = sql.param(reverting.now.timestamp_millis());
    let committed = sql.param(reverting.committed_at.timestamp_millis());
    let salt = sql.param(reverting.salt);
    let (kind, id) = (sql.param(reverting.actor.kind()), sql.param(reverting.actor.id()));
    sql.push(&format!(
        "WITH declared AS MATERIALIZED (
            SELECT DISTINCT ON (e.contact_id, e.purpose_id) e.contact_id, e.purpose_id, e.id, e.wording_version, e.legal_basis, r.row
            FROM import_rows r
            JOIN consents c ON c.workspace_id = {ws} AND c.contact_id = r.contact_id
            JOIN consent_entries e ON e.workspace_id = {ws} AND e.contact_id = c.contact_id AND e.purpose_id = c.purpose_id AND e.id = c.entry_id
            WHERE {range} AND r.outcome IN ('update', 'restore') AND e.source_type = 'import' AND e.source_id = {imp}
              AND e.id = import_row_id(1 + {committed}, {salt}, r.row)
            ORDER BY e.contact_id, e.purpose_id, r.row DESC),
         before AS MATERIALIZED (
            SELECT d.*, import_row_id({base}, {salt}, d.row) AS entry_id, coalesce(p.action = 'grant', false) AS granted
            FROM declared d LEFT JOIN LATERAL (
                SELECT action FROM consent_entries p
                WHERE p.workspace_id = {ws} AND p.contact_id = d.contact_id AND p.purpose_id = d.purpose_id
                  AND NOT (p.source_type = 'import' AND p.source_id = {imp})
                ORDER BY p.at DESC, p.id DESC LIMIT 1) p ON true),
         ledger AS (
            INSERT INTO consent_entries (workspace_id, contact_id, purpose_id, id, action, at, actor_type, actor_id,
                source_type, source_id, legal_basis, wording_version)
            SELECT {ws}, contact_id, purpose_id, entry_id, CASE WHEN granted THEN 'grant' ELSE 'withdraw' END, {now}, {kind}, {id},
                'import', {imp}, legal_basis, wording_version FROM before)
         UPDATE consents c SET granted = before.granted, entry_id = before.entry_id, at = {now} FROM before
         WHERE c.workspace_id = {ws} AND c.contact_id = before.contact_id AND c.purpose_id = before.purpose_id",
        ws = n.ws,
        imp = n.imp,
        range = n.range,
        now = n.now,
    ));
    sql.execute(tenant.conn).map(drop)
}

/// Consents that others have because contacts of these rows were merged into them, and whose ground the rows have
/// just taken back: the last words, granted by a merge.
///
/// # Errors
/// What the database said.
pub fn merged_consents(
    tenant: &mut Tenant<'_>,
    reverting: &Reverting,
    rows: Rows,
) -> Result<Vec<Word>, StoreError> {
    let mut sql = Sql::default();
    let n = names(&mut sql, tenant, reverting, rows);
    sql.push(&format!(
        "SELECT DISTINCT w.contact_id, w.purpose_id, p.name AS purpose, w.granted, w.entry_id, w.at, e.legal_basis, e.wording_version
         FROM import_rows r
         JOIN contact_merges m ON m.workspace_id = {ws} AND m.loser_id = r.contact_id
         JOIN consents l ON l.workspace_id = {ws} AND l.contact_id = m.loser_id AND NOT l.granted AND l.at = {now}
         JOIN consents w ON w.workspace_id = {ws} AND w.contact_id = m.winner_id AND w.purpose_id = l.purpose_id AND w.granted
         JOIN consent_entries e ON e.workspace_id = {ws} AND e.contact_id = w.contact_id AND e.purpose_id = w.purpose_id AND e.id = w.entry_id
         JOIN purposes p ON p.workspace_id = {ws} AND p.id = w.purpose_id
         WHERE {range} AND r.outcome IN ('update', 'restore') AND e.source_type = 'merge' AND r.import_id = {imp}",
        ws = n.ws,
        imp = n.imp,
        range = n.range,
        now = n.now,
    ));
    sql.load(tenant.conn)
}

/// Columns that can be in a before-image, with the type to read them back as.
const COLUMNS: &[(&str, &str)] = &[
    ("external_id", "text"),
    ("first_name", "text"),
    ("last_name", "text"),
    ("title_before", "text"),
    ("title_after", "text"),
    ("company_name", "text"),
    ("job_title", "text"),
    ("email", "text"),
    ("phone", "text"),
    ("birth_date", "date"),
    ("gender", "text"),
    ("street", "text"),
    ("city", "text"),
    ("postal_code", "text"),
    ("region", "text"),
    ("country", "text"),
    ("language", "text"),
    ("time_zone", "text"),
    ("state", "text"),
    ("score", "bigint"),
    ("subscribed", "boolean"),
    ("muted", "boolean"),
    ("trashed_at", "timestamptz"),
];

/// One image per contact.
const IMAGES: &str = "SELECT contact_id, changes FROM i";
/// As many images per contact as rows changed it: what the first of them found and the last of them left.
const SHARED_IMAGES: &str = "SELECT whole.contact_id, coalesce(jsonb_object_agg(whole.name, whole.change) FILTER (WHERE whole.name IS NOT NULL), '{}') AS changes
    FROM (SELECT i.contact_id, e.key AS name, jsonb_build_array(
            (array_agg(e.value -> 0 ORDER BY i.row))[1], (array_agg(e.value -> 1 ORDER BY i.row DESC))[1]) AS change
        FROM i LEFT JOIN LATERAL jsonb_each(i.changes) AS e ON true GROUP BY i.contact_id, e.key) AS whole
    GROUP BY whole.contact_id";

fn restore_values(
    tenant: &mut Tenant<'_>,
    reverting: &Reverting,
    rows: Rows,
) -> Result<Reverted, StoreError> {
    let mut sql = Sql::default();
    let n = names(&mut sql, tenant, reverting, rows);
    // the value of an image as the column's type; `->>` gives SQL NULL for JSON null
    let was = |column: &str, kind: &str| format!("(x.changes -> '{column}' ->> 0)::{kind}");
    let became = |column: &str, kind: &str| format!("(x.changes -> '{column}' ->> 1)::{kind}");
    let unedited = |column: &str, kind: &str| {
        format!(
            "x.changes ? '{column}' AND c.{column} IS NOT DISTINCT FROM {}",
            became(column, kind)
        )
    };
    let values: String = COLUMNS
        .iter()
        .map(|(column, kind)| {
            format!(
                ", CASE WHEN {} THEN {} ELSE c.{column} END AS {column}",
                unedited(column, kind),
                was(column, kind)
            )
        })
        .collect();
    // its compared form and the mark that it is invalid go with the address, whatever became of them since
    let address = unedited("email", "text");
    let of_address = [("email_key", "text"), ("email_invalid_at", "timestamptz")].map(|(column, kind)| {
        format!(
            ", CASE WHEN x.changes ? 'email_key' AND {address} THEN {} ELSE c.{column} END AS {column}",
            was(column, kind)
        )
    });
    let edited: Vec<String> = COLUMNS
        .iter()
        .map(|(column, kind)| {
            format!(
                "(x.changes ? '{column}' AND c.{column} IS DISTINCT FROM {})",
                became(column, kind)
            )
        })
        .collect();
    let columns =
        COLUMNS.iter().map(|(column, _)| *column).chain(["email_key", "email_invalid_at"]);
    let set: String = columns.map(|column| format!("{column} = t.{column}, ")).collect();
    let images = if reverting.rows_share_contacts { SHARED_IMAGES } else { IMAGES };
    sql.push(&format!(
        "WITH i AS MATERIALIZED (SELECT r.row, r.contact_id, r.changes FROM import_changes r WHERE {range}),
         x AS MATERIALIZED ({images}),
         -- a purge takes the images along; who was merged into another is kept as they are there
         purged AS MATERIALIZED (
            SELECT DISTINCT r.contact_id FROM import_rows r
            WHERE {range} AND r.outcome IN ('update', 'restore') AND NOT EXISTS (
                SELECT FROM contacts c WHERE c.workspace_id = {ws} AND c.id = r.contact_id)),
         t AS MATERIALIZED (
            SELECT c.id, ({edited} OR (x.changes ? 'details' AND details_before(c.details, x.changes -> 'details' -> 0, x.changes -> 'details' -> 1)
                    IS DISTINCT FROM (x.changes -> 'details' -> 0))) AS edited,
                x.changes ? 'trashed_at' AND c.trashed_at IS NULL AS trashed_again,
                CASE WHEN x.changes ? 'details'
                    THEN details_before(c.details, x.changes -> 'details' -> 0, x.changes -> 'details' -> 1) ELSE c.details END AS details
                {values}{}
            FROM x JOIN contacts c ON c.workspace_id = {ws} AND c.id = x.contact_id FOR NO KEY UPDATE OF c),
         done AS (
            UPDATE contacts c SET {set} details = t.details,
                search = contact_search(t.first_name, t.last_name, t.email, t.phone, t.company_name), updated_at = {now}
            FROM t WHERE c.workspace_id = {ws} AND c.id = t.id)
         SELECT 0::bigint AS trashed, count(*) FILTER (WHERE NOT edited) AS reverted,
            count(*) FILTER (WHERE edited) + (SELECT count(*) FROM purged) AS kept,
            count(*) FILTER (WHERE trashed_again) AS trashed_again FROM t",
        of_address.concat(),
        edited = edited.join(" OR "),
        range = n.range,
        ws = n.ws,
        now = n.now,
    ));
    Ok(sql.first(tenant.conn)?.unwrap_or_default())
}
