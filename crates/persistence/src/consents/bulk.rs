//! Consents of many contacts at once: who can still opt in or out of a channel, and their entries of the ledger, each
//! in one statement.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Bool, Integer, Text, Uuid as SqlUuid};
use uuid::Uuid;

use kartoteka_domain::actor::Actor;
use kartoteka_domain::consents::ledger::{Action, Channel, LegalBasis, Source};

use super::{Purpose, select_purposes};
use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// Purposes of a channel with their present wording, the oldest first. They are held (`requests::keep_purposes`).
///
/// # Errors
/// What the database said.
pub fn purposes_of(tenant: &mut Tenant<'_>, channel: Channel) -> Result<Vec<Purpose>, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    select_purposes(&mut sql, &workspace);
    sql.push(" AND p.channel = ").bind(channel.as_str()).push(" ORDER BY p.id");
    sql.load(tenant.conn)
}

/// A purpose that a contact has not refused.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Open {
    /// The contact.
    #[diesel(sql_type = SqlUuid)]
    pub contact_id: Uuid,
    /// The purpose.
    #[diesel(sql_type = SqlUuid)]
    pub purpose_id: Uuid,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub purpose: String,
    /// Number of its present wording.
    #[diesel(sql_type = Integer)]
    pub version: i32,
}

/// What those of the contacts who have not opted out of a channel would withdraw to do so, in order of contacts: all
/// its purposes that they did not withdraw already, whether they ever granted them or not. The contacts are locked, and
/// the purposes held.
///
/// # Errors
/// What the database said.
pub fn open(
    tenant: &mut Tenant<'_>,
    channel: Channel,
    contacts: &[Uuid],
) -> Result<Vec<Open>, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    let channel = sql.param(channel.as_str());
    let contacts = sql.param(contacts.to_vec());
    sql.push("WITH asked AS MATERIALIZED (SELECT p.id, p.name, p.version FROM (");
    select_purposes(&mut sql, &workspace);
    sql.push(&format!(
        ") AS p WHERE p.channel = {channel}) \
         SELECT w.contact_id, w.purpose_id, w.purpose, w.version FROM (\
           SELECT f.id AS contact_id, a.id AS purpose_id, a.name AS purpose, a.version, s.granted, \
             bool_or(s.granted) OVER (PARTITION BY f.id) AS any_granted \
           FROM unnest({contacts}) AS f(id) CROSS JOIN asked a \
           LEFT JOIN LATERAL (SELECT s.granted FROM consents s WHERE s.workspace_id = {workspace} AND s.contact_id = f.id \
             AND s.purpose_id = a.id OFFSET 0) AS s ON true) AS w \
         WHERE w.granted IS DISTINCT FROM false AND w.any_granted IS DISTINCT FROM false \
         ORDER BY w.contact_id, w.purpose_id"
    ));
    sql.load(tenant.conn)
}

/// How a contact stands to a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct Standing {
    /// The contact.
    #[diesel(sql_type = SqlUuid)]
    pub contact_id: Uuid,
    /// It has a phone number.
    #[diesel(sql_type = Bool)]
    pub phone: bool,
    /// Some purpose of the channel is granted.
    #[diesel(sql_type = Bool)]
    pub opted_in: bool,
}

/// How the contacts, which are locked, stand to messages by phone.
///
/// # Errors
/// What the database said.
pub fn mobile(tenant: &mut Tenant<'_>, contacts: &[Uuid]) -> Result<Vec<Standing>, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    let channel = sql.param(Channel::Sms.as_str());
    let contacts = sql.param(contacts.to_vec());
    sql.push(&format!(
        "SELECT c.id AS contact_id, c.phone IS NOT NULL AS phone, EXISTS (\
           SELECT FROM consents s JOIN purposes p ON p.workspace_id = {workspace} AND p.id = s.purpose_id AND p.channel = {channel} \
           WHERE s.workspace_id = {workspace} AND s.contact_id = c.id AND s.granted) AS opted_in \
         FROM contacts c WHERE c.workspace_id = {workspace} AND c.id = ANY({contacts}) ORDER BY c.id"
    ));
    sql.load(tenant.conn)
}

/// What entries written together have in common.
#[derive(Clone, Copy, Debug)]
pub struct Declared {
    /// Given or taken back.
    pub action: Action,
    /// When.
    pub at: DateTime<Utc>,
    /// Who wrote them.
    pub actor: Actor,
    /// Where they came from.
    pub source: Source,
    /// The job they came from.
    pub source_id: Option<Uuid>,
    /// What the processing stands on.
    pub legal_basis: LegalBasis,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its id, in order of time.
    pub id: Uuid,
    /// Whose consent.
    pub contact: Uuid,
    /// What for.
    pub purpose: Uuid,
    /// Number of the wording.
    pub version: i32,
}

/// Adds entries to the ledger and makes each the last word on its purpose. No contact and purpose may be there twice.
///
/// # Errors
/// What the database said.
pub fn append_many(
    tenant: &mut Tenant<'_>,
    declared: &Declared,
    lines: &[Line],
) -> Result<(), StoreError> {
    if lines.is_empty() {
        return Ok(());
    }
    let Declared { action, at, actor, source, source_id, legal_basis } = *declared;
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    let column = |of: fn(&Line) -> Uuid| lines.iter().map(of).collect::<Vec<_>>();
    let versions: Vec<i64> = lines.iter().map(|line| i64::from(line.version)).collect();
    let ids = sql.param(column(|line| line.id));
    let contacts = sql.param(column(|line| line.contact));
    let purposes = sql.param(column(|line| line.purpose));
    let versions = sql.param(versions);
    let (word, now) = (sql.param(action.as_str()), sql.param(at));
    let (kind, who) = (sql.param(actor.kind()), sql.param(actor.id()));
    let (source, source_id) = (sql.param(source.as_str()), sql.param(source_id));
    let basis = sql.param(legal_basis.as_str());
    let granted = sql.param(action == Action::Grant);
    sql.push(&format!(
        "WITH given AS MATERIALIZED (SELECT * FROM unnest({ids}, {contacts}, {purposes}, {versions}) \
             AS r(id, contact_id, purpose_id, version)), \
         written AS (INSERT INTO consent_entries (workspace_id, contact_id, purpose_id, id, action, at, actor_type, actor_id, \
             source_type, source_id, legal_basis, wording_version) \
           SELECT {workspace}, r.contact_id, r.purpose_id, r.id, {word}, {now}, {kind}, {who}, {source}, {source_id}, {basis}, \
             r.version::integer FROM given r) \
         INSERT INTO consents (workspace_id, contact_id, purpose_id, granted, entry_id, at) \
         SELECT {workspace}, r.contact_id, r.purpose_id, {granted}, r.id, {now} FROM given r \
         ON CONFLICT (workspace_id, contact_id, purpose_id) DO UPDATE SET granted = excluded.granted, \
           entry_id = excluded.entry_id, at = excluded.at"
    ));
    sql.execute(tenant.conn).map(drop)
}
