//! Requests for a consent that the contact confirms (CNS-6).

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Binary, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use kartoteka_domain::consents::requests::RequestState;
use kartoteka_domain::ids::{ConsentRequestId, ContactId, PurposeId};

use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// A request for a consent, with what it asks.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Request {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Who is asked.
    #[diesel(sql_type = SqlUuid)]
    pub contact_id: Uuid,
    /// What for.
    #[diesel(sql_type = SqlUuid)]
    pub purpose_id: Uuid,
    /// Name of the purpose.
    #[diesel(sql_type = Text)]
    pub purpose: String,
    /// What people see of it.
    #[diesel(sql_type = Text)]
    pub title: String,
    /// Number of the wording that is asked about.
    #[diesel(sql_type = Integer)]
    pub wording_version: i32,
    /// That wording.
    #[diesel(sql_type = Text)]
    pub wording: String,
    /// What the processing will stand on.
    #[diesel(sql_type = Text)]
    pub legal_basis: String,
    /// Language of the message.
    #[diesel(sql_type = Text)]
    pub language: String,
    /// Keyed hash of the address it goes to.
    #[diesel(sql_type = Binary)]
    pub address_hash: Vec<u8>,
    /// Word of [`RequestState`], never `expired`.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// Why its message failed, was put off or skipped.
    #[diesel(sql_type = Nullable<Text>)]
    pub problem: Option<String>,
    /// Attempts to hand over the present message.
    #[diesel(sql_type = Integer)]
    pub tries: i32,
    /// Messages whose hand-over was begun.
    #[diesel(sql_type = Integer)]
    pub mails: i32,
    /// When the hand-over of the last one was begun.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub mailed_at: Option<DateTime<Utc>>,
    /// When the message is tried again.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub next_try_at: Option<DateTime<Utc>>,
    /// When the link ends.
    #[diesel(sql_type = Timestamptz)]
    pub expires_at: DateTime<Utc>,
    /// When the contact said yes.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub confirmed_at: Option<DateTime<Utc>>,
    /// The entry of the ledger that says so.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub entry_id: Option<Uuid>,
    /// Kind of whoever asked.
    #[diesel(sql_type = Text)]
    pub actor_type: String,
    /// Who asked.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub actor_id: Option<Uuid>,
    /// When.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When its state changed last.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

impl Request {
    /// Its state, with the time laid over it.
    ///
    /// # Errors
    /// [`StoreError::Inconsistent`] for a word that is no state.
    pub fn state(&self, now: DateTime<Utc>) -> Result<RequestState, StoreError> {
        let state: RequestState = self.state.parse().map_err(|()| StoreError::Inconsistent {
            table: "consent_requests",
            problem: format!("unknown state of request {}", self.id),
        })?;
        Ok(state.at(self.expires_at, now))
    }
}

const COLUMNS: &str = "q.id, q.contact_id, q.purpose_id, p.name AS purpose, p.title, q.wording_version, v.wording, \
    q.legal_basis, q.language, q.address_hash, q.state, q.problem, q.tries, q.mails, q.mailed_at, q.next_try_at, \
    q.expires_at, q.confirmed_at, q.entry_id, q.actor_type, q.actor_id, q.created_at, q.updated_at";

fn select(tenant: &Tenant<'_>) -> Sql {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT {COLUMNS} FROM consent_requests q \
         JOIN purposes p ON p.workspace_id = {workspace} AND p.id = q.purpose_id \
         JOIN purpose_versions v ON v.workspace_id = {workspace} AND v.purpose_id = q.purpose_id AND v.version = q.wording_version \
         WHERE q.workspace_id = {workspace}"
    ));
    sql
}

/// A new request; the words of its purpose are not written.
///
/// # Errors
/// What the database said.
pub fn insert(tenant: &mut Tenant<'_>, request: &Request) -> Result<(), StoreError> {
    let mut sql = Sql::new(
        "INSERT INTO consent_requests (workspace_id, id, contact_id, purpose_id, wording_version, legal_basis, language, \
         address_hash, state, expires_at, actor_type, actor_id, created_at, updated_at) VALUES (",
    );
    sql.bind(tenant.workspace).push(", ").bind(request.id).push(", ").bind(request.contact_id);
    sql.push(", ").bind(request.purpose_id).push(", ").bind(request.wording_version);
    sql.push(", ").bind(request.legal_basis.as_str()).push(", ").bind(request.language.as_str());
    sql.push(", ").bind(request.address_hash.clone()).push(", ").bind(request.state.as_str());
    sql.push(", ").bind(request.expires_at).push(", ").bind(request.actor_type.as_str());
    sql.push(", ").bind(request.actor_id).push(", ").bind(request.created_at);
    sql.push(", ").bind(request.updated_at).push(")");
    sql.execute(tenant.conn).map(drop)
}

/// One request of the workspace.
///
/// # Errors
/// What the database said.
pub fn get(tenant: &mut Tenant<'_>, id: ConsentRequestId) -> Result<Option<Request>, StoreError> {
    let mut sql = select(tenant);
    sql.push(" AND q.id = ").bind(id.0);
    sql.first(tenant.conn)
}

/// The same, locked until the end of the transaction.
///
/// # Errors
/// What the database said.
pub fn lock(tenant: &mut Tenant<'_>, id: ConsentRequestId) -> Result<Option<Request>, StoreError> {
    let mut sql = select(tenant);
    sql.push(" AND q.id = ").bind(id.0).push(" FOR NO KEY UPDATE OF q");
    sql.first(tenant.conn)
}

/// Requests to a contact, newest first, older than `before`.
///
/// # Errors
/// What the database said.
pub fn of_contact(
    tenant: &mut Tenant<'_>,
    contact: ContactId,
    before: Option<ConsentRequestId>,
    limit: usize,
) -> Result<Vec<Request>, StoreError> {
    let mut sql = select(tenant);
    sql.push(" AND q.contact_id = ").bind(contact.0);
    if let Some(before) = before {
        sql.push(" AND q.id < ").bind(before.0);
    }
    sql.push(" ORDER BY q.id DESC LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql.load(tenant.conn)
}

/// The newest request to a contact for this wording at this address that is neither confirmed nor over, locked.
///
/// # Errors
/// What the database said.
pub fn open_one(
    tenant: &mut Tenant<'_>,
    contact: ContactId,
    purpose: PurposeId,
    wording_version: i32,
    address_hash: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<Request>, StoreError> {
    let mut sql = select(tenant);
    sql.push(" AND q.contact_id = ").bind(contact.0).push(" AND q.purpose_id = ").bind(purpose.0);
    sql.push(" AND q.wording_version = ").bind(wording_version);
    sql.push(" AND q.address_hash = ").bind(address_hash.to_vec());
    sql.push(" AND q.state <> 'confirmed' AND q.expires_at > ").bind(now);
    sql.push(" ORDER BY q.id DESC LIMIT 1 FOR NO KEY UPDATE OF q");
    sql.first(tenant.conn)
}

#[derive(QueryableByName)]
struct Mails {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    n: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    first: Option<DateTime<Utc>>,
}

/// How many messages an address got since `since` or is about to get, in the whole workspace, and when the first of
/// the requests was mailed; one that was refused counts too. Counts every message of a request whose last one was since
/// then, so it may tell too many, never too few.
///
/// # Errors
/// What the database said.
pub fn mails_since(
    tenant: &mut Tenant<'_>,
    address_hash: &[u8],
    since: DateTime<Utc>,
) -> Result<(i64, Option<DateTime<Utc>>), StoreError> {
    let mut sql = Sql::new(
        "SELECT coalesce(sum(mails + CASE WHEN state IN ('waiting', 'deferred', 'failed') THEN 1 ELSE 0 END), 0)::bigint AS n, \
         min(mailed_at) AS first FROM consent_requests WHERE workspace_id = ",
    );
    sql.bind(tenant.workspace).push(" AND address_hash = ").bind(address_hash.to_vec());
    sql.push(" AND (CASE WHEN state = 'failed' THEN updated_at ELSE mailed_at END > ").bind(since);
    sql.push(" OR state IN ('waiting', 'deferred'))");
    let found: Option<Mails> = sql.first(tenant.conn)?;
    Ok(found.map_or((0, None), |mails| (mails.n, mails.first)))
}

/// Keeps others from asking the same address in this workspace at the same time, until the end of the transaction:
/// contacts may share one, and their own locks do not meet.
///
/// # Errors
/// What the database said.
pub fn lock_address(tenant: &mut Tenant<'_>, address_hash: &[u8]) -> Result<(), StoreError> {
    let mut key = [0; 8];
    key.iter_mut().zip(address_hash).for_each(|(to, from)| *to = *from);
    let mut sql = Sql::new("SELECT 1 AS n FROM (SELECT pg_advisory_xact_lock(");
    sql.bind(i64::from_be_bytes(key)).push(")) AS locked");
    sql.execute(tenant.conn).map(drop)
}

/// What changes when a message gets on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Step<'a> {
    /// Why it failed, was put off or skipped.
    pub problem: Option<&'a str>,
    /// Attempts to hand over the present message.
    pub tries: i32,
    /// When it is tried again.
    pub next_try_at: Option<DateTime<Utc>>,
    /// Whether the hand-over of a message begins, or the server gave it back.
    pub mail: Handing,
}

/// What happens to the number of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Handing {
    /// Nothing.
    #[default]
    No,
    /// One more is handed over from now on.
    Begins,
    /// The server gave the last one back.
    GivenBack,
}

/// Writes a new state of the message. A yes stays one: it may be quicker than the answer of the mail server.
///
/// # Errors
/// What the database said.
pub fn step(
    tenant: &mut Tenant<'_>,
    id: ConsentRequestId,
    state: RequestState,
    step: Step<'_>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = Sql::new("UPDATE consent_requests SET state = ");
    sql.bind(state.as_str()).push(", problem = ").bind(step.problem.map(str::to_owned));
    sql.push(", tries = ").bind(step.tries).push(", next_try_at = ").bind(step.next_try_at);
    match step.mail {
        Handing::No => {}
        Handing::Begins => {
            sql.push(", mails = mails + 1, mailed_at = ").bind(now);
        }
        Handing::GivenBack => {
            sql.push(", mails = mails - 1, mailed_at = CASE WHEN mails > 1 THEN mailed_at END");
        }
    }
    sql.push(", updated_at = ").bind(now);
    sql.push(" WHERE workspace_id = ").bind(tenant.workspace).push(" AND id = ").bind(id.0);
    sql.push(" AND state <> 'confirmed'");
    sql.execute(tenant.conn).map(drop)
}

/// Its time begins anew: the message is sent once more.
///
/// # Errors
/// What the database said.
pub fn renew(
    tenant: &mut Tenant<'_>,
    id: ConsentRequestId,
    expires_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = Sql::new("UPDATE consent_requests SET expires_at = ");
    sql.bind(expires_at).push(" WHERE workspace_id = ").bind(tenant.workspace);
    sql.push(" AND id = ").bind(id.0);
    sql.execute(tenant.conn).map(drop)
}

/// The contact said yes; `entry` of the ledger says so.
///
/// # Errors
/// What the database said.
pub fn confirm(
    tenant: &mut Tenant<'_>,
    id: ConsentRequestId,
    entry: Uuid,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = Sql::new(
        "UPDATE consent_requests SET state = 'confirmed', problem = NULL, next_try_at = NULL, entry_id = ",
    );
    sql.bind(entry).push(", confirmed_at = ").bind(now).push(", updated_at = ").bind(now);
    sql.push(" WHERE workspace_id = ").bind(tenant.workspace).push(" AND id = ").bind(id.0);
    sql.execute(tenant.conn).map(drop)
}

/// A purpose as a contact sees it.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Choice {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Its channel.
    #[diesel(sql_type = Text)]
    pub channel: String,
    /// What people see.
    #[diesel(sql_type = Text)]
    pub title: String,
    /// Number of the present wording.
    #[diesel(sql_type = Integer)]
    pub version: i32,
    /// The present wording.
    #[diesel(sql_type = Text)]
    pub wording: String,
    /// The contact's last word; `None` when there was none.
    #[diesel(sql_type = Nullable<Bool>)]
    pub granted: Option<bool>,
    /// The entry that says so.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub entry_id: Option<Uuid>,
}

/// All purposes with their present wording and the contact's last word, in order of their names.
///
/// # Errors
/// What the database said.
pub fn choices(tenant: &mut Tenant<'_>, contact: ContactId) -> Result<Vec<Choice>, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT p.id, p.name, p.channel, p.title, v.version, v.wording, s.granted, s.entry_id FROM purposes p \
         JOIN LATERAL (SELECT version, wording FROM purpose_versions WHERE workspace_id = {workspace} AND purpose_id = p.id \
           ORDER BY version DESC LIMIT 1) AS v ON true \
         LEFT JOIN consents s ON s.workspace_id = {workspace} AND s.purpose_id = p.id AND s.contact_id = "
    ));
    sql.bind(contact.0);
    sql.push(&format!(" WHERE p.workspace_id = {workspace} ORDER BY p.name"));
    sql.load(tenant.conn)
}

/// Locks the purposes of the workspace against removal until the end of the transaction: entries have no foreign key.
///
/// # Errors
/// What the database said.
pub fn keep_purposes(tenant: &mut Tenant<'_>) -> Result<(), StoreError> {
    let mut sql = Sql::new("SELECT id FROM purposes WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" ORDER BY id FOR KEY SHARE");
    sql.execute(tenant.conn).map(drop)
}
