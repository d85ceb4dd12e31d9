//! Answers kept under an `Idempotency-Key`, in the transaction of their effect (PLT-3).

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::pg::PgConnection;
use diesel::sql_types::{BigInt, Binary, Jsonb};
use serde_json::Value;

use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// A kept answer.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct KeptAnswer {
    /// SHA-256 of the request.
    #[diesel(sql_type = Binary)]
    pub fingerprint: Vec<u8>,
    /// HTTP status.
    #[diesel(sql_type = BigInt)]
    pub status: i64,
    /// Header names and values, as pairs.
    #[diesel(sql_type = Jsonb)]
    pub headers: Value,
    /// The body as it was sent.
    #[diesel(sql_type = Binary)]
    pub body: Vec<u8>,
}

/// Takes the key for this transaction. `false`: another transaction has it.
///
/// # Errors
/// What the database said.
pub fn try_lock(tenant: &mut Tenant<'_>, client: &str, key: &str) -> Result<bool, StoreError> {
    let mut sql = Sql::new("SELECT pg_try_advisory_xact_lock(hashtextextended(");
    sql.prepared().bind(format!("idempotency/{}/{client}/{key}", tenant.workspace));
    sql.push(", 0))::int::bigint AS n");
    Ok(sql.count(tenant.conn)? == 1)
}

/// The answer kept under the key since `since`.
///
/// # Errors
/// What the database said.
pub fn find(
    tenant: &mut Tenant<'_>,
    client: &str,
    key: &str,
    since: DateTime<Utc>,
) -> Result<Option<KeptAnswer>, StoreError> {
    let mut sql = Sql::new(
        "SELECT fingerprint, status::bigint AS status, headers, body FROM idempotency_keys WHERE workspace_id = ",
    );
    sql.prepared().bind(tenant.workspace).push(" AND client = ").bind(client);
    sql.push(" AND key = ").bind(key).push(" AND created_at > ").bind(since);
    sql.first(tenant.conn)
}

/// Keeps an answer; one that has outlived its day is replaced.
///
/// # Errors
/// What the database said.
pub fn keep(
    tenant: &mut Tenant<'_>,
    client: &str,
    key: &str,
    answer: &KeptAnswer,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = Sql::new(
        "INSERT INTO idempotency_keys (workspace_id, client, key, fingerprint, status, headers, body, created_at) VALUES (",
    );
    sql.prepared().bind(tenant.workspace).push(", ").bind(client).push(", ").bind(key);
    sql.push(", ").bind(answer.fingerprint.clone()).push(", ").bind(answer.status);
    sql.push("::smallint, ").bind(answer.headers.clone()).push(", ").bind(answer.body.clone());
    sql.push(", ").bind(now).push(
        ") ON CONFLICT (workspace_id, client, key) DO UPDATE SET fingerprint = excluded.fingerprint, \
         status = excluded.status, headers = excluded.headers, body = excluded.body, created_at = excluded.created_at",
    );
    sql.execute(tenant.conn).map(drop)
}

/// Forgets answers older than `before`, of all workspaces.
///
/// # Errors
/// What the database said.
pub fn forget(conn: &mut PgConnection, before: DateTime<Utc>) -> Result<usize, StoreError> {
    let mut sql = Sql::new("DELETE FROM idempotency_keys WHERE created_at < ");
    sql.bind(before);
    sql.execute(conn)
}

/// Removes kept answers (PLT-3) that mention one of the words: ids of contacts, addresses in lower case. Whoever
/// sends such a request again makes a new one. With `since` only those kept from then on: to look through all of a day
/// takes its time.
///
/// # Errors
/// What the database said.
pub fn forget_mentions(
    tenant: &mut Tenant<'_>,
    words: Vec<String>,
    since: Option<DateTime<Utc>>,
) -> Result<usize, StoreError> {
    let mut sql = Sql::new("DELETE FROM idempotency_keys k WHERE k.workspace_id = ");
    sql.bind(tenant.workspace);
    if let Some(since) = since {
        sql.push(" AND k.created_at >= ").bind(since);
    }
    sql.push(" AND EXISTS (SELECT FROM unnest(").bind(words);
    // a body is JSON of ours, which is UTF-8
    sql.push(
        ") AS w(word) WHERE strpos(lower(convert_from(k.body, 'UTF8')), w.word) > 0 \
           OR strpos(lower(k.headers::text), w.word) > 0 OR strpos(lower(k.key), w.word) > 0)",
    );
    sql.execute(tenant.conn)
}
