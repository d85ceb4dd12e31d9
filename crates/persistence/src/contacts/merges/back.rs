//! Undoing a merge: the losers come back with what they had, and the winner gives back what nobody changed since.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Jsonb, Nullable, Uuid as SqlUuid};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use kartoteka_domain::contacts::merges::{field_of, take_back};
use kartoteka_domain::ids::{ContactId, MergeId};

use super::moving::columns;
use super::{
    CONTACT, HANGING, Hanging, MOVED, Merge, Moved, PAIRS, REJECTIONS, Snapshot, SnapshotRow,
    snapshots,
};
use crate::contacts::read::Id;
use crate::contacts::search;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// Columns of `contacts` that come back as they were. `search` is worked out, `updated_at` moves on.
pub const COLUMNS: &[&str] = &[
    "external_id",
    "first_name",
    "last_name",
    "title_before",
    "title_after",
    "company_name",
    "job_title",
    "email",
    "email_key",
    "phone",
    "birth_date",
    "gender",
    "street",
    "city",
    "postal_code",
    "region",
    "country",
    "language",
    "time_zone",
    "state",
    "type_id",
    "score",
    "details",
    "subscribed",
    "muted",
    "email_invalid_at",
    "origin",
    "salutation_formal",
    "salutation_familiar",
    "created_at",
    "trashed_at",
];

/// Any of these identifies a contact.
const IDENTIFYING: [&str; 6] =
    ["first_name", "last_name", "email", "phone", "company_name", "external_id"];

/// The newest merge into the same winner behind this one that stands.
///
/// # Errors
/// What the database said.
pub fn later(tenant: &mut Tenant<'_>, merge: &Merge) -> Result<Option<Uuid>, StoreError> {
    let mut sql = Sql::new("SELECT id FROM merges WHERE undone_at IS NULL AND workspace_id = ");
    sql.bind(tenant.workspace).push(" AND winner_id = ").bind(merge.winner_id);
    // servers whose clocks differ may give a later merge a smaller id
    sql.push(" AND (created_at, id) > (").bind(merge.created_at).push(", ").bind(merge.id);
    sql.push(") ORDER BY created_at DESC, id DESC LIMIT 1");
    Ok(sql.first::<Id>(tenant.conn)?.map(|row| row.id))
}

/// What the merge kept: the losers as they were, in their order, and what it changed of the winner.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// The losers.
    pub losers: Vec<Snapshot>,
    /// As `moving::merge` said it.
    pub changes: Map<String, Value>,
}

/// Reads what the merge kept.
///
/// # Errors
/// [`StoreError::Inconsistent`] when it is not there any more.
pub fn kept(tenant: &mut Tenant<'_>, id: MergeId) -> Result<Kept, StoreError> {
    let mut sql = Sql::new("SELECT id, changes AS snapshot FROM merges WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND id = ").bind(id.0);
    let merge: Option<SnapshotRow> = sql.first(tenant.conn)?;
    let mut sql = Sql::new(
        "SELECT loser_id AS id, coalesce(snapshot, 'null') AS snapshot FROM merge_losers WHERE workspace_id = ",
    );
    sql.bind(tenant.workspace).push(" AND merge_id = ").bind(id.0).push(" ORDER BY place");
    let losers: Vec<SnapshotRow> = sql.load(tenant.conn)?;
    let losers = losers.into_iter().map(SnapshotRow::into_snapshot).collect::<Result<_, _>>()?;
    let changes = merge.map(SnapshotRow::into_snapshot).transpose()?;
    Ok(Kept { losers, changes: changes.map(|row| row.parts).unwrap_or_default() })
}

/// Something that did not go back to what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The field of the contact, or the word for what hangs on it.
    pub what: String,
    /// What hangs on it; `None` for a field.
    pub id: Option<Uuid>,
}

/// What undoing did not do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// Somebody changed it at the winner since, so it stays there.
    pub kept: Vec<Left>,
    /// It does not exist any more: the loser comes back without it.
    pub gone: Vec<(Uuid, Left)>,
}

/// The types of contacts that undoing would bring back.
#[must_use]
pub fn types(kept: &Kept) -> Vec<Uuid> {
    let of_winner = kept.changes.get(CONTACT).and_then(|columns| columns.get("type_id"));
    let of_winner = of_winner.and_then(|change| change.get(0)).cloned();
    let of_losers = kept.losers.iter().map(|loser| loser.column("type_id").clone());
    of_losers.chain(of_winner).filter_map(|value| value.as_str()?.parse().ok()).collect()
}

/// The details that undoing would bring back, with their values.
#[must_use]
pub fn details(kept: &Kept) -> Vec<(String, Value)> {
    let of_winner = kept.changes.get(CONTACT).and_then(Value::as_object).into_iter().flatten();
    let of_winner = of_winner.filter_map(|(name, change)| {
        let value = change.get(0).filter(|value| !value.is_null())?;
        Some((name.strip_prefix("details.")?.to_owned(), value.clone()))
    });
    let of_losers = kept.losers.iter().flat_map(Snapshot::details);
    of_winner.chain(of_losers).collect()
}

/// The fields of the winner that the merge changed, and the kinds of what hangs on it.
#[must_use]
pub fn names(kept: &Kept) -> Vec<String> {
    let part = |name: &str| kept.changes.get(name).and_then(Value::as_object);
    let columns = part(CONTACT).into_iter().flat_map(Map::keys).map(|column| field_of(column));
    let tables = HANGING.iter().filter(|one| part(one.table).is_some_and(|rows| !rows.is_empty()));
    let mut names: Vec<String> =
        columns.chain(tables.map(|hanging| hanging.word.to_owned())).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Brings the losers back and gives them what they had; what nobody changed since at the winner goes back there to
/// what it was, subscription and mute not when `keep_flags`. `types` are those of [`types`] that still exist. The
/// caller has locked the winner.
///
/// # Errors
/// What the database said.
pub fn undo(
    tenant: &mut Tenant<'_>,
    merge: &Merge,
    kept: &Kept,
    keep_flags: bool,
    types: &[Uuid],
    now: DateTime<Utc>,
) -> Result<Undone, StoreError> {
    let winner = ContactId(merge.winner_id);
    let present = snapshots(tenant, &[winner.0])?;
    let Some(present) = present.first() else {
        return Err(StoreError::Inconsistent {
            table: "merges",
            problem: format!("the winner of {} is not there", merge.id),
        });
    };
    let mut undone = Undone::default();
    let row = columns_back(present, kept, keep_flags, types, &mut undone.kept);
    write_winner(tenant, winner, &row, now)?;
    let rows = rows_of_losers(merge, present, kept, types, &mut undone.gone);
    restore(tenant, rows, now)?;
    for hanging in HANGING {
        rows_back(tenant, hanging, present, kept, &mut undone)?;
    }
    for moved in MOVED {
        moved_back(tenant, moved, winner, &kept.losers)?;
    }
    rejections_back(tenant, winner, kept)?;
    pairs_back(tenant, &kept.losers)?;
    let ids: Vec<Uuid> = merge.loser_ids.iter().copied().chain([winner.0]).collect();
    search::refresh(tenant, ids)?;
    close(tenant, merge, now)?;
    Ok(undone)
}

/// The winner's row as it is to be.
fn columns_back(
    present: &Snapshot,
    kept: &Kept,
    keep_flags: bool,
    types: &[Uuid],
    left: &mut Vec<Left>,
) -> Map<String, Value> {
    let now = columns(present);
    let changes = kept.changes.get(CONTACT).and_then(Value::as_object).cloned().unwrap_or_default();
    let (mut back, mut stays) = take_back(&now, &changes);
    // an address, how it is compared, and that it bounced are one thing
    if stays.iter().any(|name| name == "email" || name == "email_key") {
        for name in ["email", "email_key", "email_invalid_at"] {
            if back.remove(name).is_some() {
                stays.push(name.to_owned());
            }
        }
    } else if back.contains_key("email") {
        // the address goes, and with it what became known of it since
        if let Some(change) = changes.get("email_invalid_at") {
            back.insert("email_invalid_at".to_owned(), change.get(0).cloned().unwrap_or_default());
            stays.retain(|name| name != "email_invalid_at");
        } else if now.get("email_key") != back.get("email_key") && back.contains_key("email_key") {
            back.insert("email_invalid_at".to_owned(), Value::Null);
        }
    }
    let kind = back.get("type_id").and_then(|id| id.as_str()?.parse().ok());
    let type_is_gone = kind.is_some_and(|id: Uuid| !types.contains(&id));
    for (name, stay) in
        [("subscribed", keep_flags), ("muted", keep_flags), ("type_id", type_is_gone)]
    {
        if stay && back.remove(name).is_some() {
            stays.push(name.to_owned());
        }
    }
    let after = |name: &str| back.get(name).or_else(|| now.get(name)).unwrap_or(&Value::Null);
    if IDENTIFYING.iter().all(|name| after(name).is_null()) {
        for name in IDENTIFYING.iter().chain(&["email_key", "email_invalid_at"]) {
            if back.remove(*name).is_some() {
                stays.push((*name).to_owned());
            }
        }
    }
    let mut fields: Vec<String> = stays.iter().map(|column| field_of(column)).collect();
    fields.sort_unstable();
    fields.dedup();
    left.extend(fields.into_iter().map(|what| Left { what, id: None }));
    let mut row = present.object(CONTACT);
    let mut details = present.details();
    for (name, value) in back {
        match name.strip_prefix("details.") {
            None => drop(row.insert(name, value)),
            Some(detail) if value.is_null() => drop(details.remove(detail)),
            Some(detail) => drop(details.insert(detail.to_owned(), value)),
        }
    }
    row.insert("details".to_owned(), Value::Object(details));
    row
}

const SEARCH: &str = "contact_search(r.first_name, r.last_name, r.email, r.phone, r.company_name)";

fn write_winner(
    tenant: &mut Tenant<'_>,
    winner: ContactId,
    row: &Map<String, Value>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let set: String = COLUMNS.iter().map(|column| format!("{column} = r.{column}, ")).collect();
    let mut sql =
        Sql::new(&format!("UPDATE contacts c SET {set} search = {SEARCH}, updated_at = greatest("));
    sql.bind(now).push(
        ", c.updated_at + interval '1 microsecond') FROM jsonb_populate_record(NULL::contacts, ",
    );
    sql.bind(Value::Object(row.clone())).push(") AS r WHERE c.workspace_id = ");
    sql.bind(tenant.workspace).push(" AND c.id = ").bind(winner.0);
    sql.execute(tenant.conn).map(drop)
}

/// The losers' rows as they are to be.
fn rows_of_losers(
    merge: &Merge,
    present: &Snapshot,
    kept: &Kept,
    types: &[Uuid],
    gone: &mut Vec<(Uuid, Left)>,
) -> Vec<Value> {
    let since = present.column("email_invalid_at").as_str();
    let since: Option<DateTime<Utc>> = since.and_then(|text| text.parse().ok());
    let bounced = since.filter(|since| *since > merge.created_at);
    let row = |loser: &Snapshot| {
        let mut row = loser.object(CONTACT);
        let kind = loser.column("type_id").as_str().and_then(|text| text.parse().ok());
        if let Some(id) = kind.filter(|id: &Uuid| !types.contains(id)) {
            row.insert("type_id".to_owned(), Value::Null);
            gone.push((loser.id, Left { what: "type_id".to_owned(), id: Some(id) }));
        }
        // that an address bounces was learnt at the winner, and is true of the address
        let key = loser.column("email_key");
        if bounced.is_some() && !key.is_null() && present.column("email_key") == key {
            let since = present.column("email_invalid_at").clone();
            row.insert("email_invalid_at".to_owned(), since);
        }
        Value::Object(row)
    };
    kept.losers.iter().map(row).collect()
}

/// Makes contacts anew, under their ids.
fn restore(
    tenant: &mut Tenant<'_>,
    rows: Vec<Value>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let columns = COLUMNS.join(", ");
    let values = COLUMNS.join(", r.");
    let mut sql = Sql::new(&format!(
        "INSERT INTO contacts (workspace_id, id, {columns}, search, updated_at) SELECT "
    ));
    sql.bind(tenant.workspace).push(&format!(", r.id, r.{values}, {SEARCH}, greatest("));
    sql.bind(now).push(
        ", r.updated_at + interval '1 microsecond') FROM jsonb_populate_recordset(NULL::contacts, ",
    );
    sql.bind(Value::Array(rows)).push(") AS r");
    sql.execute(tenant.conn).map(drop)
}

/// The rows of one table: the losers' as they were, and at the winner what nobody changed since.
fn rows_back(
    tenant: &mut Tenant<'_>,
    hanging: &Hanging,
    present: &Snapshot,
    kept: &Kept,
    undone: &mut Undone,
) -> Result<(), StoreError> {
    let Hanging { table, word, .. } = hanging;
    let winner = ContactId(present.id);
    let changes = kept.changes.get(*table).and_then(Value::as_object).cloned().unwrap_or_default();
    let (back, stays) = take_back(&present.object(table), &changes);
    let left = |key: &str| Left { what: (*word).to_owned(), id: key.parse().ok() };
    undone.kept.extend(stays.iter().map(|key| left(key)));
    let off = back.iter().filter(|(_, row)| row.is_null());
    let off: Vec<Uuid> = off.filter_map(|(key, _)| key.parse().ok()).collect();
    let mut sql = Sql::new(&format!("DELETE FROM {table} WHERE workspace_id = "));
    sql.bind(tenant.workspace).push(" AND contact_id = ").bind(winner.0);
    sql.push(&format!(" AND {} = ANY(", hanging.key)).bind(off).push(")");
    sql.execute(tenant.conn)?;
    let of = |contact: Uuid, key: &str, row: &Value| {
        let mut row = row.as_object().cloned().unwrap_or_default();
        row.insert("contact_id".to_owned(), json!(contact));
        row.insert(hanging.key.to_owned(), json!(key));
        Value::Object(row)
    };
    let again = back.iter().filter(|(_, row)| !row.is_null());
    let mut rows: Vec<Value> = again.map(|(key, row)| of(winner.0, key, row)).collect();
    let mut wanted: Vec<(Uuid, String)> = Vec::new();
    for loser in &kept.losers {
        for (key, row) in loser.object(table) {
            rows.push(of(loser.id, &key, &row));
            wanted.push((loser.id, key));
        }
    }
    let there = put_back(tenant, hanging, rows)?;
    let missing = wanted
        .into_iter()
        .filter(|(_, key)| key.parse().is_ok_and(|key: Uuid| !there.contains(&key)));
    undone.gone.extend(missing.map(|(loser, key)| (loser, left(&key))));
    Ok(())
}

/// Writes rows whose things still exist, and says which things do. They are held until the end of the transaction.
fn put_back(
    tenant: &mut Tenant<'_>,
    hanging: &Hanging,
    rows: Vec<Value>,
) -> Result<Vec<Uuid>, StoreError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let Hanging { table, key, parent, columns, .. } = hanging;
    let values: String = columns.iter().map(|column| format!(", r.{column}")).collect();
    let names: String = columns.iter().map(|column| format!(", {column}")).collect();
    let set: Vec<String> =
        columns.iter().map(|column| format!("{column} = excluded.{column}")).collect();
    let unite = match set.as_slice() {
        [] => "DO NOTHING".to_owned(),
        set => format!("DO UPDATE SET {}", set.join(", ")),
    };
    let keys: Vec<Uuid> =
        rows.iter().filter_map(|row| row.get(*key)?.as_str()?.parse().ok()).collect();
    let mut sql = Sql::new(&format!("SELECT id FROM {parent} WHERE workspace_id = "));
    sql.bind(tenant.workspace).push(" AND id = ANY(").bind(keys);
    sql.push(") ORDER BY id FOR KEY SHARE");
    let there: Vec<Uuid> = sql.load::<Id>(tenant.conn)?.into_iter().map(|row| row.id).collect();
    let mut sql =
        Sql::new(&format!("INSERT INTO {table} (workspace_id, contact_id, {key}{names}) SELECT "));
    sql.bind(tenant.workspace);
    sql.push(&format!(
        ", r.contact_id, r.{key}{values} FROM jsonb_populate_recordset(NULL::{table}, "
    ));
    sql.bind(Value::Array(rows)).push(&format!(") AS r WHERE r.{key} = ANY(")).bind(there.clone());
    sql.push(&format!(") ON CONFLICT (workspace_id, contact_id, {key}) {unite}"));
    sql.execute(tenant.conn)?;
    Ok(there)
}

/// Rows that were the losers' and still are there go back to them.
fn moved_back(
    tenant: &mut Tenant<'_>,
    Moved { table, word }: &Moved,
    winner: ContactId,
    losers: &[Snapshot],
) -> Result<(), StoreError> {
    let of = |loser: &Snapshot| {
        let id = loser.id;
        loser.array(word).into_iter().map(move |row| json!({"id": row, "contact": id}))
    };
    let rows: Vec<Value> = losers.iter().flat_map(of).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let mut sql =
        Sql::new(&format!("UPDATE {table} m SET contact_id = r.contact FROM jsonb_to_recordset("));
    sql.bind(Value::Array(rows)).push(") AS r(id uuid, contact uuid) WHERE m.workspace_id = ");
    sql.bind(tenant.workspace).push(" AND m.id = r.id AND m.contact_id = ").bind(winner.0);
    sql.execute(tenant.conn).map(drop)
}

/// Whom the losers are not, and the winner no longer is not; where those contacts still are there.
fn rejections_back(
    tenant: &mut Tenant<'_>,
    winner: ContactId,
    kept: &Kept,
) -> Result<(), StoreError> {
    let added = kept.changes.get(REJECTIONS).and_then(Value::as_object).into_iter().flatten();
    let added = added.filter(|(_, change)| change.get(0).is_none_or(Value::is_null));
    let added: Vec<Uuid> = added.filter_map(|(other, _)| other.parse().ok()).collect();
    let mut sql = Sql::default();
    let (workspace, winner) = (sql.param(tenant.workspace), sql.param(winner.0));
    let added = sql.param(added);
    sql.push(&format!(
        "DELETE FROM duplicate_rejections WHERE workspace_id = {workspace} \
         AND ((contact_id = {winner} AND other_id = ANY({added})) OR (other_id = {winner} AND contact_id = ANY({added})))"
    ));
    sql.execute(tenant.conn)?;
    let of = |loser: &Snapshot| {
        let id = loser.id;
        let since = loser.object(REJECTIONS).into_iter();
        since.map(move |(other, since)| json!({"id": id, "other": other, "since": since}))
    };
    let rows: Vec<Value> = kept.losers.iter().flat_map(of).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "INSERT INTO duplicate_rejections (workspace_id, contact_id, other_id, rejected_at) \
         SELECT {workspace}, least(r.id, r.other), greatest(r.id, r.other), r.since FROM jsonb_to_recordset("
    ));
    sql.bind(Value::Array(rows)).push(&format!(
        ") AS r(id uuid, other uuid, since timestamptz) JOIN contacts c ON c.workspace_id = {workspace} AND c.id = r.other \
         ON CONFLICT (workspace_id, contact_id, other_id) DO NOTHING"
    ));
    sql.execute(tenant.conn).map(drop)
}

/// The pairs that were found with the losers, where the other one still is there.
fn pairs_back(tenant: &mut Tenant<'_>, losers: &[Snapshot]) -> Result<(), StoreError> {
    let rows: Vec<Value> = losers.iter().flat_map(|loser| loser.array(PAIRS)).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "INSERT INTO duplicate_pairs (workspace_id, contact_id, other_id, score, exact, reasons, job_id, found_at) \
         SELECT {workspace}, r.contact_id, r.other_id, r.score, r.exact, r.reasons, r.job_id, r.found_at \
         FROM jsonb_populate_recordset(NULL::duplicate_pairs, "
    ));
    sql.bind(Value::Array(rows)).push(&format!(
        ") AS r JOIN contacts a ON a.workspace_id = {workspace} AND a.id = r.contact_id \
         JOIN contacts b ON b.workspace_id = {workspace} AND b.id = r.other_id \
         ON CONFLICT (workspace_id, contact_id, other_id) DO NOTHING"
    ));
    sql.execute(tenant.conn).map(drop)
}

/// The ids of the losers are their own again, with what led to them; what the merge kept is not needed any more.
fn close(tenant: &mut Tenant<'_>, merge: &Merge, now: DateTime<Utc>) -> Result<(), StoreError> {
    let mut sql = Sql::new("DELETE FROM contact_merges WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND merge_id = ").bind(merge.id);
    sql.execute(tenant.conn)?;
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    let losers = sql.param(merge.loser_ids.clone());
    sql.push(&format!(
        "WITH RECURSIVE under AS (\
           SELECT m.loser_id, m.into_id AS root FROM contact_merges m \
           WHERE m.workspace_id = {workspace} AND m.into_id = ANY({losers}) \
           UNION ALL SELECT m.loser_id, u.root FROM contact_merges m JOIN under u ON m.into_id = u.loser_id \
           WHERE m.workspace_id = {workspace}) \
         UPDATE contact_merges m SET winner_id = under.root FROM under \
         WHERE m.workspace_id = {workspace} AND m.loser_id = under.loser_id"
    ));
    sql.execute(tenant.conn)?;
    let mut sql = Sql::new("UPDATE merges SET changes = '{}', undone_at = ");
    sql.bind(now).push(" WHERE workspace_id = ").bind(tenant.workspace);
    sql.push(" AND id = ").bind(merge.id);
    sql.execute(tenant.conn)?;
    let mut sql = Sql::new("UPDATE merge_losers SET snapshot = NULL WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND merge_id = ").bind(merge.id);
    sql.execute(tenant.conn).map(drop)
}

/// What the winner's ledger says of a purpose that a merge wrote an entry for.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Answered {
    /// The purpose.
    #[diesel(sql_type = SqlUuid)]
    pub purpose_id: Uuid,
    /// Its name.
    #[diesel(sql_type = diesel::sql_types::Text)]
    pub purpose: String,
    /// The merge's entry still is the last word.
    #[diesel(sql_type = diesel::sql_types::Bool)]
    pub is_last: bool,
    /// What the merge's entry says.
    #[diesel(sql_type = diesel::sql_types::Bool)]
    pub granted: bool,
    /// What it stands on.
    #[diesel(sql_type = diesel::sql_types::Text)]
    pub legal_basis: String,
    /// Its wording.
    #[diesel(sql_type = diesel::sql_types::Integer)]
    pub wording_version: i32,
    /// The entry before it: `{"granted", "legal_basis", "wording_version"}`.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub before: Option<Value>,
}

/// The entries that the merge wrote into the winner's ledger, with what held before each.
///
/// # Errors
/// What the database said.
pub fn answered(tenant: &mut Tenant<'_>, merge: &Merge) -> Result<Vec<Answered>, StoreError> {
    let mut sql = Sql::default();
    let (workspace, winner) = (sql.param(tenant.workspace), sql.param(merge.winner_id));
    sql.push(&format!(
        "SELECT e.purpose_id, p.name AS purpose, s.entry_id = e.id AS is_last, e.action = 'grant' AS granted, \
           e.legal_basis, e.wording_version, before.said AS before \
         FROM consent_entries e JOIN purposes p ON p.workspace_id = {workspace} AND p.id = e.purpose_id \
         JOIN consents s ON s.workspace_id = {workspace} AND s.contact_id = e.contact_id AND s.purpose_id = e.purpose_id \
         LEFT JOIN LATERAL (SELECT jsonb_build_object('granted', b.action = 'grant', 'legal_basis', b.legal_basis, \
             'wording_version', b.wording_version) AS said FROM consent_entries b \
           WHERE b.workspace_id = {workspace} AND b.contact_id = e.contact_id AND b.purpose_id = e.purpose_id \
           AND (b.at, b.id) < (e.at, e.id) ORDER BY b.at DESC, b.id DESC LIMIT 1) AS before ON true \
         WHERE e.workspace_id = {workspace} AND e.contact_id = {winner} AND e.source_type = 'merge' AND e.source_id = "
    ));
    sql.bind(merge.id).push(" ORDER BY p.name, e.id");
    sql.load(tenant.conn)
}

/// Whether somebody took consent back of the winner after it was merged.
///
/// # Errors
/// What the database said.
pub fn withdrawn_since(tenant: &mut Tenant<'_>, merge: &Merge) -> Result<bool, StoreError> {
    let mut sql = Sql::new("SELECT count(*) AS n FROM consent_entries WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND contact_id = ").bind(merge.winner_id);
    sql.push(" AND action = 'withdraw' AND source_type <> 'merge' AND at > ");
    sql.bind(merge.created_at);
    Ok(sql.count(tenant.conn)? > 0)
}
