//! Merging: what the losers have goes to the winner, in statements over all of them at once.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use kartoteka_domain::actor::Actor;
use kartoteka_domain::contacts::contact::Contact;
use kartoteka_domain::contacts::merges::changes;
use kartoteka_domain::ids::{ContactId, MergeId};

use super::{CONTACT, HANGING, Hanging, LEVELS, MOVED, Moved, REJECTIONS, Snapshot, snapshots};
use crate::contacts::write;
use crate::db::Tenant;
use crate::duplicates;
use crate::error::StoreError;
use crate::sql::Sql;

/// What is to be merged.
#[derive(Debug)]
pub struct Moving<'a> {
    /// The winner as it is.
    pub winner: &'a Snapshot,
    /// The losers as they are, in their order.
    pub losers: &'a [Snapshot],
    /// What the winner will be.
    pub contact: &'a Contact,
    /// Takes marketing.
    pub subscribed: bool,
    /// Takes no message at all.
    pub muted: bool,
    /// When its address bounced hard.
    pub email_invalid_at: Option<DateTime<Utc>>,
}

/// Moves all that the losers have and removes them; says what that changed of the winner, as [`record`] keeps it. The
/// caller has locked all of them.
///
/// # Errors
/// What the database said.
pub fn merge(
    tenant: &mut Tenant<'_>,
    moving: &Moving<'_>,
    now: DateTime<Utc>,
) -> Result<Map<String, Value>, StoreError> {
    let winner = ContactId(moving.winner.id);
    let losers: Vec<Uuid> = moving.losers.iter().map(|loser| loser.id).collect();
    for hanging in HANGING {
        unite(tenant, hanging, winner, &losers)?;
    }
    for Moved { table, .. } in MOVED {
        let mut sql = Sql::new(&format!("UPDATE {table} SET contact_id = "));
        sql.bind(winner.0).push(" WHERE workspace_id = ").bind(tenant.workspace);
        sql.push(" AND contact_id = ANY(").bind(losers.clone()).push(")");
        sql.execute(tenant.conn)?;
    }
    carry_rejections(tenant, winner, &losers)?;
    duplicates::forget_contacts(tenant, &losers)?;
    for (table, column) in [("contact_search", "contact_id"), ("contacts", "id")] {
        let mut sql = Sql::new(&format!("DELETE FROM {table} WHERE workspace_id = "));
        sql.bind(tenant.workspace).push(&format!(" AND {column} = ANY(")).bind(losers.clone());
        sql.push(")");
        sql.execute(tenant.conn)?;
    }
    write::update(tenant, &[(winner, moving.contact)], now)?;
    let mut sql = Sql::new("UPDATE contacts SET subscribed = ");
    sql.bind(moving.subscribed).push(", muted = ").bind(moving.muted);
    sql.push(", email_invalid_at = ").bind(moving.email_invalid_at);
    sql.push(" WHERE workspace_id = ").bind(tenant.workspace).push(" AND id = ").bind(winner.0);
    sql.execute(tenant.conn)?;
    let after = snapshots(tenant, &[winner.0])?;
    Ok(after.first().map(|after| changed(moving.winner, after)).unwrap_or_default())
}

/// Gives the winner the losers' rows of one table; where both have one, they become one.
fn unite(
    tenant: &mut Tenant<'_>,
    hanging: &Hanging,
    winner: ContactId,
    losers: &[Uuid],
) -> Result<(), StoreError> {
    let Hanging { table, key, columns, gathered, united, .. } = hanging;
    let mut sql = Sql::default();
    let (workspace, winner) = (sql.param(tenant.workspace), sql.param(winner.0));
    let (ids, losers) = (losers.to_vec(), sql.param(losers.to_vec()));
    let written = |text: &str| text.replace("$losers", &losers).replace("$levels", LEVELS);
    let columns: String = columns.iter().map(|column| format!(", {column}")).collect();
    let gathered = match *gathered {
        "" => String::new(),
        values => format!(", {}", written(values)),
    };
    sql.push(&format!(
        "INSERT INTO {table} AS present (workspace_id, contact_id, {key}{columns}) \
         SELECT {workspace}, {winner}, h.{key}{gathered} FROM {table} h \
         WHERE h.workspace_id = {workspace} AND h.contact_id = ANY({losers}) GROUP BY h.{key} \
         ON CONFLICT (workspace_id, contact_id, {key}) {}",
        written(united)
    ));
    sql.execute(tenant.conn)?;
    let mut sql = Sql::new(&format!("DELETE FROM {table} WHERE workspace_id = "));
    sql.bind(tenant.workspace).push(" AND contact_id = ANY(").bind(ids).push(")");
    sql.execute(tenant.conn).map(drop)
}

/// Who is not one of the losers is not the winner either.
fn carry_rejections(
    tenant: &mut Tenant<'_>,
    winner: ContactId,
    losers: &[Uuid],
) -> Result<(), StoreError> {
    let mut sql = Sql::default();
    let (workspace, winner) = (sql.param(tenant.workspace), sql.param(winner.0));
    let losers = sql.param(losers.to_vec());
    sql.push(&format!(
        "INSERT INTO duplicate_rejections (workspace_id, contact_id, other_id, rejected_at) \
         SELECT {workspace}, least({winner}, x.other), greatest({winner}, x.other), min(x.rejected_at) \
         FROM (SELECT CASE WHEN r.contact_id = ANY({losers}) THEN r.other_id ELSE r.contact_id END AS other, r.rejected_at \
           FROM duplicate_rejections r WHERE r.workspace_id = {workspace} \
           AND (r.contact_id = ANY({losers}) OR r.other_id = ANY({losers}))) AS x \
         WHERE x.other <> {winner} AND x.other <> ALL({losers}) GROUP BY x.other \
         ON CONFLICT (workspace_id, contact_id, other_id) DO NOTHING"
    ));
    sql.execute(tenant.conn).map(drop)
}

/// What of a contact can be told apart: its columns, each detail by itself.
pub(super) fn columns(snapshot: &Snapshot) -> Map<String, Value> {
    let mut columns = snapshot.object(CONTACT);
    for name in ["id", "updated_at", "search", "details"] {
        columns.remove(name);
    }
    let details = snapshot.details().into_iter();
    columns.extend(details.map(|(name, value)| (format!("details.{name}"), value)));
    columns
}

/// `{part: {name: [before, after]}}`: the columns of the contact, and the rows that hang on it by what they name.
fn changed(before: &Snapshot, after: &Snapshot) -> Map<String, Value> {
    let tables = HANGING.iter().map(|hanging| hanging.table).chain([REJECTIONS]);
    let mut parts: Map<String, Value> = tables
        .map(|part| (part.to_owned(), json!(changes(&before.object(part), &after.object(part)))))
        .collect();
    parts.insert(CONTACT.to_owned(), json!(changes(&columns(before), &columns(after))));
    parts
}

/// Keeps a merge: what it changed of the winner, the losers as they were, and where their ids lead from now on.
///
/// # Errors
/// What the database said.
pub fn record(
    tenant: &mut Tenant<'_>,
    id: MergeId,
    actor: Actor,
    (winner, losers): (ContactId, &[Snapshot]),
    changes: Map<String, Value>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = Sql::new(
        "INSERT INTO merges (workspace_id, id, winner_id, actor_type, actor_id, changes, created_at) VALUES (",
    );
    sql.bind(tenant.workspace).push(", ").bind(id.0).push(", ").bind(winner.0);
    sql.push(", ").bind(actor.kind()).push(", ").bind(actor.id()).push(", ");
    sql.bind(Value::Object(changes)).push(", ").bind(now).push(")");
    sql.execute(tenant.conn)?;
    let rows: Value = losers
        .iter()
        .zip(0_i64..)
        .map(
            |(loser, place)| json!({"loser_id": loser.id, "place": place, "snapshot": loser.parts}),
        )
        .collect();
    let mut sql = Sql::new(
        "INSERT INTO merge_losers (workspace_id, merge_id, loser_id, place, snapshot) SELECT ",
    );
    sql.bind(tenant.workspace).push(", ").bind(id.0);
    sql.push(", r.loser_id, r.place, r.snapshot FROM jsonb_to_recordset(").bind(rows);
    sql.push(") AS r(loser_id uuid, place integer, snapshot jsonb)");
    sql.execute(tenant.conn)?;
    let ids: Vec<Uuid> = losers.iter().map(|loser| loser.id).collect();
    // what led to a loser leads to the winner now
    let mut sql = Sql::new("UPDATE contact_merges SET winner_id = ");
    sql.bind(winner.0).push(" WHERE workspace_id = ").bind(tenant.workspace);
    sql.push(" AND winner_id = ANY(").bind(ids.clone()).push(")");
    sql.execute(tenant.conn)?;
    let mut sql = Sql::default();
    let (workspace, winner) = (sql.param(tenant.workspace), sql.param(winner.0));
    sql.push(&format!(
        "INSERT INTO contact_merges (workspace_id, loser_id, winner_id, into_id, merge_id) \
         SELECT {workspace}, l.id, {winner}, {winner}, "
    ));
    sql.bind(id.0).push(" FROM unnest(").bind(ids).push(") AS l(id)");
    sql.execute(tenant.conn).map(drop)
}
