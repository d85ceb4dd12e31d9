//! Duplicates (CON-16): the pairs a search found, those that somebody rejected, and what a search keeps while it
//! is under way.
//!
//! A pair is kept once, the smaller id first ([`ordered`]).

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::Insertable;
use diesel::sql_types::{
    BigInt, Bool, Date, Double, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel::{ExecuteCopyFromDsl, QueryableByName, copy_from};
use serde_json::{Value, json};
use uuid::Uuid;

use kartoteka_domain::duplicates::{Key, MOST_MEMBERS, Record};
use kartoteka_domain::ids::{ContactId, JobId};

use crate::contacts::read;
use crate::db::Tenant;
use crate::error::StoreError;
use crate::sql::Sql;

/// The two in the order they are kept in.
#[must_use]
pub fn ordered(one: Uuid, other: Uuid) -> (Uuid, Uuid) {
    if one <= other { (one, other) } else { (other, one) }
}

/// A pair as it is kept.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct Pair {
    /// The one that was made first.
    #[diesel(sql_type = SqlUuid)]
    pub contact_id: Uuid,
    /// The other.
    #[diesel(sql_type = SqlUuid)]
    pub other_id: Uuid,
    /// Probability that they are one.
    #[diesel(sql_type = Double)]
    pub score: f64,
    /// E-mail, phone or external id are the same.
    #[diesel(sql_type = Bool)]
    pub exact: bool,
    /// What each field says.
    #[diesel(sql_type = Jsonb)]
    pub reasons: Value,
    /// When it was seen last.
    #[diesel(sql_type = Timestamptz)]
    pub found_at: DateTime<Utc>,
}

/// Which pairs are wanted.
#[derive(Clone, Debug, Default)]
pub struct PairFilter {
    /// Only those of this contact.
    pub contact: Option<Uuid>,
    /// Only those at least so probable.
    pub min_score: Option<f64>,
    /// Behind this pair: its score and contacts.
    pub after: Option<(f64, Uuid, Uuid)>,
    /// At most so many.
    pub limit: i64,
}

/// Pairs of living contacts that nobody rejected, the most probable first.
///
/// # Errors
/// What the database said.
pub fn list(tenant: &mut Tenant<'_>, filter: &PairFilter) -> Result<Vec<Pair>, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "SELECT p.contact_id, p.other_id, p.score, p.exact, p.reasons, p.found_at FROM duplicate_pairs p \
         JOIN contacts a ON a.workspace_id = {workspace} AND a.id = p.contact_id AND a.trashed_at IS NULL \
         JOIN contacts b ON b.workspace_id = {workspace} AND b.id = p.other_id AND b.trashed_at IS NULL \
         WHERE p.workspace_id = {workspace} AND NOT EXISTS (SELECT FROM duplicate_rejections r \
           WHERE r.workspace_id = {workspace} AND r.contact_id = p.contact_id AND r.other_id = p.other_id)"
    ));
    if let Some(contact) = filter.contact {
        let contact = sql.param(contact);
        sql.push(&format!(" AND (p.contact_id = {contact} OR p.other_id = {contact})"));
    }
    if let Some(least) = filter.min_score {
        sql.push(" AND p.score >= ").bind(least);
    }
    if let Some((score, contact, other)) = filter.after {
        let score = sql.param(score);
        sql.push(&format!(
            " AND p.score <= {score} AND (p.score < {score} OR (p.contact_id, p.other_id) > ("
        ));
        sql.bind(contact).push(", ").bind(other).push("))");
    }
    sql.push(" ORDER BY p.score DESC, p.contact_id, p.other_id LIMIT ").bind(filter.limit);
    sql.load(tenant.conn)
}

/// A pair of which somebody said that they are two.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Rejection {
    /// The one that was made first.
    #[diesel(sql_type = SqlUuid)]
    pub contact_id: Uuid,
    /// The other.
    #[diesel(sql_type = SqlUuid)]
    pub other_id: Uuid,
    /// When it was said.
    #[diesel(sql_type = Timestamptz)]
    pub rejected_at: DateTime<Utc>,
}

/// Which rejections are wanted.
#[derive(Clone, Debug, Default)]
pub struct RejectionFilter {
    /// Only those of this contact.
    pub contact: Option<Uuid>,
    /// Behind this pair.
    pub after: Option<(Uuid, Uuid)>,
    /// At most so many.
    pub limit: i64,
}

/// Rejected pairs in the order of their contacts.
///
/// # Errors
/// What the database said.
pub fn rejections(
    tenant: &mut Tenant<'_>,
    filter: &RejectionFilter,
) -> Result<Vec<Rejection>, StoreError> {
    let mut sql = Sql::new(
        "SELECT contact_id, other_id, rejected_at FROM duplicate_rejections WHERE workspace_id = ",
    );
    sql.bind(tenant.workspace);
    if let Some(contact) = filter.contact {
        let contact = sql.param(contact);
        sql.push(&format!(" AND (contact_id = {contact} OR other_id = {contact})"));
    }
    if let Some((contact, other)) = filter.after {
        sql.push(" AND (contact_id, other_id) > (").bind(contact).push(", ").bind(other).push(")");
    }
    sql.push(" ORDER BY contact_id, other_id LIMIT ").bind(filter.limit);
    sql.load(tenant.conn)
}

/// One rejection.
///
/// # Errors
/// What the database said.
pub fn rejection(
    tenant: &mut Tenant<'_>,
    one: ContactId,
    other: ContactId,
) -> Result<Option<Rejection>, StoreError> {
    let (contact, other) = ordered(one.0, other.0);
    let mut sql = Sql::new(
        "SELECT contact_id, other_id, rejected_at FROM duplicate_rejections WHERE workspace_id = ",
    );
    sql.prepared().bind(tenant.workspace).push(" AND contact_id = ").bind(contact);
    sql.push(" AND other_id = ").bind(other);
    sql.first(tenant.conn)
}

/// Notes that the two are two; nothing where that is known. The caller has locked them.
///
/// # Errors
/// What the database said.
pub fn reject(
    tenant: &mut Tenant<'_>,
    one: ContactId,
    other: ContactId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let (contact, other) = ordered(one.0, other.0);
    let mut sql = Sql::new(
        "INSERT INTO duplicate_rejections (workspace_id, contact_id, other_id, rejected_at) VALUES (",
    );
    sql.prepared().bind(tenant.workspace).push(", ").bind(contact).push(", ").bind(other);
    sql.push(", ").bind(now).push(") ON CONFLICT (workspace_id, contact_id, other_id) DO NOTHING");
    sql.execute(tenant.conn).map(drop)
}

/// Takes it back that the two are two.
///
/// # Errors
/// What the database said.
pub fn accept(tenant: &mut Tenant<'_>, one: ContactId, other: ContactId) -> Result<(), StoreError> {
    let (contact, other) = ordered(one.0, other.0);
    let mut sql = Sql::new("DELETE FROM duplicate_rejections WHERE workspace_id = ");
    sql.prepared().bind(tenant.workspace).push(" AND contact_id = ").bind(contact);
    sql.push(" AND other_id = ").bind(other);
    sql.execute(tenant.conn).map(drop)
}

/// Removes what is known of contacts that are purged.
///
/// # Errors
/// What the database said.
pub fn forget_contacts(tenant: &mut Tenant<'_>, ids: &[Uuid]) -> Result<(), StoreError> {
    for table in ["duplicate_pairs", "duplicate_rejections"] {
        // one after the other: an index for each, where OR would read the whole table
        for column in ["contact_id", "other_id"] {
            let mut sql = Sql::new(&format!("DELETE FROM {table} WHERE workspace_id = "));
            sql.bind(tenant.workspace).push(&format!(" AND {column} = ANY(")).bind(ids.to_vec());
            sql.push(")");
            sql.execute(tenant.conn)?;
        }
    }
    // without an index: empty unless a search is under way
    let mut sql = Sql::new("DELETE FROM duplicate_staged WHERE workspace_id = ");
    sql.bind(tenant.workspace).push(" AND contact_id = ANY(").bind(ids.to_vec()).push(")");
    sql.execute(tenant.conn).map(drop)
}

/// A contact of a search, with its place.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its place.
    pub seq: i64,
    /// Its id.
    pub contact_id: Uuid,
    /// What is compared of it.
    pub record: Record,
}

#[derive(QueryableByName)]
struct CandidateRow {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    first_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    last_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    title_after: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    company_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    email_key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    phone: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    external_id: Option<String>,
    #[diesel(sql_type = Nullable<Date>)]
    birth_date: Option<NaiveDate>,
    #[diesel(sql_type = Nullable<Text>)]
    gender: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    street: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    city: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    postal_code: Option<String>,
}

impl From<CandidateRow> for Candidate {
    fn from(row: CandidateRow) -> Self {
        Self {
            seq: row.seq,
            contact_id: row.id,
            record: Record {
                first_name: row.first_name,
                last_name: row.last_name,
                title_after: row.title_after,
                company_name: row.company_name,
                email_key: row.email_key,
                phone: row.phone,
                external_id: row.external_id,
                birth_date: row.birth_date,
                gender: row.gender,
                street: row.street,
                city: row.city,
                postal_code: row.postal_code,
            },
        }
    }
}

/// Joins the contact of a row, if it lives. `OFFSET 0` has each looked up by its key: the tables of a search are new to
/// the planner, which would else read all contacts for some.
fn living(workspace: &str, row: &str) -> String {
    format!(
        "CROSS JOIN LATERAL (SELECT c.id, c.first_name, c.last_name, c.title_after, c.company_name, c.email_key, \
           c.phone, c.external_id, c.birth_date, c.gender, c.street, c.city, c.postal_code FROM contacts c \
           WHERE c.workspace_id = {workspace} AND c.id = {row}.contact_id AND c.trashed_at IS NULL OFFSET 0) AS c"
    )
}

/// The next frozen contacts of a search that still live, behind the place `after` and up to `until`.
///
/// # Errors
/// What the database said.
pub fn frozen(
    tenant: &mut Tenant<'_>,
    job: JobId,
    after: i64,
    until: i64,
) -> Result<Vec<Candidate>, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    let contact = living(&workspace, "f");
    sql.push(&format!(
        "SELECT f.seq, c.* FROM frozen_contacts f {contact} WHERE f.workspace_id = {workspace} AND f.job_id = "
    ));
    sql.bind(job.0).push(" AND f.seq > ").bind(after).push(" AND f.seq <= ").bind(until);
    sql.push(" ORDER BY f.seq");
    Ok(sql.load::<CandidateRow>(tenant.conn)?.into_iter().map(Into::into).collect())
}

/// All living contacts in order of their ids; none when there are more than `most`.
///
/// # Errors
/// What the database said.
pub fn few(tenant: &mut Tenant<'_>, most: usize) -> Result<Vec<Candidate>, StoreError> {
    let mut sql = Sql::new(
        "SELECT row_number() OVER (ORDER BY c.id) AS seq, c.id, c.first_name, c.last_name, c.title_after, c.company_name, \
         c.email_key, c.phone, c.external_id, c.birth_date, c.gender, c.street, c.city, c.postal_code \
         FROM contacts c WHERE c.workspace_id = ",
    );
    sql.bind(tenant.workspace).push(" AND c.trashed_at IS NULL ORDER BY c.id LIMIT ");
    sql.bind(i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1));
    let rows = sql.load::<CandidateRow>(tenant.conn)?;
    if rows.len() > most {
        return Ok(Vec::new());
    }
    Ok(rows.into_iter().map(Into::into).collect())
}

/// The contacts at these places that still live.
///
/// # Errors
/// What the database said.
pub fn at(
    tenant: &mut Tenant<'_>,
    job: JobId,
    places: Vec<i64>,
) -> Result<Vec<Candidate>, StoreError> {
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    let contact = living(&workspace, "s");
    sql.push("SELECT s.seq, c.* FROM unnest(").bind(places);
    sql.push(&format!(
        ") AS wanted(seq) CROSS JOIN LATERAL (SELECT s.seq, s.contact_id FROM duplicate_staged s \
           WHERE s.workspace_id = {workspace} AND s.seq = wanted.seq AND s.job_id = "
    ));
    sql.bind(job.0).push(&format!(" OFFSET 0) AS s {contact}"));
    Ok(sql.load::<CandidateRow>(tenant.conn)?.into_iter().map(Into::into).collect())
}

diesel::table! {
    duplicate_staged (workspace_id, job_id, seq) {
        workspace_id -> Uuid,
        job_id -> Uuid,
        seq -> BigInt,
        contact_id -> Uuid,
        keys -> Array<BigInt>,
        terms -> Array<BigInt>,
    }
}

/// A contact of a search, ready to be compared.
#[derive(Debug)]
pub struct Staged {
    /// Its place.
    pub seq: i64,
    /// Its id.
    pub contact_id: Uuid,
    /// Contacts that share one are compared.
    pub keys: Vec<Key>,
    /// Values whose frequency counts.
    pub terms: Vec<Key>,
}

#[derive(Insertable)]
#[diesel(table_name = duplicate_staged, treat_none_as_default_value = false)]
struct StagedRow {
    workspace_id: Uuid,
    job_id: Uuid,
    seq: i64,
    contact_id: Uuid,
    keys: Vec<i64>,
    terms: Vec<i64>,
}

/// Adds contacts to those of a search.
///
/// # Errors
/// What the database said.
pub fn stage(tenant: &mut Tenant<'_>, job: JobId, staged: Vec<Staged>) -> Result<(), StoreError> {
    if staged.is_empty() {
        return Ok(());
    }
    let (workspace_id, job_id) = (tenant.workspace.0, job.0);
    let rows: Vec<StagedRow> = staged
        .into_iter()
        .map(|Staged { seq, contact_id, keys, terms }| StagedRow {
            workspace_id,
            job_id,
            seq,
            contact_id,
            keys,
            terms,
        })
        .collect();
    copy_from(duplicate_staged::table).from_insertable(rows).execute(tenant.conn)?;
    Ok(())
}

/// Finds the keys between `from` and `to`, both included, that several contacts share.
///
/// # Errors
/// What the database said.
pub fn block(tenant: &mut Tenant<'_>, job: JobId, from: Key, to: Key) -> Result<(), StoreError> {
    roomy(tenant)?;
    let mut sql = Sql::default();
    let (workspace, job) = (sql.param(tenant.workspace), sql.param(job.0));
    let most = i64::try_from(MOST_MEMBERS).unwrap_or(i64::MAX);
    sql.push(&format!(
        "INSERT INTO duplicate_blocks (workspace_id, job_id, key, seq, members) \
         SELECT {workspace}, {job}, shared.key, shared.seq, shared.members FROM (\
           SELECT k.key, s.seq, count(*) OVER (PARTITION BY k.key) AS members \
           FROM duplicate_staged s CROSS JOIN unnest(s.keys) AS k(key) \
           WHERE s.workspace_id = {workspace} AND s.job_id = {job} AND k.key BETWEEN "
    ));
    sql.bind(from).push(" AND ").bind(to).push(") AS shared WHERE shared.members BETWEEN 2 AND ");
    sql.bind(most).push(" ORDER BY shared.key, shared.seq");
    sql.execute(tenant.conn).map(drop)
}

/// Sorts of a search need more memory than those of requests.
fn roomy(tenant: &mut Tenant<'_>) -> Result<(), StoreError> {
    use diesel::connection::SimpleConnection;
    Ok(tenant.conn.batch_execute("SET LOCAL work_mem = '64MB'")?)
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    what: i64,
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// How many keys are shared by how many contacts.
///
/// # Errors
/// What the database said.
pub fn sizes(tenant: &mut Tenant<'_>, job: JobId) -> Result<Vec<(usize, usize)>, StoreError> {
    let mut sql = Sql::new(
        "SELECT members::bigint AS what, count(*) / members AS n FROM duplicate_blocks WHERE workspace_id = ",
    );
    sql.bind(tenant.workspace).push(" AND job_id = ").bind(job.0).push(" GROUP BY members");
    let size = |n: i64| usize::try_from(n).unwrap_or(0);
    let rows = sql.load::<Counted>(tenant.conn)?;
    Ok(rows.into_iter().map(|row| (size(row.what), size(row.n))).collect())
}

/// How often values are met: those of e-mail, phone and external id from three on, others from `least` on.
///
/// # Errors
/// What the database said.
pub fn frequencies(
    tenant: &mut Tenant<'_>,
    job: JobId,
    least: usize,
) -> Result<HashMap<Key, u32>, StoreError> {
    roomy(tenant)?;
    let mut sql = Sql::new(
        "SELECT t.term AS what, count(*) AS n FROM duplicate_staged s CROSS JOIN unnest(s.terms) AS t(term) WHERE s.workspace_id = ",
    );
    sql.bind(tenant.workspace).push(" AND s.job_id = ").bind(job.0);
    sql.push(" GROUP BY t.term HAVING count(*) >= CASE WHEN t.term & 1 = 1 THEN 3 ELSE ");
    sql.bind(i64::try_from(least).unwrap_or(i64::MAX)).push(" END");
    let rows = sql.load::<Counted>(tenant.conn)?;
    Ok(rows.into_iter().map(|row| (row.what, u32::try_from(row.n).unwrap_or(u32::MAX))).collect())
}

#[derive(QueryableByName)]
struct PairOfPlaces {
    #[diesel(sql_type = BigInt)]
    a: i64,
    #[diesel(sql_type = BigInt)]
    b: i64,
}

/// Pairs of places to be compared whose first is behind `after` and up to `until`: they share a key that at most
/// `most` contacts have.
///
/// # Errors
/// What the database said.
pub fn pairs(
    tenant: &mut Tenant<'_>,
    job: JobId,
    after: i64,
    until: i64,
    most: usize,
) -> Result<Vec<(i64, i64)>, StoreError> {
    let mut sql = Sql::default();
    let (workspace, job) = (sql.param(tenant.workspace), sql.param(job.0));
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    sql.push(&format!(
        "SELECT DISTINCT s.seq AS a, b.seq AS b FROM duplicate_staged s CROSS JOIN unnest(s.keys) AS k(key) \
         CROSS JOIN LATERAL (SELECT b.seq FROM duplicate_blocks b WHERE b.workspace_id = {workspace} \
           AND b.job_id = {job} AND b.key = k.key AND b.seq > s.seq AND b.members <= {most} OFFSET 0) AS b \
         WHERE s.workspace_id = {workspace} AND s.job_id = {job} AND s.seq > "
    ));
    sql.bind(after).push(" AND s.seq <= ").bind(until);
    let rows = sql.load::<PairOfPlaces>(tenant.conn)?;
    Ok(rows.into_iter().map(|row| (row.a, row.b)).collect())
}

/// A pair that was found.
#[derive(Clone, Debug)]
pub struct FoundPair {
    /// One of them.
    pub one: Uuid,
    /// The other.
    pub other: Uuid,
    /// Probability that they are one.
    pub score: f64,
    /// E-mail, phone or external id are the same.
    pub exact: bool,
    /// What each field says.
    pub reasons: Value,
}

/// Keeps pairs whose contacts still are there, in place of what was known of them.
///
/// # Errors
/// What the database said.
pub fn keep(
    tenant: &mut Tenant<'_>,
    job: JobId,
    found: &[FoundPair],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if found.is_empty() {
        return Ok(());
    }
    let mut ids: Vec<Uuid> = found.iter().flat_map(|pair| [pair.one, pair.other]).collect();
    ids.sort_unstable();
    ids.dedup();
    // nobody purges them until this is written
    read::lock(tenant, &ids)?;
    let rows: Value = found
        .iter()
        .map(|pair| {
            let (contact, other) = ordered(pair.one, pair.other);
            json!({"contact_id": contact, "other_id": other, "score": pair.score, "exact": pair.exact, "reasons": pair.reasons})
        })
        .collect();
    let mut sql = Sql::default();
    let workspace = sql.param(tenant.workspace);
    sql.push(&format!(
        "INSERT INTO duplicate_pairs (workspace_id, contact_id, other_id, score, exact, reasons, job_id, found_at) \
         SELECT {workspace}, r.contact_id, r.other_id, r.score, r.exact, r.reasons, "
    ));
    sql.bind(job.0).push(", ").bind(now).push(" FROM jsonb_to_recordset(").bind(rows);
    sql.push(&format!(
        ") AS r(contact_id uuid, other_id uuid, score float8, exact boolean, reasons jsonb) \
         JOIN contacts a ON a.workspace_id = {workspace} AND a.id = r.contact_id \
         JOIN contacts b ON b.workspace_id = {workspace} AND b.id = r.other_id \
         ON CONFLICT (workspace_id, contact_id, other_id) DO UPDATE SET score = excluded.score, \
         exact = excluded.exact, reasons = excluded.reasons, job_id = excluded.job_id, found_at = excluded.found_at"
    ));
    sql.execute(tenant.conn).map(drop)
}

/// Removes pairs of contacts that the search compared without finding them.
///
/// # Errors
/// What the database said.
pub fn drop_unseen(tenant: &mut Tenant<'_>, job: JobId) -> Result<(), StoreError> {
    roomy(tenant)?;
    let mut sql = Sql::default();
    let (workspace, job) = (sql.param(tenant.workspace), sql.param(job.0));
    sql.push(&format!(
        "DELETE FROM duplicate_pairs p WHERE p.workspace_id = {workspace} AND p.job_id <> {job} \
         AND p.contact_id IN (SELECT f.contact_id FROM frozen_contacts f WHERE f.workspace_id = {workspace} AND f.job_id = {job}) \
         AND p.other_id IN (SELECT f.contact_id FROM frozen_contacts f WHERE f.workspace_id = {workspace} AND f.job_id = {job})"
    ));
    sql.execute(tenant.conn).map(drop)
}

/// Removes what a search kept while it was under way.
///
/// # Errors
/// What the database said.
pub fn clear(tenant: &mut Tenant<'_>, job: JobId) -> Result<(), StoreError> {
    for table in ["duplicate_blocks", "duplicate_staged", "frozen_contacts"] {
        let mut sql = Sql::new(&format!("DELETE FROM {table} WHERE workspace_id = "));
        sql.bind(tenant.workspace).push(" AND job_id = ").bind(job.0);
        sql.execute(tenant.conn)?;
    }
    Ok(())
}
